//! Which messages a controller gets unasked (OpenFlow 1.3.5 §7.3.10).

use super::codec::wire_struct;

wire_struct! {
    /// `OFPT_SET_ASYNC`, `OFPT_GET_ASYNC_REPLY`: masks in which bit n stands for reason n. Bits without a reason are
    /// kept.
    pub struct AsyncConfig {
        /// [`super::PacketInReason`]s.
        packet_in: Masks;
        /// [`super::PortReason`]s.
        port_status: Masks;
        /// [`super::FlowRemovedReason`]s.
        flow_removed: Masks;
    }
}

wire_struct! {
    /// Reasons for which a controller gets a kind of message.
    #[derive(Copy)]
    pub struct Masks {
        /// As master or equal.
        master: u32;
        /// As slave.
        slave: u32;
    }
}
