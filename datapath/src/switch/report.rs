//! What the switch says of what runs.

use std::collections::BTreeMap;

use sluice_api::v1;
use sluice_packet::DropReason;
use sluice_pipeline::{PortId, Tick};

use super::guest::lock;
use super::port::{Running, RunningPort};
use super::spec::PortKind;
use super::state::Switch;
use crate::memory;

impl Switch {
    pub(super) fn status(&self) -> v1::DatapathStatus {
        let memory = memory::of_this_process();
        v1::DatapathStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id().into(),
            uptime_s: self.began.elapsed().as_secs(),
            control_connected: self.control.is_some(),
            last_transaction: self.last_transaction,
            tsc_hz: sluice_dpdk::tsc_hz(),
            workers: self.workers(),
            memory_bytes: memory.resident_bytes + memory.hugepage_bytes,
            hugepage_bytes: memory.hugepage_bytes,
            hugepages: self.hugepages,
            bridges: self.bridge_states(),
        }
    }

    fn workers(&self) -> Vec<v1::Worker> {
        let worker = |worker: &crate::worker::WorkerHandle| {
            let counters = &worker.counters;
            v1::Worker {
                id: u32::try_from(worker.number).unwrap_or(u32::MAX),
                cpu: worker.site.cpu,
                numa_node: worker.site.numa_node,
                iterations: counters.iterations.read(),
                busy_iterations: counters.busy_iterations.read(),
                busy_cycles: counters.busy_cycles.read(),
                idle_cycles: counters.idle_cycles.read(),
                sleeps: counters.sleeps.read(),
                rx_packets: counters.rx_packets.read(),
                tx_packets: counters.tx_packets.read(),
                sessions: counters.sessions.read(),
                session_hits: counters.session_hits.read(),
                session_misses: counters.session_misses.read(),
                session_limit: self.session_limit.into(),
                queues: self.queue_names(&lock(&worker.queues)),
            }
        };
        self.workshop.workers.0.iter().map(worker).collect()
    }

    fn queue_names(&self, queues: &[(PortId, u16)]) -> Vec<String> {
        let name =
            |port| self.ports.values().find(|running| running.id == port).map(|running| &running.spec.name);
        queues.iter().filter_map(|&(port, queue)| Some(format!("{}:{queue}", name(port)?))).collect()
    }

    fn bridge_states(&self) -> Vec<v1::BridgeStatus> {
        let mut flows: BTreeMap<&str, u64> = BTreeMap::new();
        for key in self.rules.keys() {
            *flows.entry(key.bridge()).or_default() += 1;
        }
        let state = |(name, running): (&String, &super::state::RunningBridge)| v1::BridgeStatus {
            name: name.clone(),
            datapath_id: match running.spec.datapath_id {
                0 => sluice_api::datapath_id_of(name),
                id => id,
            },
            ports: u32::try_from(running.bridge.ports().count()).unwrap_or(u32::MAX),
            flows: flows.get(name.as_str()).copied().unwrap_or(0),
            macs: u32::try_from(running.bridge.macs().len()).unwrap_or(u32::MAX),
            session_key: running.bridge.plan().fields().map(|field| field.name().to_owned()).collect(),
        };
        self.bridges.iter().map(state).collect()
    }

    /// The port of that name, or all.
    pub(super) fn port_states(&self, name: &str) -> Vec<v1::PortState> {
        let wanted = |running: &&RunningPort| name.is_empty() || running.spec.name == name;
        self.ports.values().filter(wanted).map(|running| self.port_state(running)).collect()
    }

    pub(super) fn port_state(&self, running: &RunningPort) -> v1::PortState {
        let spec = &running.spec;
        let total = |read: fn(&crate::worker::PortCounters) -> u64| {
            running.counters.iter().map(|counters| read(counters)).sum()
        };
        let mut state = v1::PortState {
            name: spec.name.clone(),
            bridge: spec.bridge.clone().unwrap_or_default(),
            of_port: running.of_port,
            kind: spec.kind.name().to_owned(),
            rx_packets: total(|counters| counters.rx_packets.read()),
            rx_bytes: total(|counters| counters.rx_bytes.read()),
            tx_packets: total(|counters| counters.tx_packets.read()),
            tx_bytes: total(|counters| counters.tx_bytes.read()),
            drops: drops_of(running),
            mtu: spec.mtu.into(),
            ..Default::default()
        };
        state.address = match &spec.kind {
            PortKind::VhostUser { path, .. } => path.display().to_string(),
            PortKind::Dpdk { device, .. } => device.clone(),
            PortKind::Vxlan { vni, vtep, .. } => format!("vni {vni} by {vtep}"),
        };
        self.describe(running, &mut state);
        state
    }

    /// What depends on the kind of port: link, negotiation, MAC address.
    fn describe(&self, running: &RunningPort, state: &mut v1::PortState) {
        match &running.kind {
            Running::Guest { status, .. } => {
                let status = lock(status);
                state.set_link(match (status.quarantined, status.connected && status.receive > 0) {
                    (true, _) => v1::port_state::Link::Quarantined,
                    (false, true) => v1::port_state::Link::Up,
                    (false, false) => v1::port_state::Link::Down,
                });
                state.detail = match &status.trouble {
                    Some(trouble) => trouble.clone(),
                    None if !status.connected => "no guest is connected".to_owned(),
                    None if status.receive == 0 => "the guest's driver has not started".to_owned(),
                    None => String::new(),
                };
                state.queue_pairs = u32::try_from(status.transmit.min(status.receive)).unwrap_or(0);
                state.features = status.features.map(feature_names).unwrap_or_default();
                state.generation = status.generation;
                state.numa_node = status.numa_node.unwrap_or(0);
            }
            Running::Device(device) => {
                let up = device.dev.link().is_some_and(|link| link.up);
                state.set_link(if up { v1::port_state::Link::Up } else { v1::port_state::Link::Down });
                state.mac = device.mac.to_string();
                state.numa_node = device.dev.numa_node().unwrap_or(0);
            }
            Running::Tunnel => {
                let PortKind::Vxlan { vtep, .. } = &running.spec.kind else { return };
                let up = self.underlay.vtep(vtep).is_some();
                state.set_link(if up { v1::port_state::Link::Up } else { v1::port_state::Link::Down });
                if !up {
                    state.detail = format!("vtep {vtep} does not run");
                }
            }
        }
    }

    /// Rules with their counters, of one bridge or all, in the order of tables and falling priorities.
    pub(super) fn flow_stats(&self, bridge: &str) -> Vec<v1::FlowStats> {
        let stats = |(key, rule): (&sluice_api::key::FlowKey, &super::state::InstalledRule)| {
            let flow = self.model.flows.get(key)?;
            let totals = self.counters.read(rule.slot);
            Some(v1::FlowStats {
                flow: Some(v1::Flow::clone(flow)),
                packets: totals.packets,
                bytes: totals.bytes,
                duration_ms: u64::try_from(rule.since.elapsed().as_millis()).unwrap_or(u64::MAX),
            })
        };
        self.rules
            .iter()
            .filter(|(key, _)| bridge.is_empty() || key.bridge() == bridge)
            .filter_map(stats)
            .collect()
    }

    /// Learned addresses, of one bridge or all.
    pub(super) fn mac_entries(&self, bridge: &str) -> Vec<v1::MacEntry> {
        let now = Tick(u32::try_from(self.began.elapsed().as_secs()).unwrap_or(u32::MAX));
        let names: BTreeMap<_, _> = self.ports.values().map(|port| (port.id, &port.spec.name)).collect();
        let mut list = Vec::new();
        for (name, running) in self.bridges.iter().filter(|(name, _)| bridge.is_empty() || *name == bridge) {
            list.extend(running.bridge.macs().iter().map(|entry| v1::MacEntry {
                bridge: name.clone(),
                mac: entry.mac.to_string(),
                vlan: entry.vlan.into(),
                port: names.get(&entry.station.port).map(|name| (*name).clone()).unwrap_or_default(),
                remote: entry.station.remote.and_then(|id| self.underlay.address_of(id)).unwrap_or_default(),
                age_s: now.since(entry.seen),
            }));
        }
        list.sort_by(|a, b| (&a.bridge, a.vlan, &a.mac).cmp(&(&b.bridge, b.vlan, &b.mac)));
        list
    }

    /// Drops of every port that has any.
    pub(super) fn drops(&self) -> Vec<v1::PortDrops> {
        let drops = |running: &RunningPort| {
            let drops = drops_of(running);
            (!drops.is_empty()).then(|| v1::PortDrops { port: running.spec.name.clone(), drops })
        };
        self.ports.values().filter_map(drops).collect()
    }
}

fn drops_of(running: &RunningPort) -> Vec<v1::DropCount> {
    let count = |&reason: &DropReason| {
        let packets = running.counters.iter().map(|counters| counters.dropped(reason)).sum();
        (packets > 0).then(|| v1::DropCount { reason: reason.name().to_owned(), packets })
    };
    DropReason::ALL.iter().filter_map(count).collect()
}

fn feature_names(features: sluice_vhost::Features) -> Vec<String> {
    features.names().map(str::to_owned).collect()
}
