//! `cargo xtask`: the tasks of this repository, each alone enough on a fresh Debian 12 machine with cargo and root.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use sluice_tests::interrupt;

mod bench;
mod cargo;
mod demo;
mod machine;
mod measure;
mod packages;
mod steps;
mod test;

/// What a shell says of a command that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// The tasks of Sluice's repository.
///
/// Each installs the Debian packages it needs, reserves hugepages if it can, builds in release, runs, and cleans up
/// after itself, also when interrupted.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Options {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    Demo(demo::Options),
    Test(test::Options),
    Bench(bench::Options),
    Measure(measure::Options),
}

fn main() -> ExitCode {
    let options = Options::parse();
    let outcome = interrupt::watch().map_err(anyhow::Error::from).and_then(|()| match options.task {
        Task::Demo(options) => demo::run(&options),
        Task::Test(options) => test::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Measure(options) => measure::run(&options),
    });
    // Whatever ended in between, its guards are dropped by now.
    if interrupt::check().is_err() {
        println!("Interrupted: everything that was started is taken down.");
        return ExitCode::from(INTERRUPTED);
    }
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
