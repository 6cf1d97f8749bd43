//! The straight lines for the commonest frames: untagged Ethernet, and on it IPv4 without options or fragments that
//! carries TCP or UDP.

use super::read::{be16, be32, be64};
use crate::layout::{Depth, Layout, Network, Transport};
use crate::protocol;

/// Ethernet, IPv4 and TCP headers without options.
const LEN: usize = 54;

/// What a straight line finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quick {
    /// Words 1 to 5 of the key. Those behind them that come from the frame are 0.
    pub words: [u64; 5],
    /// Where the headers lie.
    pub layout: Layout,
}

/// The key's words and the layout of a frame of the commonest kinds; `None` for all others and for malformed ones, of
/// which [`extract`](crate::extract) then says more. Arguments as there.
#[inline(always)]
pub fn quick(depth: Depth, bytes: &[u8], frame_len: usize) -> Option<Quick> {
    match depth {
        Depth::Port => None,
        Depth::L2 => ethernet(bytes.first_chunk()?),
        Depth::L3 => ipv4(bytes.first_chunk()?, frame_len).map(without_transport),
        Depth::L4 => ipv4(bytes.first_chunk()?, frame_len),
    }
}

#[inline(always)]
fn ethernet(head: &[u8; 14]) -> Option<Quick> {
    let dst = be64(head, 0)?;
    let src_and_type = be64(head, 6)?;
    let ether_type = src_and_type & 0xffff;
    if (ether_type < 0x0600) | (ether_type == 0x8100) | (ether_type == 0x88a8) {
        return None;
    }
    let words = [0, ether_type << 16, dst & !0xffff, src_and_type & !0xffff, 0];
    Some(Quick { words, layout: Layout { depth: Depth::L2, ..Layout::ETHERNET } })
}

#[inline(always)]
fn ipv4(head: &[u8; LEN], frame_len: usize) -> Option<Quick> {
    let dst = be64(head, 0)?;
    let src_and_type = be64(head, 6)?;
    let type_and_tos = be32(head, 12)?;
    let lengths = be64(head, 16)?; // total length(16) id(16) fragment(16) ttl(8) protocol(8)
    let addresses = be64(head, 26)?;
    let ports = be32(head, 34)?;
    let udp_len = be16(head, 38)?;
    let offset_and_flags = be16(head, 46)?;

    let protocol = lengths & 0xff;
    let tcp = protocol == u64::from(protocol::TCP);
    let udp = protocol == u64::from(protocol::UDP);
    let total_len = lengths >> 48;
    let (header_len, least) = match tcp {
        true => (u64::from(offset_and_flags >> 12) * 4, 20),
        false => (u64::from(udp_len), 8),
    };
    let as_expected = (type_and_tos & 0xffff_ff00 == 0x0800_4500)
        & (lengths & 0x3fff_0000 == 0)
        & (tcp | udp)
        & (header_len >= least)
        & (20 + header_len <= total_len)
        & (total_len + 14 <= frame_len as u64);
    if !as_expected {
        return None;
    }
    let tos = u64::from(type_and_tos & 0xff);
    let flags = if tcp { u64::from(offset_and_flags & 0xfff) } else { 0 };
    let words = [
        addresses,
        u64::from(ports) << 32 | 0x0800 << 16 | protocol << 8 | tos,
        dst & !0xffff,
        src_and_type & !0xffff,
        flags << 16 | lengths >> 8 & 0xff,
    ];
    let transport = if tcp { Transport::Tcp } else { Transport::Udp };
    let layout = Layout { depth: Depth::L4, tags: 0, l3: 14, l4: 34, network: Network::Ipv4, transport };
    Some(Quick { words, layout })
}

/// What is known at [`Depth::L3`].
#[inline(always)]
fn without_transport(quick: Quick) -> Quick {
    let [addresses, ports_and_types, dst, src, flags_and_ttl] = quick.words;
    let words = [addresses, ports_and_types & 0xffff_ffff, dst, src, flags_and_ttl & 0xff];
    Quick { words, layout: Layout { depth: Depth::L3, transport: Transport::Other, ..quick.layout } }
}
