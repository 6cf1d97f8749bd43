//! The wanted state as it was told, and what a transaction would change of it. Pure: nothing happens here.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use imbl::OrdMap;
use sluice_api::key::FlowKey;
use sluice_api::v1;
use sluice_overlay::VtepAddress;

use super::refusal::Refusal;
use super::spec::{BridgeSpec, PortKind, PortSpec, VtepSpec};

/// All wanted objects. A clone shares everything, so that a draft costs nothing.
#[derive(Clone, Default)]
pub(crate) struct Model {
    pub(crate) bridges: OrdMap<String, Arc<BridgeSpec>>,
    pub(crate) ports: OrdMap<String, Arc<PortSpec>>,
    pub(crate) vteps: OrdMap<String, Arc<VtepSpec>>,
    pub(crate) flows: OrdMap<FlowKey, Arc<v1::Flow>>,
}

/// One object's change.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change<T> {
    Added(Arc<T>),
    Changed(Arc<T>, Arc<T>),
    Removed(Arc<T>),
}

/// All that differs between two models.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) bridges: Vec<Change<BridgeSpec>>,
    pub(crate) ports: Vec<Change<PortSpec>>,
    pub(crate) vteps: Vec<Change<VtepSpec>>,
    pub(crate) flows: Vec<(FlowKey, Change<v1::Flow>)>,
    pub(crate) counts: v1::Changes,
}

impl<T> Change<T> {
    /// What is there afterwards.
    pub(crate) fn after(&self) -> Option<&Arc<T>> {
        match self {
            Change::Added(new) | Change::Changed(_, new) => Some(new),
            Change::Removed(_) => None,
        }
    }

    /// What was there before.
    pub(crate) fn before(&self) -> Option<&Arc<T>> {
        match self {
            Change::Removed(old) | Change::Changed(old, _) => Some(old),
            Change::Added(_) => None,
        }
    }
}

impl Model {
    /// The model after `operations`, and what it differs in. With `snapshot` the operations are all there is.
    pub(crate) fn draft(
        &self,
        snapshot: bool,
        operations: Vec<v1::Operation>,
    ) -> Result<(Model, Difference), Refusal> {
        let mut draft = if snapshot { Model::default() } else { self.clone() };
        let mut touched = Touched::default();
        for operation in operations {
            match operation.kind {
                Some(v1::operation::Kind::Set(object)) => draft.set(object, &mut touched)?,
                Some(v1::operation::Kind::Delete(_)) if snapshot => {
                    let hint = "a snapshot says what is wanted; leave out what is not";
                    return Err(Refusal::invalid("transaction", "a snapshot deletes something", hint));
                }
                Some(v1::operation::Kind::Delete(key)) => draft.delete(key, &mut touched)?,
                None => {
                    let hint = "give each operation a set or a delete";
                    return Err(Refusal::invalid("transaction", "an operation is empty", hint));
                }
            }
        }
        if snapshot {
            touched.bridges.extend(self.bridges.keys().cloned());
            touched.ports.extend(self.ports.keys().cloned());
            touched.vteps.extend(self.vteps.keys().cloned());
            touched.flows.extend(self.flows.keys().cloned());
        }
        let difference = self.difference(&draft, touched);
        draft.check(&difference)?;
        Ok((draft, difference))
    }

    fn set(&mut self, object: v1::Object, touched: &mut Touched) -> Result<(), Refusal> {
        match object.kind {
            Some(v1::object::Kind::Bridge(bridge)) => {
                let spec = BridgeSpec::try_from(bridge)?;
                touched.bridges.insert(spec.name.clone());
                self.bridges.insert(spec.name.clone(), Arc::new(spec));
            }
            Some(v1::object::Kind::Port(port)) => {
                let spec = PortSpec::try_from(port)?;
                touched.ports.insert(spec.name.clone());
                self.ports.insert(spec.name.clone(), Arc::new(spec));
            }
            Some(v1::object::Kind::Vtep(vtep)) => {
                let spec = VtepSpec::try_from(vtep)?;
                touched.vteps.insert(spec.name.clone());
                self.vteps.insert(spec.name.clone(), Arc::new(spec));
            }
            Some(v1::object::Kind::Flow(flow)) => {
                let id = flow_key(&flow)?;
                touched.flows.insert(id.clone());
                self.flows.insert(id, Arc::new(flow));
            }
            Some(v1::object::Kind::Network(_) | v1::object::Kind::Nic(_)) | None => {
                let message = "the datapath takes bridges, ports, VTEPs and flows only";
                return Err(Refusal::invalid(
                    "transaction",
                    message,
                    "give networks and NICs to sluice-control",
                ));
            }
        }
        Ok(())
    }

