//! [`InnerFlow`]: what the outer headers need to know of the inner frame.

use super::{ETHERNET_LEN, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_QINQ, ETHERTYPE_VLAN, Ecn};
use crate::mix::mix;

/// What the outer headers take from the inner frame: entropy for the paths of the underlay, and the ECN field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InnerFlow {
    /// Equal for all frames of one flow, different for different flows as far as 32 bits go: over addresses,
    /// protocol and ports (TCP, UDP, SCTP); without the ports for fragments and other protocols; over the MAC
    /// addresses and the EtherType for what is not IP.
    pub hash: u32,
    /// The inner ECN field, to be copied outside (RFC 6040 §4.1, normal mode).
    pub ecn: Ecn,
}

impl InnerFlow {
    /// Reads the inner frame's first bytes; 58 are enough for every case, and fewer are never an error.
    #[inline]
    pub fn of(inner: &[u8]) -> Self {
        match inner.first_chunk::<V4_WITH_PORTS>() {
            Some(start) if start[12..15] == [0x08, 0x00, 0x45] => Self::plain_v4(start),
            _ => Self::other(inner),
        }
    }

    /// For IPv4 without options and tags: straight on, no branch but on the protocol.
    #[inline]
    fn plain_v4(start: &[u8; V4_WITH_PORTS]) -> Self {
        let ip = ETHERNET_LEN;
        let [_, tos, _, _, _, _, frag_high, frag_low, _, protocol, ..] = *chunk::<20>(start, ip);
        let addresses = u64::from_ne_bytes(*chunk(start, ip + 12));
        let ports = u32::from_ne_bytes(*chunk(start, ip + 20));
        let whole = u16::from_be_bytes([frag_high, frag_low]) & NOT_WHOLE == 0;
        let ports = if whole && has_ports(protocol) { ports } else { 0 };
        InnerFlow { hash: hash(mix(addresses, transport(protocol, ports))), ecn: Ecn::from_tos(tos) }
    }

    /// Everything else: tags, options, IPv6, not IP.
    fn other(inner: &[u8]) -> Self {
        Self::ip(inner).unwrap_or_else(|| InnerFlow { hash: ethernet_hash(inner), ecn: Ecn::NotEct })
    }

    /// `None` if it is not IP or cut short.
    fn ip(inner: &[u8]) -> Option<Self> {
        let mut at = ETHERNET_LEN - 2;
        for _ in 0..3 {
            match u16::from_be_bytes(*inner.get(at..)?.first_chunk()?) {
                ETHERTYPE_VLAN | ETHERTYPE_QINQ => at += 4,
                ETHERTYPE_IPV4 => return Self::v4(inner.get(at + 2..)?),
                ETHERTYPE_IPV6 => return Self::v6(inner.get(at + 2..)?),
                _ => return None,
            }
        }
        None
    }

    fn v4(packet: &[u8]) -> Option<Self> {
        let header: &[u8; 20] = packet.first_chunk()?;
        let [version, tos, _, _, _, _, frag_high, frag_low, _, protocol, ..] = *header;
        let whole = u16::from_be_bytes([frag_high, frag_low]) & NOT_WHOLE == 0;
        let options = usize::from(version & 0x0f) * 4;
        let ports = match packet.get(options..).and_then(|l4| l4.first_chunk()) {
            Some(ports) if whole && has_ports(protocol) => u32::from_ne_bytes(*ports),
            _ => 0,
        };
        let addresses = u64::from_ne_bytes(*header.last_chunk()?);
        Some(InnerFlow { hash: hash(mix(addresses, transport(protocol, ports))), ecn: Ecn::from_tos(tos) })
    }

    /// Extension headers are not walked: behind one, the flow label stands in for the ports (RFC 6437 §2).
    fn v6(packet: &[u8]) -> Option<Self> {
        let header: &[u8; 40] = packet.first_chunk()?;
        let [_, class, label_high, label_low, _, _, next_header, ..] = *header;
        let ports = match packet.get(40..).and_then(|l4| l4.first_chunk()) {
            Some(ports) if has_ports(next_header) => u32::from_ne_bytes(*ports),
            _ => u32::from_be_bytes([0, class & 0x0f, label_high, label_low]),
        };
        let (words, _) = header.get(8..)?.as_chunks::<8>();
        let [a, b, c, d] = *words.first_chunk()?;
        let addresses = mix(u64::from_ne_bytes(a), u64::from_ne_bytes(b))
            ^ mix(u64::from_ne_bytes(d), u64::from_ne_bytes(c)).rotate_left(32);
        Some(InnerFlow {
            hash: hash(mix(addresses, transport(next_header, ports))),
            ecn: Ecn::from_tos(class >> 4),
        })
    }
}

/// Ethernet, IPv4 without options, two ports.
const V4_WITH_PORTS: usize = ETHERNET_LEN + 20 + 4;
/// More fragments, or an offset: the mask of both in the flags and offset word (RFC 791 §3.1).
const NOT_WHOLE: u16 = 0x3fff;

fn ethernet_hash(inner: &[u8]) -> u32 {
    let mut addresses = [0; 16];
    for (to, from) in addresses.iter_mut().zip(inner.iter().take(ETHERNET_LEN)) {
        *to = *from;
    }
    let [a, b] = *addresses.as_chunks::<8>().0 else { return 0 };
    hash(mix(u64::from_ne_bytes(a), u64::from_ne_bytes(b)))
}

#[inline]
const fn has_ports(protocol: u8) -> bool {
    const TCP: u8 = 6;
    const UDP: u8 = 17;
    const SCTP: u8 = 132;
    matches!(protocol, TCP | UDP | SCTP)
}

#[inline]
fn transport(protocol: u8, ports: u32) -> u64 {
    u64::from(protocol) << 32 | u64::from(ports)
}

#[inline]
const fn hash(mixed: u64) -> u32 {
    (mixed >> 32) as u32
}

/// `N` bytes at `at`, which the caller's constants keep inside of `bytes`.
#[inline]
fn chunk<const N: usize>(bytes: &[u8; V4_WITH_PORTS], at: usize) -> &[u8; N] {
    match bytes.get(at..).and_then(|bytes| bytes.first_chunk()) {
        Some(chunk) => chunk,
        None => const { &[0; N] },
    }
}
