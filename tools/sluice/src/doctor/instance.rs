//! Checks of the two processes and what they carry.

use sluice_api::v1::port_state::Link;
use sluice_api::v1::{ControlStatusReply, DatapathStatus, Neighbour, PortState, Worker};

use super::Finding;
use crate::client::{Client, ClientError};

/// What the processes say of themselves.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) control: Result<ControlStatusReply, ClientError>,
    pub(super) datapath: Result<DatapathStatus, ClientError>,
    pub(super) ports: Vec<PortState>,
    pub(super) neighbours: Vec<Neighbour>,
}

impl Instance {
    pub(super) async fn look(client: &Client) -> Self {
        Self {
            control: client.control_status().await,
            datapath: client.datapath_status().await,
            ports: client.ports().await.unwrap_or_default(),
            neighbours: client.neighbours().await.unwrap_or_default(),
        }
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings = vec![
            reached("control", self.control.as_ref().map(|status| (status.pid, status.uptime_s))),
            reached("datapath", self.datapath.as_ref().map(|status| (status.pid, status.uptime_s))),
        ];
        let (control, datapath) = (self.control.as_ref().ok(), self.datapath.as_ref().ok());
        findings.extend(versions(control, datapath));
        findings.extend(connected(control, datapath));
        if let Some(datapath) = datapath {
            findings.extend(ports(&self.ports));
            findings.extend(neighbours(&self.neighbours));
            findings.extend(sessions(&datapath.workers));
            findings.extend(workers(&datapath.workers, &self.ports));
        }
        findings
    }
}

fn reached(check: &'static str, answer: Result<(u64, u64), &ClientError>) -> Finding {
    match answer {
        Ok((pid, uptime_s)) => Finding::ok(check, format!("answers; process {pid}, up {uptime_s} s")),
        Err(error) => {
            let report = error.report();
            let cause = if report.cause.is_empty() { String::new() } else { format!(": {}", report.cause) };
            Finding::fail(check, format!("{}{cause}", report.message), report.hint)
        }
    }
}

/// The protocol's version is only exchanged between control and datapath; to others the programs' versions tell.
fn versions(control: Option<&ControlStatusReply>, datapath: Option<&DatapathStatus>) -> Option<Finding> {
    let own = env!("CARGO_PKG_VERSION");
    let asked = [
        ("sluice-control", control.map(|status| status.version.as_str())),
        ("sluice-datapath", datapath.map(|status| status.version.as_str())),
    ];
    let known: Vec<_> = asked.iter().filter_map(|(who, version)| Some((who, (*version)?))).collect();
    if known.is_empty() {
        return None;
    }
    let others: Vec<String> = known
        .iter()
        .filter(|(_, version)| *version != own)
        .map(|(who, version)| format!("{who} is {version}"))
        .collect();
    let protocol = sluice_api::PROTOCOL_VERSION;
    Some(if others.is_empty() {
        Finding::ok("versions", format!("all {own}, protocol {protocol}"))
    } else {
        let message = format!("sluice is {own} with protocol {protocol}, but {}", others.join(" and "));
        Finding::warn(
            "versions",
            message,
            "install all three programs of one version, and restart the old ones",
        )
    })
}

