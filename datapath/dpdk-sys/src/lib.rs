//! Raw bindings to the system's libdpdk, found by pkg-config, with a thin C shim for what DPDK's headers
//! only give as static inlines. `sluice-dpdk` is the safe wrapper; nothing else should depend on this crate.
//!
//! - The list of what is bound is in `build.rs` and holds only what is used, so that a newer DPDK has little
//!   to break.
//! - [`sluice_mbuf`] is the first cache line of an mbuf in plain fields; the shim asserts the offsets of all of
//!   them when it is compiled.
//! - Linking is dynamic: the EAL loads all drivers from its plugin folder.

#![allow(unsafe_code)]
#![allow(missing_docs, non_camel_case_types, non_snake_case, non_upper_case_globals, unreachable_pub)]
#![allow(clippy::all, clippy::undocumented_unsafe_blocks, clippy::multiple_unsafe_ops_per_block)]
#![allow(clippy::cast_possible_truncation, clippy::indexing_slicing, clippy::semicolon_if_nothing_returned)]
#![allow(rust_2018_idioms)]

include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
