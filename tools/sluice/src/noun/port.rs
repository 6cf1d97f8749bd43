//! `sluice port`: ports of bridges, and uplinks. Its rows join what is wanted with what runs.

use serde::Serialize;
use serde_json::{Map, Value};
use sluice_api::v1::object_key::Kind;
use sluice_api::v1::port_state::Link;
use sluice_api::v1::{Dpdk, Object, Port, PortState, Vxlan, object, port};

use super::network::Network;
use super::nic::Nic;
use super::vhost_user::{self, VhostUserOptions};
use super::{Examples, Noun, Running, Writer, of_kind};
use crate::error::Error;
use crate::file::Fields;
use crate::output::{Column, Row, number, text};
use crate::value::{Device, HostAddress, Mtu, Name, OfPort, OrEmpty, QueuePairs, Queues, Vni};

/// Options of `port create` and `port set`.
#[derive(Debug, clap::Args)]
pub(crate) struct PortOptions {
    /// The bridge it belongs to; '' for an uplink that serves VTEPs alone
    #[arg(long, value_name = "BRIDGE")]
    bridge: Option<OrEmpty<Name>>,
    /// OpenFlow port number, 1 to 65279 [default: 0, the lowest free one]
    #[arg(long, value_name = "NUMBER")]
    of_port: Option<OfPort>,
    #[command(flatten)]
    vhost_user: VhostUserOptions,
    /// A DPDK device with its arguments: a PCI address (0000:3b:00.0) or a driver (net_af_packet0,iface=eth1)
    #[arg(long, value_name = "DEVICE", conflicts_with_all = ["vhost_user", "server", "client"])]
    dpdk: Option<Device>,
    /// A VXLAN tunnel of this VNI, 1 to 16777215
    #[arg(long, value_name = "VNI", conflicts_with_all = ["vhost_user", "server", "client", "dpdk"])]
    vxlan: Option<Vni>,
    /// The tunnel's local VTEP
    #[arg(long, value_name = "VTEP")]
    vtep: Option<Name>,
    /// IP address of another VTEP of the VNI; give it several times or with commas, '' for none
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    remote: Option<Vec<OrEmpty<HostAddress>>>,
    /// Queue pairs offered to the guest (1 to 16), or receive queues of the device (1 to 64) [default: 0, which is 1]
    #[arg(long, value_name = "NUMBER")]
    queues: Option<Queues>,
    /// Bytes of layer-3 payload, 68 to 9216 [default: 0, which is 1500]
    #[arg(long, value_name = "BYTES")]
    mtu: Option<Mtu>,
}

/// A port as `list` and `show` print it.
#[derive(Debug, Serialize)]
pub(crate) struct PortRow {
    name: String,
    bridge: String,
    of_port: Option<u32>,
    kind: String,
    link: &'static str,
    address: String,
    wanted_by: Option<String>,
    mtu: Option<u32>,
    mac: Option<String>,
    queue_pairs: Option<u32>,
    numa_node: Option<u32>,
    generation: Option<u64>,
    features: Option<Vec<String>>,
    detail: String,
    rx_packets: Option<u64>,
    rx_bytes: Option<u64>,
    tx_packets: Option<u64>,
    tx_bytes: Option<u64>,
    drop_packets: Option<u64>,
    drops: Option<Vec<DropRow>>,
    wanted: Option<Map<String, Value>>,
}

/// One reason for which a port's frames were dropped.
#[derive(Debug, Serialize)]
struct DropRow {
    reason: String,
    packets: u64,
}

impl Row for PortRow {
    const COLUMNS: &'static [Column] = &[
        text("NAME", "name"),
        text("BRIDGE", "bridge"),
        number("OF PORT", "of_port"),
        text("KIND", "kind"),
        text("LINK", "link"),
        number("RX PACKETS", "rx_packets"),
        number("TX PACKETS", "tx_packets"),
        number("DROPS", "drop_packets"),
        text("ADDRESS", "address"),
        text("DETAIL", "detail"),
    ];

    fn name(&self) -> String {
        self.name.clone()
    }
}

