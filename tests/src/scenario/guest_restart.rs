//! A guest is killed and booted again, over and over, beside guests that go on.

use std::time::Duration;

use super::Pair;
use crate::error::Result;
use crate::guest::{Guest, GuestNic, Image, SocketOwner};
use crate::host::HostOptions;
use crate::netns::{End, Namespace, join};
use crate::process::Launch;
use crate::stage::Stage;
use crate::usage::Holdings;
use crate::wait::wait_for;

const LIMIT: Duration = Duration::from_secs(30);
const BURSTS: u32 = 1;
const MTU: u32 = 1500;

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
    let image = Image::build()?;
    let mut pair = Pair::start(stage, &HostOptions::default())?;
    let outside = Namespace::new(stage, "outside")?;
    let host = pair.host.namespace();
    join(End { namespace: host, interface: "inside" }, End { namespace: &outside, interface: "eth0" }, MTU)?;
    outside.ip("addr add 10.0.0.254/24 dev eth0")?;
    pair.host.apply("guest", &wanted(&pair))?;

    let nic = GuestNic {
        socket: pair.host.socket("guest"),
        owner: SocketOwner::Guest,
        mac: "52:54:00:00:00:03".to_owned(),
    };
    boot(stage, &image, &nic, &outside)?.kill();
    let pid = pair.datapath_pid()?;
    let held_first = held_without_guest(&pair, pid)?;
    pair.circulate(BURSTS)?;
    for _ in 0..restarts {
        boot(stage, &image, &nic, &outside)?.kill();
        pair.progress()?;
    }
    let held_last = held_without_guest(&pair, pid)?;
    let others = pair.drain()?;
    Ok(GuestRestarts { restarts, others_sent: others.sent, others_lost: others.lost, held_first, held_last })
}

/// Boots the guest and pings it from outside.
fn boot(stage: &Stage, image: &Image, nic: &GuestNic, outside: &Namespace) -> Result<Guest> {
    let mut guest = Guest::start(stage, image, "guest", nic)?;
    guest.ready()?;
    guest.configure("10.0.0.3/24", MTU)?;
    Launch::line("ping -c 3 -i 0.2 -W 10 10.0.0.3").within(outside).run()?;
    Ok(guest)
}

/// The second bridge: a guest's port, and one whose other end is the kernel's stack in a namespace.
fn wanted(pair: &Pair) -> String {
    format!(
        "bridges:\n- {{name: br1}}\nports:\n\
         - {{name: guest, bridge: br1, of_port: 1, vhost_user: {{path: {}}}}}\n\
         - {{name: outside, bridge: br1, of_port: 2, dpdk: {{device: 'net_af_packet0,iface=inside'}}}}\n\
         flows:\n- {{bridge: br1, flow: 'actions=NORMAL'}}\n",
        pair.host.socket("guest").display()
    )
}

/// What the datapath holds once it has noticed that the guest is gone and let go of its memory.
fn held_without_guest(pair: &Pair, pid: u32) -> Result<Holdings> {
    pair.host.cli().wait_link("guest", "down", LIMIT)?;
    wait_for("nothing of the guest's memory is mapped", LIMIT, || {
        let held = Holdings::of(pid).map_err(|error| error.to_string())?;
        if held.guest_mappings == 0 { Ok(held) } else { Err(format!("{held:?}")) }
    })
}
