//! `cargo xtask test`: format, lints, unit and property tests, then the end-to-end tests.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use sluice_tests::{Launch, Stage, interrupt};

use crate::steps::{note, step};
use crate::{cargo, machine, packages};

mod tally;

use tally::Tally;

/// Checks format and lints, and runs the unit, property and end-to-end tests.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Run only tests whose name contains this, and leave out the checks of format and lints.
    filter: Option<String>,
}

/// Runs everything, also what comes after a failure, so that one run tells all.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    machine::require_root()?;
    cargo::enter_root()?;
    packages::ensure()?;
    let _hugepages = machine::reserve_hugepages();
    // Temporary files of tests that are killed go with this directory.
    let scratch = Stage::new()?;

    let mut report = Report::default();
    if options.filter.is_none() {
        report.check("Format", &cargo::cargo().args(["fmt", "--all", "--check"]))?;
        let lints = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
        report.check("Lints", &cargo::cargo().args(lints))?;
    }
    report.note("Build in release", step("Build in release", cargo::build_release))?;

    let tests = cargo::cargo().args(["test", "--locked", "--no-fail-fast"]).env("TMPDIR", scratch.dir());
    let unit = tests.clone().args(["--workspace", "--exclude", "sluice-tests"]);
    report.tests("Unit and property tests", &unit, &[], options)?;
    let end_to_end = tests.args(["--package", "sluice-tests"]);
    report.tests("End-to-end tests", &end_to_end, &["--test-threads=1"], options)?;
    Ok(report.close())
}

/// What has come out so far.
#[derive(Debug, Default)]
struct Report {
    tally: Tally,
    failed: Vec<&'static str>,
}

impl Report {
    fn check(&mut self, title: &'static str, command: &Launch) -> Result<()> {
        let outcome = step(title, || command.show().map_err(anyhow::Error::from));
        self.note(title, outcome)
    }

    fn tests(
        &mut self,
        title: &'static str,
        command: &Launch,
        harness: &[&str],
        options: &Options,
    ) -> Result<()> {
        let command = command.clone().arg("--").args(harness).args(&options.filter);
        let tally = &mut self.tally;
        let outcome = step(title, || {
            let followed = command.follow(|line| {
                println!("{line}");
                tally.add(line);
            });
            followed.map_err(anyhow::Error::from)
        });
        self.note(title, outcome)
    }

    /// Notes a failure and goes on, unless the run was interrupted.
    fn note(&mut self, title: &'static str, outcome: Result<()>) -> Result<()> {
        interrupt::check()?;
        if let Err(error) = outcome {
            note(error);
            self.failed.push(title);
        }
        Ok(())
    }

    fn close(&self) -> ExitCode {
        if !self.failed.is_empty() {
            println!("failed: {}", self.failed.join(", "));
        }
        println!("{}", self.tally);
        if self.failed.is_empty() && self.tally.is_green() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
