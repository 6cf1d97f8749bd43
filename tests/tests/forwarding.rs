//! Frames between two virtio_user guests of one host.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]

use std::time::Duration;

use sluice_tests::host::HostOptions;
use sluice_tests::scenario::Pair;
use sluice_tests::wait::wait_for;
use sluice_tests::{Result, Stage};

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn every_frame_arrives() -> Result<()> {
    Stage::run(|stage| {
        let mut pair = Pair::start(stage, &HostOptions::default())?;
        pair.circulate(4)?;
        pair.progress()?;
        pair.drain()?.check()
    })
}

#[test]
fn every_frame_arrives_without_hugepages() -> Result<()> {
    Stage::run(|stage| {
        let mut pair = Pair::start(stage, &HostOptions { hugepages: false, ..HostOptions::default() })?;
        pair.circulate(4)?;
        pair.drain()?.check()
    })
}

#[test]
fn frames_of_1514_bytes_arrive() -> Result<()> {
    Stage::run(|stage| {
        let mut pair = Pair::start(stage, &HostOptions::default())?;
        pair.guests.command("set txpkts 1514")?;
        pair.circulate(1)?;
        pair.drain()?.check()
    })
}

#[test]
fn a_rule_that_drops_is_counted_and_one_that_is_deleted_is_missed() -> Result<()> {
    Stage::run(|stage| {
        let mut pair = Pair::start(stage, &HostOptions::default())?;
        let flow = |verb: &str, flow: &str| pair.host.cli().run(&format!("flow {verb} br0 {flow}"));
        flow("add", "priority=40000,in_port=1,actions=drop")?;
        flow("delete", "in_port=2")?;
        pair.guests.command("set fwd io")?;
        pair.guests.command("start tx_first 1")?;
        for reason in ["rule_drop", "table_miss"] {
            wait_for(&format!("{reason} counts a burst"), LIMIT, || {
                let count = pair.host.cli().drops(reason).map_err(|error| error.to_string())?;
                if count == 32 { Ok(()) } else { Err(format!("{count}")) }
            })?;
        }
        assert!(pair.guests.counts()?.iter().all(|count| count.rx == 0 && count.tx == 32));
        Ok(())
    })
}
