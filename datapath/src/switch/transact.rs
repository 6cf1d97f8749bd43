//! A transaction, whole or not at all.
//!
//! [`Attempt`] holds what a transaction has taken so far (numbers, counters, started ports), so that a refusal at any
//! point can give it back: until the snapshot is published nothing is visible to packets, and afterwards nothing can
//! fail any more.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use sluice_api::key::FlowKey;
use sluice_api::v1;
use sluice_overlay::Remote;
use sluice_pipeline::{
    Action, Bridge, BridgeError, BridgeId, MacTable, OfPort, Port, PortId, PortKind as Behind, RemoteId,
    RuleSlot,
};

use super::Transaction;
use super::flow::{self, Names};
use super::model::{Change, Difference, Model, flow_name};
use super::port::{Identity, NotOpened, Opened, RunningPort};
use super::refusal::Refusal;
use super::spec::{BridgeSpec, PortKind, PortSpec};
use super::state::{InstalledRule, RunningBridge, Switch, by_id};
use super::underlay::Underlay;
use super::underlay::{Place, Places};
use crate::worker::{Forwarding, Topology};

impl Switch {
    /// Carries a transaction out; what differs from the present is all that is touched.
    pub(super) fn transact(&mut self, transaction: Transaction) -> Result<v1::Changes, Refusal> {
        let Transaction { number, snapshot, operations } = transaction;
        let (draft, difference) = self.model.draft(snapshot, operations)?;
        let counts = difference.counts;
        if counts.added + counts.changed + counts.removed > 0 {
            let (bridges, places) = (self.bridges.clone(), self.places());
            let mut attempt = Attempt { bridges, places, ..Attempt::default() };
            match self.prepare(&mut attempt, &draft, &difference) {
                Ok(forwarding) => self.commit(attempt, draft, &difference, forwarding),
                Err(refusal) => {
                    self.abandon(attempt);
                    return Err(refusal);
                }
            }
        }
        tracing::info!(
            number,
            snapshot,
            added = counts.added,
            changed = counts.changed,
            removed = counts.removed,
            unchanged = counts.unchanged,
            "transaction"
        );
        self.last_transaction = number;
        Ok(counts)
    }

    fn prepare(
        &mut self,
        attempt: &mut Attempt,
        draft: &Model,
        difference: &Difference,
    ) -> Result<Forwarding, Refusal> {
        for change in &difference.bridges {
            self.prepare_bridge(attempt, change)?;
        }
        for (key, change) in difference.flows.iter().filter(|(_, change)| change.after().is_none()) {
            attempt.delete_rule(key, change)?;
        }
        for change in difference.ports.iter().filter(|change| change.after().is_none()) {
            if let Some(running) = change.before().and_then(|spec| self.ports.get(&spec.name)) {
                attempt.leave(running)?;
                attempt.places.remove(&running.spec.name);
            }
        }
        for change in &difference.ports {
            if let Some(spec) = change.after() {
                self.prepare_port(attempt, spec)?;
            }
        }
        let mut vias = BTreeMap::new();
        for (key, change) in &difference.flows {
            if let Some(flow) = change.after() {
                self.prepare_rule(attempt, draft, key, flow, &mut vias)?;
            }
        }
        let mut topology = if difference.rules_only() {
            Arc::clone(&self.forwarding.topology)
        } else {
            self.prepare_topology(attempt, draft)?
        };
        // All that could be checked has been; what follows touches ports that run.
        if self.install_ports(attempt)? {
            topology = self.prepare_topology(attempt, draft)?;
        }
        Ok(Forwarding { bridges: by_id(&attempt.bridges), topology })
    }

    fn prepare_bridge(&mut self, attempt: &mut Attempt, change: &Change<BridgeSpec>) -> Result<(), Refusal> {
        let macs =
            |spec: &BridgeSpec| Arc::new(MacTable::new(spec.mac_table_size as usize, spec.mac_aging_s));
        match change {
            Change::Added(spec) => {
                let id = self.bridge_ids.take().map(BridgeId).ok_or_else(|| {
                    Refusal::failed(format!("bridge {}", spec.name), "too many bridges", "delete one first")
                })?;
                attempt.bridge_ids.push(id);
                let bridge = Arc::new(Bridge::new(id, macs(spec)));
                attempt.bridges.insert(spec.name.clone(), RunningBridge { spec: Arc::clone(spec), bridge });
            }
            Change::Changed(old, new) => {
                if let Some(running) = attempt.bridges.get_mut(&new.name) {
                    running.spec = Arc::clone(new);
                    if (old.mac_table_size, old.mac_aging_s) != (new.mac_table_size, new.mac_aging_s) {
                        Arc::make_mut(&mut running.bridge).replace_macs(macs(new));
                    }
                }
            }
            Change::Removed(old) => drop(attempt.bridges.remove(&old.name)),
        }
        Ok(())
    }

