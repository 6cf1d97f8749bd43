//! Starting and stopping the processes, and what keeps them from starting.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]

use std::fs;
use std::time::Duration;

use sluice_tests::host::HostOptions;
use sluice_tests::{Error, Host, Launch, Result, Stage};

const LIMIT: Duration = Duration::from_secs(60);

/// Exit codes that operators' scripts rely on.
const FAILED: i32 = 1;
const INVALID: i32 = 2;
const UNREACHABLE: i32 = 3;
const CONFLICT: i32 = 5;

#[test]
fn both_processes_stop_in_order_and_leave_no_socket() -> Result<()> {
    Stage::run(|stage| {
        let mut host = Host::start(stage, "host", &HostOptions::default())?;
        assert!(host.control()?.stop(LIMIT)?.success());
        assert!(host.datapath()?.stop(LIMIT)?.success());
        for socket in ["control.sock", "datapath.sock"] {
            assert!(!host.rundir().join(socket).exists(), "{socket} is left");
        }
        Ok(())
    })
}

#[test]
fn control_finds_a_datapath_that_starts_after_it() -> Result<()> {
    Stage::run(|stage| {
        let mut host = Host::prepare(stage, "host", &HostOptions::default())?;
        host.start_control()?;
        host.start_datapath()?;
        host.wait_connected()
    })
}

#[test]
fn a_datapath_killed_and_started_again_gets_the_wanted_state() -> Result<()> {
    Stage::run(|stage| {
        let mut host = Host::start(stage, "host", &HostOptions::default())?;
        host.apply("wanted", "bridges:\n- {name: br0}\nflows:\n- {bridge: br0, flow: 'actions=NORMAL'}\n")?;
        host.kill_datapath();
        host.start_datapath()?;
        host.wait_connected()?;
        let flows = host.cli().run("flow list br0")?;
        assert!(flows.contains("NORMAL"), "{flows}");
        Ok(())
    })
}

#[test]
fn the_wanted_state_outlives_both_processes() -> Result<()> {
    Stage::run(|stage| {
        let mut host = Host::start(stage, "host", &HostOptions::default())?;
        host.apply("wanted", "bridges:\n- {name: br0}\n")?;
        host.kill_control();
        host.kill_datapath();
        host.start_datapath()?;
        host.start_control()?;
        host.wait_connected()?;
        assert!(host.cli().run("bridge list -o name")?.contains("br0"));
        Ok(())
    })
}

#[test]
fn a_second_datapath_in_the_same_runtime_directory_is_refused() -> Result<()> {
    Stage::run(|stage| {
        let mut host = Host::start(stage, "host", &HostOptions::default())?;
        let refusal = refusal(&host.datapath_command()?, CONFLICT)?;
        assert!(
            refusal.contains(&*host.rundir().to_string_lossy()) && refusal.contains("in use"),
            "{refusal}"
        );
        // The first one goes on.
        host.datapath()?.check()?;
        host.cli().run("status").map(drop)
    })
}

#[test]
fn a_second_control_in_the_same_directories_is_refused() -> Result<()> {
    Stage::run(|stage| {
        let mut host = Host::start(stage, "host", &HostOptions::default())?;
        let refusal = refusal(&host.control_command()?, CONFLICT)?;
        assert!(refusal.contains("in use"), "{refusal}");
        host.control()?.check()?;
        host.cli().run("status").map(drop)
    })
}

#[test]
fn too_few_hugepages_are_counted() -> Result<()> {
    Stage::run(|stage| {
        // More than any machine has that runs this.
        let memory_mb = 1 << 20;
        let options = HostOptions { hugepages: true, memory_mb, ..HostOptions::default() };
        let host = Host::prepare(stage, "host", &options)?;
        let refusal = refusal(&host.datapath_command()?, FAILED)?;
        let free = sluice_tests::hugepages::free_mb() / 2;
        let missing = memory_mb / 2 - free;
        assert!(refusal.contains("hugepages") && refusal.contains(&missing.to_string()), "{refusal}");
        Ok(())
    })
}

#[test]
fn an_error_in_the_configuration_is_told_with_its_line() -> Result<()> {
    Stage::run(|stage| {
        let host = Host::prepare(stage, "host", &HostOptions::default())?;
        write(&host, "hugepages = false\nidel = \"poll\"\n")?;
        let refusal = refusal(&host.datapath_command()?, INVALID)?;
        assert!(refusal.contains("line 2") && refusal.contains("idel"), "{refusal}");
        Ok(())
    })
}

#[test]
fn a_cpu_that_is_not_there_is_named() -> Result<()> {
    Stage::run(|stage| {
        let host = Host::prepare(stage, "host", &HostOptions { cpu: 9999, ..HostOptions::default() })?;
        let refusal = refusal(&host.datapath_command()?, INVALID)?;
        assert!(refusal.contains("9999"), "{refusal}");
        Ok(())
    })
}

#[test]
fn the_cli_says_when_nobody_is_there() -> Result<()> {
    Stage::run(|stage| {
        let host = Host::prepare(stage, "host", &HostOptions::default())?;
        let answer = host.cli().answer(&["bridge", "list"])?;
        assert_eq!(answer.code, Some(UNREACHABLE), "{answer:?}");
        assert!(answer.stderr.contains("control.sock"), "{answer:?}");
        Ok(())
    })
}

/// Runs a command that ends with that code by itself; answers what it wrote.
fn refusal(command: &Launch, code: i32) -> Result<String> {
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(code) {
        return Ok(text.into_owned());
    }
    Err(Error::Failed { command: command.to_string(), status: output.status, output: text.into_owned() })
}

fn write(host: &Host, config: &str) -> Result<()> {
    fs::write(host.config_file(), config)
        .map_err(|source| Error::Io { what: "write a configuration".to_owned(), source })
}
