//! A guest is killed and booted again, over and over, beside guests that go on.

use std::time::Duration;

use super::{GuestPort, Pair};
use crate::error::Result;
use crate::guest::SocketOwner;
use crate::host::HostOptions;
use crate::stage::Stage;
use crate::usage::Holdings;
use crate::wait::wait_for;

const LIMIT: Duration = Duration::from_secs(30);
const BURSTS: u32 = 1;
/// Looks in a row, 20 ms apart, that show the same.
const SETTLED: u32 = 25;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuestRestarts {
    /// Times the guest was killed with SIGKILL, booted again and answered pings.
    pub restarts: u32,
    /// Frames that two other guests sent meanwhile.
    pub others_sent: u64,
    /// Those of them that were lost.
    pub others_lost: u64,
    /// What the datapath held when the guest was dead the first time.
    pub held_first: Holdings,
    /// What it held when the guest was dead the last time.
    pub held_last: Holdings,
}

/// Boots a guest, and kills it and boots it again `restarts` times.
pub fn restart_guest(stage: &Stage, restarts: u32) -> Result<GuestRestarts> {
    let mut pair = Pair::start(stage, &HostOptions::default())?;
    let port = GuestPort::add(stage, &pair.host, SocketOwner::Guest)?;
    port.boot(stage)?.kill();
    let pid = pair.datapath_pid()?;
    let held_first = held_without_guest(&pair, pid)?;
    pair.circulate(BURSTS)?;
    for _ in 0..restarts {
        port.boot(stage)?.kill();
        pair.progress()?;
    }
    let held_last = held_without_guest(&pair, pid)?;
    let others = pair.drain()?;
    Ok(GuestRestarts { restarts, others_sent: others.sent, others_lost: others.lost, held_first, held_last })
}

/// What the datapath holds once it has noticed that the guest is gone and let go of its memory.
fn held_without_guest(pair: &Pair, pid: u32) -> Result<Holdings> {
    pair.host.cli().wait_link("guest", "down", LIMIT)?;
    // Descriptors go a moment after the mappings, and whoever asked the datapath has a socket in it a moment longer.
    let mut same = (None, 0);
    wait_for("nothing of the guest's is held, and what is held settles", LIMIT, || {
        let held = Holdings::of(pid).map_err(|error| error.to_string())?;
        same = if same.0 == Some(held) { (same.0, same.1 + 1) } else { (Some(held), 0) };
        if held.guest_mappings == 0 && same.1 >= SETTLED { Ok(held) } else { Err(format!("{held:?}")) }
    })
}