    /// Puts a port on its bridge, and opens what it needs if that can be done beside what runs.
    fn prepare_port(&mut self, attempt: &mut Attempt, spec: &Arc<PortSpec>) -> Result<(), Refusal> {
        let object = format!("port {}", spec.name);
        let former = self.ports.get(&spec.name);
        if let Some(running) = former
            && running.spec.bridge != spec.bridge
        {
            attempt.leave(running)?;
        }
        let of_port = attempt.of_port(spec, former);
        let (id, mac, step) = match former {
            Some(running) if running.keeps_running(spec) => (running.id, running.mac(), PortStep::Keep),
            Some(running) if running.stands_in_the_way(spec) => (running.id, running.mac(), PortStep::Reopen),
            Some(running) => match self.workshop.open(running.id, spec) {
                Ok(opened) => (running.id, opened.mac(), PortStep::Replace(opened)),
                // Not for both at once; the former one's memory may do.
                Err(NotOpened::Memory(_)) => (running.id, running.mac(), PortStep::Reopen),
                Err(NotOpened::Refused(refusal)) => return Err(refusal),
            },
            None => {
                let id = self.port_ids.take().map(PortId);
                let id = id.ok_or_else(|| Refusal::failed(&object, "too many ports", "delete one first"))?;
                attempt.port_ids.push(id);
                let opened = self.workshop.open(id, spec)?;
                (id, opened.mac(), PortStep::Start(opened))
            }
        };
        attempt.places.insert(spec.name.clone(), Place { id, of_port: OfPort(of_port), mac });
        attempt.steps.push((id, Arc::clone(spec), of_port, step));
        let kind = match &spec.kind {
            PortKind::VhostUser { .. } | PortKind::Dpdk { .. } => Behind::Local,
            PortKind::Vxlan { vni, vtep, remotes } => {
                let remotes = remotes.iter().map(|&remote| self.underlay.remote(vtep, remote));
                Behind::Tunnel { vni: *vni, remotes: remotes.collect::<Result<_, _>>()? }
            }
        };
        if let Some(bridge) = spec.bridge.as_ref().and_then(|name| attempt.bridges.get_mut(name)) {
            Arc::make_mut(&mut bridge.bridge)
                .set_port(Port { id, of_port: OfPort(of_port), kind, flood: true })
                .map_err(|error| Refusal::conflict(&object, error, "give another OpenFlow port number"))?;
        }
        Ok(())
    }

    /// Starts the ports that were prepared. Only a port that needs the very socket or device of its former self can still
    /// fail for a reason of the user's; then the former one is put back. Says whether such a port came back with another MAC
    /// address than it was prepared with.
    fn install_ports(&mut self, attempt: &mut Attempt) -> Result<bool, Refusal> {
        let mut moved = false;
        for (id, spec, of_port, step) in std::mem::take(&mut attempt.steps) {
            let name = spec.name.clone();
            let former = self.ports.remove(&name);
            let opened = match (step, former) {
                (PortStep::Keep, Some(running)) => {
                    attempt.kept.push((Arc::clone(&running.spec), running.of_port));
                    self.ports.insert(name, RunningPort { spec, of_port, ..running });
                    continue;
                }
                (PortStep::Start(opened) | PortStep::Replace(opened), former) => {
                    former.into_iter().for_each(|running| self.retire(attempt, running));
                    opened
                }
                (PortStep::Reopen | PortStep::Keep, former) => {
                    former.into_iter().for_each(|running| self.retire(attempt, running));
                    let opened = self.workshop.open(id, &spec)?;
                    if let Some(place) = attempt.places.get_mut(&name) {
                        moved |= std::mem::replace(&mut place.mac, opened.mac()) != opened.mac();
                    }
                    opened
                }
            };
            attempt.started.push(name.clone());
            let running = self.workshop.start(self.workshop.identity(id, spec, of_port), opened)?;
            self.ports.insert(name, running);
        }
        Ok(moved)
    }

    /// Stops a port for another of its name, and remembers what it was.
    fn retire(&self, attempt: &mut Attempt, running: RunningPort) {
        attempt.replaced.push(self.workshop.stop(running));
    }

