//! x
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Args;

/// x
#[derive(Args, Debug)]
pub(crate) struct Options {}

pub(crate) fn run(_options: &Options) -> Result<ExitCode> {
    bail!("")
}
