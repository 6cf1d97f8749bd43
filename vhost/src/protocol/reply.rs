//! Replies: all that are sent have a body of eight bytes.

use super::header::{HEADER_LEN, Header};

const BODY_LEN: usize = 8;
const BODY_LEN_FIELD: u32 = 8;

/// A reply ready to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    bytes: [u8; HEADER_LEN + BODY_LEN],
}

impl Reply {
    /// The answer to a request for a number.
    pub(crate) fn value(request: u32, value: u64) -> Reply {
        Reply::new(request, value.to_ne_bytes())
    }

    /// The answer to a request for the state of a ring.
    pub(crate) fn vring_state(request: u32, index: u32, value: u32) -> Reply {
        let [a, b, c, d] = index.to_ne_bytes();
        let [e, f, g, h] = value.to_ne_bytes();
        Reply::new(request, [a, b, c, d, e, f, g, h])
    }

    /// The answer to a request that wants to know whether it was carried out.
    pub(crate) fn done(request: u32, done: bool) -> Reply {
        Reply::value(request, u64::from(!done))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn new(request: u32, body: [u8; BODY_LEN]) -> Reply {
        let mut bytes = [0; HEADER_LEN + BODY_LEN];
        let header = Header::reply(request, BODY_LEN_FIELD);
        for (to, from) in bytes.iter_mut().zip(header.into_iter().chain(body)) {
            *to = from;
        }
        Reply { bytes }
    }
}
