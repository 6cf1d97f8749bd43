//! Ports' counters (OpenFlow 1.3.5 §7.3.5.6).

use crate::wire::codec::wire_struct;
use crate::wire::number::PortNo;

wire_struct! {
    /// Which ports.
    pub struct PortRequest {
        /// One, or [`PortNo::ANY`].
        port: PortNo, pad 4;
    }
}

wire_struct! {
    /// A port's counters; all ones: not counted.
    pub struct PortStats {
        /// Which port.
        port: PortNo, pad 4;
        /// Packets received.
        rx_packets: u64;
        /// Packets sent.
        tx_packets: u64;
        /// Bytes received.
        rx_bytes: u64;
        /// Bytes sent.
        tx_bytes: u64;
        /// Dropped when received.
        rx_dropped: u64;
        /// Dropped when to be sent.
        tx_dropped: u64;
        /// Errors when received, those below among them.
        rx_errors: u64;
        /// Errors when to be sent.
        tx_errors: u64;
        /// Misaligned frames.
        rx_frame_errors: u64;
        /// Frames for which there was no room.
        rx_over_errors: u64;
        /// Frames with a wrong checksum.
        rx_crc_errors: u64;
        /// Collisions.
        collisions: u64;
        /// How long it has been there, in whole seconds.
        duration_s: u32;
        /// And nanoseconds beyond.
        duration_ns: u32;
    }
}
