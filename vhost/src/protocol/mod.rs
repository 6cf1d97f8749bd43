//! The vhost-user protocol's messages. All integers are in the host's byte order, as the protocol says.

mod body;
mod header;
mod reply;
mod request;

use thiserror::Error;

pub(crate) use header::{HEADER_LEN, Header, MAX_BODY};
pub(crate) use reply::Reply;
pub(crate) use request::{Request, VringEvent};

/// Descriptors that one message may carry.
pub(crate) const MAX_FDS: usize = 32;

/// How a message broke the protocol. The connection ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProtocolError {
    /// The header's version is not 1, or it claims to be a reply.
    #[error("message {request} has the flags {flags:#x}, which no request has")]
    Flags {
        /// The request's number.
        request: u32,
        /// The header's flags.
        flags: u32,
    },
    /// The body is longer than any message's.
    #[error("message {request} claims a body of {len} bytes")]
    Oversize {
        /// The request's number.
        request: u32,
        /// What its header says.
        len: u32,
    },
    /// The body has another length than this message's.
    #[error("message {request} has a body of {len} bytes, which is not its length")]
    Length {
        /// The request's number.
        request: u32,
        /// Length of its body.
        len: usize,
    },
    /// More or fewer descriptors than the message carries.
    #[error("message {request} came with {count} descriptors")]
    Descriptors {
        /// The request's number.
        request: u32,
        /// How many came.
        count: usize,
    },
    /// More descriptors than any message carries; the system has closed what found no room.
    #[error("a message came with more than {MAX_FDS} descriptors")]
    TooManyDescriptors,
    /// A request that does not exist or that was not offered.
    #[error("request {0} was not offered")]
    Unsupported(u32),
    /// A field's value that has no meaning.
    #[error("message {request} has the value {value:#x}")]
    Value {
        /// The request's number.
        request: u32,
        /// The field.
        value: u64,
    },
    /// The connection ended within a message.
    #[error("the connection ended within a message")]
    Truncated,
}
