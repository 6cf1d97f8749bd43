//! Controllers' roles (OpenFlow 1.3.5 §7.3.9, §6.3.4).

use super::codec::{wire_enum, wire_struct};
use super::error::RoleRequestFailed;

wire_struct! {
    /// `OFPT_ROLE_REQUEST`, `OFPT_ROLE_REPLY`.
    pub struct Role {
        /// Which.
        role: ControllerRole, pad 4;
        /// Rises with every election of a master; older ones are stale.
        generation_id: u64;
    }
}

wire_enum! {
    /// `OFPCR_ROLE_*`.
    pub enum ControllerRole: u32, else RoleRequestFailed::BadRole, "the role is unknown" {
        /// Asks for the present one.
        NoChange = 0,
        /// Full access, as others have it.
        Equal = 1,
        /// Full access, as the only one.
        Master = 2,
        /// Reads only.
        Slave = 3,
    }
}
