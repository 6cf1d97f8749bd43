//! Flows that went (OpenFlow 1.3.5 §7.4.2).

use super::codec::{wire_enum, wire_struct};
use super::error::BadRequest;
use super::number::{Cookie, TableId};
use super::oxm::Match;

wire_struct! {
    /// `OFPT_FLOW_REMOVED`.
    pub struct FlowRemoved {
        /// The flow's cookie.
        cookie: Cookie;
        /// The flow's priority.
        priority: u16;
        /// Why it went.
        reason: FlowRemovedReason;
        /// The flow's table.
        table: TableId;
        /// How long it lived, in whole seconds.
        duration_s: u32;
        /// And nanoseconds beyond.
        duration_ns: u32;
        /// The flow's.
        idle_timeout_s: u16;
        /// The flow's.
        hard_timeout_s: u16;
        /// Packets that matched.
        packets: u64;
        /// Their bytes.
        bytes: u64;
        /// What it matched.
        matching: Match;
    }
}

wire_enum! {
    /// `OFPRR_*`.
    pub enum FlowRemovedReason: u8, else BadRequest::BadLen, "the reason of the flow-removed is unknown" {
        /// No packet for too long.
        IdleTimeout = 0,
        /// Its time was over.
        HardTimeout = 1,
        /// A flow-mod deleted it.
        Delete = 2,
        /// Its group went.
        GroupDelete = 3,
    }
}
