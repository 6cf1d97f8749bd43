//! The underlay as the switch keeps it: remote VTEPs by number, and the neighbours they are reached by.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use sluice_api::v1;
use sluice_overlay::answer::{self, Heard, MAX_MESSAGE_LEN, Own};
use sluice_overlay::neighbour::{Learned, NeighbourTable, Timing};
use sluice_overlay::vxlan::{EncapTemplate, Path};
use sluice_overlay::{DecapTable, Remote, Vtep};
use sluice_packet::MacAddr;
use sluice_pipeline::{Ingress, OfPort, PortId, RemoteId, TunnelIngress, TunnelTarget};

use super::ids::Ids;
use super::model::Model;
use super::refusal::Refusal;
use super::spec::PortKind;
use crate::worker::{RemotePath, UplinkVteps};

/// A VTEP of ours as it runs.
#[derive(Clone, Debug)]
struct Running {
    own: Own,
    uplink: PortId,
    /// Bytes of IP packet that the uplink carries.
    mtu: u16,
}

/// Remote VTEPs and neighbours.
#[derive(Debug)]
pub(crate) struct Underlay {
    began: Instant,
    vteps: BTreeMap<String, Running>,
    ids: Ids,
    remotes: BTreeMap<(String, Remote), RemoteId>,
    neighbours: BTreeMap<String, NeighbourTable>,
}

/// What the underlay has to know of a port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) id: PortId,
    pub(crate) of_port: OfPort,
    pub(crate) mac: MacAddr,
}

/// Ports by their names.
pub(crate) type Places = BTreeMap<String, Place>;

/// A question or announcement to be sent out of an uplink.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) uplink: PortId,
    pub(crate) frame: Box<[u8]>,
}

impl Underlay {
    pub(crate) fn new() -> Underlay {
        Underlay {
            began: Instant::now(),
            vteps: BTreeMap::new(),
            ids: Ids::new(RemoteId::MAX_INDEX),
            remotes: BTreeMap::new(),
            neighbours: BTreeMap::new(),
        }
    }

    /// The number of a VTEP as seen from one of ours; the same as long as it is not released.
    pub(crate) fn remote(&mut self, vtep: &str, remote: Remote) -> Result<RemoteId, Refusal> {
        let key = (vtep.to_owned(), remote);
        if let Some(&id) = self.remotes.get(&key) {
            return Ok(id);
        }
        let id = self.ids.take().and_then(RemoteId::new).ok_or_else(|| {
            let most = RemoteId::MAX_INDEX;
            Refusal::failed(
                format!("vtep {vtep}"),
                format!("more than {most} remote VTEPs"),
                "use fewer remotes",
            )
        })?;
        self.remotes.insert(key, id);
        Ok(id)
    }

    /// Releases the numbers of remotes that nothing uses; only once no worker has a snapshot with them.
    pub(crate) fn release(&mut self, used: &BTreeSet<RemoteId>) {
        let ids = &mut self.ids;
        self.remotes.retain(|_, id| {
            let keep = used.contains(id);
            if !keep && let Ok(index) = u16::try_from(id.index()) {
                ids.give_back(index);
            }
            keep
        });
    }

    /// Takes up the VTEPs of `model`; those that are new are announced on their uplinks.
    pub(crate) fn adopt(&mut self, model: &Model, ports: &Places) -> Vec<Message> {
        let mut vteps = BTreeMap::new();
        for spec in model.vteps.values() {
            let Some(&Place { id: uplink, mac, .. }) = ports.get(&spec.uplink) else { continue };
            let mtu = model.ports.get(&spec.uplink).map_or(1500, |port| port.mtu);
            vteps.insert(spec.name.clone(), Running { own: Own { mac, vtep: spec.vtep }, uplink, mtu });
        }
        let announced = vteps
            .iter()
            .filter(|(name, vtep)| self.vteps.get(*name).is_none_or(|before| before.own != vtep.own))
            .flat_map(|(_, vtep)| {
                vtep.own.vtep.addresses().filter_map(|address| {
                    let mut frame = [0; MAX_MESSAGE_LEN];
                    let len = answer::announce(vtep.own.mac, address.address(), &mut frame)?;
                    Some(Message { uplink: vtep.uplink, frame: frame.get(..len)?.into() })
                })
            })
            .collect();
        self.vteps = vteps;
        let now = self.began.elapsed();
        self.neighbours.retain(|name, _| self.vteps.contains_key(name));
        for (name, vtep) in &self.vteps {
            let table =
                self.neighbours.entry(name.clone()).or_insert_with(|| NeighbourTable::new(Timing::default()));
            let hops: BTreeSet<IpAddr> = self
                .remotes
                .keys()
                .filter(|(local, _)| local == name)
                .filter_map(|(_, remote)| vtep.own.vtep.route(*remote).ok())
                .map(|route| route.next_hop)
                .collect();
            table.retain(|address| hops.contains(&address));
            hops.into_iter().for_each(|hop| table.want(hop, now));
        }
        announced
    }

