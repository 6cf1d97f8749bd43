//! What runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use sluice_api::key::FlowKey;
use sluice_api::v1;
use sluice_overlay::answer::Heard;
use sluice_pipeline::{Bridge, Ingress, OfPort, PortId, RuleCounters, RuleSlot, Tick};

use super::event::{Event, EventReceiver, PuntedFrame};
use super::guest::{Loads, lock};
use super::ids::Ids;
use super::model::Model;
use super::port::{Running, RunningPort, Workshop};
use super::spec::BridgeSpec;
use super::underlay::{Message, Place, Places, Underlay};
use super::{ControlEvents, Query, Refusal, Setup};
use crate::worker::{Command, Forwarding, Membership, Topology};

/// The switch's own state; see the module above for how it changes.
pub(crate) struct Switch {
    pub(super) began: Instant,
    pub(super) workshop: Workshop,
    pub(super) session_limit: u32,
    pub(super) hugepages: bool,
    pub(super) model: Model,
    pub(super) bridges: BTreeMap<String, RunningBridge>,
    pub(super) ports: BTreeMap<String, RunningPort>,
    pub(super) rules: BTreeMap<FlowKey, InstalledRule>,
    pub(super) counters: RuleCounters,
    pub(super) underlay: Underlay,
    pub(super) bridge_ids: Ids,
    pub(super) port_ids: Ids,
    /// What the workers have.
    pub(super) forwarding: Arc<Forwarding>,
    pub(super) last_transaction: u64,
    pub(super) control: Option<(u64, ControlEvents)>,
    events: EventReceiver,
    ticks: u64,
}

/// A bridge that runs.
#[derive(Clone, Debug)]
pub(super) struct RunningBridge {
    pub(super) spec: Arc<BridgeSpec>,
    /// Shared with the snapshot; a change copies it.
    pub(super) bridge: Arc<Bridge>,
}

/// A rule that is installed.
#[derive(Clone, Copy, Debug)]
pub(super) struct InstalledRule {
    pub(super) slot: RuleSlot,
    pub(super) since: Instant,
}

impl Switch {
    pub(super) fn new(setup: Setup) -> Switch {
        let Setup { config, eal, workers, events, heard, counters } = setup;
        let loads = Loads::new(workers.0.len());
        Switch {
            began: Instant::now(),
            workshop: Workshop { eal, workers, loads, events, port_mbufs: config.port_mbufs },
            session_limit: config.session_limit,
            hugepages: config.hugepages,
            model: Model::default(),
            bridges: BTreeMap::new(),
            ports: BTreeMap::new(),
            rules: BTreeMap::new(),
            counters,
            underlay: Underlay::new(),
            bridge_ids: Ids::new(u16::MAX),
            port_ids: Ids::new(u16::MAX),
            forwarding: Arc::default(),
            last_transaction: 0,
            control: None,
            events: heard,
            ticks: 0,
        }
    }

    /// Carries out or answers what the service asks. Whoever asked may be gone: then the answer is dropped.
    pub(super) fn answer(&mut self, query: Query) {
        match query {
            Query::Transaction { transaction, reply } => {
                let _ = reply.send(self.transact(transaction));
            }
            Query::ControlHere { stream, events, reply } => {
                self.control = Some((stream, events));
                let _ = reply.send(self.last_transaction);
            }
            Query::ControlGone { stream } => {
                self.control.take_if(|(present, _)| *present == stream);
            }
            Query::Status(reply) => drop(reply.send(self.status())),
            Query::Ports { name, reply } => drop(reply.send(self.port_states(&name))),
            Query::Flows { bridge, reply } => drop(reply.send(self.flow_stats(&bridge))),
            Query::Macs { bridge, reply } => drop(reply.send(self.mac_entries(&bridge))),
            Query::Drops(reply) => drop(reply.send(self.drops())),
            Query::Neighbours(reply) => drop(reply.send(self.underlay.list())),
            Query::Stop => {}
        }
    }

    /// Takes in what a worker or an endpoint says.
    pub(super) fn note(&mut self, event: Event) {
        match event {
            Event::GuestChanged(port) => self.tell_port(port),
            Event::RingFault { port, queue, fault } => {
                if let Some(running) = self.ports.values().find(|running| running.id == port)
                    && let Running::Guest { status, .. } = &running.kind
                {
                    tracing::warn!(port = running.spec.name, %queue, %fault, "guest broke a ring; port quarantined");
                    let mut status = lock(status);
                    status.quarantined = true;
                    status.trouble = Some(format!("{queue}: {fault}"));
                }
                self.tell_port(port);
            }
            Event::Heard(uplink, heard) => self.heard(uplink, heard),
            Event::Punted(punted) => {
                self.tell_punted(&punted);
                self.events.reuse(punted);
            }
        }
    }

