//! Encapsulation (RFC 7348 §5): outer headers from a template, written in front of the inner frame.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;

use sluice_packet::checksum::Sum;
use sluice_packet::{DropReason, MacAddr};

use super::{
    ETHERNET_LEN, ETHERTYPE_IPV4, ETHERTYPE_IPV6, FLAG_VNI, IPV4_LEN, IPV6_LEN, InnerFlow, PROTOCOL_UDP,
    TUNNEL_LEN,
};
use crate::Vni;

/// TTL and hop limit of what we send (RFC 1700's default, as everyone's).
const TTL: u8 = 64;

/// What the outer headers of one remote VTEP are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    /// The outer source: our own address.
    pub local: IpAddr,
    /// The outer destination: the remote VTEP.
    pub remote: IpAddr,
    /// The underlay port's own MAC address.
    pub source_mac: MacAddr,
    /// The MAC address of the remote VTEP or of the gateway to it.
    pub next_hop_mac: MacAddr,
    /// The outer UDP destination port.
    pub udp_port: NonZeroU16,
    /// The underlay's MTU: bytes of IP packet. Nothing longer is sent, since a VTEP must not fragment (RFC 7348 §4.3).
    pub mtu: u16,
}

/// A [`Path`] no template can be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// One end is IPv4 and the other IPv6.
    #[error("no tunnel from {local} to {remote}: they are of different families")]
    Families {
        /// Our end.
        local: IpAddr,
        /// The other end.
        remote: IpAddr,
    },
    /// The MTU leaves no room for an inner frame.
    #[error("an underlay MTU of {mtu} bytes is too small for VXLAN: at least {least} are needed")]
    Mtu {
        /// The MTU.
        mtu: u16,
        /// Outer headers and an inner Ethernet header.
        least: u16,
    },
}

/// The inner frame in the two pieces in which it lies, each maybe empty; `payload` follows `head` directly.
///
/// Only what nobody else can still write to: the IPv6 checksum is taken over these bytes.
#[derive(Clone, Copy, Debug)]
pub struct Inner<'a> {
    /// The first bytes, from the destination MAC address on.
    pub head: &'a [u8],
    /// The rest.
    pub payload: &'a [u8],
}

impl Inner<'_> {
    /// Bytes of the frame.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "no frame is empty")]
    pub const fn len(&self) -> usize {
        self.head.len() + self.payload.len()
    }
}

/// The outer headers for one remote VTEP with all that can be computed before there is a frame.
///
/// The VNI is not part of it, so tunnels of all tenants share the template of a path.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub enum EncapTemplate {
    /// Over IPv4.
    V4(EncapV4),
    /// Over IPv6.
    V6(EncapV6),
}

impl EncapTemplate {
    /// The most bytes of outer headers.
    pub const MAX_HEADER_LEN: usize = EncapV6::HEADER_LEN;

    /// Computes the headers.
    ///
    /// # Errors
    /// [`PathError`] when the ends are of different families or the MTU holds no frame.
    pub fn new(path: &Path) -> Result<Self, PathError> {
        match (path.local, path.remote) {
            (IpAddr::V4(local), IpAddr::V4(remote)) => EncapV4::new(local, remote, path).map(Self::V4),
            (IpAddr::V6(local), IpAddr::V6(remote)) => EncapV6::new(local, remote, path).map(Self::V6),
            (local, remote) => Err(PathError::Families { local, remote }),
        }
    }

    /// Bytes of outer headers: 50 over IPv4, 70 over IPv6.
    #[inline]
    pub const fn header_len(&self) -> usize {
        match self {
            EncapTemplate::V4(_) => EncapV4::HEADER_LEN,
            EncapTemplate::V6(_) => EncapV6::HEADER_LEN,
        }
    }

    /// Bytes of the longest inner frame that fits the underlay's MTU.
    #[inline]
    pub const fn max_inner_len(&self) -> u16 {
        match self {
            EncapTemplate::V4(v4) => v4.max_inner_len,
            EncapTemplate::V6(v6) => v6.max_inner_len,
        }
    }

    /// Writes the outer headers into `outer`, which is [`EncapTemplate::header_len`] bytes and goes right in front
    /// of `inner`. Over IPv4 only the length of `inner` is looked at.
    ///
    /// # Errors
    /// Nothing is written: [`DropReason::EncapExceedsMtu`]; [`DropReason::RewriteImpossible`] when `outer` has
    /// another length.
    #[inline]
    pub fn write(
        &self,
        outer: &mut [u8],
        inner: Inner<'_>,
        vni: Vni,
        flow: InnerFlow,
    ) -> Result<(), DropReason> {
        match self {
            EncapTemplate::V4(v4) => {
                let outer = outer.try_into().map_err(|_| DropReason::RewriteImpossible)?;
                v4.write(outer, inner.len(), vni, flow)
            }
            EncapTemplate::V6(v6) => {
                let outer = outer.try_into().map_err(|_| DropReason::RewriteImpossible)?;
                v6.write(outer, inner, vni, flow)
            }
        }
    }
}