    fn delete(&mut self, key: v1::ObjectKey, touched: &mut Touched) -> Result<(), Refusal> {
        let kind = key.kind();
        let (object, found) = match (kind, key.flow) {
            (v1::object_key::Kind::Bridge, _) => {
                let found = self.bridges.remove(&key.name).is_some();
                touched.bridges.insert(key.name.clone());
                (format!("bridge {}", key.name), found)
            }
            (v1::object_key::Kind::Port, _) => {
                let found = self.ports.remove(&key.name).is_some();
                touched.ports.insert(key.name.clone());
                (format!("port {}", key.name), found)
            }
            (v1::object_key::Kind::Vtep, _) => {
                let found = self.vteps.remove(&key.name).is_some();
                touched.vteps.insert(key.name.clone());
                (format!("vtep {}", key.name), found)
            }
            (v1::object_key::Kind::Flow, Some(flow)) => {
                let id = flow_key(&flow)?;
                let found = self.flows.remove(&id).is_some();
                touched.flows.insert(id);
                (flow_name(&flow), found)
            }
            _ => {
                let hint = "give the key of a bridge, port, VTEP or flow";
                return Err(Refusal::invalid("transaction", "a delete names nothing", hint));
            }
        };
        if found { Ok(()) } else { Err(Refusal::not_found(object, "is not there", "list what is there")) }
    }

    fn difference(&self, draft: &Model, touched: Touched) -> Difference {
        let mut counts = v1::Changes::default();
        let bridges = changes(&self.bridges, &draft.bridges, touched.bridges, &mut counts);
        let ports = changes(&self.ports, &draft.ports, touched.ports, &mut counts);
        let vteps = changes(&self.vteps, &draft.vteps, touched.vteps, &mut counts);
        let flows = changes(&self.flows, &draft.flows, touched.flows, &mut counts);
        Difference { bridges: values(bridges), ports: values(ports), vteps: values(vteps), flows, counts }
    }

    /// Checks what objects say of each other. Flows' actions are checked when they are compiled.
    fn check(&self, difference: &Difference) -> Result<(), Refusal> {
        // A change of flows alone, which may come a thousand times a second, does not look at every port.
        if !(difference.bridges.is_empty() && difference.ports.is_empty() && difference.vteps.is_empty()) {
            self.check_ports()?;
            self.check_vteps()?;
        }
        for (id, change) in &difference.flows {
            if let Some(flow) = change.after()
                && !self.bridges.contains_key(id.bridge())
            {
                return Err(missing(flow_name(flow), "bridge", id.bridge()));
            }
        }
        for removed in difference.bridges.iter().filter(|change| change.after().is_none()) {
            let Some(bridge) = removed.before() else { continue };
            if let Some((_, flow)) = self.flows_of(&bridge.name).next() {
                return Err(missing(flow_name(flow), "bridge", &bridge.name));
            }
        }
        Ok(())
    }

    /// The flows of a bridge, in the order of tables and falling priorities.
    pub(crate) fn flows_of(&self, bridge: &str) -> impl Iterator<Item = (&FlowKey, &Arc<v1::Flow>)> {
        // Keys sort by bridge first, and nothing sorts before the highest priority of table 0.
        let first = v1::Flow { bridge: bridge.to_owned(), priority: u32::MAX, ..Default::default() };
        let first = FlowKey::try_from(&first).ok();
        let from = first.map_or(Bound::Unbounded, Bound::Included);
        self.flows.range((from, Bound::Unbounded)).take_while(move |(id, _)| id.bridge() == bridge)
    }

    /// The VTEPs of a bridge's tunnel ports.
    pub(crate) fn vteps_of(&self, bridge: &str) -> Vec<String> {
        let vtep = |port: &Arc<PortSpec>| match &port.kind {
            PortKind::Vxlan { vtep, .. } if port.bridge.as_deref() == Some(bridge) => Some(vtep.clone()),
            _ => None,
        };
        let mut names: Vec<_> = self.ports.values().filter_map(vtep).collect();
        names.dedup();
        names
    }

