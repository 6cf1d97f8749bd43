//! This switch: its datapath process with one worker, and the control process that gives it ports and rules.

use std::path::PathBuf;
use std::time::Instant;

use serde_json::Value;
use sluice_tests::host::{HostOptions, START_LIMIT};
use sluice_tests::wait::wait_for;
use sluice_tests::{Error, Host, Process, Result, Stage};

use super::{Sample, Switch};
use crate::SWITCH_CORE;
use crate::case::{Case, Traffic};
use crate::frame::underlay;
use crate::generator::Files;

/// Its port's pool has room for a file of 100 000 frames.
const PORT_MBUFS: u32 = 131_072;
const MEMORY_MB: u32 = 512;
pub(super) const HUGEPAGES_MB: u32 = MEMORY_MB;

/// A running Sluice.
pub(super) struct Sluice {
    host: Host,
    sockets: Vec<PathBuf>,
}

pub(super) fn start(stage: &Stage, case: Case, files: &Files) -> Result<Sluice> {
    let options = HostOptions {
        cpu: u32::try_from(SWITCH_CORE).unwrap_or(1),
        hugepages: true,
        memory_mb: MEMORY_MB,
        // Sessions are not to be forgotten while it is paused.
        more: format!("idle = \"poll\"\nport_mbufs = {PORT_MBUFS}\nsession_idle_s = 3600"),
    };
    let host = Host::start(stage, &format!("sluice-{case}"), &options)?;
    let mut sluice = Sluice { host, sockets: Vec::new() };
    let vm0 = sluice.guest(1);
    let other = match case.traffic() {
        Traffic::Circle { .. } | Traffic::OneWay { .. } => sluice.guest(2),
        Traffic::Encap { .. } | Traffic::Decap { .. } => uplink(&files.talking_underlay()) + &tunnel(),
    };
    let state = format!("bridges:\n  - {{name: br0}}\nflows:\n{}ports:\n{vm0}{other}", flows(case));
    sluice.host.apply("bench", &state)?;
    if let Traffic::Encap { .. } = case.traffic() {
        sluice.wait_for_neighbour()?;
        sluice.host.apply("underlay", &format!("ports:\n{}", uplink(&files.underlay(case))))?;
    }
    Ok(sluice)
}

impl Sluice {
    /// A guest's port, as a line of the file that is applied.
    fn guest(&mut self, number: u32) -> String {
        let socket = self.host.socket(&format!("vm{number}"));
        let path = socket.display();
        let line = format!(
            "  - {{name: vm{number}, bridge: br0, of_port: {number}, vhost_user: {{path: {path}, role: server}}}}\n"
        );
        self.sockets.push(socket);
        line
    }

    /// Sluice has no fixed neighbours: the other VTEP has to be heard.
    fn wait_for_neighbour(&self) -> Result<()> {
        wait_for("Sluice knows the other VTEP's MAC address", START_LIMIT, || {
            let list = self.host.cli().json("neighbour list").map_err(|error| error.to_string())?;
            let mac = list.pointer("/0/mac").and_then(Value::as_str);
            if mac == Some(underlay::ADDRESSES.remote_mac) { Ok(()) } else { Err(list.to_string()) }
        })
    }
}

fn uplink(device: &str) -> String {
    format!("  - {{name: up0, dpdk: {{device: '{device}'}}}}\n")
}

fn tunnel() -> String {
    let underlay::Addresses { local, remote, vni, .. } = underlay::ADDRESSES;
    format!(
        "  - {{name: vx0, bridge: br0, of_port: 2, vxlan: {{vni: {vni}, vtep: vtep0, remotes: [{remote}]}}}}\n\
         vteps:\n\
         \x20 - {{name: vtep0, uplink: up0, addresses: [{local}]}}\n"
    )
}

fn flows(case: Case) -> String {
    case.rules()
        .between("1", "2")
        .iter()
        .map(|rule| format!("  - {{bridge: br0, flow: '{rule}'}}\n"))
        .collect()
}

impl Switch for Sluice {
    fn sockets(&self) -> Vec<PathBuf> {
        self.sockets.clone()
    }

    fn sample(&mut self) -> Result<Sample> {
        let workers = self.host.cli().json("worker list")?;
        let at = Instant::now();
        parse_worker(&workers, at).ok_or_else(|| Error::Unexpected {
            what: "Sluice's only worker".to_owned(),
            found: workers.to_string(),
        })
    }

    fn processes(&mut self) -> Vec<&mut Process> {
        self.host.datapath().into_iter().collect()
    }
}

fn parse_worker(workers: &Value, at: Instant) -> Option<Sample> {
    let worker = workers.get(0)?;
    let number = |name: &str| worker.get(name)?.as_u64();
    let busy_cycles = number("busy_cycles")?;
    Some(Sample {
        at,
        packets: number("rx_packets")?,
        sent: number("tx_packets"),
        busy_cycles,
        all_cycles: Some(busy_cycles + number("idle_cycles")?),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_workers_counters_are_read() {
        let workers =
            json!([{"id": 0, "busy_cycles": 100, "idle_cycles": 50, "rx_packets": 7, "tx_packets": 6}]);
        let at = Instant::now();
        let expected = Sample { at, packets: 7, sent: Some(6), busy_cycles: 100, all_cycles: Some(150) };
        assert_eq!(parse_worker(&workers, at), Some(expected));
    }

    #[test]
    fn no_worker_is_no_sample() {
        assert_eq!(parse_worker(&json!([]), Instant::now()), None);
    }
}
