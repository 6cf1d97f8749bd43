//! virtio-net's queues: frames out of and into chains of buffers. virtio 1.2 §5.1.6.

mod payload;
mod receive;
#[cfg(test)]
mod tests;
mod transmit;

use sluice_packet::BURST;

pub use payload::{Frame, GuestBytes, Payload};
pub use receive::{Delivered, ReceiveQueue};
pub use transmit::{Burst, TransmitQueue};

/// [`BURST`], as rings count.
#[expect(clippy::cast_possible_truncation, reason = "32")]
const BATCH: u16 = BURST as u16;

/// Shortest frame: an Ethernet header.
pub(crate) const MIN_FRAME: usize = 14;
/// Longest frame a guest may send: an IP packet of 65535 bytes behind an Ethernet header with two VLAN tags.
pub const MAX_FRAME: usize = 65_535 + 22;