    fn check_ports(&self) -> Result<(), Refusal> {
        let mut numbers = std::collections::BTreeMap::new();
        let mut places = std::collections::BTreeMap::new();
        for port in self.ports.values() {
            let object = format!("port {}", port.name);
            if let Some(bridge) = &port.bridge {
                if !self.bridges.contains_key(bridge) {
                    return Err(missing(object, "bridge", bridge));
                }
                if let Some(number) = port.of_port
                    && let Some(other) = numbers.insert((bridge, number), &port.name)
                {
                    let message = format!("OpenFlow port {number} of bridge {bridge} is port {other}'s");
                    return Err(Refusal::conflict(object, message, "give another number, or none"));
                }
            }
            let (place, what) = match &port.kind {
                PortKind::VhostUser { path, .. } => (path.display().to_string(), "socket"),
                PortKind::Dpdk { device, .. } => (device.clone(), "DPDK device"),
                PortKind::Vxlan { vni, vtep, .. } => {
                    if !self.vteps.contains_key(vtep) {
                        return Err(missing(object, "vtep", vtep));
                    }
                    (format!("{} on {vtep}", vni.get()), "VNI")
                }
            };
            if let Some(other) = places.insert((what, place.clone()), &port.name) {
                let message = format!("{what} {place} is taken by port {other}");
                return Err(Refusal::conflict(
                    object,
                    message,
                    "give another one, or delete that port first",
                ));
            }
        }
        Ok(())
    }

    fn check_vteps(&self) -> Result<(), Refusal> {
        let mut addresses = std::collections::BTreeMap::new();
        for vtep in self.vteps.values() {
            let object = format!("vtep {}", vtep.name);
            match self.ports.get(&vtep.uplink).map(|port| &port.kind) {
                Some(PortKind::Dpdk { .. }) => {}
                Some(kind) => {
                    let message = format!("uplink {} is a {} port", vtep.uplink, kind.name());
                    return Err(Refusal::invalid(object, message, "give a port of kind dpdk"));
                }
                None => return Err(missing(object, "port", &vtep.uplink)),
            }
            for address in vtep.vtep.addresses().map(VtepAddress::address) {
                if let Some(other) = addresses.insert(address, &vtep.name) {
                    let message = format!("address {address} is vtep {other}'s");
                    return Err(Refusal::conflict(object, message, "give each VTEP an address of its own"));
                }
            }
        }
        Ok(())
    }
}

/// How a flow is named in errors.
pub(crate) fn flow_name(flow: &v1::Flow) -> String {
    format!("flow of bridge {} table {} priority {}", flow.bridge, flow.table, flow.priority)
}

fn flow_key(flow: &v1::Flow) -> Result<FlowKey, Refusal> {
    FlowKey::try_from(flow)
        .map_err(|error| Refusal::invalid(flow_name(flow), error, "give each field once, as wide as it is"))
}

fn missing(object: String, kind: &str, name: &str) -> Refusal {
    Refusal::not_found(
        object,
        format!("{kind} {name} is not there"),
        format!("create {kind} {name}, or name another"),
    )
}

/// The keys that a transaction names.
#[derive(Default)]
struct Touched {
    bridges: BTreeSet<String>,
    ports: BTreeSet<String>,
    vteps: BTreeSet<String>,
    flows: BTreeSet<FlowKey>,
}

fn changes<K: Ord + Clone, T: PartialEq>(
    old: &OrdMap<K, Arc<T>>,
    new: &OrdMap<K, Arc<T>>,
    touched: BTreeSet<K>,
    counts: &mut v1::Changes,
) -> Vec<(K, Change<T>)> {
    let mut list = Vec::new();
    for key in touched {
        let change = match (old.get(&key), new.get(&key)) {
            (None, Some(new)) => {
                counts.added += 1;
                Change::Added(Arc::clone(new))
            }
            (Some(old), Some(new)) if old != new => {
                counts.changed += 1;
                Change::Changed(Arc::clone(old), Arc::clone(new))
            }
            (Some(_), Some(_)) => {
                counts.unchanged += 1;
                continue;
            }
            (Some(old), None) => {
                counts.removed += 1;
                Change::Removed(Arc::clone(old))
            }
            (None, None) => continue,
        };
        list.push((key, change));
    }
    list
}

fn values<K, T>(changes: Vec<(K, Change<T>)>) -> Vec<Change<T>> {
    changes.into_iter().map(|(_, change)| change).collect()
}

#[cfg(test)]
mod tests;
