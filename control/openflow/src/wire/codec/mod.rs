//! Reading and writing bytes: bounded cursors, and the macros that say a structure's layout once for both ways.
//!
//! All numbers are in network byte order (OpenFlow 1.3.5 §7: "big-endian").

mod layout;
mod reader;
mod text;
mod writer;

pub(in crate::wire) use layout::{Wire, wire_enum, wire_flags, wire_struct};
pub(in crate::wire) use reader::Reader;
pub use text::Text;
pub(in crate::wire) use writer::Writer;
