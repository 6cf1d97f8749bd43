//! The straight line for untagged IPv4 without options or fragments, carrying TCP or UDP.

use super::read::{be16, be32, be64};
use crate::layout::{Depth, Layout, Network, Transport};
use crate::{FlowKey, protocol as ip};

/// Ethernet, IPv4 and TCP headers without options.
const LEN: usize = 54;

/// The key and layout, or `None` if the frame is anything else or malformed: then the key is unspecified.
#[inline(always)]
pub(super) fn ipv4(head: &[u8; LEN], frame_len: usize, key: &mut FlowKey) -> Option<Layout> {
    let dst_mac = be64(head, 0)?;
    let src_mac_and_type = be64(head, 6)?;
    let type_and_tos = be32(head, 12)?;
    let lengths = be64(head, 16)?; // total length(16) id(16) fragment(16) ttl(8) protocol(8)
    let addresses = be64(head, 26)?;
    let ports = be32(head, 34)?;
    let udp_len = be16(head, 38)?;
    let offset_and_flags = be16(head, 46)?;

    let protocol = lengths & 0xff;
    let tcp = protocol == u64::from(ip::TCP);
    let udp = protocol == u64::from(ip::UDP);
    let total_len = lengths >> 48;
    let (header_len, least) = match tcp {
        true => (u64::from(offset_and_flags >> 12) * 4, 20),
        false => (u64::from(udp_len), 8),
    };
    // One branch for all of it: `&` instead of `&&`.
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
    let words = &mut key.words;
    words[1] = addresses;
    words[2] = u64::from(ports) << 32 | 0x0800 << 16 | protocol << 8 | tos;
    words[3] = dst_mac & !0xffff;
    words[4] = src_mac_and_type & !0xffff;
    words[5] = flags << 16 | lengths >> 8 & 0xff;
    words[6..14].fill(0);
    let transport = if tcp { Transport::Tcp } else { Transport::Udp };
    Some(Layout { depth: Depth::L4, tags: 0, l3: 14, l4: 34, network: Network::Ipv4, transport })
}
