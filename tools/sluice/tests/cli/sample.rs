//! A host with something of everything.

use sluice_api::v1::port_state::Link;
use sluice_api::v1::{
    Action, Bridge, BridgeStatus, ControlStatusReply, DatapathStatus, Dpdk, DropCount, Flow, FlowStats,
    ListDropsReply, ListNeighboursReply, ListPortsReply, MacEntry, Neighbour, Network, Nic, Object, Port,
    PortDrops, PortState, VhostUser, Vtep, Worker, action, object, port,
};

use crate::fake::State;

fn object(kind: object::Kind) -> Object {
    Object { kind: Some(kind) }
}

fn socket(path: &str) -> VhostUser {
    VhostUser { path: path.to_owned(), ..VhostUser::default() }
}

pub(crate) fn bridge(name: &str) -> Object {
    object(object::Kind::Bridge(Bridge { name: name.to_owned(), datapath_id: 1, ..Bridge::default() }))
}

/// What is wanted: bridge br0 with guest vm1, an uplink with a VTEP, network red with NIC red-a, a flow.
pub(crate) fn objects() -> Vec<Object> {
    let vhost_user = port::Kind::VhostUser(socket("/run/vm1.sock"));
    let device = Dpdk { device: "net_af_packet0,iface=eth1".to_owned(), queues: 0 };
    vec![
        bridge("br0"),
        object(object::Kind::Port(Port {
            name: "vm1".to_owned(),
            bridge: "br0".to_owned(),
            of_port: 1,
            kind: Some(vhost_user),
            mtu: 0,
        })),
        object(object::Kind::Port(Port {
            name: "up0".to_owned(),
            kind: Some(port::Kind::Dpdk(device)),
            ..Port::default()
        })),
        object(object::Kind::Vtep(Vtep {
            name: "vtep0".to_owned(),
            uplink: "up0".to_owned(),
            addresses: vec!["192.168.0.1/24".to_owned()],
            ..Vtep::default()
        })),
        object(object::Kind::Network(Network {
            name: "red".to_owned(),
            vni: 100,
            vtep: "vtep0".to_owned(),
            remotes: vec!["192.168.0.2".to_owned()],
        })),
        object(object::Kind::Nic(Nic {
            name: "red-a".to_owned(),
            network: "red".to_owned(),
            mac: "52:54:00:00:00:01".to_owned(),
            vhost_user: Some(socket("/run/red-a.sock")),
            mtu: 1450,
        })),
        object(object::Kind::Flow(flow())),
    ]
}

/// `in_port=1 actions=output:2` on br0.
pub(crate) fn flow() -> Flow {
    let text = "priority=10,in_port=1,actions=output:2";
    sluice_openflow::text::parse_flow("br0", text, &sluice_openflow::text::no_names).unwrap()
}

fn port_state(name: &str, bridge: &str, of_port: u32, kind: &str, address: &str) -> PortState {
    PortState {
        name: name.to_owned(),
        bridge: bridge.to_owned(),
        of_port,
        kind: kind.to_owned(),
        link: Link::Up.into(),
        mtu: 1500,
        address: address.to_owned(),
        ..PortState::default()
    }
}

fn drops(reason: &str, packets: u64) -> Vec<DropCount> {
    vec![DropCount { reason: reason.to_owned(), packets }]
}

/// All of it wanted, and running.
pub(crate) fn state() -> State {
    let vm1 = PortState {
        rx_packets: 1000,
        tx_packets: 900,
        drops: drops("ring_full", 5),
        ..port_state("vm1", "br0", 1, "vhost-user", "/run/vm1.sock")
    };
    let red_a = PortState {
        link: Link::Down.into(),
        detail: "no guest is connected".to_owned(),
        ..port_state("red-a", "red", 1, "vhost-user", "/run/red-a.sock")
    };
    let up0 = port_state("up0", "", 0, "dpdk", "net_af_packet0,iface=eth1");
    let bridge = |name: &str, datapath_id: u64| BridgeStatus {
        name: name.to_owned(),
        datapath_id,
        ports: 1,
        flows: 1,
        macs: 2,
        session_key: vec!["in_port".to_owned()],
    };
    let other =
        Flow { bridge: "red".to_owned(), actions: vec![Action { kind: normal() }], ..Flow::default() };
    State {
        objects: objects(),
        control: ControlStatusReply {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: 11,
            datapath_connected: true,
            last_transaction: 6,
            objects: 7,
            ..ControlStatusReply::default()
        },
        datapath: DatapathStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: 12,
            control_connected: true,
            last_transaction: 6,
            hugepages: true,
            workers: vec![Worker {
                id: 0,
                cpu: 1,
                busy_cycles: 46_000,
                idle_cycles: 54_000,
                rx_packets: 1000,
                sessions: 3,
                session_limit: 1 << 20,
                session_hits: 990,
                session_misses: 10,
                queues: vec!["vm1:0".to_owned()],
                ..Worker::default()
            }],
            bridges: vec![bridge("br0", 1), bridge("red", 0x0200_0000_0001)],
            ..DatapathStatus::default()
        },
        ports: ListPortsReply { ports: vec![vm1, up0, red_a] },
        flows: vec![
            FlowStats { flow: Some(flow()), packets: 77, bytes: 7700, duration_ms: 5 },
            FlowStats { flow: Some(other), packets: 1, bytes: 60, duration_ms: 5 },
        ],
        macs: vec![MacEntry {
            bridge: "red".to_owned(),
            mac: "52:54:00:00:00:02".to_owned(),
            port: "red-vxlan".to_owned(),
            remote: "192.168.0.2".to_owned(),
            age_s: 4,
            ..MacEntry::default()
        }],
        drops: ListDropsReply {
            ports: vec![
                PortDrops { port: "vm1".to_owned(), drops: drops("ring_full", 5) },
                PortDrops { port: String::new(), drops: drops("vni_unknown", 2) },
            ],
        },
        neighbours: ListNeighboursReply {
            neighbours: vec![Neighbour {
                vtep: "vtep0".to_owned(),
                address: "192.168.0.2".to_owned(),
                mac: String::new(),
                state: "incomplete".to_owned(),
            }],
        },
        ..State::default()
    }
}

fn normal() -> Option<action::Kind> {
    Some(action::Kind::Normal(action::Empty {}))
}
