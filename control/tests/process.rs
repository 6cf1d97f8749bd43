//! The program: starting, stopping, being killed.
// Tests fail by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::needless_pass_by_value)]

mod common;

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use common::objects::*;
use common::process::{Process, command};
use common::{Client, Datapath};
use sluice_api::v1;
use sluice_api::v1::apply_reply::Result as Outcome;
use sluice_api::v1::object::Kind;
use tempfile::TempDir;

/// Runs to its end, which is a failure, and says what it said.
fn failure(mut command: Command) -> (i32, String) {
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code().unwrap(), said)
}

fn dir() -> TempDir {
    tempfile::tempdir().unwrap()
}

async fn connect(dir: &Path) -> Client {
    Client::connect(&dir.join("run/control.sock")).await
}

fn names(objects: &[v1::Object]) -> Vec<&str> {
    objects
        .iter()
        .filter_map(|object| match &object.kind {
            Some(Kind::Bridge(bridge)) => Some(bridge.name.as_str()),
            _ => None,
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_confirmed_survives_being_killed_at_any_time() {
    let dir = dir();
    let datapath = Datapath::start(dir.path());
    let mut confirmed = Vec::new();
    for round in 0..6 {
        let mut process = Process::start(dir.path());
        let client = connect(dir.path()).await;
        client.connected().await;
        let stored = client.list().await;
        let stored = names(&stored);
        assert!(
            confirmed.iter().all(|name: &String| stored.contains(&name.as_str())),
            "round {round}: {stored:?}"
        );
        // Changes come as fast as they are confirmed, until the process is killed in the midst of one.
        let writer = tokio::spawn({
            let client = client.clone();
            async move {
                let mut confirmed = Vec::new();
                for n in 0.. {
                    let name = format!("br-{round}-{n}");
                    let operations = vec![set(bridge(&name)), set(flow(&name, "actions=normal"))];
                    let request = v1::ApplyRequest { operations, ..v1::ApplyRequest::default() };
                    match client.send(request).await {
                        Ok(Outcome::Applied(_)) => confirmed.push(name),
                        Ok(Outcome::Error(error)) => panic!("{error:?}"),
                        Err(_) => break,
                    }
                }
                confirmed
            }
        });
        let mut seen = 0;
        common::eventually("some changes", async || {
            seen += datapath.take_recorded().len();
            (seen > 3 + 5 * round).then_some(())
        })
        .await;
        process.signal(rustix::process::Signal::KILL);
        confirmed.extend(writer.await.unwrap());
    }
    let _process = Process::start(dir.path());
    let client = connect(dir.path()).await;
    client.connected().await;
    // At most the one change of each round that was never confirmed is there beyond the confirmed ones; and the
    // datapath has what is stored, no more.
    let stored = client.list().await;
    assert!((confirmed.len()..=confirmed.len() + 6).contains(&names(&stored).len()));
    assert_eq!(datapath.objects().len(), stored.len());
}

#[tokio::test]
async fn a_restart_after_a_kill_changes_nothing() {
    let dir = dir();
    let _datapath = Datapath::start(dir.path());
    let mut process = Process::start(dir.path());
    let client = connect(dir.path()).await;
    client.connected().await;
    client
        .apply(vec![
            set(uplink("up0", "", "net_tap0")),
            set(vtep("vtep0", "up0", &["192.0.2.1/24"])),
            set(network("blue", 100, "", &["192.0.2.2"])),
            set(nic("vm1", "blue", "52:54:00:00:00:01", "/run/vm1.sock")),
        ])
        .await
        .unwrap();
    process.signal(rustix::process::Signal::KILL);
    process.0.wait().unwrap();
    assert!(dir.path().join("run/control.sock").exists(), "the killed process leaves its socket");

    let _process = Process::start(dir.path());
    let status = connect(dir.path()).await.connected().await;
    // Uplink, VTEP, the network's bridge, tunnel and rule, the NIC's port and two rules.
    assert_eq!(status.last_sync, Some(v1::Changes { unchanged: 8, ..v1::Changes::default() }));
    assert_eq!(status.objects, 4);
}

#[tokio::test]
async fn signals_end_it_cleanly() {
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::INT] {
        let dir = dir();
        let mut process = Process::start(dir.path());
        let client = connect(dir.path()).await;
        // A stream that never ends by itself does not hold it up.
        let _watch = client.watch(v1::ListRequest::default()).await;
        process.signal(signal);
        assert!(process.0.wait().unwrap().success());
        assert!(!dir.path().join("run/control.sock").exists());
    }
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let dir = dir();
    let process = Process::start(dir.path());
    let client = connect(dir.path()).await;
    let (code, said) = failure(command(dir.path()));
    assert_eq!(code, 5);
    let holder = format!("in use by another sluice-control (pid {})", process.0.id());
    assert!(said.contains(&holder) && said.contains("--rundir"), "{said}");
    // The first one's socket is still its own.
    assert_eq!(client.status().await.objects, 0);
}

#[test]
fn mistakes_in_the_configuration_are_named() {
    let dir = dir();
    let file = dir.path().join("control.toml");
    std::fs::write(&file, "apply_timeout_s = 5\nrundri = \"/x\"\n").unwrap();
    let mut with_file = command(dir.path());
    with_file.arg("--config").arg(&file);
    let (code, said) = failure(with_file);
    assert_eq!(code, 2);
    assert!(said.contains("line 2") && said.contains("rundri"), "{said}");

    let mut with_log = command(dir.path());
    with_log.args(["--log", "info,=x=y"]);
    let (code, said) = failure(with_log);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("--log"), "{said}");
}
