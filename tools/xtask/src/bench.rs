//! `cargo xtask bench`: this switch and its peers, side by side.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;

/// Measures this switch and its peers interleaved on the same cores.
#[derive(Args, Debug)]
pub(crate) struct Options {}

/// The harness lives in `benches/`; it is wired up here.
pub(crate) fn run(_options: &Options) -> Result<ExitCode> {
    bail!("the side-by-side harness is not wired up yet")
}