impl PortRow {
    /// A wanted port, a running one, or both in one.
    fn new(name: &str, wanted: Option<&Port>, wanted_by: Option<String>, runs: Option<&PortState>) -> Self {
        let bridge = runs.map(|port| &port.bridge).or(wanted.map(|port| &port.bridge));
        let chosen_number = wanted.map(|port| port.of_port).filter(|number| *number != 0);
        let kind = wanted.and_then(|port| port.kind.as_ref());
        Self {
            name: name.to_owned(),
            bridge: bridge.cloned().unwrap_or_default(),
            of_port: runs.map(|port| port.of_port).filter(|number| *number != 0).or(chosen_number),
            kind: runs
                .map(|port| port.kind.clone())
                .or(kind.map(|kind| kind_name(kind).to_owned()))
                .unwrap_or_default(),
            link: runs.map_or("unknown", |port| link_name(port.link())),
            address: runs.map(|port| port.address.clone()).or(kind.map(address)).unwrap_or_default(),
            wanted_by,
            mtu: runs.map(|port| port.mtu).or(wanted.map(|port| port.mtu).filter(|mtu| *mtu != 0)),
            mac: runs.map(|port| port.mac.clone()),
            queue_pairs: runs.map(|port| port.queue_pairs),
            numa_node: runs.map(|port| port.numa_node),
            generation: runs.map(|port| port.generation),
            features: runs.map(|port| port.features.clone()),
            detail: runs.map(|port| port.detail.clone()).unwrap_or_default(),
            rx_packets: runs.map(|port| port.rx_packets),
            rx_bytes: runs.map(|port| port.rx_bytes),
            tx_packets: runs.map(|port| port.tx_packets),
            tx_bytes: runs.map(|port| port.tx_bytes),
            drop_packets: runs.map(drop_packets),
            drops: runs.map(|port| {
                let drops = port.drops.iter().filter(|drop| drop.packets > 0);
                drops.map(|drop| DropRow { reason: drop.reason.clone(), packets: drop.packets }).collect()
            }),
            wanted: wanted.map(Noun::write),
        }
    }
}

/// All drops of a port.
pub(crate) fn drop_packets(port: &PortState) -> u64 {
    port.drops.iter().map(|drop| drop.packets).fold(0, u64::saturating_add)
}

/// The link's state in a word.
pub(crate) fn link_name(link: Link) -> &'static str {
    match link {
        Link::Down => "down",
        Link::Up => "up",
        Link::Quarantined => "quarantined",
    }
}

/// The kind by the name that the datapath gives it.
fn kind_name(kind: &port::Kind) -> &'static str {
    match kind {
        port::Kind::VhostUser(_) => "vhost-user",
        port::Kind::Dpdk(_) => "dpdk",
        port::Kind::Vxlan(_) => "vxlan",
    }
}

fn address(kind: &port::Kind) -> String {
    match kind {
        port::Kind::VhostUser(socket) => socket.path.clone(),
        port::Kind::Dpdk(device) => device.device.clone(),
        port::Kind::Vxlan(tunnel) => format!("vni {}", tunnel.vni),
    }
}

impl Noun for Port {
    const KIND: Kind = Kind::Port;
    const LISTED: &'static [Kind] = &[Kind::Port, Kind::Network, Kind::Nic];
    const RUNS_ALONE: bool = true;
    const EXAMPLES: Examples = Examples {
        list: "sluice port list\nsluice port list -o json | jq '.[] | {name, link, rx_packets}'",
        show: "sluice port show vm1",
        create: "sluice port create vm1 --bridge br0 --of-port 1 --vhost-user /run/vm1.sock\n\
                 sluice port create vm2 --bridge br0 --vhost-user /run/vm2.sock --server --queues 2\n\
                 sluice port create up0 --dpdk net_af_packet0,iface=eth1\n\
                 sluice port create up1 --dpdk 0000:3b:00.0 --bridge br0 --queues 4 --mtu 9000\n\
                 sluice port create vx0 --bridge br0 --vxlan 100 --vtep vtep0 --remote 192.168.0.2",
        set: "sluice port set vm1 --mtu 9000\nsluice port set vx0 --remote 192.168.0.2,192.168.0.3",
        delete: "sluice port delete vm1 vm2",
        watch: "sluice port watch vm1",
    };

