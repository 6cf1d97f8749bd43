//! Two virtio_user guests on one bridge, each frame of one going to the other.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::host::{Host, HostOptions};
use crate::stage::Stage;
use crate::testpmd::{PortCount, Testpmd, VirtioUser};
use crate::wait::wait_for;

const LIMIT: Duration = Duration::from_secs(30);

/// A host with the bridge `br0` and the guests `vm1` and `vm2`, whose frames circle between them once
/// [started](Pair::circulate): each guest sends back what it gets. So there are never more frames under way than were
/// put in, no ring overflows, and one that is lost is missed in the end.
#[derive(Debug)]
pub struct Pair {
    /// The two guests, ports 0 and 1.
    pub guests: Testpmd,
    /// The host.
    pub host: Host,
}

/// What came of frames that circled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circulation {
    /// Frames the guests handed to the switch.
    pub sent: u64,
    /// Those of them that neither guest got.
    pub lost: u64,
}

impl Pair {
    /// Stages it and waits until both ports are up.
    pub fn start(stage: &Stage, options: &HostOptions) -> Result<Pair> {
        let host = Host::start(stage, "host", options)?;
        host.apply("pair", &Pair::wanted(&host))?;
        let guests = Testpmd::start(
            stage,
            "guests",
            &[
                VirtioUser::connecting(&host.socket("vm1"), "52:54:00:00:00:01"),
                VirtioUser::connecting(&host.socket("vm2"), "52:54:00:00:00:02"),
            ],
        )?;
        for port in ["vm1", "vm2"] {
            host.cli().wait_link(port, "up", LIMIT)?;
        }
        Ok(Pair { guests, host })
    }

    /// The file that makes the bridge, its two ports and its two rules.
    pub fn wanted(host: &Host) -> String {
        let port = |name: &str, number: u32| {
            let path = host.socket(name);
            format!(
                "- {{name: {name}, bridge: br0, of_port: {number}, vhost_user: {{path: {}, role: server}}}}\n",
                path.display()
            )
        };
        format!(
            "bridges:\n- {{name: br0}}\nports:\n{}{}flows:\n\
             - {{bridge: br0, flow: 'in_port=1,actions=output:2'}}\n\
             - {{bridge: br0, flow: 'in_port=2,actions=output:1'}}\n",
            port("vm1", 1),
            port("vm2", 2)
        )
    }

    /// Lets frames circle: bursts of 32 of them, put in by each guest.
    pub fn circulate(&mut self, bursts: u32) -> Result<()> {
        self.guests.command("set fwd io")?;
        self.guests.command(&format!("start tx_first {bursts}"))?;
        self.progress()
    }

    /// Waits until frames have moved, in both directions.
    pub fn progress(&mut self) -> Result<()> {
        let before = self.guests.counts()?;
        wait_for("frames circle", LIMIT, || {
            let now = self.guests.counts().map_err(|error| error.to_string())?;
            let moved = before.iter().zip(&now).all(|(before, now)| now.rx > before.rx);
            if moved { Ok(()) } else { Err(format!("{now:?}")) }
        })
    }

    /// Stops the circulation, lets the guests take what is under way, and counts.
    pub fn drain(&mut self) -> Result<Circulation> {
        self.guests.command("stop")?;
        self.guests.command("set fwd rxonly")?;
        self.guests.command("start")?;
        // What has left one guest and not reached the other yet is in the switch: it is there when two looks in
        // a row see nothing move, or when nothing is missing.
        let mut before = None;
        let counts = wait_for("what is under way arrives", LIMIT, || {
            let now = self.guests.counts().map_err(|error| error.to_string())?;
            let settled = before.as_ref() == Some(&now) || missing(&now) == 0;
            before = Some(now.clone());
            if settled { Ok(now) } else { Err(format!("{now:?}")) }
        })?;
        self.guests.command("stop")?;
        Ok(Circulation { sent: counts.iter().map(|count| count.tx).sum(), lost: missing(&counts) })
    }

    /// The datapath's process id.
    pub fn datapath_pid(&mut self) -> Result<u32> {
        Ok(self.host.datapath()?.pid())
    }
}

fn missing(counts: &[PortCount]) -> u64 {
    let sum = |of: fn(&PortCount) -> u64| counts.iter().map(of).sum::<u64>();
    sum(|count| count.tx).saturating_sub(sum(|count| count.rx))
}

impl Circulation {
    /// Fails if frames were lost, or none was sent.
    pub fn check(&self) -> Result<()> {
        if self.lost == 0 && self.sent > 0 {
            return Ok(());
        }
        Err(Error::Unexpected {
            what: "frames circling between two guests".to_owned(),
            found: format!("{self:?}"),
        })
    }
}
