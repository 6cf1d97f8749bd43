//! Frames as bytes: the judged copy of a frame's start ([`Head`]), views of the headers that the switch reads
//! and writes, checksums, and the flow key that rules and sessions match.
//!
//! Pure: no I/O, no unsafe, no allocation; every length is checked where it is read.
#![forbid(unsafe_code)]

pub mod checksum;
mod drop;
mod extract;
mod head;
mod key;
mod layout;
mod mac;
mod protocol;
mod rewrite;

pub use drop::DropReason;
pub use extract::{Quick, extract, quick};
pub use head::{BURST, HEAD_CAPTURE, HEAD_ROOM, Head, Heads};
pub use key::{Field, FieldMask, FieldSpec, FlowKey, KEY_WORDS};
pub use layout::{Depth, Layout, Network, Transport};
pub use mac::{MacAddr, MacAddrError};
pub use rewrite::{Rewrite, SetField, SetFieldError, Tpid, VLAN_PRESENT};
