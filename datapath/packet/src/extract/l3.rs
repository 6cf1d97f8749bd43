//! ARP, IPv4 and IPv6 with its extension headers.

use super::read::{be8, be16, be32, be48, be128};
use crate::layout::{Layout, Network};
use crate::{DropReason, Field, FlowKey, protocol};

/// Extension headers looked at before a packet is refused. RFC 8200 §4.1 orders seven, one of them twice.
const EXTENSIONS_LIMIT: usize = 8;
const FIRST_FRAGMENT: u128 = 1;
const LATER_FRAGMENT: u128 = 3;

/// What an IP packet carries.
#[derive(Clone, Copy)]
pub(super) struct Payload {
    pub(super) protocol: u8,
    /// Bytes behind the IP headers, as the IP header says; the frame has them all.
    pub(super) len: usize,
    /// A fragment: `len` is not what the upper layer's header speaks of.
    pub(super) fragment: bool,
    /// A fragment without the upper layer's header.
    pub(super) later_fragment: bool,
}

/// ARP for IPv4 over Ethernet (RFC 826).
pub(super) fn arp(bytes: &[u8], key: &mut FlowKey, layout: &mut Layout) -> Result<(), DropReason> {
    let cut = DropReason::MalformedArp;
    let at = layout.l3();
    let arp = bytes.get(at..at + 28).ok_or(cut)?;
    // Hardware type 1, protocol type 0x0800, lengths 6 and 4.
    if be48(arp, 0).ok_or(cut)? != 0x0001_0800_0604 {
        return Err(cut);
    }
    layout.network = Network::Arp;
    key.set(Field::IpProto, be8(arp, 7).ok_or(cut)?.into());
    key.set(Field::ArpSha, be48(arp, 8).ok_or(cut)?.into());
    key.set(Field::Ipv4Src, be32(arp, 14).ok_or(cut)?.into());
    key.set(Field::ArpTha, be48(arp, 18).ok_or(cut)?.into());
    key.set(Field::Ipv4Dst, be32(arp, 24).ok_or(cut)?.into());
    Ok(())
}

/// IPv4 (RFC 791 §3.1), with options and fragments.
pub(super) fn ipv4(
    bytes: &[u8],
    frame_len: usize,
    key: &mut FlowKey,
    layout: &mut Layout,
) -> Result<Payload, DropReason> {
    let cut = DropReason::MalformedIpv4;
    let at = layout.l3();
    let ip = bytes.get(at..).and_then(|ip| ip.first_chunk::<20>()).ok_or(cut)?;
    let version_and_len = be8(ip, 0).ok_or(cut)?;
    let header_len = usize::from(version_and_len & 0xf) * 4;
    let total_len = usize::from(be16(ip, 2).ok_or(cut)?);
    let fragment = be16(ip, 6).ok_or(cut)?;
    let protocol = be8(ip, 9).ok_or(cut)?;
    if version_and_len >> 4 != 4
        || header_len < 20
        || header_len > total_len
        || at + total_len > frame_len
        || at + header_len > bytes.len()
    {
        return Err(cut);
    }
    layout.network = Network::Ipv4;
    layout.l4 = offset(at + header_len, cut)?;
    set_traffic_class(key, be8(ip, 1).ok_or(cut)?);
    key.set(Field::IpTtl, be8(ip, 8).ok_or(cut)?.into());
    key.set(Field::IpProto, protocol.into());
    key.set(Field::Ipv4Src, be32(ip, 12).ok_or(cut)?.into());
    key.set(Field::Ipv4Dst, be32(ip, 16).ok_or(cut)?.into());
    let later_fragment = fragment & 0x1fff != 0;
    let more_fragments = fragment & 0x2000 != 0;
    set_fragment(key, later_fragment, more_fragments);
    let fragment = later_fragment || more_fragments;
    Ok(Payload { protocol, len: total_len - header_len, fragment, later_fragment })
}

