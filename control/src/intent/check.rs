//! What an object needs of the others.

use std::net::IpAddr;

use sluice_api::key::Key;

use super::index::Claim;
use super::refusal::{Reason, Refusal};
use super::spec::{Network, Port, PortKind, Spec, Tunnel, Vtep};
use super::value::Name;
use super::{Entry, Intent};

impl Intent {
    /// Checks everything that an object refers to.
    pub(super) fn check(&self, key: &Key, entry: &Entry) -> Result<(), Refusal> {
        let checked = match entry.spec.as_ref() {
            Spec::Bridge(_) => Ok(()),
            Spec::Port(port) => self.check_port(port),
            Spec::Vtep(vtep) => self.check_vtep(vtep),
            Spec::Network(network) => self.check_network(network),
            Spec::Nic(nic) => self.must_exist(Key::Network(nic.network.to_string())),
            Spec::Flow(_) => self.check_bridge(key.name()),
        };
        checked.map_err(|reason| Refusal::of(key, reason))
    }

    fn must_exist(&self, target: Key) -> Result<(), Reason> {
        if self.get(&target).is_some() { Ok(()) } else { Err(Reason::NoSuch { target }) }
    }

    fn check_bridge(&self, name: &str) -> Result<(), Reason> {
        let missing = match self.must_exist(Key::Bridge(name.to_owned())) {
            Ok(()) => return Ok(()),
            Err(missing) => missing,
        };
        match self.get(&Key::Network(name.to_owned())).map(|entry| entry.spec.as_ref()) {
            Some(Spec::Network(network)) => Err(Reason::OfNetwork { network: network.name.clone() }),
            _ => Err(missing),
        }
    }

    fn check_port(&self, port: &Port) -> Result<(), Reason> {
        if let Some(bridge) = &port.bridge {
            self.check_bridge(bridge.as_str())?;
        }
        if let PortKind::Vxlan(tunnel) = &port.kind {
            self.check_tunnel(tunnel)?;
        }
        Ok(())
    }

    fn check_tunnel(&self, tunnel: &Tunnel) -> Result<(), Reason> {
        let target = Key::Vtep(tunnel.vtep.to_string());
        let vtep = self.vtep(&tunnel.vtep).ok_or(Reason::NoSuch { target })?;
        check_remotes(vtep, tunnel.remotes.addresses())?;
        // A network's tunnel may move with the VTEPs there are, so that it claims none of them.
        let Some(owner) = self.index.owner(&Claim::Vni(tunnel.vni)) else { return Ok(()) };
        let network = match self.get(owner).map(|entry| entry.spec.as_ref()) {
            Some(Spec::Network(network)) => network,
            _ => return Ok(()),
        };
        match self.vtep_of(network) {
            Ok(Some(other)) if other.name == vtep.name => {
                Err(taken(&vtep.name, tunnel.vni, owner.as_ref().clone()))
            }
            _ => Ok(()),
        }
    }

    fn check_vtep(&self, vtep: &Vtep) -> Result<(), Reason> {
        let target = Key::Port(vtep.uplink.to_string());
        let Some(entry) = self.get(&target) else { return Err(Reason::NoSuch { target }) };
        match entry.spec.as_ref() {
            Spec::Port(Port { kind: PortKind::Dpdk(_), .. }) => Ok(()),
            _ => Err(Reason::NotAnUplink { uplink: vtep.uplink.clone() }),
        }
    }

    fn check_network(&self, network: &Network) -> Result<(), Reason> {
        let Some(vtep) = self.vtep_of(network)? else { return Ok(()) };
        check_remotes(vtep, network.remotes.addresses())?;
        match self.index.owner(&Claim::Tunnel(vtep.name.clone(), network.vni)) {
            Some(owner) => Err(taken(&vtep.name, network.vni, owner.as_ref().clone())),
            None => Ok(()),
        }
    }
}

fn taken(vtep: &Name, vni: super::value::Vni, by: Key) -> Reason {
    Reason::Taken { claim: Claim::Tunnel(vtep.clone(), vni), by }
}

fn check_remotes(vtep: &Vtep, remotes: &[IpAddr]) -> Result<(), Reason> {
    for remote in remotes {
        if vtep.addresses.iter().any(|own| own.address() == *remote) {
            return Err(Reason::RemoteIsLocal { remote: *remote, vtep: vtep.name.clone() });
        }
        if !vtep.speaks_to(*remote) {
            return Err(Reason::FamilyMissing { remote: *remote, vtep: vtep.name.clone() });
        }
    }
    Ok(())
}
