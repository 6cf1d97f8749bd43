//! Neighbour discovery (RFC 4861): where the target and the link-layer addresses lie in a message.

use super::read::{be8, be16};
use crate::layout::{Layout, Transport};

const NEIGHBOUR_SOLICITATION: u8 = 135;
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
const SOURCE_LINK_LAYER_ADDRESS: u8 = 1;
const TARGET_LINK_LAYER_ADDRESS: u8 = 2;
/// Offset of the target in both messages (RFC 4861 §4.3, §4.4).
const TARGET: usize = 8;
/// Offset of the options in both messages.
const OPTIONS: usize = 24;

/// Offset of the target address in the message at [`Layout::l4`], if it is a solicitation or advertisement.
pub(crate) fn target(bytes: &[u8], layout: &Layout) -> Option<usize> {
    message(bytes, layout).map(|_| TARGET)
}

/// Offset of the source's link-layer address in a solicitation.
pub(crate) fn source_address(bytes: &[u8], layout: &Layout) -> Option<usize> {
    match message(bytes, layout)? {
        (NEIGHBOUR_SOLICITATION, message) => option(message, SOURCE_LINK_LAYER_ADDRESS),
        _ => None,
    }
}

/// Offset of the target's link-layer address in an advertisement.
pub(crate) fn target_address(bytes: &[u8], layout: &Layout) -> Option<usize> {
    match message(bytes, layout)? {
        (NEIGHBOUR_ADVERTISEMENT, message) => option(message, TARGET_LINK_LAYER_ADDRESS),
        _ => None,
    }
}

/// Whether the ICMPv6 message at `at` is a solicitation or advertisement.
pub(super) fn is_message(bytes: &[u8], at: usize) -> bool {
    matches!(be8(bytes, at), Some(NEIGHBOUR_SOLICITATION | NEIGHBOUR_ADVERTISEMENT))
        && be8(bytes, at + 1) == Some(0)
}

/// A message's type and what of it is in `bytes`; `None` if it is not of neighbour discovery or has no target.
fn message<'a>(bytes: &'a [u8], layout: &Layout) -> Option<(u8, &'a [u8])> {
    if layout.transport != Transport::Icmp6 {
        return None;
    }
    let end = layout.l3() + 40 + usize::from(be16(bytes, layout.l3() + 4)?);
    let message = bytes.get(layout.l4()..end.min(bytes.len()))?;
    (is_message(message, 0) && message.len() >= OPTIONS).then_some((be8(message, 0)?, message))
}

/// Offset of the address in the first option of this type (RFC 4861 §4.6.1), if that is as long as an Ethernet
/// address wants it.
fn option(message: &[u8], wanted: u8) -> Option<usize> {
    let mut at = OPTIONS;
    // Each turn goes on by 8 bytes at least, and the message ends.
    loop {
        let kind = be8(message, at)?;
        let len = usize::from(be8(message, at + 1)?) * 8;
        match (kind == wanted, len) {
            (_, 0) => return None,
            (true, 8) if at + len <= message.len() => return Some(at + 2),
            (true, _) => return None,
            (false, _) => at += len,
        }
    }
}
