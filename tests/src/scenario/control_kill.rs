//! The control process is killed under load, left dead, and started again.

use std::time::Duration;

use serde_json::Value;

use super::Pair;
use crate::error::{Error, Result};
use crate::host::HostOptions;
use crate::stage::Stage;
use crate::wait::let_pass;

const BURSTS: u32 = 4;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlKill {
    /// Frames sent by two guests in all.
    pub sent: u64,
    /// Of those, sent while there was no control process.
    pub sent_meanwhile: u64,
    /// Frames lost.
    pub lost: u64,
    /// Objects that the new control process's snapshot added, replaced or removed in the datapath.
    pub reinstalled: u64,
    /// Objects that it found as they should be.
    pub unchanged: u64,
}

/// Kills it with SIGKILL, leaves it dead for `outage`, starts it again.
pub fn kill_control(stage: &Stage, outage: Duration) -> Result<ControlKill> {
    let mut pair = Pair::start(stage, &HostOptions::default())?;
    pair.circulate(BURSTS)?;

    pair.host.kill_control();
    let before = sent(&mut pair)?;
    let_pass(outage)?;
    let after = sent(&mut pair)?;
    pair.host.start_control()?;
    pair.host.wait_connected()?;
    pair.progress()?;

    let status = pair.host.cli().json("status")?;
    let sync = |field: &str| {
        let found = status.pointer(&format!("/control/last_sync/{field}")).and_then(Value::as_u64);
        found.ok_or_else(|| Error::Unexpected {
            what: format!("last_sync.{field}"),
            found: status.to_string(),
        })
    };
    let circulation = pair.drain()?;
    Ok(ControlKill {
        sent: circulation.sent,
        sent_meanwhile: after - before,
        lost: circulation.lost,
        reinstalled: sync("added")? + sync("changed")? + sync("removed")?,
        unchanged: sync("unchanged")?,
    })
}

fn sent(pair: &mut Pair) -> Result<u64> {
    Ok(pair.guests.counts()?.iter().map(|count| count.tx).sum())
}
