//! Who a switch is (OpenFlow 1.3.5 §7.3.5.1).

use crate::wire::codec::{Text, wire_struct};

wire_struct! {
    /// `struct ofp_desc`.
    pub struct Description {
        /// Its manufacturer.
        manufacturer: Text<256>;
        /// Its hardware.
        hardware: Text<256>;
        /// Its software.
        software: Text<256>;
        /// Its serial number.
        serial_number: Text<32>;
        /// A name for people.
        datapath: Text<256>;
    }
}
