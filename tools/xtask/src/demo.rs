//! `cargo xtask demo`: two hosts, two tenants with the same addresses, four guests.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use sluice_tests::guest::Image;
use sluice_tests::scenario::two_hosts::TwoHosts;
use sluice_tests::{Stage, interrupt};

use crate::steps::{note, step};
use crate::{cargo, machine, packages};

mod keep;
mod show;

/// Stages two hosts with guests of two tenants, shows that each tenant's guests reach each other and nobody else.
///
/// The hosts are network namespaces, the guests boot Debian's kernel in QEMU, both tenants use the same MAC and IP
/// addresses. Everything is configured with `sluice apply -f`.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Stay up when all is shown, and print commands to look around; Ctrl-C takes it down.
    #[arg(long)]
    keep: bool,
}

/// Stages it, shows it, takes it down.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    machine::require_root()?;
    cargo::enter_root()?;
    packages::ensure()?;
    let _hugepages = machine::reserve_hugepages();
    step("Build in release", cargo::build_release)?;

    let stage = Stage::new()?;
    let outcome = raise(&stage).and_then(|mut scene| {
        show::everything(&mut scene)?;
        if options.keep { keep::until_interrupted(scene) } else { Ok(()) }
    });
    match outcome {
        Ok(()) => {
            println!("That is all; everything is taken down. With --keep it stays up to look around.");
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            if interrupt::check().is_ok() {
                stage.show_logs();
            }
            Err(error)
        }
    }
}

fn raise(stage: &Stage) -> Result<TwoHosts> {
    let image = step("The guests' image: Debian's kernel, busybox, iperf3", Image::build)?;
    let mut scene = step("Two hosts: network namespaces with sluice-datapath and sluice-control", || {
        TwoHosts::start(stage)
    })?;
    step("Four guests, red's and blue's on each host, with the same addresses", || {
        scene.start_guests(stage, &image)
    })?;
    step("sluice apply -f on each host", || {
        let [a, _] = scene.wanted();
        note("host a's file:");
        a.lines().for_each(note);
        scene.apply()
    })?;
    step("The guests boot (emulated: no KVM is needed)", || scene.boot())?;
    Ok(scene)
}
