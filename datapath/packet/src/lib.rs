//! Frames as bytes: the judged copy of a frame's start ([`Head`]), views of the headers that the switch reads
//! and writes, checksums, and the flow key that rules and sessions match.
//!
//! Pure: no I/O, no unsafe, no allocation; every length is checked where it is read.
#![forbid(unsafe_code)]

pub mod checksum;
mod drop;
mod head;
mod mac;

pub use drop::DropReason;
pub use head::{BURST, HEAD_CAPTURE, HEAD_ROOM, Head, Heads};
pub use mac::{MacAddr, MacAddrError};