    type Options = PortOptions;
    type Row = PortRow;

    fn named(name: &Name) -> Self {
        Self { name: name.to_string(), ..Self::default() }
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn change(&mut self, options: &PortOptions) -> Result<(), Error> {
        let object = format!("port {}", self.name);
        if let Some(bridge) = &options.bridge {
            self.bridge = bridge.text();
        }
        if let Some(number) = options.of_port {
            self.of_port = number.value();
        }
        if let Some(mtu) = options.mtu {
            self.mtu = mtu.value();
        }
        change_kind(&mut self.kind, options, &object)?;
        change_queues(&mut self.kind, options, &object)
    }

    fn check(&self) -> Result<(), Error> {
        let object = format!("port {}", self.name);
        match &self.kind {
            None => Err(Error::usage(
                object,
                "has no kind",
                "give one of --vhost-user PATH, --dpdk DEVICE and --vxlan VNI",
            )),
            Some(port::Kind::Vxlan(tunnel)) if tunnel.vtep.is_empty() => {
                Err(Error::usage(object, "names no VTEP", "name the local tunnel endpoint with --vtep VTEP"))
            }
            Some(kind) if self.bridge.is_empty() && !matches!(kind, port::Kind::Dpdk(_)) => {
                Err(Error::usage(object, "belongs to no bridge", "name it with --bridge BRIDGE"))
            }
            Some(_) => Ok(()),
        }
    }

    fn from_object(object: Object) -> Option<Self> {
        match object.kind {
            Some(object::Kind::Port(port)) => Some(port),
            _ => None,
        }
    }

    fn into_object(self) -> Object {
        Object { kind: Some(object::Kind::Port(self)) }
    }

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.required::<Name>("name");
        let bridge = fields.optional::<Name>("bridge").map(String::from).unwrap_or_default();
        let of_port = fields.optional("of_port").map_or(0, OfPort::value);
        let mtu = fields.optional("mtu").map_or(0, Mtu::value);
        let start = fields.position("name");
        let kinds = [
            fields.nested("vhost_user", |fields| vhost_user::read(fields).map(port::Kind::VhostUser)),
            fields.nested("dpdk", read_dpdk),
            fields.nested("vxlan", read_vxlan),
        ];
        let given = fields.positions().filter(|(key, _)| KIND_KEYS.contains(key)).count();
        if given != 1 {
            fields.fault(
                start,
                format!("has {given} kinds"),
                "give exactly one of `vhost_user`, `dpdk` and `vxlan`",
            );
        }
        let kind = kinds.into_iter().flatten().next()?;
        if bridge.is_empty() && !matches!(kind, port::Kind::Dpdk(_)) {
            fields.fault(start, "belongs to no bridge".to_owned(), "name it: `bridge: br0`");
        }
        Some(Self { name: name?.into(), bridge, of_port, kind: Some(kind), mtu })
    }

    fn write(&self) -> Map<String, Value> {
        let out = Writer::named(&self.name)
            .text("bridge", &self.bridge)
            .number("of_port", self.of_port)
            .number("mtu", self.mtu);
        match &self.kind {
            None => out,
            Some(port::Kind::VhostUser(socket)) => out.nested("vhost_user", Some(vhost_user::write(socket))),
            Some(port::Kind::Dpdk(device)) => out.nested("dpdk", Some(write_dpdk(device))),
            Some(port::Kind::Vxlan(tunnel)) => out.nested("vxlan", Some(write_vxlan(tunnel))),
        }
        .done()
    }

    fn rows(wanted: &[Object], running: &Running) -> Vec<PortRow> {
        let nics = of_kind::<Nic>(wanted);
        let networks = of_kind::<Network>(wanted);
        let mut rows: Vec<PortRow> = of_kind::<Self>(wanted)
            .iter()
            .map(|port| {
                let by = format!("port {}", port.name);
                PortRow::new(&port.name, Some(port), Some(by), running.port(&port.name))
            })
            .collect();
        for port in &running.ports {
            if rows.iter().all(|row| row.name != port.name) {
                let nic = nics.iter().find(|nic| nic.name == port.name);
                let network = networks.iter().find(|network| network.name == port.bridge);
                let by = nic
                    .map(|nic| format!("nic {}", nic.name))
                    .or(network.map(|network| format!("network {}", network.name)));
                rows.push(PortRow::new(&port.name, None, by, Some(port)));
            }
        }
        rows
    }
}