    /// Who may send what to whom, by uplink.
    pub(crate) fn uplinks(
        &self,
        model: &Model,
        ports: &Places,
    ) -> Result<BTreeMap<PortId, Arc<UplinkVteps>>, Refusal> {
        let mut uplinks: BTreeMap<PortId, UplinkVteps> = BTreeMap::new();
        for vtep in self.vteps.values() {
            let uplink = uplinks
                .entry(vtep.uplink)
                .or_insert_with(|| UplinkVteps { vteps: Vec::new(), decap: DecapTable::new() });
            vtep.own.vtep.addresses().for_each(|address| uplink.decap.insert_local(address.address()));
            uplink.vteps.push(vtep.own);
        }
        for port in model.ports.values() {
            let PortKind::Vxlan { vni, vtep: name, remotes } = &port.kind else { continue };
            let (Some(vtep), Some(&Place { id, of_port, .. })) =
                (self.vteps.get(name), ports.get(&port.name))
            else {
                continue;
            };
            let Some(uplink) = uplinks.get_mut(&vtep.uplink) else { continue };
            let senders = remotes.iter().filter_map(|&remote| {
                let number = *self.remotes.get(&(name.clone(), remote))?;
                let target = TunnelTarget { vni: *vni, remote: number };
                let tunnel = Some(TunnelIngress { target, source: remote.address() });
                Some((remote, Ingress { port: id, of_port, tunnel }))
            });
            let locals: Vec<IpAddr> =
                vtep.own.vtep.addresses().map(sluice_overlay::VtepAddress::address).collect();
            uplink.decap.insert(&locals, *vni, senders).map_err(|error| {
                Refusal::conflict(format!("port {}", port.name), error, "give it another VNI or VTEP")
            })?;
        }
        Ok(uplinks.into_iter().map(|(port, vteps)| (port, Arc::new(vteps))).collect())
    }

    /// How every remote is reached now, by its number.
    pub(crate) fn paths(&self) -> Vec<Option<RemotePath>> {
        let mut paths = Vec::new();
        for ((name, remote), id) in &self.remotes {
            let Some(vtep) = self.vteps.get(name) else { continue };
            if paths.len() <= id.index() {
                paths.resize_with(id.index() + 1, || None);
            }
            if let Some(slot) = paths.get_mut(id.index()) {
                let template = self.template(name, vtep, *remote);
                *slot = Some(RemotePath { uplink: vtep.uplink, template });
            }
        }
        paths
    }

    fn template(&self, name: &str, vtep: &Running, remote: Remote) -> Option<EncapTemplate> {
        let route = vtep.own.vtep.route(remote).ok()?;
        let path = Path {
            local: route.local,
            remote: remote.address(),
            source_mac: vtep.own.mac,
            next_hop_mac: self.neighbours.get(name)?.lookup(route.next_hop)?,
            udp_port: vtep.own.vtep.udp_port(),
            mtu: vtep.mtu,
        };
        EncapTemplate::new(&path).ok()
    }

    /// Lets time pass: questions to be sent, and whether a path has changed.
    pub(crate) fn tick(&mut self) -> (Vec<Message>, bool) {
        let now = self.began.elapsed();
        let (mut messages, mut changed) = (Vec::new(), false);
        for (name, table) in &mut self.neighbours {
            let Some(vtep) = self.vteps.get(name) else { continue };
            let due = table.tick(now);
            changed |= !due.lost.is_empty();
            for lost in due.lost {
                tracing::warn!(vtep = name, neighbour = %lost, "neighbour does not answer");
            }
            messages.extend(due.requests.into_iter().filter_map(|request| {
                let mut frame = [0; MAX_MESSAGE_LEN];
                let len = answer::request(request, &vtep.own, &mut frame)?;
                Some(Message { uplink: vtep.uplink, frame: frame.get(..len)?.into() })
            }));
        }
        (messages, changed)
    }

    /// Takes in what a worker heard on an uplink; whether a path has changed.
    pub(crate) fn heard(&mut self, uplink: PortId, heard: Heard) -> bool {
        let now = self.began.elapsed();
        match heard {
            Heard::Conflict { address, mac } => {
                tracing::error!(%address, %mac, "another host on the underlay uses this VTEP's address");
                false
            }
            Heard::Neighbour(claim) => {
                let mut changed = false;
                for (name, vtep) in self.vteps.iter().filter(|(_, vtep)| vtep.uplink == uplink) {
                    if let Some(table) = self.neighbours.get_mut(name)
                        && table.learned(claim, now) == Learned::Changed
                    {
                        tracing::info!(vtep = name, neighbour = %claim.address, mac = %claim.mac, on = ?vtep.uplink, "neighbour");
                        changed = true;
                    }
                }
                changed
            }
        }
    }

    /// All neighbours, for display.
    pub(crate) fn list(&self) -> Vec<v1::Neighbour> {
        let mut list: Vec<_> = self
            .neighbours
            .iter()
            .flat_map(|(name, table)| {
                table.iter().map(|(address, state, mac)| v1::Neighbour {
                    vtep: name.clone(),
                    address: address.to_string(),
                    mac: mac.map(|mac| mac.to_string()).unwrap_or_default(),
                    state: state.name().to_owned(),
                })
            })
            .collect();
        list.sort_by(|a, b| (&a.vtep, &a.address).cmp(&(&b.vtep, &b.address)));
        list
    }

    /// The address of a remote.
    pub(crate) fn address_of(&self, id: RemoteId) -> Option<String> {
        let found = self.remotes.iter().find(|(_, number)| **number == id);
        found.map(|((_, remote), _)| remote.address().to_string())
    }

    /// The VTEP of that name, if it runs.
    pub(crate) fn vtep(&self, name: &str) -> Option<Vtep> {
        self.vteps.get(name).map(|vtep| vtep.own.vtep)
    }
}
