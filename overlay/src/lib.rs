//! The overlay: tenants' frames between hosts. VXLAN encapsulation and decapsulation ([`vxlan`]), the addresses
//! that tunnels end at ([`Vtep`], [`DecapTable`]), the neighbours on the underlay ([`neighbour`]) and the answers
//! given for our own addresses ([`answer`]).
//!
//! Pure: no I/O, no unsafe, no clock. Times come in as [`std::time::Duration`] since any fixed moment.
#![forbid(unsafe_code)]

pub mod answer;
mod decap_table;
mod mix;
pub mod neighbour;
#[cfg(test)]
mod testing;
mod vni;
mod vtep;
pub mod vxlan;

pub use decap_table::{Admitted, DecapTable, DecapTableError};
pub use vni::{Vni, VniError};
pub use vtep::{Remote, Route, VXLAN_PORT, Vtep, VtepAddress, VtepError};