    fn prepare_topology(&mut self, attempt: &mut Attempt, draft: &Model) -> Result<Arc<Topology>, Refusal> {
        attempt.announcements = self.underlay.adopt(draft, &attempt.places);
        self.topology_of(draft, &attempt.bridges, &attempt.places).map(Arc::new)
    }

    fn prepare_rule(
        &mut self,
        attempt: &mut Attempt,
        draft: &Model,
        key: &FlowKey,
        flow: &v1::Flow,
        vias: &mut BTreeMap<String, Vec<String>>,
    ) -> Result<(), Refusal> {
        let refused = |error: &dyn std::fmt::Display| {
            Refusal::invalid(flow_name(flow), error, "correct the rule; nothing was installed")
        };
        let Some(running) = attempt.bridges.get_mut(key.bridge()) else { return Ok(()) };
        let slot = self.counters.allocate().map_err(|error| refused(&error))?;
        attempt.slots.push(slot);
        let via = vias.entry(key.bridge().to_owned()).or_insert_with(|| draft.vteps_of(key.bridge()));
        let mut names = BridgeNames { bridge: &running.bridge, via, underlay: &mut self.underlay };
        let rule = flow::rule(flow, slot, &mut names)?;
        Arc::make_mut(&mut running.bridge).set_rule(rule).map_err(|error| refused(&error))?;
        attempt.rules.push((key.clone(), slot));
        Ok(())
    }

    fn commit(&mut self, attempt: Attempt, draft: Model, difference: &Difference, forwarding: Forwarding) {
        self.model = draft;
        let former = std::mem::replace(&mut self.bridges, attempt.bridges);
        self.publish(forwarding);
        // From here on no worker uses what has gone.
        for change in difference.ports.iter().filter(|change| change.after().is_none()) {
            if let Some(running) = change.before().and_then(|spec| self.ports.remove(&spec.name)) {
                let (id, bridge) = (running.id, running.spec.bridge.clone());
                self.workshop.stop(running);
                self.port_ids.give_back(id.0);
                if let Some(bridge) = bridge.and_then(|name| self.bridges.get(&name)) {
                    bridge.bridge.macs().forget_port(id);
                }
            }
        }
        for (name, running) in former {
            if !self.bridges.contains_key(&name) {
                self.bridge_ids.give_back(running.bridge.id().0);
            }
        }
        let since = Instant::now();
        for (key, change) in &difference.flows {
            if change.after().is_none()
                && let Some(rule) = self.rules.remove(key)
            {
                self.counters.release(rule.slot);
            }
        }
        for (key, slot) in attempt.rules {
            if let Some(replaced) = self.rules.insert(key, InstalledRule { slot, since }) {
                self.counters.release(replaced.slot);
            }
        }
        if !difference.rules_only() {
            self.underlay.release(&self.remotes_in_use());
        }
        self.send(attempt.announcements);
    }

    /// Undoes what an attempt has taken.
    fn abandon(&mut self, attempt: Attempt) {
        for name in attempt.started {
            if let Some(running) = self.ports.remove(&name) {
                self.workshop.stop(running);
            }
        }
        for identity in attempt.replaced {
            let name = identity.spec.name.clone();
            let opened = self.workshop.open(identity.id, &identity.spec).map_err(Refusal::from);
            match opened.and_then(|opened| self.workshop.start(identity, opened)) {
                Ok(running) => drop(self.ports.insert(name, running)),
                Err(refusal) => {
                    tracing::error!(%refusal, "a port could not be put back after a refused change");
                }
            }
        }
        for (spec, of_port) in attempt.kept {
            if let Some(running) = self.ports.get_mut(&spec.name) {
                running.spec = spec;
                running.of_port = of_port;
            }
        }
        attempt.port_ids.into_iter().for_each(|id| self.port_ids.give_back(id.0));
        attempt.slots.into_iter().for_each(|slot| self.counters.release(slot));
        attempt.bridge_ids.into_iter().for_each(|id| self.bridge_ids.give_back(id.0));
        // What the underlay was told of the draft.
        drop(self.underlay.adopt(&self.model, &self.places()));
        self.underlay.release(&self.remotes_in_use());
    }

