//! `sluice-control`: the control process. See the library's documentation.
#![forbid(unsafe_code)]

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use sluice_control::config::{Config, ConfigError};
use sluice_control::run::{RunError, run};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Keeps a Sluice switch's wanted state and brings it to the datapath.
///
/// Networks, NICs, bridges, ports, VTEPs and flows are set with `sluice apply` or by gRPC on
/// <RUNDIR>/control.sock, kept in <STATEDIR>/control.redb, compiled into rules and sent to sluice-datapath. It can
/// be stopped or killed at any time: packets do not notice, and the next start goes on where this one ended.
#[derive(Debug, Parser)]
#[command(name = "sluice-control", version, max_term_width = 100)]
struct Arguments {
    /// Configuration file (TOML) with the keys rundir, statedir, datapath, apply_timeout_s and log; options given
    /// here come before it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Runtime directory: the control socket, and the datapath's [default: /run/sluice]
    #[arg(long, value_name = "DIR")]
    rundir: Option<PathBuf>,
    /// State directory: the stored wanted state [default: /var/lib/sluice]
    #[arg(long, value_name = "DIR")]
    statedir: Option<PathBuf>,
    /// The datapath's socket [default: <RUNDIR>/datapath.sock]
    #[arg(long, value_name = "SOCKET")]
    datapath: Option<PathBuf>,
    /// What to log to standard error: error, warn, info, debug, trace, or a filter like
    /// "info,sluice_control::sync=debug" [default: info]
    #[arg(long, value_name = "FILTER", env = "SLUICE_LOG")]
    log: Option<String>,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("--log {filter}: {source}")]
    Log { filter: String, source: tracing_subscriber::filter::ParseError },
    #[error("cannot start: {0}")]
    Runtime(#[from] std::io::Error),
    #[error(transparent)]
    Run(#[from] RunError),
}

fn main() -> ExitCode {
    match start(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("sluice-control: {failure}");
            // As the CLI's: 2 for what the caller wrote, 5 for a conflict with another process.
            ExitCode::from(match failure {
                Failure::Config(_) | Failure::Log { .. } => 2,
                Failure::Run(error) if error.is_conflict() => 5,
                _ => 1,
            })
        }
    }
}

fn start(arguments: Arguments) -> Result<(), Failure> {
    let mut config = arguments.config.as_deref().map(Config::read).transpose()?.unwrap_or_default();
    config.rundir = arguments.rundir.unwrap_or(config.rundir);
    config.statedir = arguments.statedir.unwrap_or(config.statedir);
    config.datapath = arguments.datapath.or(config.datapath);
    config.log = arguments.log.unwrap_or(config.log);

    let filter = EnvFilter::try_new(&config.log)
        .map_err(|source| Failure::Log { filter: config.log.clone(), source })?;
    let is_terminal = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(is_terminal)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let result = runtime.block_on(async {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        run(config, stop).await.map_err(Failure::from)
    });
    // A commit that is under way ends by itself or not at all; both are whole.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    result
}
