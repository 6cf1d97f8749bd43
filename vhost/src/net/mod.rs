//! virtio-net's queues: frames out of and into chains of buffers. virtio 1.2 §5.1.6.

mod payload;
mod receive;
mod transmit;

pub use payload::{Frame, GuestBytes, Payload};
pub use receive::{Delivered, ReceiveQueue};
pub use transmit::{Burst, TransmitQueue};

/// Longest frame a guest may send: an IP packet of 65535 bytes behind an Ethernet header with two VLAN tags.
pub const MAX_FRAME: usize = 65_535 + 22;
