//! Decapsulation (RFC 7348 §5): the outer headers of a received frame, judged.

pub(super) mod general;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;

use sluice_packet::DropReason;
use sluice_packet::checksum::Sum;

use super::{ETHERNET_LEN, Ecn, FLAG_VNI, IPV4_LEN, IPV6_LEN, PROTOCOL_UDP, TUNNEL_LEN};
use crate::Vni;

/// Why a frame is not to be decapsulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decline {
    /// Sound as far as it was looked at, but not VXLAN to our port: a neighbour message, or anyone else's traffic.
    NotVxlan,
    /// Broken, or VXLAN that must not be let in.
    Drop(DropReason),
}

/// The outer headers of a VXLAN frame whose lengths and flags are right.
///
/// Not checked here: that addresses and VNI are known ([`DecapTable`](crate::DecapTable)) and the UDP checksum
/// ([`Outer::verify_checksum`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outer {
    /// The sending VTEP, not yet trusted.
    pub src: IpAddr,
    /// The receiving VTEP's address.
    pub dst: IpAddr,
    /// The tenant's network.
    pub vni: Vni,
    /// Where the inner frame begins, in bytes from the frame's start.
    pub inner_offset: usize,
    /// Bytes of the inner frame, at least an Ethernet header; what follows it is padding.
    pub inner_len: usize,
    /// The congestion mark to be carried over ([`Ecn::apply_to_inner`]).
    pub ecn: Ecn,
    /// The remaining TTL or hop limit.
    pub ttl: u8,
    /// The UDP checksum as received, in host order; 0 says that there is none.
    pub udp_checksum: u16,
}

impl Outer {
    /// Verifies the UDP checksum if there is one; 0 is accepted over IPv4 (RFC 7348 §5) and, as RFC 6935 §5 allows for
    /// tunnels, over IPv6. `head` and `payload` are the frame's bytes in the two pieces in which they lie.
    ///
    /// # Errors
    /// [`DropReason::OuterChecksum`].
    #[inline]
    pub fn verify_checksum(&self, head: &[u8], payload: &[u8]) -> Result<(), DropReason> {
        match self.udp_checksum {
            0 => Ok(()),
            _ => self.verify_present(head, payload),
        }
    }

    fn verify_present(&self, head: &[u8], payload: &[u8]) -> Result<(), DropReason> {
        let wrong = DropReason::OuterChecksum;
        let start = self.inner_offset.checked_sub(TUNNEL_LEN).ok_or(wrong)?;
        let end = self.inner_offset + self.inner_len;
        let len = u16::try_from(end - start).map_err(|_| wrong)?;
        let pseudo = match (self.src, self.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => Sum::pseudo_v4(src, dst, PROTOCOL_UDP, len),
            (IpAddr::V6(src), IpAddr::V6(dst)) => Sum::pseudo_v6(src, dst, PROTOCOL_UDP, u32::from(len)),
            _ => return Err(wrong),
        };
        // Either piece may end in padding, and either may hold all of the datagram.
        let first = head.get(start..end.min(head.len())).ok_or(wrong)?;
        let second = payload.get(..end.saturating_sub(head.len())).ok_or(wrong)?;
        match pseudo.bytes(first).bytes(second).fold() {
            0xffff => Ok(()),
            _ => Err(wrong),
        }
    }
}

/// Reads the outer headers. `head` are the frame's first bytes (the first 128, or all), `frame_len` how many the
/// frame has in all, `udp_port` the port VXLAN is expected on.
///
/// Taken: IPv4 with or without options, IPv6 without extension headers, at most one VLAN tag, padding behind the
/// packet. Reserved bits of the VXLAN header are ignored, as RFC 7348 §5 says.
///
/// # Errors
/// [`Decline`]. Of fragments only the first shows the port; it is dropped as [`DropReason::OuterFragment`] (RFC 7348
/// §4.3), the others are not known to be VXLAN.
#[inline]
pub fn parse(head: &[u8], frame_len: usize, udp_port: NonZeroU16) -> Result<Outer, Decline> {
    if let Some(start) = head.first_chunk()
        && let Some(outer) = plain_v4(start, frame_len, udp_port)
    {
        return Ok(outer);
    }
    other(head, frame_len, udp_port)
}

