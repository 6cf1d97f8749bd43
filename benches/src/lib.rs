//! The side-by-side harness: this switch and its peers, measured in turn on the same cores in one run.
//!
//! `cargo xtask bench` is its command; `docs/benchmarks.md` says what each figure means and why the comparison
//! is fair.
//!
//! | module | concept |
//! |---|---|
//! | [`case`] | what is measured: traffic and rules, the same for every switch |
//! | [`frame`], [`pcap`] | the frames of numbered flows, and files of them |
//! | [`generator`] | guests that send and drain: `testpmd` on core 0 |
//! | [`peer`] | a switch on core 1: Sluice, OVS-DPDK, `testpmd` |
//! | [`mode`] | how far apart the two cores are right now |
//! | [`machine`] | the clock, and keeping other programs off the two cores |
//! | [`measure`] | rounds, turns and windows |
//! | [`stats`] | medians and ratios |
//! | [`report`] | the table for people, the lines of JSON for programs |
//!
//! Nothing here links libdpdk: `cargo xtask` builds on a machine that has nothing installed yet.
#![forbid(unsafe_code)]

pub mod case;
pub mod frame;
pub mod generator;
pub mod machine;
pub mod measure;
pub mod mode;
pub mod pcap;
pub mod peer;
pub mod report;
pub mod stats;

/// The core that the generator, the switches' control threads and the harness run on.
pub const GENERATOR_CORE: usize = 0;
/// The core that the switches' packet thread runs on.
pub const SWITCH_CORE: usize = 1;
