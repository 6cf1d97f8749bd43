//! The objects, parsed: a [`Spec`] cannot hold an illegal value, and two spellings of one object are equal.

use std::net::IpAddr;
use std::num::NonZeroU32;

use sluice_api::key::{FlowKey, Key};
use sluice_api::mac::Mac;
use sluice_api::v1;
use sluice_api::v1::object::Kind;
use sluice_api::v1::vhost_user::Role;

use super::refusal::{Reason, Refusal};
use super::value::{
    Device, MAX_NAME, Name, OfPort, Prefixed, SocketPath, ValueError, Vni, host_address, is_link_local,
    optional_in, optional_mac,
};

/// What a network's tunnel port is called: the network's name and this.
pub const TUNNEL_SUFFIX: &str = "-vxlan";

/// An object without its key.
#[derive(Clone, Debug, PartialEq)]
pub enum Spec {
    /// A forwarding domain.
    Bridge(Bridge),
    /// A port or uplink.
    Port(Port),
    /// A local tunnel endpoint.
    Vtep(Vtep),
    /// A tenant's network.
    Network(Network),
    /// A guest's NIC in a network.
    Nic(Nic),
    /// A flow; what it matches is in its key.
    Flow(Rule),
}

/// See `Bridge` of objects.proto.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bridge {
    pub(crate) name: Name,
    pub(crate) datapath_id: u64,
    pub(crate) mac_table_size: Option<NonZeroU32>,
    pub(crate) mac_aging_s: Option<NonZeroU32>,
}

/// See `Port` of objects.proto.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    pub(crate) name: Name,
    pub(crate) bridge: Option<Name>,
    pub(crate) of_port: Option<OfPort>,
    pub(crate) kind: PortKind,
    pub(crate) mtu: Option<NonZeroU32>,
}

/// What is behind a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortKind {
    /// A guest.
    VhostUser(VhostUser),
    /// A wire.
    Dpdk(Dpdk),
    /// Other hosts.
    Vxlan(Tunnel),
}

/// See `VhostUser` of objects.proto.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VhostUser {
    pub(crate) path: SocketPath,
    pub(crate) role: Role,
    pub(crate) queue_pairs: Option<NonZeroU32>,
}

/// See `Dpdk` of objects.proto.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dpdk {
    pub(crate) device: Device,
    pub(crate) queues: Option<NonZeroU32>,
}

/// See `Vxlan` of objects.proto.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tunnel {
    pub(crate) vni: Vni,
    pub(crate) vtep: Name,
    pub(crate) remotes: Remotes,
}

/// See `Vtep` of objects.proto.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vtep {
    pub(crate) name: Name,
    pub(crate) uplink: Name,
    pub(crate) addresses: Vec<Prefixed>,
    pub(crate) gateways: Vec<IpAddr>,
    pub(crate) udp_port: Option<NonZeroU32>,
}

/// See `Network` of objects.proto.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    pub(crate) name: Name,
    pub(crate) vni: Vni,
    pub(crate) vtep: Option<Name>,
    pub(crate) remotes: Remotes,
}

/// See `Nic` of objects.proto.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nic {
    pub(crate) name: Name,
    pub(crate) network: Name,
    pub(crate) mac: Option<Mac>,
    pub(crate) vhost_user: VhostUser,
    pub(crate) mtu: Option<NonZeroU32>,
}

/// What a flow does; canonical.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The flow without what names it.
    nameless: v1::Flow,
}

/// Addresses of other hosts' VTEPs, each once, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remotes(Vec<IpAddr>);

impl Remotes {
    fn new(texts: &[String]) -> Result<Remotes, ValueError> {
        let mut addresses = texts.iter().map(|text| host_address(text)).collect::<Result<Vec<_>, _>>()?;
        addresses.sort_unstable();
        match addresses.array_windows().find(|[a, b]| a == b) {
            Some([twice, _]) => Err(ValueError::Twice(*twice)),
            None => Ok(Remotes(addresses)),
        }
    }