/// Outer headers over IPv4: DF set, identification 0 (an atomic datagram, RFC 6864 §4.1), UDP checksum 0.
#[derive(Clone, Debug)]
pub struct EncapV4 {
    /// All headers, with 0 where [`EncapV4::write`] fills in.
    header: [u8; EncapV4::HEADER_LEN],
    max_inner_len: u16,
    udp_port: u16,
    /// The sum of the IPv4 header as it stands in `header`.
    partial: u16,
}

impl EncapV4 {
    /// Bytes of outer headers.
    pub const HEADER_LEN: usize = ETHERNET_LEN + IPV4_LEN + TUNNEL_LEN;

    fn new(local: Ipv4Addr, remote: Ipv4Addr, path: &Path) -> Result<Self, PathError> {
        /// Version 4, five words; TOS, length; identification; DF; TTL; checksum.
        const IPV4: [u8; 12] = [0x45, 0, 0, 0, 0, 0, 0x40, 0, TTL, PROTOCOL_UDP, 0, 0];
        let mut header = Fields::<{ Self::HEADER_LEN }>::default();
        header.ethernet(path, ETHERTYPE_IPV4);
        header.put(IPV4);
        header.put(local.octets());
        header.put(remote.octets());
        header.tunnel(path);
        let partial = Sum::ZERO.bytes(&IPV4).u32(local.to_bits()).u32(remote.to_bits());
        let max_inner_len = max_inner_len(path.mtu, IPV4_LEN)?;
        let udp_port = path.udp_port.get();
        Ok(EncapV4 { header: header.bytes, max_inner_len, udp_port, partial: partial.fold() })
    }

    /// Writes the outer headers that go right in front of an inner frame of `inner_len` bytes.
    ///
    /// # Errors
    /// [`DropReason::EncapExceedsMtu`]; nothing is written.
    #[inline]
    pub fn write(
        &self,
        outer: &mut [u8; EncapV4::HEADER_LEN],
        inner_len: usize,
        vni: Vni,
        flow: InnerFlow,
    ) -> Result<(), DropReason> {
        let inner_len = fit(inner_len, self.max_inner_len)?;
        let udp_len = TUNNEL_LEN_U16 + inner_len;
        let total_len = IPV4_LEN_U16 + udp_len;
        let tos = flow.ecn as u8;
        // RFC 1071 §2: the words that were 0 in the template are added to its sum.
        let sum = Sum::ZERO.u16(self.partial).u16(u16::from(tos)).u16(total_len);

        *outer = self.header;
        put(outer, 14, (VERSION_4 | u32::from(tos) << 16 | u32::from(total_len)).to_be_bytes());
        put(outer, 24, sum.checksum().to_be_bytes());
        put(outer, 34, udp_header(flow.hash, self.udp_port, udp_len, 0));
        put(outer, 46, (vni.get() << 8).to_be_bytes());
        Ok(())
    }
}

/// Outer headers over IPv6, with a flow label from the inner flow (RFC 6438 §3) and a real UDP checksum.
#[derive(Clone, Debug)]
pub struct EncapV6 {
    /// All headers, with 0 where [`EncapV6::write`] fills in.
    header: [u8; EncapV6::HEADER_LEN],
    max_inner_len: u16,
    udp_port: u16,
    /// The sum of the pseudo header without lengths, the UDP and the VXLAN header as they stand in `header`.
    partial: u16,
}

impl EncapV6 {
    /// Bytes of outer headers.
    pub const HEADER_LEN: usize = ETHERNET_LEN + IPV6_LEN + TUNNEL_LEN;

    fn new(local: Ipv6Addr, remote: Ipv6Addr, path: &Path) -> Result<Self, PathError> {
        /// Version 6, class, flow label; payload length; next header; hop limit.
        const IPV6: [u8; 8] = [0x60, 0, 0, 0, 0, 0, PROTOCOL_UDP, TTL];
        let mut header = Fields::<{ Self::HEADER_LEN }>::default();
        header.ethernet(path, ETHERTYPE_IPV6);
        header.put(IPV6);
        header.put(local.octets());
        header.put(remote.octets());
        header.tunnel(path);
        let partial = Sum::pseudo_v6(local, remote, PROTOCOL_UDP, 0)
            .u16(path.udp_port.get())
            .u16(u16::from_be_bytes([FLAG_VNI, 0]));
        let max_inner_len = max_inner_len(path.mtu, IPV6_LEN)?;
        let udp_port = path.udp_port.get();
        Ok(EncapV6 { header: header.bytes, max_inner_len, udp_port, partial: partial.fold() })
    }

