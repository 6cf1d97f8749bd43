//! The header in front of every message: request, flags, length of the body; three times 32 bits.

use super::ProtocolError;

pub(crate) const HEADER_LEN: usize = 12;
/// Longest body of a request that is known here: a memory table of 32 regions takes 1032 bytes.
pub(crate) const MAX_BODY: usize = 4096;

const VERSION: u32 = 1;
const VERSION_MASK: u32 = 0x3;
const REPLY: u32 = 1 << 2;
const NEED_REPLY: u32 = 1 << 3;

/// A request's header, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) request: u32,
    pub(crate) need_reply: bool,
    /// Length of the body in bytes, at most [`MAX_BODY`].
    pub(crate) body_len: usize,
}

impl Header {
    pub(crate) fn parse(bytes: &[u8; HEADER_LEN]) -> Result<Header, ProtocolError> {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = *bytes;
        let request = u32::from_ne_bytes([a, b, c, d]);
        let flags = u32::from_ne_bytes([e, f, g, h]);
        let len = u32::from_ne_bytes([i, j, k, l]);
        if flags & VERSION_MASK != VERSION || flags & REPLY != 0 {
            return Err(ProtocolError::Flags { request, flags });
        }
        match usize::try_from(len) {
            Ok(body_len) if body_len <= MAX_BODY => {
                Ok(Header { request, need_reply: flags & NEED_REPLY != 0, body_len })
            }
            _ => Err(ProtocolError::Oversize { request, len }),
        }
    }

    /// The header of the reply to `request`, with a body of `len` bytes.
    pub(super) fn reply(request: u32, len: u32) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        let words = [request, VERSION | REPLY, len].map(u32::to_ne_bytes);
        for (to, from) in bytes.iter_mut().zip(words.as_flattened()) {
            *to = *from;
        }
        bytes
    }
}
