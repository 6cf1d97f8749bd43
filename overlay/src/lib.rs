//! The overlay: tenants' frames between hosts. VXLAN encapsulation and decapsulation, the addresses
//! that tunnels end at, the neighbours on the underlay and the answers given for our own addresses.
//!
//! Pure: no I/O, no unsafe, no clock. Times come in as [`std::time::Duration`] since any fixed moment.
#![forbid(unsafe_code)]

mod vni;

pub use vni::{Vni, VniError};
