//! Queues' counters (OpenFlow 1.3.5 §7.3.5.8).

use crate::wire::codec::{Reader, Wire, Writer, wire_struct};
use crate::wire::error::{DecodeError, QueueOpFailed};
use crate::wire::number::{PortNo, QueueId};

/// Which queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueRequest {
    /// Of one port, or [`PortNo::ANY`].
    pub port: PortNo,
    /// One, or [`QueueId::ALL`].
    pub queue: QueueId,
}

impl Wire for QueueRequest {
    fn read(reader: &mut Reader<'_>) -> Result<QueueRequest, DecodeError> {
        let port = PortNo::read_or(reader, QueueOpFailed::BadPort)?;
        Ok(QueueRequest { port, queue: QueueId::read(reader)? })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        self.port.write(writer);
        self.queue.write(writer);
    }
}

wire_struct! {
    /// A queue's counters.
    pub struct QueueStats {
        /// Whose.
        port: PortNo;
        /// Which queue.
        queue: QueueId;
        /// Bytes sent.
        tx_bytes: u64;
        /// Packets sent.
        tx_packets: u64;
        /// Packets dropped for want of room.
        tx_errors: u64;
        /// How long it has been there, in whole seconds.
        duration_s: u32;
        /// And nanoseconds beyond.
        duration_ns: u32;
    }
}
