//! What an endpoint needs of whoever moves the packets.

use crate::endpoint::Disconnect;
use crate::features::Features;
use crate::index::QueueIndex;
use crate::net::{ReceiveQueue, TransmitQueue};

/// A ring that may be polled.
#[derive(Debug)]
pub enum Ring {
    /// Frames from the guest.
    Transmit(TransmitQueue),
    /// Frames to the guest.
    Receive(ReceiveQueue),
}

impl Ring {
    /// Which queue of the device this is.
    pub fn index(&self) -> QueueIndex {
        match self {
            Ring::Transmit(queue) => queue.index(),
            Ring::Receive(queue) => queue.index(),
        }
    }
}

/// Who connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Process id of the frontend (for QEMU: the guest's process).
    pub pid: u32,
    /// Its user id.
    pub uid: u32,
}

/// What the guest's driver and the switch agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// The virtio features that the driver took.
    pub features: Features,
    /// Queue pairs that the device has.
    pub queue_pairs: u8,
}

/// Implemented by the datapath. All calls come from the endpoint's own thread, one after another.
///
/// `connected` comes first; then any number of `negotiated`, `start` and `stop`; then `disconnected`, before which
/// every started ring was stopped.
pub trait RingHost: Send {
    /// The frontend is there; `None` if the system does not tell who it is.
    fn connected(&mut self, peer: Option<Peer>);

    /// The driver has chosen its features; called again when it chooses anew.
    fn negotiated(&mut self, negotiated: Negotiated);

    /// The ring may be polled from now on, by one thread at a time.
    fn start(&mut self, ring: Ring);

    /// Gives a ring back, and returns only once no worker touches it or anything that borrows from it.
    /// `None` if the host does not hold it.
    fn stop(&mut self, index: QueueIndex) -> Option<Ring>;

    /// The frontend is gone. In the client's role, or if it comes again, `connected` may follow.
    fn disconnected(&mut self, reason: &Disconnect);
}
