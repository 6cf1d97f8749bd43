//! `cargo xtask bench`: this switch and its peers, side by side.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use sluice_bench::case::Case;
use sluice_bench::measure::{self, Measured};
use sluice_bench::peer::Rival;
use sluice_bench::report;

use crate::{cargo, machine, packages};

/// Measures this switch and its peers interleaved on the same cores: switches on core 1, the generator on core 0.
///
/// Prints packets a second, busy TSC cycles a packet and the median ratio to each peer, above 1 where this switch
/// is better. docs/benchmarks.md says what the figures mean. Leave the machine alone meanwhile.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// The cases to be run, by default all
    #[arg(value_name = "CASE")]
    cases: Vec<Case>,
    /// The peers to be compared with
    #[arg(long, value_name = "PEER", value_delimiter = ',', default_value = "ovs,testpmd")]
    peers: Vec<Rival>,
    /// How often each switch has its turn in every case
    #[arg(long, value_name = "NUMBER", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Writes a line of JSON for each case and mode
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measures the peers alone
    #[arg(long)]
    without_sluice: bool,
}

/// Builds Sluice and runs the harness, which lives in `benches/`.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    machine::require_root()?;
    packages::ensure_with_peers()?;
    if !options.without_sluice {
        cargo::build_release()?;
    }
    let mut json = options
        .json
        .as_ref()
        .map(|path| File::create(path).with_context(|| format!("cannot write {}", path.display())))
        .transpose()?;
    println!("{}", report::HEADING);
    measure::run(&harness_options(options), |measured| {
        print!("{}", report::rows(&measured));
        json.as_mut().map_or(Ok(()), |file| write_lines(file, &measured))
    })?;
    Ok(ExitCode::SUCCESS)
}

fn harness_options(options: &Options) -> measure::Options {
    let cases = if options.cases.is_empty() { Case::ALL.to_vec() } else { options.cases.clone() };
    let sluice = (!options.without_sluice).then_some(Rival::Sluice);
    let rivals = sluice.into_iter().chain(options.peers.iter().copied()).collect();
    measure::Options { cases, rivals, rounds: options.rounds }
}

fn write_lines(file: &mut File, measured: &Measured) -> std::io::Result<()> {
    for line in report::lines(measured) {
        serde_json::to_writer(&mut *file, &line)?;
        writeln!(file)?;
    }
    Ok(())
}
