//! VXLAN (RFC 7348): a tenant's frame in UDP between two hosts.
//!
//! ```text
//! | Ethernet 14 | IPv4 20 or IPv6 40 | UDP 8 | VXLAN 8 | inner Ethernet frame … |
//! ```

mod decap;
mod ecn;
mod encap;
mod flow;

pub use decap::{Decline, Outer, parse};
pub(crate) use decap::{plain_v4, plain_v6};
pub use ecn::Ecn;
pub use encap::{EncapTemplate, EncapV4, EncapV6, Inner, Path, PathError};
pub use flow::InnerFlow;

const ETHERNET_LEN: usize = 14;
const IPV4_LEN: usize = 20;
const IPV6_LEN: usize = 40;
const UDP_LEN: usize = 8;
const VXLAN_LEN: usize = 8;
/// UDP and VXLAN headers.
const TUNNEL_LEN: usize = UDP_LEN + VXLAN_LEN;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const ETHERTYPE_VLAN: u16 = 0x8100;
const ETHERTYPE_QINQ: u16 = 0x88a8;
const PROTOCOL_UDP: u8 = 17;
/// The I flag of the VXLAN header's first byte: the VNI is valid (RFC 7348 §5).
const FLAG_VNI: u8 = 0x08;

#[cfg(test)]
mod tests;
