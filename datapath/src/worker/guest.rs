//! Frames from a guest.

use sluice_pipeline::PortId;
use sluice_vhost::{Burst, Payload, TransmitQueue};

use super::engine::Engine;
use super::forwarding::Forwarding;
use super::judge::Entries;
use super::stage::{Buffers, FrameSet, Source};
use crate::switch::Event;
use sluice_packet::{BURST, DropReason};

/// A guest's transmit queue that this worker polls.
#[derive(Debug)]
pub(crate) struct GuestQueue {
    pub(crate) port: PortId,
    pub(crate) queue: Box<TransmitQueue>,
    /// Whether the guest broke it: it is only kept to be given back.
    quarantined: bool,
    /// When the guest's index was last looked at and there was less than a burst, in TSC cycles.
    drained: u64,
}

impl Source for Burst<'_> {
    #[inline(always)]
    fn bytes(&self) -> usize {
        self.bytes()
    }

    #[inline(always)]
    fn payload(&self, i: usize) -> Payload<'_> {
        self.payload(i)
    }

    #[inline(always)]
    fn frame_len(&self, i: usize) -> usize {
        self.frame_len(i)
    }
}

impl GuestQueue {
    pub(crate) fn new(port: PortId, queue: Box<TransmitQueue>) -> GuestQueue {
        GuestQueue { port, queue, quarantined: false, drained: 0 }
    }

    /// Takes a burst from the guest and carries it through; returns how many frames.
    ///
    /// A queue that had less than a burst is left alone for `patience` cycles: each look at the guest's index takes that
    /// cache line from the guest, and what is fetched too eagerly comes in tiny bursts.
    #[inline(always)]
    pub(crate) fn poll(
        &mut self,
        forwarding: &Forwarding,
        buffers: &mut Buffers,
        engine: &mut Engine,
        now: u64,
        patience: u64,
    ) -> usize {
        if self.quarantined || now.wrapping_sub(self.drained) < patience {
            return 0;
        }
        let (port, index) = (self.port, self.queue.index());
        let burst = match self.queue.fetch(&mut buffers.heads) {
            Ok(burst) => burst,
            Err(fault) => {
                self.quarantined = engine.outputs.events.say(Event::RingFault { port, queue: index, fault });
                return 0;
            }
        };
        for (reason, chains) in burst.dropped() {
            engine.outputs.drop_frames(port, reason, chains);
        }
        let n = burst.len();
        self.drained = if n < BURST { now } else { 0 };
        if n == 0 {
            return 0;
        }
        engine.outputs.received(port, n, burst.bytes());
        match forwarding.membership(port) {
            Some(membership) => {
                let mut entries = Entries::new();
                entries.push((&membership.ingress, FrameSet::first(n)));
                engine.carry(forwarding, &entries, &mut buffers.stage(&burst));
            }
            None => engine.outputs.drop_frames(port, DropReason::PortDown, n),
        }
        n
    }

    /// Asks the guest to kick; whether something is waiting already.
    pub(crate) fn arm(&mut self) -> bool {
        if self.quarantined {
            return false;
        }
        // A broken ring is found by the next poll.
        self.queue.enable_notifications().unwrap_or(true)
    }

    /// Tells the guest that it is being polled again.
    pub(crate) fn disarm(&mut self) {
        if !self.quarantined {
            self.queue.drain_kick();
            self.queue.disable_notifications();
        }
    }
}
