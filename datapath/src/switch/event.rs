//! What workers and endpoints tell the switch's thread. The channel is bounded and nobody waits on it: an event that
//! does not fit is dropped, and each is such that a later one says the same.

use crossbeam_channel::{Receiver, Sender, bounded};
use sluice_overlay::answer::Heard;
use sluice_pipeline::{BridgeId, OfPort, PortId};
use sluice_vhost::{QueueIndex, RingFault};

/// Events that wait for the switch.
const QUEUED: usize = 4096;
/// Punted frames on their way at once.
const PUNTS: usize = 256;
/// The most bytes of a frame that travel to control.
pub(crate) const PUNT_BYTES: usize = 9 * 1024;

/// One event.
#[derive(Debug)]
pub(crate) enum Event {
    /// A guest's status has changed.
    GuestChanged(PortId),
    /// A guest broke a ring; no worker touches it any more.
    RingFault { port: PortId, queue: QueueIndex, fault: RingFault },
    /// A neighbour said something about its address on this uplink.
    Heard(PortId, Heard),
    /// A rule sent a frame to the control process.
    Punted(Box<PuntedFrame>),
}

/// A frame on its way to the control process. Its buffer is one of a fixed number that go round between the workers
/// and the switch, so that a worker allocates nothing and a flood of them holds no memory.
#[derive(Debug)]
pub(crate) struct PuntedFrame {
    pub(crate) bridge: BridgeId,
    pub(crate) of_port: OfPort,
    pub(crate) table: u8,
    pub(crate) cookie: u64,
    /// Bytes of the whole frame.
    pub(crate) length: usize,
    /// The frame's start.
    pub(crate) bytes: Vec<u8>,
}

/// Tells events.
#[derive(Clone, Debug)]
pub(crate) struct EventSender {
    events: Sender<Event>,
    empty: Receiver<Box<PuntedFrame>>,
}

/// Hears events.
#[derive(Clone, Debug)]
pub(crate) struct EventReceiver {
    pub(crate) events: Receiver<Event>,
    empty: Sender<Box<PuntedFrame>>,
}

/// The two ends of a new channel.
pub(crate) fn channel() -> (EventSender, EventReceiver) {
    let (sender, receiver) = bounded(QUEUED);
    let (give, take) = bounded(PUNTS);
    for _ in 0..PUNTS {
        let (bridge, of_port, bytes) = (BridgeId(0), OfPort(0), Vec::with_capacity(PUNT_BYTES));
        // There is room for just as many.
        let _ =
            give.try_send(Box::new(PuntedFrame { bridge, of_port, table: 0, cookie: 0, length: 0, bytes }));
    }
    (EventSender { events: sender, empty: take }, EventReceiver { events: receiver, empty: give })
}

impl EventSender {
    /// Says it, unless too much waits already.
    pub(crate) fn say(&self, event: Event) -> bool {
        self.events.try_send(event).is_ok()
    }

    /// An empty frame to be filled and sent as [`Event::Punted`]; `None` if all are on their way.
    pub(crate) fn empty_punt(&self) -> Option<Box<PuntedFrame>> {
        self.empty.try_recv().ok()
    }
}

impl EventReceiver {
    /// Gives a punted frame's buffer back.
    pub(crate) fn reuse(&self, mut punted: Box<PuntedFrame>) {
        punted.bytes.clear();
        let _ = self.empty.try_send(punted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punted_frames_go_round() {
        let (sender, receiver) = channel();
        let taken: Vec<_> = std::iter::from_fn(|| sender.empty_punt()).collect();
        assert_eq!(taken.len(), PUNTS);
        taken.into_iter().for_each(|punt| assert!(sender.say(Event::Punted(punt))));
        while let Ok(Event::Punted(punt)) = receiver.events.try_recv() {
            receiver.reuse(punt);
        }
        assert!(sender.empty_punt().is_some());
    }
}
