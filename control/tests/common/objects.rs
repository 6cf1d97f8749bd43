//! Objects and operations, briefly.

use sluice_api::key::Key;
use sluice_api::v1;
use sluice_api::v1::object::Kind;
use sluice_api::v1::port;
use sluice_openflow::text::{no_names, parse_flow};

pub fn set(kind: Kind) -> v1::Operation {
    v1::Operation { kind: Some(v1::operation::Kind::Set(v1::Object { kind: Some(kind) })) }
}

pub fn delete(key: &Key) -> v1::Operation {
    v1::Operation { kind: Some(v1::operation::Kind::Delete(key.into())) }
}

pub fn bridge(name: &str) -> Kind {
    Kind::Bridge(v1::Bridge { name: name.into(), ..v1::Bridge::default() })
}

pub fn vhost_user(path: &str) -> v1::VhostUser {
    v1::VhostUser { path: path.into(), ..v1::VhostUser::default() }
}

pub fn guest(name: &str, bridge: &str, of_port: u32, path: &str) -> Kind {
    port(name, bridge, of_port, port::Kind::VhostUser(vhost_user(path)))
}

pub fn uplink(name: &str, bridge: &str, device: &str) -> Kind {
    port(name, bridge, 0, port::Kind::Dpdk(v1::Dpdk { device: device.into(), queues: 0 }))
}

pub fn tunnel(name: &str, bridge: &str, vni: u32, vtep: &str, remotes: &[&str]) -> Kind {
    let vxlan = v1::Vxlan { vni, vtep: vtep.into(), remotes: strings(remotes) };
    port(name, bridge, 0, port::Kind::Vxlan(vxlan))
}

fn port(name: &str, bridge: &str, of_port: u32, kind: port::Kind) -> Kind {
    let (name, bridge) = (name.into(), bridge.into());
    Kind::Port(v1::Port { name, bridge, of_port, kind: Some(kind), mtu: 0 })
}

pub fn vtep(name: &str, uplink: &str, addresses: &[&str]) -> Kind {
    let (name, uplink, addresses) = (name.into(), uplink.into(), strings(addresses));
    Kind::Vtep(v1::Vtep { name, uplink, addresses, gateways: vec![], udp_port: 0 })
}

pub fn network(name: &str, vni: u32, vtep: &str, remotes: &[&str]) -> Kind {
    Kind::Network(v1::Network { name: name.into(), vni, vtep: vtep.into(), remotes: strings(remotes) })
}

pub fn nic(name: &str, network: &str, mac: &str, path: &str) -> Kind {
    let (name, network, mac) = (name.into(), network.into(), mac.into());
    Kind::Nic(v1::Nic { name, network, mac, vhost_user: Some(vhost_user(path)), mtu: 0 })
}

pub fn flow(bridge: &str, text: &str) -> Kind {
    Kind::Flow(parse_flow(bridge, text, &no_names).unwrap())
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}
