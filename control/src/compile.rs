//! The compiler: wanted objects become what the datapath knows, which is bridges, ports, VTEPs and flows.
//!
//! Every wanted object expands by itself ([`expand`]), and at no time do two expand into the same: bridges, ports, VTEPs and
//! flows into themselves with their defaults filled in; a network into a bridge, a tunnel port and its rule; a NIC
//! into a port and its rules. So a change is compiled from the objects that changed, however many there are.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use sluice_api::datapath_id_of;
use sluice_api::field::MaskedField;
use sluice_api::key::Key;
use sluice_api::v1;
use sluice_api::v1::action;
use sluice_api::v1::object::Kind;
use sluice_api::v1::operation;

use crate::intent::spec::{Bridge, Network, Nic, Port, Spec, Vtep};
use crate::intent::value::OfPort;
use crate::intent::{Change, Entry, Intent, TUNNEL_OF_PORT};

/// Frames of a NIC that come from its own address.
const PRIORITY_ADMIT: u32 = 100;
/// Frames of a NIC that come from another address.
const PRIORITY_SPOOFED: u32 = 50;

const DEFAULT_MTU: u32 = 1500;
const DEFAULT_MAC_TABLE_SIZE: u32 = 8192;
const DEFAULT_MAC_AGING_S: u32 = 300;
/// RFC 7348 §5.
const DEFAULT_VXLAN_PORT: u32 = 4789;

/// Everything that the datapath shall have, in an order in which nothing refers to what comes later.
pub fn snapshot(intent: &Intent) -> impl Iterator<Item = v1::Operation> {
    // Flows are nearly all of it and stand last by themselves; only the others need sorting.
    let is_flow = |key: &Arc<Key>| matches!(**key, Key::Flow(_));
    let mut first = Vec::new();
    for (key, entry) in intent.iter().take_while(|(key, _)| !is_flow(key)) {
        expand(intent, key, entry, &mut first);
    }
    first.sort_by_key(stage);
    let mut flows = Vec::new();
    let rest = intent.iter().skip_while(move |(key, _)| !is_flow(key)).flat_map(move |(key, entry)| {
        expand(intent, key, entry, &mut flows);
        std::mem::take(&mut flows)
    });
    first.into_iter().chain(rest).map(|object| set(Some(object)))
}

/// What makes the datapath's objects of `old` those of `new`, of which `changes` are the difference: deletions
/// first, dependants before what they refer to; then the rest the other way round.
pub fn difference(old: &Intent, new: &Intent, changes: &[Change]) -> Vec<v1::Operation> {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for key in affected(old, new, changes) {
        old.get(&key).into_iter().for_each(|entry| expand(old, &key, entry, &mut before));
        new.get(&key).into_iter().for_each(|entry| expand(new, &key, entry, &mut after));
    }
    // By key over all of them: what a deleted object had, a new one may have now (a bridge that was a network's).
    let mut gone: BTreeMap<Key, v1::Object> = keyed(before).collect();
    let mut set_objects = Vec::new();
    for (key, object) in keyed(after) {
        if gone.remove(&key).is_none_or(|old| old != object) {
            set_objects.push(object);
        }
    }
    let mut deleted: Vec<(u8, Key)> = gone.into_iter().map(|(key, object)| (stage(&object), key)).collect();
    deleted.sort_by_key(|(stage, _)| std::cmp::Reverse(*stage));
    set_objects.sort_by_key(stage);
    let deletions =
        deleted.iter().map(|(_, key)| v1::Operation { kind: Some(operation::Kind::Delete(key.into())) });
    deletions.chain(set_objects.into_iter().map(|object| set(Some(object)))).collect()
}

/// The objects whose expansion may differ: those that changed, and networks whose VTEP follows from which there are.
fn affected(old: &Intent, new: &Intent, changes: &[Change]) -> BTreeSet<Arc<Key>> {
    let mut keys: BTreeSet<Arc<Key>> = changes.iter().map(|change| change.key.clone()).collect();
    if changes.iter().any(|change| matches!(*change.key, Key::Vtep(_))) {
        keys.extend(old.implicit_networks().chain(new.implicit_networks()).cloned());
    }
    keys
}

fn keyed(objects: Vec<v1::Object>) -> impl Iterator<Item = (Key, v1::Object)> {
    objects.into_iter().filter_map(|object| Key::try_from(&object).ok().map(|key| (key, object)))
}

fn set(object: Option<v1::Object>) -> v1::Operation {
    v1::Operation { kind: object.map(operation::Kind::Set) }
}

/// Where an object stands among those that refer to each other: bridges, ports, VTEPs on them, tunnels on these,
/// flows.
fn stage(object: &v1::Object) -> u8 {
    match &object.kind {
        Some(Kind::Bridge(_)) => 0,
        Some(Kind::Port(v1::Port { kind: Some(v1::port::Kind::Vxlan(_)), .. })) => 3,
        Some(Kind::Port(_)) => 1,
        Some(Kind::Vtep(_)) => 2,
        _ => 4,
    }
}