const KIND_KEYS: [&str; 3] = ["vhost_user", "dpdk", "vxlan"];

/// Sets the kind, or changes the one there is. Another kind replaces it.
fn change_kind(kind: &mut Option<port::Kind>, options: &PortOptions, object: &str) -> Result<(), Error> {
    if options.vhost_user.given() {
        let mut socket = match kind.take() {
            Some(port::Kind::VhostUser(socket)) => Some(socket),
            _ => None,
        };
        options.vhost_user.change(&mut socket, object)?;
        *kind = socket.map(port::Kind::VhostUser);
    }
    if let Some(device) = &options.dpdk {
        let queues = match kind {
            Some(port::Kind::Dpdk(old)) => old.queues,
            _ => 0,
        };
        *kind = Some(port::Kind::Dpdk(Dpdk { device: device.as_ref().to_owned(), queues }));
    }
    if let Some(vni) = options.vxlan {
        let mut tunnel = match kind.take() {
            Some(port::Kind::Vxlan(tunnel)) => tunnel,
            _ => Vxlan::default(),
        };
        tunnel.vni = vni.value();
        *kind = Some(port::Kind::Vxlan(tunnel));
    }
    if options.vtep.is_none() && options.remote.is_none() {
        return Ok(());
    }
    let Some(port::Kind::Vxlan(tunnel)) = kind else {
        return Err(Error::usage(object, "is no tunnel", "--vtep and --remote belong to --vxlan VNI"));
    };
    if let Some(vtep) = &options.vtep {
        tunnel.vtep = vtep.to_string();
    }
    if let Some(remotes) = &options.remote {
        tunnel.remotes = OrEmpty::texts(remotes);
    }
    Ok(())
}

fn change_queues(kind: &mut Option<port::Kind>, options: &PortOptions, object: &str) -> Result<(), Error> {
    let Some(queues) = options.queues.map(Queues::value) else {
        return Ok(());
    };
    match kind {
        Some(port::Kind::VhostUser(socket)) => {
            let pairs: Result<QueuePairs, _> = queues.to_string().parse();
            let pairs = pairs.map_err(|error| Error::usage(object, error.to_string(), ""))?;
            socket.queue_pairs = pairs.value();
        }
        Some(port::Kind::Dpdk(device)) => device.queues = queues,
        Some(port::Kind::Vxlan(_)) | None => {
            let hint = "--queues belongs to --vhost-user PATH or --dpdk DEVICE";
            return Err(Error::usage(object, "has no queues of its own", hint));
        }
    }
    Ok(())
}

fn read_dpdk(fields: &mut Fields<'_>) -> Option<port::Kind> {
    let device = fields.required::<Device>("device");
    let queues = fields.optional("queues").map_or(0, Queues::value);
    Some(port::Kind::Dpdk(Dpdk { device: device?.into(), queues }))
}

fn write_dpdk(device: &Dpdk) -> Map<String, Value> {
    Writer::default().text("device", &device.device).number("queues", device.queues).done()
}

fn read_vxlan(fields: &mut Fields<'_>) -> Option<port::Kind> {
    let vni = fields.required::<Vni>("vni");
    let vtep = fields.required::<Name>("vtep");
    let remotes = fields.list::<HostAddress>("remotes").iter().map(ToString::to_string).collect();
    Some(port::Kind::Vxlan(Vxlan { vni: vni?.value(), vtep: vtep?.into(), remotes }))
}

fn write_vxlan(tunnel: &Vxlan) -> Map<String, Value> {
    Writer::default()
        .number("vni", tunnel.vni)
        .text("vtep", &tunnel.vtep)
        .list("remotes", &tunnel.remotes)
        .done()
}
