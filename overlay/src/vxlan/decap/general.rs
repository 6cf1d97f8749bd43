//! Any frame, header by header: slower than the straight ways, and exact about what is wrong.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;

use sluice_packet::DropReason;
use sluice_packet::checksum::Sum;

use super::super::{
    ETHERNET_LEN, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_QINQ, ETHERTYPE_VLAN, Ecn, FLAG_VNI, IPV4_LEN,
    IPV6_LEN, PROTOCOL_UDP, TUNNEL_LEN, UDP_LEN,
};
use super::{Decline, FRAGMENT, Outer, field};
use crate::Vni;

/// As [`parse`](super::parse).
pub(in crate::vxlan) fn parse(head: &[u8], frame_len: usize, udp_port: NonZeroU16) -> Result<Outer, Decline> {
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

/// An offset, in IPv4's flags word.
const FRAGMENT_OFFSET: u16 = 0x1fff;
