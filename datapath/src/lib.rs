//! The datapath process of Sluice.
//!
//! ```text
//! service   gRPC on <rundir>/datapath.sock: transactions in, state and counters out
//!    │ messages
//! switch    one thread: the wanted state, validated; ports, bridges, underlay; publishes snapshots
//!    │ commands, each answered from a quiescent state            ▲ events (neighbours, punted frames, links)
//! worker    one thread a core: rx burst → key → session or rules → tx
//! ```
//!
//! The worker is the packet's path: it takes no lock that the control side takes, allocates nothing, logs nothing,
//! and frees nothing. All `unsafe` is below, in `sluice-vhost` and `sluice-dpdk`.
#![forbid(unsafe_code)]

mod config;
mod memory;
mod placement;
mod rundir;
mod service;
mod start;
mod switch;
mod worker;

pub use config::{Config, ConfigError, Idle};
pub use placement::PlacementError;
pub use rundir::RunDirError;
pub use start::{StartError, run};