/// Adds what one object becomes.
fn expand(intent: &Intent, key: &Key, entry: &Entry, into: &mut Vec<v1::Object>) {
    let number = entry.number.map(OfPort::number).unwrap_or_default();
    let mut add = |kind: Kind| into.push(v1::Object { kind: Some(kind) });
    match entry.spec.as_ref() {
        Spec::Bridge(spec) => add(bridge(spec)),
        Spec::Port(spec) => add(port(spec, number)),
        Spec::Vtep(spec) => add(vtep(spec)),
        Spec::Network(spec) => network(intent, spec).into_iter().for_each(add),
        Spec::Nic(spec) => nic(spec, number).into_iter().for_each(add),
        Spec::Flow(rule) => {
            if let Key::Flow(key) = key {
                add(Kind::Flow(rule.to_api(key)));
            }
        }
    }
}

fn bridge(bridge: &Bridge) -> Kind {
    let name = bridge.name.to_string();
    let given = bridge.datapath_id;
    Kind::Bridge(v1::Bridge {
        datapath_id: if given == 0 { datapath_id_of(&name) } else { given },
        mac_table_size: or(bridge.mac_table_size, DEFAULT_MAC_TABLE_SIZE),
        mac_aging_s: or(bridge.mac_aging_s, DEFAULT_MAC_AGING_S),
        name,
    })
}

fn port(port: &Port, of_port: u32) -> Kind {
    let mut compiled = v1::Port { of_port, mtu: or(port.mtu, DEFAULT_MTU), ..port.to_api() };
    match &mut compiled.kind {
        Some(v1::port::Kind::VhostUser(vhost_user)) => vhost_user.queue_pairs = vhost_user.queue_pairs.max(1),
        Some(v1::port::Kind::Dpdk(dpdk)) => dpdk.queues = dpdk.queues.max(1),
        Some(v1::port::Kind::Vxlan(_)) | None => {}
    }
    Kind::Port(compiled)
}

fn vtep(vtep: &Vtep) -> Kind {
    Kind::Vtep(v1::Vtep { udp_port: or(vtep.udp_port, DEFAULT_VXLAN_PORT), ..vtep.to_api() })
}

/// A bridge; with a VTEP also a tunnel port, and the rule that its frames are forwarded by.
fn network(intent: &Intent, network: &Network) -> Vec<Kind> {
    let name = network.name.to_string();
    let mut kinds = vec![Kind::Bridge(v1::Bridge {
        datapath_id: datapath_id_of(&name),
        mac_table_size: DEFAULT_MAC_TABLE_SIZE,
        mac_aging_s: DEFAULT_MAC_AGING_S,
        name: name.clone(),
    })];
    if let Ok(Some(vtep)) = intent.vtep_of(network) {
        let tunnel = v1::Vxlan {
            vni: network.vni.number(),
            vtep: vtep.name.to_string(),
            remotes: network.remotes.texts(),
        };
        kinds.push(Kind::Port(v1::Port {
            name: network.tunnel_name(),
            bridge: name.clone(),
            of_port: TUNNEL_OF_PORT.number(),
            kind: Some(v1::port::Kind::Vxlan(tunnel)),
            mtu: DEFAULT_MTU,
        }));
        let in_port = MaskedField::exact(v1::Field::InPort, TUNNEL_OF_PORT.number().into());
        kinds.push(rule(&name, PRIORITY_ADMIT, &[in_port], normal()));
    }
    kinds
}

/// A port, a rule that forwards the NIC's frames, and, if its address is known, one that drops what is spoofed.
fn nic(nic: &Nic, of_port: u32) -> Vec<Kind> {
    let bridge = nic.network.to_string();
    let mut vhost_user = nic.vhost_user.to_api();
    vhost_user.queue_pairs = vhost_user.queue_pairs.max(1);
    let port = Kind::Port(v1::Port {
        name: nic.name.to_string(),
        bridge: bridge.clone(),
        of_port,
        kind: Some(v1::port::Kind::VhostUser(vhost_user)),
        mtu: or(nic.mtu, DEFAULT_MTU),
    });
    let in_port = MaskedField::exact(v1::Field::InPort, of_port.into());
    match nic.mac {
        None => vec![port, rule(&bridge, PRIORITY_ADMIT, &[in_port], normal())],
        Some(mac) => {
            let source = MaskedField::exact(v1::Field::EthSrc, mac.number().into());
            let admit = rule(&bridge, PRIORITY_ADMIT, &[in_port, source], normal());
            vec![
                port,
                admit,
                rule(&bridge, PRIORITY_SPOOFED, &[in_port], action::Kind::Drop(Default::default())),
            ]
        }
    }
}

fn rule(bridge: &str, priority: u32, matches: &[MaskedField], action: action::Kind) -> Kind {
    Kind::Flow(v1::Flow {
        bridge: bridge.to_owned(),
        priority,
        matches: matches.iter().map(|masked| (*masked).into()).collect(),
        actions: vec![v1::Action { kind: Some(action) }],
        ..v1::Flow::default()
    })
}

fn normal() -> action::Kind {
    action::Kind::Normal(Default::default())
}

fn or(number: Option<NonZeroU32>, default: u32) -> u32 {
    number.map_or(default, NonZeroU32::get)
}

#[cfg(test)]
mod tests;