fn connected(control: Option<&ControlStatusReply>, datapath: Option<&DatapathStatus>) -> Option<Finding> {
    let check = "sync";
    match (control, datapath) {
        (Some(control), _) if !control.datapath_connected => {
            let reason = if control.datapath_error.is_empty() {
                "no reason is known".to_owned()
            } else {
                control.datapath_error.clone()
            };
            let hint = "changes are refused until it is; see sluice-control's log";
            Some(Finding::fail(check, format!("control is not connected to the datapath: {reason}"), hint))
        }
        (Some(control), Some(datapath)) if control.last_transaction != datapath.last_transaction => {
            let message = format!(
                "control's last transaction is {}, the datapath's {}",
                control.last_transaction, datapath.last_transaction
            );
            Some(Finding::warn(check, message, "a change may be under way: run this again"))
        }
        (Some(control), Some(_)) => {
            let message =
                format!("control is connected, transaction {} is confirmed", control.last_transaction);
            Some(Finding::ok(check, message))
        }
        (None, Some(datapath)) if !datapath.control_connected => {
            let message = "no control process is connected; the datapath goes on with what it has";
            Some(Finding::warn(check, message, "start sluice-control to change anything"))
        }
        (None, Some(_)) => {
            let message = "a control process is connected that does not answer here";
            Some(Finding::warn(check, message, "is it started with another --rundir?"))
        }
        (Some(_), None) | (None, None) => None,
    }
}

fn ports(ports: &[PortState]) -> Vec<Finding> {
    let check = "ports";
    let mut findings: Vec<Finding> = ports
        .iter()
        .filter_map(|port| {
            let reason = if port.detail.is_empty() { "no reason is known" } else { &port.detail };
            match port.link() {
                Link::Up => None,
                Link::Down => {
                    let hint = match port.kind.as_str() {
                        "vhost-user" if port.generation == 0 => {
                            format!("is the guest up, and its socket {}?", port.address)
                        }
                        "vhost-user" => {
                            "is the guest up, its NIC too, and its memory shared (share=on)?".to_owned()
                        }
                        "dpdk" => format!("is the other end of {} up?", port.address),
                        _ => "see `sluice neighbour list` and the uplink's port".to_owned(),
                    };
                    Some(Finding::warn(check, format!("{} is down: {reason}", port.name), hint))
                }
                Link::Quarantined => {
                    let hint = "its guest broke the ring or the protocol; restarting the guest heals it";
                    Some(Finding::fail(check, format!("{} is quarantined: {reason}", port.name), hint))
                }
            }
        })
        .collect();
    if findings.is_empty() {
        findings.push(Finding::ok(check, format!("{} up", ports.len())));
    }
    findings
}

fn neighbours(neighbours: &[Neighbour]) -> Vec<Finding> {
    let check = "neighbours";
    let mut findings: Vec<Finding> = neighbours
        .iter()
        .filter(|hop| hop.mac.is_empty())
        .map(|hop| {
            let hint = "is the host up, the uplink's cable and VLAN right, and the gateway named if it is off the link?";
            Finding::warn(check, format!("{} does not answer {}", hop.address, hop.vtep), hint)
        })
        .collect();
    if findings.is_empty() {
        findings.push(Finding::ok(check, format!("{} resolved", neighbours.len())));
    }
    findings
}

/// A table that is nearly full sends packets the slow way.
fn sessions(workers: &[Worker]) -> Vec<Finding> {
    let full = |worker: &&Worker| {
        worker.session_limit > 0 && worker.sessions >= worker.session_limit - worker.session_limit / 10
    };
    workers
        .iter()
        .filter(full)
        .map(|worker| {
            let message = format!("worker {} has {} of {}", worker.id, worker.sessions, worker.session_limit);
            Finding::warn("sessions", message, "raise session_limit in the datapath's configuration")
        })
        .collect()
}

