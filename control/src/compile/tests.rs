use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use sluice_api::datapath_id_of;
use sluice_api::key::Key;
use sluice_api::v1;
use sluice_api::v1::object::Kind;
use sluice_api::v1::operation;
use sluice_openflow::text::FlowText;

use super::{difference, snapshot};
use crate::intent::strategies::request;
use crate::intent::{Intent, Mode};
use crate::objects::*;

/// What a datapath has, which refuses what a real one would.
#[derive(Clone, Default, PartialEq, Debug)]
struct Datapath(BTreeMap<Key, v1::Object>);

impl Datapath {
    fn transact(&mut self, operations: impl IntoIterator<Item = v1::Operation>) {
        for operation in operations {
            let key = Key::try_from(&operation).unwrap();
            match operation.kind.unwrap() {
                operation::Kind::Set(object) => {
                    self.check(object.kind.as_ref().unwrap());
                    self.0.insert(key, object);
                }
                operation::Kind::Delete(_) => assert!(self.0.remove(&key).is_some(), "{key} was not there"),
            }
        }
    }

    /// Nothing is set before what it refers to.
    fn check(&self, kind: &Kind) {
        let has = |key: Key| assert!(self.0.contains_key(&key), "{kind:?} needs {key}");
        match kind {
            Kind::Bridge(_) => {}
            Kind::Port(port) => {
                if !port.bridge.is_empty() {
                    assert_ne!(port.of_port, 0);
                    has(Key::Bridge(port.bridge.clone()));
                }
                if let Some(v1::port::Kind::Vxlan(vxlan)) = &port.kind {
                    has(Key::Vtep(vxlan.vtep.clone()));
                }
            }
            Kind::Vtep(vtep) => has(Key::Port(vtep.uplink.clone())),
            Kind::Flow(flow) => has(Key::Bridge(flow.bridge.clone())),
            Kind::Network(_) | Kind::Nic(_) => panic!("the datapath knows no {kind:?}"),
        }
    }

    fn of(intent: &Intent) -> Datapath {
        let mut datapath = Datapath::default();
        let operations: Vec<_> = snapshot(intent).collect();
        let count = operations.len();
        datapath.transact(operations);
        assert_eq!(datapath.0.len(), count, "two objects expand into the same");
        datapath
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn differences_lead_where_a_snapshot_does(requests in vec(request(), 1..40)) {
        let (mut intent, mut datapath) = (Intent::default(), Datapath::default());
        for (operations, mode) in requests {
            let Ok(plan) = intent.plan(operations, mode) else { continue };
            let operations = difference(&intent, &plan.next, &plan.changes);
            for operation in &operations {
                let key = Key::try_from(operation).unwrap();
                if let Some(operation::Kind::Set(object)) = &operation.kind {
                    prop_assert_ne!(datapath.0.get(&key), Some(object), "sent again though nothing changed");
                }
            }
            datapath.transact(operations);
            intent = plan.next;
            prop_assert_eq!(&datapath, &Datapath::of(&intent));
        }
    }
}

fn state(kinds: Vec<Kind>) -> Intent {
    let operations = kinds.into_iter().map(set).collect();
    Intent::default().plan(operations, Mode::default()).unwrap_or_else(|refusal| panic!("{refusal}")).next
}

fn flows(intent: &Intent) -> Vec<String> {
    snapshot(intent)
        .filter_map(|operation| match operation.kind {
            Some(operation::Kind::Set(v1::Object { kind: Some(Kind::Flow(flow)) })) => {
                Some(format!("{}: {}", flow.bridge, FlowText(&flow)))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn a_network_becomes_a_bridge_a_tunnel_and_rules() {
    let intent = state(vec![
        uplink("up0", "", "net_tap0"),
        vtep("vtep0", "up0", &["192.0.2.1/24"]),
        network("blue", 100, "", &["192.0.2.2"]),
        nic("vm1", "blue", "52:54:00:00:00:01", "/run/vm1.sock"),
        nic("vm2", "blue", "", "/run/vm2.sock"),
    ]);
    assert_eq!(
        flows(&intent),
        [
            "blue: priority=100,in_port=65279 actions=NORMAL",
            "blue: priority=100,in_port=1,dl_src=52:54:00:00:00:01 actions=NORMAL",
            "blue: priority=50,in_port=1 actions=drop",
            "blue: priority=100,in_port=2 actions=NORMAL",
        ]
    );
    let datapath = Datapath::of(&intent);
    let tunnel = &datapath.0[&Key::Port("blue-vxlan".into())];
    let vxlan = v1::Vxlan { vni: 100, vtep: "vtep0".into(), remotes: vec!["192.0.2.2".into()] };
    assert_eq!(
        tunnel.kind,
        Some(Kind::Port(v1::Port {
            name: "blue-vxlan".into(),
            bridge: "blue".into(),
            of_port: 0xfeff,
            kind: Some(v1::port::Kind::Vxlan(vxlan)),
            mtu: 1500,
        }))
    );
}

#[test]
fn a_network_of_this_host_alone_has_no_tunnel() {
    let intent = state(vec![network("blue", 100, "", &[]), nic("vm1", "blue", "", "/run/vm1.sock")]);
    let keys: Vec<Key> =
        Datapath::of(&intent).0.into_keys().filter(|key| !matches!(key, Key::Flow(_))).collect();
    assert_eq!(keys, [Key::Bridge("blue".into()), Key::Port("vm1".into())]);
}

#[test]
fn defaults_are_filled_in() {
    let intent =
        state(vec![bridge("br0"), uplink("up0", "br0", "net_tap0"), vtep("vtep0", "up0", &["192.0.2.1/24"])]);
    let objects: Vec<_> = Datapath::of(&intent).0.into_values().filter_map(|object| object.kind).collect();
    let dpdk = v1::Dpdk { device: "net_tap0".into(), queues: 1 };
    assert_eq!(
        objects,
        [
            Kind::Bridge(v1::Bridge {
                name: "br0".into(),
                datapath_id: datapath_id_of("br0"),
                mac_table_size: 8192,
                mac_aging_s: 300,
            }),
            Kind::Port(v1::Port {
                name: "up0".into(),
                bridge: "br0".into(),
                of_port: 1,
                kind: Some(v1::port::Kind::Dpdk(dpdk)),
                mtu: 1500,
            }),
            Kind::Vtep(v1::Vtep {
                name: "vtep0".into(),
                uplink: "up0".into(),
                addresses: vec!["192.0.2.1/24".into()],
                gateways: vec![],
                udp_port: 4789,
            }),
        ]
    );
}

#[test]
fn writing_a_default_out_is_nothing_to_the_datapath() {
    let intent = state(vec![bridge("br0")]);
    let explicit = v1::Bridge { name: "br0".into(), mac_aging_s: 300, ..v1::Bridge::default() };
    let plan = intent.plan(vec![set(Kind::Bridge(explicit))], Mode::default()).unwrap();
    assert_eq!(plan.counts.changed, 1);
    assert_eq!(difference(&intent, &plan.next, &plan.changes), []);
}
