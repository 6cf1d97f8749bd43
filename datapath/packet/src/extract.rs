//! [`extract`]: from a frame's bytes to its [`FlowKey`].
//!
//! Nearly all frames take a straight line ([`quick`]); the others go through the parsers by layer ([`l2`], [`l3`],
//! [`l4`]), which would give the same keys.

mod fast;
mod l2;
mod l3;
mod l4;
pub(crate) mod nd;
mod read;

pub use fast::{Quick, quick};

use crate::{Depth, DropReason, FlowKey, Layout};

/// Parses a frame as deep as asked and writes all fields of `key` that come from the frame, those of deeper layers
/// as 0. The fields of the port of entry, and the metadata, stay as they are.
///
/// `bytes` is the start of the frame: all of it, or at least [`HEAD_CAPTURE`](crate::HEAD_CAPTURE) bytes;
/// `frame_len` is the length of the whole. Bytes behind the IP packet (Ethernet padding) are fine.
///
/// # Errors
/// The named reason if a header that was to be parsed is cut short or contradicts itself. The key is then unspecified.
#[inline(always)]
pub fn extract(
    depth: Depth,
    bytes: &[u8],
    frame_len: usize,
    key: &mut FlowKey,
) -> Result<Layout, DropReason> {
    match quick(depth, bytes, frame_len) {
        Some(quick) => {
            key.set_frame(&quick.words);
            Ok(quick.layout)
        }
        None => by_layer(depth, bytes, frame_len, key),
    }
}

#[inline(never)]
fn by_layer(depth: Depth, bytes: &[u8], frame_len: usize, key: &mut FlowKey) -> Result<Layout, DropReason> {
    key.clear_frame();
    let mut layout = Layout::ETHERNET;
    let ethernet = bytes.first_chunk().ok_or(DropReason::Runt)?;
    if depth == Depth::Port {
        return Ok(layout);
    }
    layout.depth = depth;
    let ether_type = l2::parse(ethernet, bytes, key, &mut layout)?;
    layout.l4 = layout.l3;
    if depth == Depth::L2 {
        return Ok(layout);
    }
    let l4 = match ether_type {
        l2::ARP => return l3::arp(bytes, key, &mut layout).map(|()| layout),
        l2::IPV4 => l3::ipv4(bytes, frame_len, key, &mut layout)?,
        l2::IPV6 => l3::ipv6(bytes, frame_len, key, &mut layout)?,
        _ => return Ok(layout),
    };
    if depth == Depth::L4 && !l4.later_fragment {
        l4::parse(bytes, l4, key, &mut layout)?;
    }
    Ok(layout)
}
