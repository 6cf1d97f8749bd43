//! Who has what for itself, and who refers to whom: what makes checks cheap however many objects there are.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use sluice_api::datapath_id_of;
use sluice_api::key::Key;

use super::Entry;
use super::spec::{PortKind, Spec};
use super::value::{Device, Name, OfPort, SocketPath, Vni};

/// Something that one object alone can have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// The name of a bridge, which a network's bridge has too.
    BridgeName(Name),
    /// The name of a port, which NICs and networks' tunnels have too.
    PortName(String),
    /// An OpenFlow datapath id.
    DatapathId(u64),
    /// An OpenFlow port of a bridge.
    OfPort(Name, OfPort),
    /// A vhost-user socket.
    Socket(SocketPath),
    /// A DPDK device's name.
    Device(String),
    /// A VTEP's address.
    Address(IpAddr),
    /// The VNI of a network.
    Vni(Vni),
    /// The tunnel port of a VNI on a VTEP.
    Tunnel(Name, Vni),
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Claim::BridgeName(name) => write!(f, "the bridge name {name}"),
            Claim::PortName(name) => write!(f, "the port name {name}"),
            Claim::DatapathId(id) => write!(f, "datapath id {id:#018x}"),
            Claim::OfPort(bridge, number) => {
                write!(f, "OpenFlow port {} of bridge {bridge}", number.number())
            }
            Claim::Socket(path) => write!(f, "socket path {}", path.as_str()),
            Claim::Device(name) => write!(f, "DPDK device {name}"),
            Claim::Address(address) => write!(f, "address {address}"),
            Claim::Vni(vni) => write!(f, "VNI {vni}"),
            Claim::Tunnel(vtep, vni) => write!(f, "VNI {vni} on vtep {vtep}"),
        }
    }
}

/// What an object can depend on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Target {
    /// An object.
    Object(Key),
    /// Which VTEPs there are.
    AnyVtep,
}

/// See the module. Flows are left out: they claim nothing, and their bridge is the start of their key.
#[derive(Clone, Default)]
pub(super) struct Index {
    claims: OrdMap<Claim, Arc<Key>>,
    referrers: OrdMap<Target, OrdSet<Arc<Key>>>,
}

impl Index {
    /// Who has a claim.
    pub(super) fn owner(&self, claim: &Claim) -> Option<&Arc<Key>> {
        self.claims.get(claim)
    }

    /// Who depends on a target, in order.
    pub(super) fn referrers(&self, target: &Target) -> impl Iterator<Item = &Arc<Key>> {
        self.referrers.get(target).into_iter().flatten()
    }

    /// Forgets an object.
    pub(super) fn remove(&mut self, key: &Key, entry: &Entry) {
        claims(&entry.spec, entry.number, |claim| {
            self.claims.remove(&claim);
        });
        for target in targets(&entry.spec) {
            let is_last = match self.referrers.get_mut(&target) {
                Some(referrers) => {
                    referrers.remove(key);
                    referrers.is_empty()
                }
                None => false,
            };
            if is_last {
                self.referrers.remove(&target);
            }
        }
    }

    /// Takes an object in, unless something that it claims is another's.
    pub(super) fn insert(&mut self, key: &Arc<Key>, entry: &Entry) -> Result<(), (Claim, Arc<Key>)> {
        let mut taken = None;
        claims(&entry.spec, entry.number, |claim| {
            if let Some(owner) = self.claims.get(&claim) {
                taken.get_or_insert((claim, owner.clone()));
            } else {
                self.claims.insert(claim, key.clone());
            }
        });
        for target in targets(&entry.spec) {
            self.referrers.entry(target).or_default().insert(key.clone());
        }
        taken.map_or(Ok(()), Err)
    }

    /// Takes a number in that an object was given after it was inserted.
    pub(super) fn insert_number(&mut self, key: &Arc<Key>, bridge: Name, number: OfPort) {
        self.claims.insert(Claim::OfPort(bridge, number), key.clone());
    }
}

fn claims(spec: &Spec, number: Option<OfPort>, mut each: impl FnMut(Claim)) {
    match spec {
        Spec::Bridge(bridge) => {
            each(Claim::BridgeName(bridge.name.clone()));
            let given = bridge.datapath_id;
            each(Claim::DatapathId(if given == 0 { datapath_id_of(bridge.name.as_str()) } else { given }));
        }
        Spec::Port(port) => {
            each(Claim::PortName(port.name.to_string()));
            match &port.kind {
                PortKind::VhostUser(vhost_user) => each(Claim::Socket(vhost_user.path.clone())),
                PortKind::Dpdk(dpdk) => each(Claim::Device(Device::name(&dpdk.device).to_owned())),
                PortKind::Vxlan(tunnel) => each(Claim::Tunnel(tunnel.vtep.clone(), tunnel.vni)),
            }
        }
        Spec::Vtep(vtep) => vtep.addresses.iter().for_each(|own| each(Claim::Address(own.address()))),
        Spec::Network(network) => {
            each(Claim::BridgeName(network.name.clone()));
            each(Claim::DatapathId(datapath_id_of(network.name.as_str())));
            each(Claim::PortName(network.tunnel_name()));
            each(Claim::Vni(network.vni));
        }
        Spec::Nic(nic) => {
            each(Claim::PortName(nic.name.to_string()));
            each(Claim::Socket(nic.vhost_user.path.clone()));
        }
        Spec::Flow(_) => {}
    }
    if let (Some(bridge), Some(number)) = (spec.numbered_in(), number) {
        each(Claim::OfPort(bridge.clone(), number));
    }
}

fn targets(spec: &Spec) -> Vec<Target> {
    let mut targets = Vec::new();
    let mut object = |key: Key| targets.push(Target::Object(key));
    match spec {
        Spec::Bridge(_) | Spec::Flow(_) => {}
        Spec::Port(port) => {
            if let Some(bridge) = &port.bridge {
                object(Key::Bridge(bridge.to_string()));
            }
            if let PortKind::Vxlan(tunnel) = &port.kind {
                object(Key::Vtep(tunnel.vtep.to_string()));
            }
        }
        Spec::Vtep(vtep) => object(Key::Port(vtep.uplink.to_string())),
        Spec::Network(network) => match &network.vtep {
            Some(vtep) => object(Key::Vtep(vtep.to_string())),
            None => targets.push(Target::AnyVtep),
        },
        Spec::Nic(nic) => object(Key::Network(nic.network.to_string())),
    }
    targets
}

impl Spec {
    /// The bridge in which the object has an OpenFlow port.
    pub(crate) fn numbered_in(&self) -> Option<&Name> {
        match self {
            Spec::Port(port) => port.bridge.as_ref(),
            Spec::Nic(nic) => Some(&nic.network),
            _ => None,
        }
    }
}
