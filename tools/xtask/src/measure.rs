//! `cargo xtask measure`: the promised behaviours, with their figures.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use sluice_tests::Stage;
use sluice_tests::scenario::{self, Family, LocalSide};

use crate::steps::{note, step};
use crate::{cargo, machine, packages};

/// Measures promised behaviours and prints a figure for each.
///
/// Without a name, all are measured. A figure that is worse than promised is said so, and the exit code is 1.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// What to measure.
    #[arg(value_enum)]
    what: Vec<Behaviour>,
}

/// A promised behaviour.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Behaviour {
    /// The control process killed with -9 under load, left dead 30 s, restarted
    ControlKill,
    /// A guest killed with -9 and booted again 20 times
    GuestRestart,
    /// Pings to the kernel's VXLAN device over IPv4 and IPv6, also as long as the MTU
    VxlanInterop,
    /// CPU time with two ports and no traffic
    Idle,
    /// Memory with two ports, hugepages included
    Memory,
}

const OUTAGE: Duration = Duration::from_secs(30);
const RESTARTS: u32 = 20;
const IDLE_SPAN: Duration = Duration::from_secs(20);
const IDLE_PROMISE_PERCENT: f64 = 2.0;
const MEMORY_PROMISE_MB: f64 = 256.0;

/// Measures and prints.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    machine::require_root()?;
    cargo::enter_root()?;
    packages::ensure()?;
    let _hugepages = machine::reserve_hugepages();
    step("Build in release", cargo::build_release)?;

    let all = Behaviour::value_variants();
    let wanted = if options.what.is_empty() { all } else { &options.what };
    let mut kept = true;
    for behaviour in wanted {
        let stage = Stage::new()?;
        let outcome = step(behaviour.title(), || behaviour.measure(&stage));
        if let Err(error) = outcome {
            sluice_tests::interrupt::check()?;
            stage.show_logs();
            note(format!("not as promised: {error:#}"));
            kept = false;
        }
    }
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Behaviour {
    fn title(self) -> &'static str {
        match self {
            Behaviour::ControlKill => {
                "control-kill: the control process killed under load, 30 s dead, restarted"
            }
            Behaviour::GuestRestart => "guest-restart: a guest killed and booted again 20 times",
            Behaviour::VxlanInterop => "vxlan-interop: pings to the kernel's VXLAN device",
            Behaviour::Idle => "idle: two ports, no traffic",
            Behaviour::Memory => "memory: two ports",
        }
    }

    /// Prints the figure; fails if it is worse than promised.
    fn measure(self, stage: &Stage) -> Result<()> {
        match self {
            Behaviour::ControlKill => control_kill(stage),
            Behaviour::GuestRestart => guest_restart(stage),
            Behaviour::VxlanInterop => vxlan_interop(),
            Behaviour::Idle => idle(stage),
            Behaviour::Memory => memory(stage),
        }
    }
}

fn control_kill(stage: &Stage) -> Result<()> {
    let outcome = scenario::kill_control(stage, OUTAGE)?;
    note(format!(
        "{} frames lost of {} sent, {} of them while control was dead; {} objects re-installed, {} left as they were",
        outcome.lost, outcome.sent, outcome.sent_meanwhile, outcome.reinstalled, outcome.unchanged
    ));
    ensure!(outcome.sent_meanwhile > 0, "nothing was sent while control was dead");
    ensure!(outcome.lost == 0 && outcome.reinstalled == 0, "promised: 0 frames lost, 0 objects re-installed");
    Ok(())
}

fn guest_restart(stage: &Stage) -> Result<()> {
    let outcome = scenario::restart_guest(stage, RESTARTS)?;
    let (first, last) = (outcome.held_first, outcome.held_last);
    note(format!(
        "{} restarts, the port worked after each; other guests: {} frames lost of {}; descriptors {} then {}, \
         mappings {} then {}, of guests' memory {}",
        outcome.restarts,
        outcome.others_lost,
        outcome.others_sent,
        first.descriptors,
        last.descriptors,
        first.mappings,
        last.mappings,
        last.guest_mappings
    ));
    ensure!(outcome.others_lost == 0, "promised: other ports lose nothing");
    ensure!(first.descriptors == last.descriptors && last.guest_mappings == 0, "promised: nothing left over");
    Ok(())
}

fn vxlan_interop() -> Result<()> {
    for family in [Family::Ipv4, Family::Ipv6] {
        for local in [LocalSide::Stack, LocalSide::Guest] {
            let stage = Stage::new()?;
            let pings =
                scenario::ping_kernel_vtep(&stage, family, local).inspect_err(|_| stage.show_logs())?;
            note(format!(
                "{family:?} underlay, {local:?} behind Sluice: {} of {0} kinds of ping answered",
                pings.len()
            ));
        }
    }
    Ok(())
}

fn idle(stage: &Stage) -> Result<()> {
    let percent = scenario::measure_footprint(stage, IDLE_SPAN)?.cpu_percent;
    note(format!(
        "{percent:.2} % of a core over {} s (promised: {IDLE_PROMISE_PERCENT} %)",
        IDLE_SPAN.as_secs()
    ));
    ensure!(percent <= IDLE_PROMISE_PERCENT, "more than promised");
    Ok(())
}

fn memory(stage: &Stage) -> Result<()> {
    let footprint = scenario::measure_footprint(stage, Duration::ZERO)?;
    // Exact up to 2^53 bytes.
    let megabytes = footprint.memory_bytes as f64 / 1e6;
    let pages = if footprint.hugepages { "hugepages included" } else { "without hugepages" };
    note(format!("{megabytes:.1} MB, {pages} (promised: {MEMORY_PROMISE_MB} MB)"));
    ensure!(megabytes <= MEMORY_PROMISE_MB, "more than promised");
    Ok(())
}