/// A port whose memory is on a node without a worker is polled across the interconnect.
fn workers(workers: &[Worker], ports: &[PortState]) -> Vec<Finding> {
    let check = "placement";
    if workers.is_empty() {
        return vec![Finding::fail(check, "no worker runs", "see sluice-datapath's log")];
    }
    let mut findings: Vec<Finding> = ports
        .iter()
        .filter(|port| port.kind != "vxlan" && port.link() == Link::Up)
        .filter(|port| workers.iter().all(|worker| worker.numa_node != port.numa_node))
        .map(|port| {
            let message = format!("{} is on NUMA node {}, where no worker is", port.name, port.numa_node);
            Finding::warn(check, message, "add a CPU of that node to `cpus` in the datapath's configuration")
        })
        .collect();
    if findings.is_empty() {
        let cpus: Vec<String> = workers.iter().map(|worker| worker.cpu.to_string()).collect();
        findings.push(Finding::ok(check, format!("a worker on each CPU of {}", cpus.join(", "))));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    fn levels(findings: &[Finding]) -> Vec<Level> {
        findings.iter().map(|finding| finding.level).collect()
    }

    fn port(name: &str, link: Link, detail: &str) -> PortState {
        PortState { name: name.into(), link: link.into(), detail: detail.into(), ..PortState::default() }
    }

    #[test]
    fn ports_that_are_not_up_are_named_with_their_reason() {
        assert_eq!(levels(&ports(&[port("vm1", Link::Up, "")])), [Level::Ok]);
        let found =
            ports(&[port("vm1", Link::Down, "no guest"), port("vm2", Link::Quarantined, "bad index")]);
        assert_eq!(levels(&found), [Level::Warn, Level::Fail]);
        assert_eq!(found[0].message, "vm1 is down: no guest");
        assert_eq!(found[1].message, "vm2 is quarantined: bad index");
    }

    #[test]
    fn a_guest_that_was_there_is_looked_for_elsewhere() {
        let guest = |generation| {
            let address = "/run/vm1.sock".into();
            PortState { kind: "vhost-user".into(), address, generation, ..port("vm1", Link::Down, "") }
        };
        let found = ports(&[guest(0), guest(1)]);
        assert!(found[0].hint.contains("/run/vm1.sock"), "{}", found[0].hint);
        assert!(found[1].hint.contains("share=on"), "{}", found[1].hint);
    }

    #[test]
    fn unresolved_neighbours_are_named() {
        let resolved = Neighbour { mac: "52:54:00:00:00:01".into(), ..Neighbour::default() };
        let open = Neighbour { address: "192.168.0.2".into(), vtep: "vtep0".into(), ..Neighbour::default() };
        assert_eq!(levels(&neighbours(std::slice::from_ref(&resolved))), [Level::Ok]);
        let found = neighbours(&[resolved, open]);
        assert_eq!(found[0].message, "192.168.0.2 does not answer vtep0");
    }

    #[test]
    fn versions_and_connection() {
        let own = env!("CARGO_PKG_VERSION").to_owned();
        let control = ControlStatusReply {
            version: own,
            datapath_connected: true,
            last_transaction: 3,
            ..ControlStatusReply::default()
        };
        let old =
            DatapathStatus { version: "0.0.1".into(), last_transaction: 3, ..DatapathStatus::default() };
        assert_eq!(versions(Some(&control), Some(&old)).unwrap().level, Level::Warn);
        assert_eq!(versions(Some(&control), None).unwrap().level, Level::Ok);
        assert_eq!(connected(Some(&control), Some(&old)).unwrap().level, Level::Ok);
        assert_eq!(connected(None, Some(&old)).unwrap().level, Level::Warn);
        let apart =
            ControlStatusReply { datapath_error: "protocol 2".into(), ..ControlStatusReply::default() };
        let found = connected(Some(&apart), Some(&old)).unwrap();
        assert_eq!(found.level, Level::Fail);
        assert!(found.message.contains("protocol 2"));
    }

    #[test]
    fn full_tables_and_remote_ports_are_told() {
        let worker = Worker { sessions: 95, session_limit: 100, numa_node: 0, ..Worker::default() };
        assert_eq!(levels(&sessions(std::slice::from_ref(&worker))), [Level::Warn]);
        let remote = PortState { numa_node: 1, ..port("vm1", Link::Up, "") };
        assert_eq!(levels(&workers(std::slice::from_ref(&worker), &[remote])), [Level::Warn]);
        assert_eq!(levels(&workers(&[worker], &[])), [Level::Ok]);
        assert_eq!(levels(&workers(&[], &[])), [Level::Fail]);
    }
}