/// Kept out of the caller, whose registers the first way needs.
#[inline(never)]
fn other(head: &[u8], frame_len: usize, udp_port: NonZeroU16) -> Result<Outer, Decline> {
    match head.first_chunk().and_then(|start| plain_v6(start, frame_len, udp_port)) {
        Some(outer) => Ok(outer),
        None => general::parse(head, frame_len, udp_port),
    }
}

const PLAIN_V4_LEN: usize = ETHERNET_LEN + IPV4_LEN + TUNNEL_LEN;
const PLAIN_V6_LEN: usize = ETHERNET_LEN + IPV6_LEN + TUNNEL_LEN;
const MIN_UDP_LEN: usize = TUNNEL_LEN + ETHERNET_LEN;

/// Untagged IPv4 without options, if nothing is wrong with it; otherwise [`general`] finds out what.
#[inline]
pub(crate) fn plain_v4(start: &[u8; PLAIN_V4_LEN], frame_len: usize, udp_port: NonZeroU16) -> Option<Outer> {
    let word = |at: usize| u16::from_be_bytes(field(start, at));
    let total_len = usize::from(word(16));
    let udp_len = usize::from(word(38));
    let vni = Vni::from_be_bytes(field(start, 46))?;
    let good = start[12..15] == [0x08, 0x00, 0x45]
        && start[23] == PROTOCOL_UDP
        && word(36) == udp_port.get()
        && word(20) & FRAGMENT == 0
        && ETHERNET_LEN + total_len <= frame_len
        && IPV4_LEN + udp_len <= total_len
        && udp_len >= MIN_UDP_LEN
        && start[42] & FLAG_VNI != 0
        && Sum::ZERO.array(&field::<IPV4_LEN, _>(start, ETHERNET_LEN)).fold() == 0xffff;
    good.then(|| Outer {
        src: IpAddr::V4(Ipv4Addr::from_octets(field(start, 26))),
        dst: IpAddr::V4(Ipv4Addr::from_octets(field(start, 30))),
        vni,
        inner_offset: PLAIN_V4_LEN,
        inner_len: udp_len - TUNNEL_LEN,
        ecn: Ecn::from_tos(start[15]),
        ttl: start[22],
        udp_checksum: word(40),
    })
}

/// Untagged IPv6 without extension headers, likewise.
#[inline]
pub(crate) fn plain_v6(start: &[u8; PLAIN_V6_LEN], frame_len: usize, udp_port: NonZeroU16) -> Option<Outer> {
    let word = |at: usize| u16::from_be_bytes(field(start, at));
    let payload_len = usize::from(word(18));
    let udp_len = usize::from(word(58));
    let vni = Vni::from_be_bytes(field(start, 66))?;
    let good = start[12..14] == [0x86, 0xdd]
        && start[14] >> 4 == 6
        && start[20] == PROTOCOL_UDP
        && word(56) == udp_port.get()
        && ETHERNET_LEN + IPV6_LEN + payload_len <= frame_len
        && udp_len <= payload_len
        && udp_len >= MIN_UDP_LEN
        && start[62] & FLAG_VNI != 0;
    good.then(|| Outer {
        src: IpAddr::V6(Ipv6Addr::from_octets(field(start, 22))),
        dst: IpAddr::V6(Ipv6Addr::from_octets(field(start, 38))),
        vni,
        inner_offset: PLAIN_V6_LEN,
        inner_len: udp_len - TUNNEL_LEN,
        ecn: Ecn::from_tos(start[15] >> 4),
        ttl: start[21],
        udp_checksum: word(60),
    })
}

/// More fragments, or an offset, in IPv4's flags word (RFC 791 §3.1).
const FRAGMENT: u16 = 0x3fff;

/// A field at a constant offset that lies inside of the header.
#[inline(always)]
fn field<const N: usize, const LEN: usize>(header: &[u8; LEN], at: usize) -> [u8; N] {
    match header.get(at..).and_then(|rest| rest.first_chunk()) {
        Some(field) => *field,
        None => [0; N],
    }
}
