//! Decapsulation (RFC 7348 §5): the outer headers of a received frame, judged.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;

use sluice_packet::DropReason;
use sluice_packet::checksum::Sum;

use super::{
    ETHERNET_LEN, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_QINQ, ETHERTYPE_VLAN, Ecn, FLAG_VNI, IPV4_LEN,
    IPV6_LEN, PROTOCOL_UDP, TUNNEL_LEN, UDP_LEN,
};
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
    if let Some(start) = head.first_chunk::<PLAIN_V4_LEN>()
        && let Some(outer) = plain_v4(start, frame_len, udp_port)
    {
        return Ok(outer);
    }
    general(head, frame_len, udp_port)
}

const PLAIN_V4_LEN: usize = ETHERNET_LEN + IPV4_LEN + TUNNEL_LEN;

/// The common frame, untagged IPv4 without options, if nothing is wrong with it; otherwise [`general`] finds out what.
#[inline]
fn plain_v4(start: &[u8; PLAIN_V4_LEN], frame_len: usize, udp_port: NonZeroU16) -> Option<Outer> {
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
        && udp_len >= TUNNEL_LEN + ETHERNET_LEN
        && start[42] & FLAG_VNI != 0
        && Sum::ZERO.bytes(&field::<IPV4_LEN, _>(start, ETHERNET_LEN)).fold() == 0xffff;
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

/// More fragments, or an offset, in IPv4's flags word (RFC 791 §3.1).
const FRAGMENT: u16 = 0x3fff;
/// An offset, in the same word.
const FRAGMENT_OFFSET: u16 = 0x1fff;

/// Any frame, header by header.
fn general(head: &[u8], frame_len: usize, udp_port: NonZeroU16) -> Result<Outer, Decline> {
    let mut at = ETHERNET_LEN;
    let mut ethertype = ethertype(head, at).ok_or(Decline::Drop(DropReason::Runt))?;
    if matches!(ethertype, ETHERTYPE_VLAN | ETHERTYPE_QINQ) {
        at += 4;
        ethertype = self::ethertype(head, at).ok_or(Decline::Drop(DropReason::MalformedVlan))?;
    }
    let packet = head.get(at..).unwrap_or(&[]);
    let ip = match ethertype {
        ETHERTYPE_IPV4 => Ip::v4(packet)?,
        ETHERTYPE_IPV6 => Ip::v6(packet)?,
        _ => return Err(Decline::NotVxlan),
    };
    // Padding may follow the packet; nothing of it may be missing.
    if at + ip.packet_len > frame_len {
        return Err(MALFORMED);
    }
    ip.tunnel(packet, at, udp_port)
}

const MALFORMED: Decline = Decline::Drop(DropReason::OuterMalformed);

fn ethertype(head: &[u8], end: usize) -> Option<u16> {
    head.get(..end)?.last_chunk().copied().map(u16::from_be_bytes)
}

/// What the IP header says of the datagram it carries.
struct Ip {
    src: IpAddr,
    dst: IpAddr,
    ecn: Ecn,
    ttl: u8,
    /// Bytes from the IP header on to where UDP begins.
    header_len: usize,
    /// Bytes of the whole packet.
    packet_len: usize,
    fragment: bool,
}

impl Ip {
    /// RFC 791 §3.1; a header checksum that is wrong is no header (RFC 1122 §3.2.1.2).
    fn v4(packet: &[u8]) -> Result<Self, Decline> {
        let fixed: &[u8; IPV4_LEN] = packet.first_chunk().ok_or(MALFORMED)?;
        let [version, tos, len_high, len_low, _, _, frag_high, frag_low, ttl, protocol, ..] = *fixed;
        let header_len = usize::from(version & 0x0f) * 4;
        let packet_len = usize::from(u16::from_be_bytes([len_high, len_low]));
        if version >> 4 != 4 || header_len < IPV4_LEN || packet_len < header_len {
            return Err(MALFORMED);
        }
        let header = packet.get(..header_len).ok_or(MALFORMED)?;
        if Sum::ZERO.bytes(header).fold() != 0xffff {
            return Err(Decline::Drop(DropReason::OuterChecksum));
        }
        let fragment = u16::from_be_bytes([frag_high, frag_low]);
        if protocol != PROTOCOL_UDP || fragment & FRAGMENT_OFFSET != 0 {
            return Err(Decline::NotVxlan);
        }
        Ok(Ip {
            src: IpAddr::V4(Ipv4Addr::from_octets(field(fixed, 12))),
            dst: IpAddr::V4(Ipv4Addr::from_octets(field(fixed, 16))),
            ecn: Ecn::from_tos(tos),
            ttl,
            header_len,
            packet_len,
            fragment: fragment & FRAGMENT != 0,
        })
    }

    /// RFC 8200 §3. Of the extension headers only a first fragment's is looked behind (§4.5).
    fn v6(packet: &[u8]) -> Result<Self, Decline> {
        const NEXT_FRAGMENT: u8 = 44;
        const FRAGMENT_LEN: usize = 8;
        let header: &[u8; IPV6_LEN] = packet.first_chunk().ok_or(MALFORMED)?;
        let [version, class, _, _, len_high, len_low, next_header, hop_limit, ..] = *header;
        if version >> 4 != 6 {
            return Err(MALFORMED);
        }
        let (header_len, fragment) = match next_header {
            PROTOCOL_UDP => (IPV6_LEN, false),
            NEXT_FRAGMENT => {
                let extension: &[u8; FRAGMENT_LEN] =
                    packet.get(IPV6_LEN..).and_then(|rest| rest.first_chunk()).ok_or(MALFORMED)?;
                let [next_header, _, offset_high, offset_low, ..] = *extension;
                if next_header != PROTOCOL_UDP || u16::from_be_bytes([offset_high, offset_low]) >> 3 != 0 {
                    return Err(Decline::NotVxlan);
                }
                (IPV6_LEN + FRAGMENT_LEN, true)
            }
            _ => return Err(Decline::NotVxlan),
        };
        Ok(Ip {
            src: IpAddr::V6(Ipv6Addr::from_octets(field(header, 8))),
            dst: IpAddr::V6(Ipv6Addr::from_octets(field(header, 24))),
            ecn: Ecn::from_tos(class >> 4),
            ttl: hop_limit,
            header_len,
            packet_len: IPV6_LEN + usize::from(u16::from_be_bytes([len_high, len_low])),
            fragment,
        })
    }

    /// UDP (RFC 768) and VXLAN (RFC 7348 §5) behind this header; `at` is where `packet` begins in the frame.
    fn tunnel(&self, packet: &[u8], at: usize, udp_port: NonZeroU16) -> Result<Outer, Decline> {
        let datagram = packet.get(self.header_len..).unwrap_or(&[]);
        let udp: &[u8; UDP_LEN] = datagram.first_chunk().ok_or(MALFORMED)?;
        if self.header_len + UDP_LEN > self.packet_len {
            return Err(MALFORMED);
        }
        if u16::from_be_bytes(field(udp, 2)) != udp_port.get() {
            return Err(Decline::NotVxlan);
        }
        if self.fragment {
            return Err(Decline::Drop(DropReason::OuterFragment));
        }
        let udp_len = usize::from(u16::from_be_bytes(field(udp, 4)));
        if udp_len < TUNNEL_LEN || self.header_len + udp_len > self.packet_len {
            return Err(MALFORMED);
        }
        let headers: &[u8; TUNNEL_LEN] = datagram.first_chunk().ok_or(MALFORMED)?;
        if headers[UDP_LEN] & FLAG_VNI == 0 {
            return Err(Decline::Drop(DropReason::VxlanFlags));
        }
        let inner_len = udp_len - TUNNEL_LEN;
        if inner_len < ETHERNET_LEN {
            return Err(Decline::Drop(DropReason::Runt));
        }
        Ok(Outer {
            src: self.src,
            dst: self.dst,
            // No tunnel has VNI 0.
            vni: Vni::from_be_bytes(field(headers, UDP_LEN + 4))
                .ok_or(Decline::Drop(DropReason::VniUnknown))?,
            inner_offset: at + self.header_len + TUNNEL_LEN,
            inner_len,
            ecn: self.ecn,
            ttl: self.ttl,
            udp_checksum: u16::from_be_bytes(field(udp, 6)),
        })
    }
}

/// A field at a constant offset that lies inside of the header.
#[inline(always)]
fn field<const N: usize, const LEN: usize>(header: &[u8; LEN], at: usize) -> [u8; N] {
    match header.get(at..).and_then(|rest| rest.first_chunk()) {
        Some(field) => *field,
        None => [0; N],
    }
}