    /// Lets time pass, some ten times a second.
    pub(super) fn tick(&mut self) {
        let (messages, changed) = self.underlay.tick();
        self.send(messages);
        if changed {
            self.publish_topology();
        }
        self.ticks += 1;
        if self.ticks.is_multiple_of(10) {
            let now = Tick(u32::try_from(self.began.elapsed().as_secs()).unwrap_or(u32::MAX));
            for running in self.bridges.values() {
                running.bridge.macs().expire(now);
            }
        }
    }

    /// Ends all ports.
    pub(super) fn stop(mut self) {
        self.publish(Forwarding::default());
        for port in std::mem::take(&mut self.ports).into_values() {
            self.workshop.stop(port);
        }
    }

    fn heard(&mut self, uplink: PortId, heard: Heard) {
        if self.underlay.heard(uplink, heard) {
            self.publish_topology();
        }
    }

    /// Sends questions and announcements out of their uplinks.
    pub(super) fn send(&self, messages: Vec<Message>) {
        if let Some(worker) = self.workshop.workers.get(0) {
            for Message { uplink, frame } in messages {
                worker.post(Command::Inject(uplink, frame));
            }
        }
    }

    /// Gives every worker a snapshot; when it returns, none has an older one.
    pub(super) fn publish(&mut self, forwarding: Forwarding) {
        let forwarding = Arc::new(forwarding);
        // Workers end only with the process. Their former snapshots come back and are dropped here.
        drop(self.workshop.workers.all(|_| Command::Publish(Arc::clone(&forwarding))));
        self.forwarding = forwarding;
    }

    /// Publishes ports' places and the underlay anew, with the bridges as they are.
    fn publish_topology(&mut self) {
        match self.topology_of(&self.model, &self.bridges, &self.places()) {
            Ok(topology) => {
                let bridges = self.forwarding.bridges.clone();
                self.publish(Forwarding { bridges, topology: Arc::new(topology) });
            }
            Err(refusal) => tracing::error!(%refusal, "the underlay contradicts the model"),
        }
    }

    /// Where the ports that run are.
    pub(super) fn places(&self) -> Places {
        let place = |(name, running): (&String, &RunningPort)| {
            let of_port = OfPort(running.of_port);
            (name.clone(), Place { id: running.id, of_port, mac: running.mac() })
        };
        self.ports.iter().map(place).collect()
    }

    /// Where ports belong and what the underlay looks like with this model, these bridges and ports.
    pub(super) fn topology_of(
        &self,
        model: &Model,
        bridges: &BTreeMap<String, RunningBridge>,
        places: &Places,
    ) -> Result<Topology, Refusal> {
        let mut topology = Topology { remotes: self.underlay.paths(), ..Topology::default() };
        for spec in model.ports.values() {
            let bridge = spec.bridge.as_ref().and_then(|name| bridges.get(name));
            if let (Some(bridge), Some(place)) = (bridge, places.get(&spec.name)) {
                let ingress = Ingress::local(place.id, place.of_port);
                put(&mut topology.memberships, place.id, Membership { bridge: bridge.bridge.id(), ingress });
            }
        }
        for (uplink, vteps) in self.underlay.uplinks(model, places)? {
            put(&mut topology.uplinks, uplink, vteps);
        }
        Ok(topology)
    }

    fn tell_port(&self, port: PortId) {
        let Some(running) = self.ports.values().find(|running| running.id == port) else { return };
        self.tell_control(v1::sync_event::Kind::PortState(self.port_state(running)));
    }

    fn tell_punted(&self, punted: &PuntedFrame) {
        let bridge = self.bridges.values().find(|running| running.bridge.id() == punted.bridge);
        let Some(bridge) = bridge else { return };
        self.tell_control(v1::sync_event::Kind::Punted(v1::Punted {
            bridge: bridge.spec.name.clone(),
            of_port: punted.of_port.0,
            length: u32::try_from(punted.length).unwrap_or(u32::MAX),
            frame: punted.bytes.clone(),
            table: punted.table.into(),
            cookie: punted.cookie,
        }));
    }

    /// Tells control, if it is there and keeps up.
    fn tell_control(&self, kind: v1::sync_event::Kind) {
        if let Some((_, events)) = &self.control {
            let _ = events.try_send(Ok(v1::SyncEvent { kind: Some(kind) }));
        }
    }
}

/// The numbers of bridges that run.
pub(super) fn by_id(bridges: &BTreeMap<String, RunningBridge>) -> Vec<Option<Arc<Bridge>>> {
    let mut list = Vec::new();
    for running in bridges.values() {
        put_at(&mut list, running.bridge.id().0.into(), Arc::clone(&running.bridge));
    }
    list
}

fn put<T>(list: &mut Vec<Option<T>>, port: PortId, value: T) {
    put_at(list, port.0.into(), value);
}

fn put_at<T>(list: &mut Vec<Option<T>>, index: usize, value: T) {
    if list.len() <= index {
        list.resize_with(index + 1, || None);
    }
    if let Some(slot) = list.get_mut(index) {
        *slot = Some(value);
    }
}