    /// The remotes that tunnel ports and rules name.
    fn remotes_in_use(&self) -> BTreeSet<RemoteId> {
        let mut used = BTreeSet::new();
        for bridge in self.bridges.values().map(|running| &running.bridge) {
            for port in bridge.ports() {
                if let Behind::Tunnel { remotes, .. } = &port.kind {
                    used.extend(remotes.iter().copied());
                    // Only a bridge with a tunnel port can have rules that name remotes.
                    used.extend(bridge.rules().flat_map(|rule| rule.all_actions()).filter_map(|action| {
                        match action {
                            Action::SetTunnel { remote, .. } => *remote,
                            _ => None,
                        }
                    }));
                }
            }
        }
        used
    }
}

/// What a transaction has taken so far.
#[derive(Default)]
struct Attempt {
    bridges: BTreeMap<String, RunningBridge>,
    bridge_ids: Vec<BridgeId>,
    slots: Vec<RuleSlot>,
    rules: Vec<(FlowKey, RuleSlot)>,
    port_ids: Vec<PortId>,
    /// Where ports are afterwards, by their names.
    places: Places,
    /// What is left to do for each port that is added or changed.
    steps: Vec<(PortId, Arc<PortSpec>, u32, PortStep)>,
    /// Ports that were started.
    started: Vec<String>,
    /// Ports that were stopped for another of the same name, with what they were.
    replaced: Vec<Identity>,
    /// Ports that went on with a new spec, with what they were.
    kept: Vec<(Arc<PortSpec>, u32)>,
    announcements: Vec<super::underlay::Message>,
}

/// How a port comes to its new spec.
enum PortStep {
    /// It goes on with what it has.
    Keep,
    /// It is new.
    Start(Opened),
    /// It goes over to another socket or device.
    Replace(Opened),
    /// It needs what it holds, its very socket or device or memory: that is closed before the other is opened.
    Reopen,
}

impl Attempt {
    fn delete_rule(&mut self, key: &FlowKey, change: &Change<v1::Flow>) -> Result<(), Refusal> {
        // A bridge that goes takes its rules along.
        if let (Some(running), Some(flow)) = (self.bridges.get_mut(key.bridge()), change.before()) {
            let name = flow::rule_key(flow)?;
            Arc::make_mut(&mut running.bridge)
                .delete_rule(&name)
                .map_err(|error| Refusal::failed(flow_name(flow), error, "list the bridge's flows"))?;
        }
        Ok(())
    }

    /// Takes a port off its bridge.
    fn leave(&mut self, running: &RunningPort) -> Result<(), Refusal> {
        let Some(bridge) = running.spec.bridge.as_ref().and_then(|name| self.bridges.get_mut(name)) else {
            return Ok(());
        };
        match Arc::make_mut(&mut bridge.bridge).delete_port(running.id) {
            Ok(_) => Ok(()),
            Err(error @ BridgeError::PortInUse { .. }) => {
                let object = format!("port {}", running.spec.name);
                Err(Refusal::conflict(object, error, "delete the flows that output to it first"))
            }
            Err(error) => {
                Err(Refusal::failed(format!("port {}", running.spec.name), error, "list the ports"))
            }
        }
    }

    /// The OpenFlow number of a port: the one it asks for, the one it has, or the lowest free one.
    fn of_port(&self, spec: &PortSpec, former: Option<&RunningPort>) -> u32 {
        let Some(bridge) = spec.bridge.as_ref().and_then(|name| self.bridges.get(name)) else { return 0 };
        let stays =
            former.filter(|running| running.spec.bridge == spec.bridge).map(|running| running.of_port);
        spec.of_port
            .or(stays)
            .or_else(|| {
                (1..=sluice_api::MAX_OF_PORT).find(|&number| bridge.bridge.of_port(OfPort(number)).is_none())
            })
            .unwrap_or(0)
    }
}

impl Difference {
    /// Whether ports, bridges and VTEPs stay as they are.
    fn rules_only(&self) -> bool {
        self.bridges.is_empty() && self.ports.is_empty() && self.vteps.is_empty()
    }
}

/// What the rules of one bridge may name.
struct BridgeNames<'a> {
    bridge: &'a Bridge,
    /// The VTEPs of its tunnel ports.
    via: &'a [String],
    underlay: &'a mut Underlay,
}

impl Names for BridgeNames<'_> {
    fn port(&self, of_port: u32) -> Option<PortId> {
        self.bridge.of_port(OfPort(of_port)).map(|port| port.id)
    }

    fn remote(&mut self, address: IpAddr) -> Option<RemoteId> {
        let remote = Remote::new(address).ok()?;
        let via = self.via.first()?;
        self.underlay.remote(via, remote).ok()
    }
}