    /// The addresses.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.0
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

impl Vtep {
    /// Whether the VTEP has an address of the family of `other`.
    pub(crate) fn speaks_to(&self, other: IpAddr) -> bool {
        self.addresses.iter().any(|own| own.address().is_ipv4() == other.is_ipv4())
    }
}

impl Network {
    /// The name of its tunnel port.
    pub(crate) fn tunnel_name(&self) -> String {
        format!("{}{TUNNEL_SUFFIX}", self.name)
    }
}

impl Spec {
    /// Checks an object by itself, without those it refers to.
    pub fn parse(object: v1::Object) -> Result<(Key, Spec), Refusal> {
        let refuse = |reason: Reason| Refusal::new(describe(&object), reason);
        let key = Key::try_from(&object).map_err(|error| refuse(error.into()))?;
        let Some(kind) = object.kind else { return Err(Refusal::new(key.to_string(), Reason::NoKind)) };
        let object = key.to_string();
        let refuse = move |reason: Reason| Refusal::new(object, reason);
        Ok(match kind {
            Kind::Bridge(bridge) => (key, Spec::Bridge(self::bridge(&bridge).map_err(refuse)?)),
            Kind::Port(port) => (key, Spec::Port(self::port(&port).map_err(refuse)?)),
            Kind::Vtep(vtep) => (key, Spec::Vtep(self::vtep(&vtep).map_err(refuse)?)),
            Kind::Network(network) => (key, Spec::Network(self::network(&network).map_err(refuse)?)),
            Kind::Nic(nic) => (key, Spec::Nic(self::nic(&nic).map_err(refuse)?)),
            Kind::Flow(flow) => {
                let (key, rule) = self::flow(flow).map_err(refuse)?;
                (Key::Flow(key), Spec::Flow(rule))
            }
        })
    }

