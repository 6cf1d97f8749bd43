//! The staging of Sluice's end-to-end tests and of `cargo xtask demo` and `measure`: real processes, real
//! guests and real peers on one machine.
//!
//! Everything here is a guard: what it starts or makes is gone when it is dropped. Nothing outlives a test that
//! is killed with -9 either: processes ask the kernel to be killed along with us, and a network namespace
//! lives only as long as the process that holds it.
//!
//! | module | what it stages |
//! |---|---|
//! | [`process`] | processes with captured output, commands run to their end |
//! | [`netns`] | network namespaces and veth pairs |
//! | [`host`] | a host: a namespace with `sluice-datapath` and `sluice-control` in it, and the CLI |
//! | [`guest`] | Linux guests in QEMU with a console that takes commands |
//! | [`testpmd`] | DPDK's virtio_user as a guest that sends and counts frames |
//! | [`underlay`] | the network between hosts |
//! | [`vxlan`] | the kernel's `vxlan` device as the other VTEP, and frames no VTEP would send |
//! | [`wait`] | waiting for conditions |
//!
//! This crate does not link libdpdk, so that `cargo xtask` builds on a machine that has nothing installed yet.
#![forbid(unsafe_code)]

pub mod built;
pub mod cli;
pub mod error;
pub mod guest;
pub mod host;
pub mod hugepages;
pub mod interrupt;
pub mod netns;
pub mod process;
pub mod scenario;
pub mod serial;
pub mod stage;
pub mod testpmd;
pub mod underlay;
pub mod usage;
pub mod vxlan;
pub mod wait;

pub use cli::Cli;
pub use error::{Error, Result};
pub use host::Host;
pub use netns::Namespace;
pub use process::{Launch, Process};
pub use stage::Stage;
pub use underlay::Underlay;
