//! `sluice-datapath`: see the library for what it is.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use sluice_datapath::{Config, StartError};
use tracing_subscriber::EnvFilter;

/// The packet path of Sluice: serves guests over vhost-user and uplinks over DPDK, forwards by the rules that
/// sluice-control gives it, and goes on without it.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Args {
    /// Configuration, TOML; without it every key has its default
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Directory of the socket and the lock; one datapath each
    #[arg(long, value_name = "DIR", default_value = "/run/sluice", env = "SLUICE_RUNDIR")]
    rundir: PathBuf,
    /// What to log: error, warn, info, debug, trace, or a filter such as sluice_datapath=debug
    #[arg(long, value_name = "FILTER", default_value = "info", env = "SLUICE_LOG")]
    log: String,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let filter = match EnvFilter::try_new(&args.log) {
        Ok(filter) => filter,
        Err(error) => {
            eprintln!("error: --log {}: {error}", args.log);
            return ExitCode::from(2);
        }
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let result = match &args.config {
        Some(path) => Config::read(path).map_err(StartError::from),
        None => Ok(Config::default()),
    }
    .and_then(|config| sluice_datapath::run(&config, &args.rundir));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
