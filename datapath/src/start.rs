//! Start and end of the process.

use std::path::Path;

use sluice_dpdk::{Eal, EalConfig, EalError, LogLevel};
use sluice_pipeline::RuleCounters;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{Config, ConfigError};
use crate::placement::{Machine, PlacementError};
use crate::rundir::{RunDir, RunDirError};
use crate::switch::SwitchThread;
use crate::worker::{Crew, WorkerError, WorkerSetup};
use crate::{service, switch};

/// Why the datapath does not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The runtime directory cannot be used.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// The workers cannot be placed.
    #[error(transparent)]
    Placement(#[from] PlacementError),
    /// DPDK does not start.
    #[error(transparent)]
    Eal(#[from] EalError),
    /// The workers do not start.
    #[error("{0}")]
    Worker(String),
    /// The system refuses a thread, a descriptor or the like.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// The kernel's word.
        source: std::io::Error,
    },
    /// The gRPC service ended.
    #[error("{0}")]
    Service(String),
}

impl StartError {
    /// The process's exit code: 2 for what the caller wrote, 5 for a conflict with another process, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            StartError::Config(_) | StartError::Placement(_) => 2,
            StartError::RunDir(RunDirError::InUse(_)) => 5,
            _ => 1,
        }
    }
}

/// Runs the datapath until SIGTERM or SIGINT.
pub fn run(config: &Config, rundir: &Path) -> Result<(), StartError> {
    abort_on_panic();
    let rundir = RunDir::open(rundir)?;
    let machine = Machine::read()?;
    let sites = machine.sites(&config.cpus)?;
    let eal = Eal::start(&EalConfig {
        hugepages: config.hugepages,
        memory_mb: config.memory_mb,
        log: Some(log_dpdk),
        extra: config.eal_args.clone(),
        ..EalConfig::default()
    })?;
    let (events, heard) = switch::channel();
    let (counters, writers) = RuleCounters::new(sites.len());
    let crew = Crew::start(machine, &sites, &WorkerSetup::new(config, &eal, events.clone()), writers)?;
    let (config, workers) = (config.clone(), crew.workers());
    let setup = switch::Setup { config, eal, workers, counters, events, heard };
    let (thread, handle) = SwitchThread::spawn(setup)
        .map_err(|source| StartError::System { what: "cannot start the switch", source })?;

    let served = serve(&rundir, handle);
    thread.stop();
    crew.stop();
    served
}

fn serve(rundir: &RunDir, handle: switch::SwitchHandle) -> Result<(), StartError> {
    let system = |what| move |source| StartError::System { what, source };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("service")
        .enable_all()
        .build()
        .map_err(system("cannot start the service"))?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(system("cannot watch signals"))?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(system("cannot watch signals"))?;
        let listener = rundir.listen()?;
        tracing::info!(socket = %rundir.socket_path().display(), version = env!("CARGO_PKG_VERSION"), "ready");
        let ended = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        // Streams may be open for ever; an end does not wait for clients.
        tokio::select! {
            served = service::serve(listener, handle, std::future::pending()) => {
                served.map_err(|error| StartError::Service(error.to_string()))
            }
            () = ended => Ok(()),
        }
    })?;
    runtime.shutdown_background();
    tracing::info!("stopping");
    Ok(())
}

impl From<WorkerError> for StartError {
    fn from(error: WorkerError) -> StartError {
        match error {
            WorkerError::Placement(error) => StartError::Placement(error),
            error => StartError::Worker(error.to_string()),
        }
    }
}

/// DPDK's log becomes ours.
fn log_dpdk(level: LogLevel, line: &str) {
    match level {
        LogLevel::Error => tracing::error!(target: "dpdk", "{line}"),
        LogLevel::Warning => tracing::warn!(target: "dpdk", "{line}"),
        _ => tracing::debug!(target: "dpdk", "{line}"),
    }
}

/// A panic in any thread ends the process: half a switch that looks alive is worse than one that is restarted.
fn abort_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        report(info);
        std::process::abort();
    }));
}