    /// Writes the outer headers that go right in front of `inner`.
    ///
    /// # Errors
    /// [`DropReason::EncapExceedsMtu`]; nothing is written.
    #[inline]
    pub fn write(
        &self,
        outer: &mut [u8; EncapV6::HEADER_LEN],
        inner: Inner<'_>,
        vni: Vni,
        flow: InnerFlow,
    ) -> Result<(), DropReason> {
        let inner_len = fit(inner.len(), self.max_inner_len)?;
        let udp_len = TUNNEL_LEN_U16 + inner_len;
        // RFC 8200 §8.1: the length stands in the pseudo header and in the UDP header.
        let sum = Sum::ZERO.bytes(inner.head).bytes(inner.payload).sum(
            Sum::ZERO
                .u16(self.partial)
                .u16(udp_len)
                .u16(udp_len)
                .u16(source_port(flow.hash))
                .u32(vni.get() << 8),
        );
        let first_word = VERSION_6 | u32::from(flow.ecn as u8) << 20 | flow.hash & FLOW_LABEL;

        *outer = self.header;
        put(outer, 14, first_word.to_be_bytes());
        put(outer, 18, udp_len.to_be_bytes());
        put(outer, 54, udp_header(flow.hash, self.udp_port, udp_len, sum.udp_checksum()));
        put(outer, 66, (vni.get() << 8).to_be_bytes());
        Ok(())
    }
}

/// Version 4, five words of header, at the head of IPv4's first word.
const VERSION_4: u32 = 0x45 << 24;
/// Version 6 at the head of IPv6's first word.
const VERSION_6: u32 = 6 << 28;
const TUNNEL_LEN_U16: u16 = 16;
const IPV4_LEN_U16: u16 = 20;
const FLOW_LABEL: u32 = 0xf_ffff;

/// The four fields in one word, since one store costs less than four.
#[inline]
fn udp_header(hash: u32, udp_port: u16, len: u16, checksum: u16) -> [u8; 8] {
    let ports = u64::from(source_port(hash)) << 48 | u64::from(udp_port) << 32;
    (ports | u64::from(len) << 16 | u64::from(checksum)).to_be_bytes()
}

/// Into the dynamic range, 49152 to 65535 (RFC 7348 §5, RFC 6335 §6).
#[inline]
const fn source_port(hash: u32) -> u16 {
    0xc000 | (hash >> 18) as u16
}

/// The length as 16 bits if it is at most `most`.
#[inline]
fn fit(len: usize, most: u16) -> Result<u16, DropReason> {
    u16::try_from(len).ok().filter(|&len| len <= most).ok_or(DropReason::EncapExceedsMtu)
}

/// What an IP packet of `mtu` bytes leaves for the inner frame; at least an Ethernet header.
fn max_inner_len(mtu: u16, ip_len: usize) -> Result<u16, PathError> {
    let overhead = u16::try_from(ip_len + TUNNEL_LEN).unwrap_or(u16::MAX);
    let least = overhead + ETHERNET_LEN_U16;
    if mtu < least {
        return Err(PathError::Mtu { mtu, least });
    }
    Ok(mtu - overhead)
}

const ETHERNET_LEN_U16: u16 = 14;

/// Writes a field at a constant offset that lies inside of the header.
#[inline(always)]
fn put<const N: usize, const LEN: usize>(outer: &mut [u8; LEN], at: usize, field: [u8; N]) {
    if let Some(to) = outer.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        *to = field;
    }
}

/// A header written front to back.
struct Fields<const LEN: usize> {
    bytes: [u8; LEN],
    at: usize,
}

impl<const LEN: usize> Default for Fields<LEN> {
    fn default() -> Self {
        Fields { bytes: [0; LEN], at: 0 }
    }
}

impl<const LEN: usize> Fields<LEN> {
    fn put<const N: usize>(&mut self, field: [u8; N]) {
        put(&mut self.bytes, self.at, field);
        self.at += N;
    }

    fn ethernet(&mut self, path: &Path, ethertype: u16) {
        self.put(path.next_hop_mac.octets());
        self.put(path.source_mac.octets());
        self.put(ethertype.to_be_bytes());
    }

    /// UDP with source port, length and checksum 0; VXLAN with the I flag and VNI 0.
    fn tunnel(&mut self, path: &Path) {
        self.put([0; 2]);
        self.put(path.udp_port.get().to_be_bytes());
        self.put([0; 4]);
        self.put([FLAG_VNI, 0, 0, 0, 0, 0, 0, 0]);
    }
}
