//! The datapath process may die and come back without its guests.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]

use std::time::Duration;

use sluice_tests::guest::SocketOwner;
use sluice_tests::host::HostOptions;
use sluice_tests::scenario::GuestPort;
use sluice_tests::{Host, Result, Stage};

#[test]
fn a_guest_is_reached_again_without_having_restarted() -> Result<()> {
    Stage::run(|stage| {
        let mut host = Host::start(stage, "host", &HostOptions::default())?;
        let port = GuestPort::add(stage, &host, SocketOwner::Guest)?;
        let mut guest = port.boot(stage)?;
        host.kill_datapath();
        host.start_datapath()?;
        host.wait_connected()?;
        host.cli().wait_link("guest", "up", Duration::from_secs(30))?;
        port.ping()?;
        guest.run("ping -c 3 -i 0.2 -W 10 10.0.0.254")?;
        Ok(())
    })
}
