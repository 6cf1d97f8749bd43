//! What a file's objects must be to each other: no name, VNI, address, socket or number twice, and nothing named
//! that is not there.

use std::collections::HashMap;

use sluice_api::key::Key;
use sluice_api::v1::{Port, object, port};

use crate::change::label;
use crate::suggest::nearest;

use super::fields::Fault;
use super::yaml::Position;
use super::{Located, Scope};

/// Reports what contradicts itself. What a partial file does not say is left to the control process.
pub(crate) fn check(objects: &[Located], scope: Scope, faults: &mut Vec<Fault>) {
    let mut claims = Claims::default();
    for located in objects {
        claim(located, &mut claims, faults);
    }
    if scope == Scope::Whole {
        let names = Names::of(objects);
        for located in objects {
            refer(located, &names, faults);
        }
    }
}

/// What may be had once, by what it is.
#[derive(Default)]
struct Claims(HashMap<String, Position>);

impl Claims {
    /// Reports the second of two that claim the same.
    fn add(&mut self, what: String, at: Position, object: &str, hint: &str, faults: &mut Vec<Fault>) {
        match self.0.get(&what) {
            None => {
                self.0.insert(what, at);
            }
            Some(first) => faults.push(Fault {
                at,
                object: object.to_owned(),
                message: if what == object {
                    format!("is given already, on line {}", first.line)
                } else {
                    format!("{what} is taken already, on line {}", first.line)
                },
                hint: hint.to_owned(),
            }),
        }
    }
}

fn claim(located: &Located, claims: &mut Claims, faults: &mut Vec<Fault>) {
    let name = label(&located.key);
    let mut add = |what: String, field: &str, hint: &str| {
        claims.add(what, located.position(field), &name, hint, faults);
    };
    let name_hint = "give each object of a kind a name of its own";
    match &located.object.kind {
        Some(object::Kind::Bridge(bridge)) => {
            add(format!("the name {} of a bridge or network", bridge.name), "name", name_hint);
        }
        Some(object::Kind::Port(port)) => {
            add(format!("the name {} of a port or NIC", port.name), "name", name_hint);
            claim_port(port, &mut add);
        }
        Some(object::Kind::Vtep(vtep)) => {
            add(format!("the name {} of a VTEP", vtep.name), "name", name_hint);
            for address in &vtep.addresses {
                let host = address.split('/').next().unwrap_or_default();
                add(
                    format!("VTEP address {host}"),
                    "addresses",
                    "one VTEP serves many VNIs: name it in each network or tunnel port",
                );
            }
        }
        Some(object::Kind::Network(network)) => {
            add(format!("the name {} of a bridge or network", network.name), "name", name_hint);
            add(format!("VNI {} of a network", network.vni), "vni", "give each network a VNI of its own");
        }
        Some(object::Kind::Nic(nic)) => {
            add(format!("the name {} of a port or NIC", nic.name), "name", "a NIC's name is also its port's");
            if let Some(socket) = &nic.vhost_user {
                add(format!("socket {}", socket.path), "vhost_user", SOCKET_HINT);
            }
        }
        Some(object::Kind::Flow(_)) => {
            let hint = "a flow is known by its table, priority and match: change one of them, or drop one of the two";
            add(label(&located.key), "flow", hint);
        }
        None => {}
    }
}

const SOCKET_HINT: &str = "give each guest's NIC a socket of its own";

fn claim_port(port: &Port, add: &mut impl FnMut(String, &str, &str)) {
    if port.of_port != 0 {
        let what = format!("OpenFlow port {} of bridge {}", port.of_port, port.bridge);
        add(what, "of_port", "give another number, or leave it out for the lowest free one");
    }
    match &port.kind {
        Some(port::Kind::VhostUser(socket)) => {
            add(format!("socket {}", socket.path), "vhost_user", SOCKET_HINT);
        }
        Some(port::Kind::Dpdk(device)) => {
            let name = device.device.split(',').next().unwrap_or_default();
            add(format!("DPDK device {name}"), "dpdk", "a device is one port; name another");
        }
        Some(port::Kind::Vxlan(tunnel)) => {
            let what = format!("VNI {} on VTEP {}", tunnel.vni, tunnel.vtep);
            add(what, "vxlan", "a VNI ends in one tunnel port of a VTEP; list all its remotes there");
        }
        None => {}
    }
}

/// The names of a whole state.
struct Names<'a> {
    bridges: Vec<&'a str>,
    uplinks: Vec<&'a str>,
    vteps: Vec<&'a str>,
    networks: Vec<&'a str>,
}

impl<'a> Names<'a> {
    fn of(objects: &'a [Located]) -> Self {
        let named = |wanted: fn(&Located) -> bool| -> Vec<&'a str> {
            objects.iter().filter(|located| wanted(located)).map(|located| located.key.name()).collect()
        };
        Self {
            bridges: named(|located| matches!(located.key, Key::Bridge(_))),
            networks: named(|located| matches!(located.key, Key::Network(_))),
            vteps: named(|located| matches!(located.key, Key::Vtep(_))),
            uplinks: named(|located| {
                matches!(&located.object.kind, Some(object::Kind::Port(port))
                    if matches!(port.kind, Some(port::Kind::Dpdk(_))))
            }),
        }
    }
}

fn refer(located: &Located, names: &Names<'_>, faults: &mut Vec<Fault>) {
    let mut need = |what: &str, name: &str, among: &[&str], field: &str| {
        if name.is_empty() || among.contains(&name) {
            return;
        }
        let hint = match nearest(name, among.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None if what == "bridge" && names.networks.contains(&name) => {
                "the ports and flows of a network follow from its NICs; a bridge of your own is free of that"
                    .to_owned()
            }
            None if among.is_empty() => format!("the file has no {what}: add one"),
            None => format!("the file has: {}", among.join(", ")),
        };
        faults.push(Fault {
            at: located.position(field),
            object: label(&located.key),
            message: format!("there is no {what} {name}"),
            hint,
        });
    };
    match &located.object.kind {
        Some(object::Kind::Port(port)) => {
            need("bridge", &port.bridge, &names.bridges, "bridge");
            if let Some(port::Kind::Vxlan(tunnel)) = &port.kind {
                need("vtep", &tunnel.vtep, &names.vteps, "vxlan");
            }
        }
        Some(object::Kind::Vtep(vtep)) => need("port of kind dpdk", &vtep.uplink, &names.uplinks, "uplink"),
        Some(object::Kind::Network(network)) => need("vtep", &network.vtep, &names.vteps, "vtep"),
        Some(object::Kind::Nic(nic)) => need("network", &nic.network, &names.networks, "network"),
        Some(object::Kind::Flow(flow)) => need("bridge", &flow.bridge, &names.bridges, "bridge"),
        Some(object::Kind::Bridge(_)) | None => {}
    }
}
