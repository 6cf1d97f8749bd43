//! The control process: it keeps the wanted state, compiles it and brings it to the datapath.
//!
//! ```text
//! api ──► engine ──► intent (plan) ──► compile ──► sync (datapath) ──► store ──► publish
//! ```
//!
//! - [`intent`]: the wanted state as a value; what may be in it, how it changes, why not.
//! - [`compile`]: wanted objects become bridges, ports, VTEPs and flows. Pure, like `intent`.
//! - [`store`]: the wanted state on disk.
//! - [`sync`]: the stream to the datapath.
//! - [`engine`]: the one task that carries changes out, one after the other.
//! - [`api`]: the gRPC service on the control socket.
//!
//! A change is stored after the datapath has confirmed it and before the client is told; whatever ends the process
//! in between, the snapshot of the next connection brings the datapath to what is stored.
#![forbid(unsafe_code)]

pub mod api;
pub mod compile;
pub mod config;
pub mod engine;
pub mod instance;
pub mod intent;
pub mod run;
pub mod store;
pub mod sync;

#[cfg(test)]
#[path = "../tests/common/objects.rs"]
#[allow(unreachable_pub)]
mod objects;
