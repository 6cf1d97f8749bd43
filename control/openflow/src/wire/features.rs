//! What a switch is (OpenFlow 1.3.5 §7.3.1).

use super::codec::{wire_flags, wire_struct};
use super::error::BadRequest;
use super::number::DatapathId;

wire_struct! {
    /// `OFPT_FEATURES_REPLY`.
    pub struct Features {
        /// Who.
        datapath_id: DatapathId;
        /// How many packets it buffers at most.
        n_buffers: u32;
        /// How many tables it has.
        n_tables: u8;
        /// 0 on the main connection.
        auxiliary_id: u8, pad 2;
        /// What it can do.
        capabilities: Capabilities;
        /// Reserved, and kept as it is.
        reserved: u32;
    }
}

wire_flags! {
    /// `OFPC_*`.
    pub struct Capabilities: u32, else BadRequest::BadLen, "a capability is unknown" {
        /// Counts flows' packets.
        FLOW_STATS = 1;
        /// Counts tables' packets.
        TABLE_STATS = 1 << 1;
        /// Counts ports' packets.
        PORT_STATS = 1 << 2;
        /// Counts groups' packets.
        GROUP_STATS = 1 << 3;
        /// Can reassemble IP fragments.
        IP_REASM = 1 << 5;
        /// Counts queues' packets.
        QUEUE_STATS = 1 << 6;
        /// Blocks looping ports.
        PORT_BLOCKED = 1 << 8;
    }
}