    /// The object, canonical, as users set it: what they left to a default is left so.
    pub fn to_object(&self, key: &Key) -> v1::Object {
        let kind = match self {
            Spec::Bridge(bridge) => Kind::Bridge(v1::Bridge {
                name: bridge.name.to_string(),
                datapath_id: bridge.datapath_id,
                mac_table_size: or_zero(bridge.mac_table_size),
                mac_aging_s: or_zero(bridge.mac_aging_s),
            }),
            Spec::Port(port) => Kind::Port(port.to_api()),
            Spec::Vtep(vtep) => Kind::Vtep(vtep.to_api()),
            Spec::Network(network) => Kind::Network(v1::Network {
                name: network.name.to_string(),
                vni: network.vni.number(),
                vtep: network.vtep.as_ref().map(ToString::to_string).unwrap_or_default(),
                remotes: network.remotes.texts(),
            }),
            Spec::Nic(nic) => Kind::Nic(v1::Nic {
                name: nic.name.to_string(),
                network: nic.network.to_string(),
                mac: nic.mac.map(|mac| mac.to_string()).unwrap_or_default(),
                vhost_user: Some(nic.vhost_user.to_api()),
                mtu: or_zero(nic.mtu),
            }),
            Spec::Flow(rule) => Kind::Flow(match key {
                Key::Flow(key) => rule.to_api(key),
                _ => v1::Flow::default(),
            }),
        };
        v1::Object { kind: Some(kind) }
    }
}

impl Port {
    pub(crate) fn to_api(&self) -> v1::Port {
        let kind = match &self.kind {
            PortKind::VhostUser(vhost_user) => v1::port::Kind::VhostUser(vhost_user.to_api()),
            PortKind::Dpdk(dpdk) => v1::port::Kind::Dpdk(v1::Dpdk {
                device: dpdk.device.as_str().to_owned(),
                queues: or_zero(dpdk.queues),
            }),
            PortKind::Vxlan(tunnel) => v1::port::Kind::Vxlan(v1::Vxlan {
                vni: tunnel.vni.number(),
                vtep: tunnel.vtep.to_string(),
                remotes: tunnel.remotes.texts(),
            }),
        };
        v1::Port {
            name: self.name.to_string(),
            bridge: self.bridge.as_ref().map(ToString::to_string).unwrap_or_default(),
            of_port: self.of_port.map(OfPort::number).unwrap_or_default(),
            kind: Some(kind),
            mtu: or_zero(self.mtu),
        }
    }
}

impl VhostUser {
    pub(crate) fn to_api(&self) -> v1::VhostUser {
        v1::VhostUser {
            path: self.path.as_str().to_owned(),
            role: self.role.into(),
            queue_pairs: or_zero(self.queue_pairs),
        }
    }
}

impl Vtep {
    pub(crate) fn to_api(&self) -> v1::Vtep {
        v1::Vtep {
            name: self.name.to_string(),
            uplink: self.uplink.to_string(),
            addresses: self.addresses.iter().map(ToString::to_string).collect(),
            gateways: self.gateways.iter().map(ToString::to_string).collect(),
            udp_port: or_zero(self.udp_port),
        }
    }
}

impl Rule {
    pub(crate) fn to_api(&self, key: &FlowKey) -> v1::Flow {
        let v1::Flow { bridge, table, priority, matches, .. } = key.into();
        v1::Flow { bridge, table, priority, matches, ..self.nameless.clone() }
    }
}

fn or_zero(number: Option<NonZeroU32>) -> u32 {
    number.map(NonZeroU32::get).unwrap_or_default()
}

/// What to call an object that may have no key.
fn describe(object: &v1::Object) -> String {
    match &object.kind {
        Some(Kind::Flow(flow)) => format!("flow of bridge {}", flow.bridge),
        _ => "object".to_owned(),
    }
}

/// Names the field of a value that is illegal.
fn in_field<T>(field: &'static str, result: Result<T, ValueError>) -> Result<T, Reason> {
    result.map_err(|error| Reason::Value { field, error })
}

fn bridge(bridge: &v1::Bridge) -> Result<Bridge, Reason> {
    Ok(Bridge {
        name: in_field("name", Name::new(&bridge.name))?,
        datapath_id: bridge.datapath_id,
        mac_table_size: in_field("mac_table_size", optional_in(bridge.mac_table_size, 1, 1 << 20))?,
        mac_aging_s: in_field("mac_aging_s", optional_in(bridge.mac_aging_s, 1, 86_400))?,
    })
}

fn port(port: &v1::Port) -> Result<Port, Reason> {
    let bridge = in_field("bridge", Name::optional(&port.bridge))?;
    let kind = match port.kind.as_ref().ok_or(Reason::NoPortKind)? {
        v1::port::Kind::VhostUser(vhost_user) => PortKind::VhostUser(self::vhost_user(vhost_user)?),
        v1::port::Kind::Dpdk(dpdk) => PortKind::Dpdk(Dpdk {
            device: in_field("device", Device::new(&dpdk.device))?,
            queues: in_field("queues", optional_in(dpdk.queues, 1, 64))?,
        }),
        v1::port::Kind::Vxlan(vxlan) => PortKind::Vxlan(Tunnel {
            vni: in_field("vni", Vni::new(vxlan.vni))?,
            vtep: in_field("vtep", Name::new(&vxlan.vtep))?,
            remotes: in_field("remotes", Remotes::new(&vxlan.remotes))?,
        }),
    };
    let of_port = in_field("of_port", OfPort::optional(port.of_port))?;
    match (&bridge, &kind) {
        (None, PortKind::Dpdk(_)) if of_port.is_some() => return Err(Reason::NumberWithoutBridge),
        (None, PortKind::Dpdk(_)) | (Some(_), _) => {}
        (None, _) => return Err(Reason::NoBridge),
    }
    Ok(Port {
        name: in_field("name", Name::new(&port.name))?,
        bridge,
        of_port,
        kind,
        mtu: in_field("mtu", mtu(port.mtu))?,
    })
}

fn vtep(vtep: &v1::Vtep) -> Result<Vtep, Reason> {
    let addresses = vtep.addresses.iter().map(|text| Prefixed::new(text)).collect::<Result<Vec<_>, _>>();
    let mut addresses = in_field("addresses", addresses)?;
    addresses.sort_unstable();
    let gateways = vtep.gateways.iter().map(|text| host_address(text)).collect::<Result<Vec<_>, _>>();
    let mut gateways = in_field("gateways", gateways)?;
    gateways.sort_unstable();
    in_field("addresses", one_a_family(&addresses, |address| address.address()))?;
    in_field("gateways", one_a_family(&gateways, |address| *address))?;
    if addresses.is_empty() {
        return Err(Reason::Value { field: "addresses", error: ValueError::None });
    }
    for gateway in &gateways {
        let own = |own: &Prefixed| own.address() == *gateway;
        let on_link =
            |own: &Prefixed| own.contains(*gateway) || (own.address().is_ipv6() && is_link_local(*gateway));
        in_field(
            "gateways",
            match addresses.iter().any(own) {
                true => Err(ValueError::Own(*gateway)),
                false if !addresses.iter().any(on_link) => Err(ValueError::OffLink(*gateway)),
                false => Ok(()),
            },
        )?;
    }
    Ok(Vtep {
        name: in_field("name", Name::new(&vtep.name))?,
        uplink: in_field("uplink", Name::new(&vtep.uplink))?,
        addresses,
        gateways,
        udp_port: in_field("udp_port", optional_in(vtep.udp_port, 1, 0xffff))?,
    })
}

/// Checks a sorted list.
fn one_a_family<T: ToString>(list: &[T], address: impl Fn(&T) -> IpAddr) -> Result<(), ValueError> {
    match list.array_windows().find(|[a, b]| address(a).is_ipv4() == address(b).is_ipv4()) {
        Some([a, b]) => Err(ValueError::Family(a.to_string(), b.to_string())),
        None => Ok(()),
    }
}

fn network(network: &v1::Network) -> Result<Network, Reason> {
    Ok(Network {
        name: in_field("name", Name::at_most(&network.name, MAX_NAME - TUNNEL_SUFFIX.len()))?,
        vni: in_field("vni", Vni::new(network.vni))?,
        vtep: in_field("vtep", Name::optional(&network.vtep))?,
        remotes: in_field("remotes", Remotes::new(&network.remotes))?,
    })
}

fn nic(nic: &v1::Nic) -> Result<Nic, Reason> {
    Ok(Nic {
        name: in_field("name", Name::new(&nic.name))?,
        network: in_field("network", Name::new(&nic.network))?,
        mac: in_field("mac", optional_mac(&nic.mac))?,
        vhost_user: vhost_user(nic.vhost_user.as_ref().ok_or(Reason::NoVhostUser)?)?,
        mtu: in_field("mtu", mtu(nic.mtu))?,
    })
}

fn vhost_user(vhost_user: &v1::VhostUser) -> Result<VhostUser, Reason> {
    let role = Role::try_from(vhost_user.role).map_err(|_| ValueError::Enumeration(vhost_user.role));
    Ok(VhostUser {
        path: in_field("path", SocketPath::new(&vhost_user.path))?,
        role: in_field("role", role)?,
        queue_pairs: in_field("queue_pairs", optional_in(vhost_user.queue_pairs, 1, 16))?,
    })
}

fn mtu(mtu: u32) -> Result<Option<NonZeroU32>, ValueError> {
    optional_in(mtu, 68, 9216)
}

fn flow(flow: v1::Flow) -> Result<(FlowKey, Rule), Reason> {
    in_field("bridge", Name::new(&flow.bridge))?;
    let (key, flow) = sluice_openflow::canonical(flow)?;
    let nameless = v1::Flow { bridge: String::new(), table: 0, priority: 0, matches: Vec::new(), ..flow };
    Ok((key, Rule { nameless }))
}
