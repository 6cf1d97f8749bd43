//! A switch's configuration (OpenFlow 1.3.5 §7.3.2).

use super::codec::{wire_enum, wire_struct};
use super::error::SwitchConfigFailed;

wire_struct! {
    /// `OFPT_SET_CONFIG`, `OFPT_GET_CONFIG_REPLY`.
    pub struct SwitchConfig {
        /// What happens to IP fragments.
        fragments: Fragments;
        /// How many bytes of a packet go to the controllers when no action says so; 0xffff: all.
        miss_send_len: u16;
    }
}

wire_enum! {
    /// `OFPC_FRAG_*`. The bits of the flags' word beyond them are refused.
    pub enum Fragments: u16, else SwitchConfigFailed::BadFlags, "the configuration's flags are unknown" {
        /// As any packet.
        Normal = 0,
        /// Dropped.
        Drop = 1,
        /// Reassembled.
        Reassemble = 2,
    }
}