/// IPv6 (RFC 8200 §3, §4).
pub(super) fn ipv6(
    bytes: &[u8],
    frame_len: usize,
    key: &mut FlowKey,
    layout: &mut Layout,
) -> Result<Payload, DropReason> {
    let cut = DropReason::MalformedIpv6;
    let at = layout.l3();
    let ip = bytes.get(at..).and_then(|ip| ip.first_chunk::<40>()).ok_or(cut)?;
    let class_and_label = be32(ip, 0).ok_or(cut)?;
    let payload_len = usize::from(be16(ip, 4).ok_or(cut)?);
    let end = at + 40 + payload_len;
    if class_and_label >> 28 != 6 || end > frame_len {
        return Err(cut);
    }
    layout.network = Network::Ipv6;
    let [class, ..] = (class_and_label << 4).to_be_bytes();
    set_traffic_class(key, class);
    key.set(Field::Ipv6Flabel, (class_and_label & 0xf_ffff).into());
    key.set(Field::IpTtl, be8(ip, 7).ok_or(cut)?.into());
    key.set(Field::Ipv6Src, be128(ip, 8).ok_or(cut)?);
    key.set(Field::Ipv6Dst, be128(ip, 24).ok_or(cut)?);
    let chain = extensions(bytes, at + 40, end, be8(ip, 6).ok_or(cut)?)?;
    layout.l4 = offset(chain.end, cut)?;
    key.set(Field::IpProto, chain.payload.protocol.into());
    set_fragment(key, chain.payload.later_fragment, chain.payload.fragment);
    Ok(chain.payload)
}

struct Chain {
    payload: Payload,
    end: usize,
}

/// Walks the extension headers from `at` to the upper layer; `end` is where the packet ends in the frame.
fn extensions(bytes: &[u8], mut at: usize, end: usize, mut next: u8) -> Result<Chain, DropReason> {
    let mut fragment = false;
    let mut later_fragment = false;
    for _ in 0..=EXTENSIONS_LIMIT {
        let len = match next {
            protocol::HOP_BY_HOP | protocol::ROUTING | protocol::DESTINATION_OPTIONS => {
                8 * (1 + usize::from(extension(bytes, at, end, 1)?))
            }
            // RFC 4302 §2.2: in 4-byte words, less 2.
            protocol::AUTHENTICATION => 4 * (2 + usize::from(extension(bytes, at, end, 1)?)),
            protocol::FRAGMENT => {
                let high = extension(bytes, at, end, 2)?;
                let low = extension(bytes, at, end, 3)?;
                let offset_and_more = u16::from_be_bytes([high, low]);
                fragment = true;
                later_fragment = offset_and_more & 0xfff8 != 0;
                8
            }
            _ => {
                let payload = Payload { protocol: next, len: end - at, fragment, later_fragment };
                return Ok(Chain { payload, end: at });
            }
        };
        next = extension(bytes, at, end, 0)?;
        at += len;
        if at > end {
            return Err(DropReason::MalformedIpv6);
        }
        if later_fragment {
            let payload = Payload { protocol: next, len: end - at, fragment, later_fragment };
            return Ok(Chain { payload, end: at });
        }
    }
    Err(DropReason::HeadersTooDeep)
}

/// A byte of the extension header at `at`.
fn extension(bytes: &[u8], at: usize, end: usize, index: usize) -> Result<u8, DropReason> {
    match be8(bytes, at + index) {
        _ if at + 8 > end => Err(DropReason::MalformedIpv6),
        Some(byte) => Ok(byte),
        None => Err(DropReason::HeadersTooDeep),
    }
}

fn offset(at: usize, cut: DropReason) -> Result<u8, DropReason> {
    u8::try_from(at).map_err(|_| cut)
}

fn set_traffic_class(key: &mut FlowKey, class: u8) {
    key.set(Field::IpDscp, (class >> 2).into());
    key.set(Field::IpEcn, (class & 3).into());
}

fn set_fragment(key: &mut FlowKey, later: bool, any: bool) {
    let bits = match (later, any) {
        (true, _) => LATER_FRAGMENT,
        (false, true) => FIRST_FRAGMENT,
        (false, false) => 0,
    };
    key.set(Field::IpFrag, bits);
}
