use std::collections::{BTreeMap, BTreeSet, HashSet};

use proptest::collection::vec;
use proptest::prelude::*;
use sluice_api::key::Key;
use sluice_api::v1;
use sluice_api::v1::object::Kind;
use sluice_api::v1::port;

use super::strategies::request;
use super::*;
use crate::objects::*;

/// The wanted state as a plain map, judged as a whole after every request.
#[derive(Clone, Default)]
struct Oracle {
    objects: BTreeMap<Key, (v1::Object, u32)>,
}

impl Oracle {
    /// Carries a request out, or leaves everything as it was.
    fn apply(&mut self, operations: &[v1::Operation], mode: Mode) -> bool {
        let mut next = self.clone();
        let mut named = HashSet::new();
        let mut fresh = Vec::new();
        for operation in operations {
            let key = Key::try_from(operation).unwrap();
            let exists = self.objects.contains_key(&key);
            let is_delete = matches!(operation.kind, Some(v1::operation::Kind::Delete(_)));
            if !named.insert(key.clone())
                || (mode.must_exist && !exists)
                || (mode.create_only && exists && !is_delete)
                || (mode.replace && is_delete)
            {
                return false;
            }
            match operation.kind.clone().unwrap() {
                v1::operation::Kind::Delete(_) => drop(next.objects.remove(&key)),
                v1::operation::Kind::Set(object) => {
                    let number = next.number(&key, &object);
                    if number == 0 && bridge_of(&object).is_some() {
                        fresh.push(key.clone());
                    }
                    next.objects.insert(key, (object, number));
                }
            }
        }
        if mode.replace {
            next.objects.retain(|key, _| named.contains(key));
        }
        for key in fresh {
            let bridge = bridge_of(&next.objects[&key].0).unwrap();
            let taken: BTreeSet<u32> = next
                .objects
                .values()
                .filter(|(other, _)| bridge_of(other).as_ref() == Some(&bridge))
                .map(|(_, number)| *number)
                .collect();
            next.objects.get_mut(&key).unwrap().1 = (1..).find(|number| !taken.contains(number)).unwrap();
        }
        if next.is_legal() {
            *self = next;
            return true;
        }
        false
    }

    fn number(&self, key: &Key, object: &v1::Object) -> u32 {
        if let Some(Kind::Port(port)) = &object.kind
            && port.of_port != 0
        {
            return port.of_port;
        }
        match self.objects.get(key) {
            Some((old, number)) if bridge_of(old) == bridge_of(object) => *number,
            _ => 0,
        }
    }

    fn vteps(&self) -> Vec<&v1::Vtep> {
        self.all(|kind| if let Kind::Vtep(vtep) = kind { Some(vtep) } else { None })
    }

    fn all<'a, T>(&'a self, pick: impl Fn(&'a Kind) -> Option<T>) -> Vec<T> {
        self.objects.values().filter_map(|(object, _)| pick(object.kind.as_ref().unwrap())).collect()
    }

    /// The VTEP of a network, `Err` if it must have one that there is not.
    fn vtep_of(&self, network: &v1::Network) -> Result<Option<&v1::Vtep>, ()> {
        let vteps = self.vteps();
        match (network.vtep.as_str(), vteps.as_slice()) {
            ("", []) if network.remotes.is_empty() => Ok(None),
            ("", [only]) => Ok(Some(only)),
            ("", _) => Err(()),
            (name, vteps) => vteps.iter().find(|vtep| vtep.name == name).map(|vtep| Some(*vtep)).ok_or(()),
        }
    }

    fn is_legal(&self) -> bool {
        let mut owned: Vec<String> = Vec::new();
        for (object, number) in self.objects.values() {
            owned.extend(self.owns(object.kind.as_ref().unwrap()));
            owned.extend(bridge_of(object).map(|bridge| format!("number {bridge} {number}")));
        }
        let all: HashSet<&String> = owned.iter().collect();
        all.len() == owned.len()
            && self.objects.values().all(|(object, _)| self.is_well_connected(object.kind.as_ref().unwrap()))
    }

    fn owns(&self, kind: &Kind) -> Vec<String> {
        let dpid = |given: u64, name: &str| {
            format!("dpid {}", if given == 0 { sluice_api::datapath_id_of(name) } else { given })
        };
        match kind {
            Kind::Bridge(bridge) => {
                vec![format!("bridge {}", bridge.name), dpid(bridge.datapath_id, &bridge.name)]
            }
            Kind::Port(port) => vec![
                format!("port {}", port.name),
                match port.kind.as_ref().unwrap() {
                    port::Kind::VhostUser(vhost_user) => format!("path {}", vhost_user.path),
                    port::Kind::Dpdk(dpdk) => format!("device {}", dpdk.device.split(',').next().unwrap()),
                    port::Kind::Vxlan(vxlan) => format!("tunnel {} {}", vxlan.vtep, vxlan.vni),
                },
            ],
            Kind::Vtep(vtep) => {
                vtep.addresses.iter().map(|address| address.split('/').next().unwrap().to_owned()).collect()
            }
            Kind::Network(network) => {
                let mut owns = vec![
                    format!("bridge {}", network.name),
                    dpid(0, &network.name),
                    format!("port {}-vxlan", network.name),
                    format!("vni {}", network.vni),
                ];
                if let Ok(Some(vtep)) = self.vtep_of(network) {
                    owns.push(format!("tunnel {} {}", vtep.name, network.vni));
                }
                owns
            }
            Kind::Nic(nic) => {
                vec![format!("port {}", nic.name), format!("path {}", nic.vhost_user.as_ref().unwrap().path)]
            }
            Kind::Flow(_) => vec![],
        }
    }

    fn is_well_connected(&self, kind: &Kind) -> bool {
        let has = |key: Key| self.objects.contains_key(&key);
        let reaches = |vtep: &v1::Vtep, remotes: &[String]| {
            remotes.iter().all(|remote| {
                vtep.addresses.iter().any(|own| own.contains(':') == remote.contains(':'))
                    && !vtep.addresses.iter().any(|own| own.split('/').next() == Some(remote))
            })
        };
        match kind {
            Kind::Bridge(_) => true,
            Kind::Port(port) => {
                (port.bridge.is_empty() || has(Key::Bridge(port.bridge.clone())))
                    && match port.kind.as_ref().unwrap() {
                        port::Kind::Vxlan(vxlan) => self
                            .vteps()
                            .iter()
                            .any(|vtep| vtep.name == vxlan.vtep && reaches(vtep, &vxlan.remotes)),
                        _ => true,
                    }
            }
            Kind::Vtep(vtep) => self
                .all(|kind| if let Kind::Port(port) = kind { Some(port) } else { None })
                .iter()
                .any(|port| port.name == vtep.uplink && matches!(port.kind, Some(port::Kind::Dpdk(_)))),
            Kind::Flow(flow) => has(Key::Bridge(flow.bridge.clone())),
            Kind::Network(network) => match self.vtep_of(network) {
                Ok(None) => true,
                Ok(Some(vtep)) => reaches(vtep, &network.remotes),
                Err(()) => false,
            },
            Kind::Nic(nic) => has(Key::Network(nic.network.clone())),
        }
    }
}

fn bridge_of(object: &v1::Object) -> Option<String> {
    match object.kind.as_ref().unwrap() {
        Kind::Port(port) if !port.bridge.is_empty() => Some(port.bridge.clone()),
        Kind::Nic(nic) => Some(nic.network.clone()),
        _ => None,
    }
}

fn contents(intent: &Intent) -> BTreeMap<Key, (v1::Object, u32)> {
    let number = |entry: &Entry| entry.number.map(OfPort::number).unwrap_or_default();
    intent.iter().map(|(key, entry)| (key.as_ref().clone(), (entry.to_object(key), number(entry)))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_state_changes_as_a_plain_map_judged_as_a_whole(requests in vec(request(), 1..40)) {
        let (mut intent, mut oracle) = (Intent::default(), Oracle::default());
        for (operations, mode) in requests {
            let before = oracle.clone();
            let accepted = oracle.apply(&operations, mode);
            match intent.plan(operations.clone(), mode) {
                Ok(plan) => {
                    prop_assert!(accepted, "accepted {operations:?}");
                    let differing = contents(&plan.next).iter().filter(|(key, new)| before.objects.get(*key) != Some(new)).count()
                        + before.objects.keys().filter(|key| plan.next.get(key).is_none()).count();
                    prop_assert_eq!(plan.changes.len(), differing);
                    prop_assert_eq!(plan.counts.added + plan.counts.changed + plan.counts.removed, differing as u64);
                    intent = plan.next;
                }
                Err(refusal) => prop_assert!(!accepted, "refused {operations:?}: {refusal}"),
            }
            prop_assert_eq!(contents(&intent), oracle.objects.clone());
        }
        // What was restored from its parts goes on as if nothing had happened.
        let restored = Intent::restore(intent.iter().map(|(key, entry)| (key.as_ref().clone(), entry.clone()))).unwrap();
        prop_assert_eq!(contents(&restored), contents(&intent));
    }
}

fn state(kinds: Vec<Kind>) -> Intent {
    apply(&Intent::default(), kinds.into_iter().map(set).collect())
}

fn apply(intent: &Intent, operations: Vec<v1::Operation>) -> Intent {
    intent.plan(operations, Mode::default()).unwrap_or_else(|refusal| panic!("{refusal}")).next
}

fn number(intent: &Intent, key: &Key) -> u32 {
    intent.get(key).unwrap().number.unwrap().number()
}

/// A state in which everything that can be refused has something to collide with.
fn host() -> Intent {
    state(vec![
        bridge("br0"),
        guest("vm1", "br0", 1, "/run/vm1.sock"),
        uplink("up0", "", "net_tap0,iface=tap0"),
        vtep("vtep0", "up0", &["192.0.2.1/24"]),
        network("blue", 100, "vtep0", &["192.0.2.2"]),
        nic("vm2", "blue", "52:54:00:00:00:02", "/run/vm2.sock"),
        flow("br0", "in_port=1,actions=normal"),
    ])
}

#[test]
fn every_refusal_names_the_object_and_the_reason() {
    use v1::error::Code::{Conflict, Invalid, NotFound};
    let long = "x".repeat(65);
    let bad_mtu = |mtu| match guest("vm3", "br0", 0, "/run/vm3.sock") {
        Kind::Port(port) => Kind::Port(v1::Port { mtu, ..port }),
        other => other,
    };
    let bare = v1::Port { name: "p".into(), bridge: "br0".into(), ..v1::Port::default() };
    for (operation, code, object, message) in [
        (set(bridge("b r")), Invalid, "bridge b r", "name: \"b r\" is no name"),
        (set(bridge(&long)), Invalid, "bridge xxx", "1 to 64 characters"),
        (set(bridge("blue")), Conflict, "bridge blue", "the bridge name blue is network blue's"),
        (
            set(Kind::Bridge(v1::Bridge {
                name: "b".into(),
                datapath_id: sluice_api::datapath_id_of("br0"),
                ..Default::default()
            })),
            Conflict,
            "bridge b",
            "is bridge br0's",
        ),
        (set(guest("vm3", "br9", 0, "/run/vm3.sock")), NotFound, "port vm3", "bridge br9 does not exist"),
        (
            set(guest("vm3", "blue", 0, "/run/vm3.sock")),
            Conflict,
            "port vm3",
            "bridge blue belongs to network blue",
        ),
        (set(guest("vm3", "", 0, "/run/vm3.sock")), Invalid, "port vm3", "it has no bridge"),
        (
            set(guest("vm3", "br0", 1, "/run/vm3.sock")),
            Conflict,
            "port vm3",
            "OpenFlow port 1 of bridge br0 is port vm1's",
        ),
        (
            set(guest("vm3", "br0", 0xff00, "/run/vm3.sock")),
            Invalid,
            "port vm3",
            "of_port: 65280 is out of range: 1 to 65279",
        ),
        (
            set(guest("vm3", "br0", 0, "/run/vm2.sock")),
            Conflict,
            "port vm3",
            "socket path /run/vm2.sock is nic vm2's",
        ),
        (
            set(guest("vm3", "br0", 0, "vm3.sock")),
            Invalid,
            "port vm3",
            "path: \"vm3.sock\" is no path of a Unix socket",
        ),
        (
            set(guest("vm2", "br0", 0, "/run/vm3.sock")),
            Conflict,
            "port vm2",
            "the port name vm2 is nic vm2's",
        ),
        (
            set(guest("blue-vxlan", "br0", 0, "/run/vm3.sock")),
            Conflict,
            "port blue-vxlan",
            "is network blue's",
        ),
        (set(bad_mtu(67)), Invalid, "port vm3", "mtu: 67 is out of range: 68 to 9216"),
        (set(bad_mtu(9217)), Invalid, "port vm3", "mtu: 9217 is out of range"),
        (set(Kind::Port(bare)), Invalid, "port p", "neither vhost_user nor dpdk nor vxlan"),
        (set(uplink("up1", "", "net_tap0")), Conflict, "port up1", "DPDK device net_tap0 is port up0's"),
        (
            set(tunnel("t1", "br0", 100, "vtep0", &[])),
            Conflict,
            "port t1",
            "VNI 100 on vtep vtep0 is network blue's",
        ),
        (set(tunnel("t1", "br0", 7, "vtep9", &[])), NotFound, "port t1", "vtep vtep9 does not exist"),
        (set(tunnel("t1", "br0", 0, "vtep0", &[])), Invalid, "port t1", "vni: VNI 0 is out of range"),
        (
            set(vtep("vtep1", "up0", &["192.0.2.1/16"])),
            Conflict,
            "vtep vtep1",
            "address 192.0.2.1 is vtep vtep0's",
        ),
        (
            set(vtep("vtep1", "vm1", &["192.0.2.9/24"])),
            Invalid,
            "vtep vtep1",
            "its uplink port vm1 is not a dpdk port",
        ),
        (set(vtep("vtep1", "up9", &["192.0.2.9/24"])), NotFound, "vtep vtep1", "port up9 does not exist"),
        (
            set(vtep("vtep1", "up0", &["192.0.2.9"])),
            Invalid,
            "vtep vtep1",
            "addresses: \"192.0.2.9\" is no IP address with its prefix",
        ),
        (set(vtep("vtep1", "up0", &[])), Invalid, "vtep vtep1", "addresses: there is none"),
        (
            set(vtep("vtep1", "up0", &["192.0.2.8/24", "192.0.2.9/24"])),
            Invalid,
            "vtep vtep1",
            "at most one IPv4",
        ),
        (set(network("red", 0, "", &[])), Invalid, "network red", "VNI 0 is out of range: 1 to 16777215"),
        (set(network("red", 1 << 24, "", &[])), Invalid, "network red", "VNI 16777216 is out of range"),
        (set(network("red", 100, "", &[])), Conflict, "network red", "VNI 100 is network blue's"),
        (set(network("br0", 7, "", &[])), Conflict, "network br0", "the bridge name br0 is bridge br0's"),
        (
            set(network("red", 7, "", &["192.0.2.1"])),
            Invalid,
            "network red",
            "remote 192.0.2.1 is vtep vtep0 itself",
        ),
        (set(network("red", 7, "", &["2001:db8::1"])), Invalid, "network red", "no address of its family"),
        (
            set(network("red", 7, "", &["192.0.2.2", "192.0.2.2"])),
            Invalid,
            "network red",
            "remotes: 192.0.2.2 is given twice",
        ),
        (
            set(network("red", 7, "", &["224.0.0.1"])),
            Invalid,
            "network red",
            "\"224.0.0.1\" is no IP address of a host",
        ),
        (set(nic("vm3", "red", "", "/run/vm3.sock")), NotFound, "nic vm3", "network red does not exist"),
        (
            set(nic("vm3", "blue", "01:00:00:00:00:00", "/run/vm3.sock")),
            Invalid,
            "nic vm3",
            "mac: \"01:00:00:00:00:00\" is no MAC",
        ),
        (
            set(nic("vm3", "blue", "", "/run/vm1.sock")),
            Conflict,
            "nic vm3",
            "socket path /run/vm1.sock is port vm1's",
        ),
        (
            set(nic("vm1", "blue", "", "/run/vm3.sock")),
            Conflict,
            "nic vm1",
            "the port name vm1 is port vm1's",
        ),
        (set(flow("br9", "actions=drop")), NotFound, "flow br9 priority=32768", "bridge br9 does not exist"),
        (set(flow("blue", "actions=drop")), Conflict, "flow blue", "belongs to network blue"),
        (
            set(Kind::Flow(v1::Flow { bridge: "br0".into(), table: 254, ..Default::default() })),
            Invalid,
            "flow br0",
            "table 254",
        ),
        (v1::Operation { kind: None }, Invalid, "operation", "no kind"),
        (delete(&Key::Bridge("br0".into())), Conflict, "bridge br0", "port vm1 refers to it"),
        (delete(&Key::Port("up0".into())), Conflict, "port up0", "vtep vtep0 refers to it"),
        (delete(&Key::Vtep("vtep0".into())), Conflict, "vtep vtep0", "network blue refers to it"),
        (delete(&Key::Network("blue".into())), Conflict, "network blue", "nic vm2 refers to it"),
    ] {
        let refusal =
            host().plan(vec![operation], Mode::default()).err().unwrap_or_else(|| panic!("{message}"));
        let error = v1::Error::from(&refusal);
        assert_eq!(error.code(), code, "{error:?}");
        assert!(error.object.starts_with(object), "{error:?}");
        assert!(error.message.contains(message), "{error:?}, not {message}");
    }
}

#[test]
fn a_gateway_must_be_on_the_link() {
    let with = |gateways: &[&str]| match vtep("vtep0", "up0", &["192.0.2.1/24", "2001:db8::1/64"]) {
        Kind::Vtep(vtep) => {
            let gateways = gateways.iter().map(ToString::to_string).collect();
            host().plan(vec![set(Kind::Vtep(v1::Vtep { gateways, ..vtep }))], Mode::default()).map(drop)
        }
        _ => unreachable!(),
    };
    assert_eq!(with(&["192.0.2.254", "fe80::1"]), Ok(()));
    for (gateways, message) in [
        (vec!["198.51.100.1"], "198.51.100.1 lies in no prefix"),
        (vec!["192.0.2.1"], "192.0.2.1 is the VTEP's own address"),
        (vec!["192.0.2.3", "192.0.2.4"], "are of one family"),
    ] {
        let refusal = with(&gateways).unwrap_err().to_string();
        assert!(refusal.contains(message), "{refusal}");
    }
}

#[test]
fn a_bridge_is_needed_by_its_flows() {
    let intent = state(vec![bridge("br0"), flow("br0", "ip,nw_dst=10.0.0.0/8,actions=drop"), bridge("br1")]);
    let refusal = intent.plan(vec![delete(&Key::Bridge("br0".into()))], Mode::default()).err().unwrap();
    assert_eq!(refusal.to_string(), "bridge br0: flow br0 priority=32768,ip,nw_dst=10.0.0.0/8 refers to it");
    apply(&intent, vec![delete(&Key::Bridge("br1".into()))]);
}

#[test]
fn the_order_within_a_request_does_not_matter() {
    let kinds = vec![
        nic("vm2", "blue", "", "/run/vm2.sock"),
        network("blue", 100, "", &["192.0.2.2"]),
        vtep("vtep0", "up0", &["192.0.2.1/24"]),
        uplink("up0", "", "net_tap0"),
    ];
    let intent = state(kinds.clone());
    let keys: Vec<Key> = kinds.into_iter().map(|kind| Key::try_from(&set(kind)).unwrap()).rev().collect();
    assert!(apply(&intent, keys.iter().map(delete).collect()).is_empty());
}

#[test]
fn what_one_gives_up_another_can_have_in_the_same_request() {
    let intent = apply(
        &host(),
        vec![set(guest("vm1", "br0", 2, "/run/other.sock")), set(guest("vm3", "br0", 1, "/run/vm1.sock"))],
    );
    assert_eq!(number(&intent, &Key::Port("vm3".into())), 1);
}

#[test]
fn numbers_stay_while_others_come_and_go() {
    let port = |name: &str| Key::Port(name.into());
    let auto = |name: &str| set(guest(name, "br0", 0, &format!("/run/{name}.sock")));
    let intent = state(vec![bridge("br0"), guest("z", "br0", 2, "/run/z.sock")]);
    let intent = apply(&intent, vec![auto("a"), auto("b"), auto("c")]);
    assert_eq!(["a", "z", "b", "c"].map(|name| number(&intent, &port(name))), [1, 2, 3, 4]);
    let intent = apply(&intent, vec![delete(&port("a")), delete(&port("z"))]);
    let intent = apply(&intent, vec![auto("d")]);
    assert_eq!(["d", "b", "c"].map(|name| number(&intent, &port(name))), [1, 3, 4]);
    // Written again, even when it once had a number of its own.
    let intent = apply(&intent, vec![set(guest("e", "br0", 9, "/run/e.sock"))]);
    let intent = apply(&intent, vec![auto("e"), auto("b")]);
    assert_eq!(["e", "b"].map(|name| number(&intent, &port(name))), [9, 3]);
}

#[test]
fn a_network_takes_the_only_vtep_and_wants_to_know_which_of_two() {
    let second = || set(vtep("vtep1", "up0", &["198.51.100.1/24"]));
    let intent = state(vec![
        uplink("up0", "", "net_tap0"),
        vtep("vtep0", "up0", &["192.0.2.1/24"]),
        network("blue", 100, "", &["192.0.2.2"]),
        network("local", 101, "", &[]),
    ]);
    let refusal = intent.plan(vec![second()], Mode::default()).err().unwrap();
    assert_eq!(refusal.to_string(), "network blue: it names no vtep, and there are several: vtep0, vtep1");
    let refusal = intent.plan(vec![delete(&Key::Vtep("vtep0".into()))], Mode::default()).err().unwrap();
    assert_eq!(refusal.to_string(), "network blue: it has remotes, and there is no VTEP to reach them from");
    let named = apply(
        &intent,
        vec![
            second(),
            set(network("blue", 100, "vtep0", &["192.0.2.2"])),
            set(network("local", 101, "vtep1", &[])),
        ],
    );
    assert_eq!(named.len(), 5);
}

#[test]
fn an_uplink_stays_one_while_a_vtep_needs_it() {
    let refusal =
        host().plan(vec![set(guest("up0", "br0", 0, "/run/up0.sock"))], Mode::default()).err().unwrap();
    assert_eq!(refusal.to_string(), "vtep vtep0: its uplink port up0 is not a dpdk port");
}

#[test]
fn spellings_of_one_object_are_no_change() {
    let intent = state(vec![
        uplink("up0", "", "net_tap0"),
        vtep("vtep0", "up0", &["2001:db8::1/64", "192.0.2.1/24"]),
        network("blue", 100, "", &["192.0.2.3", "192.0.2.2"]),
        nic("vm1", "blue", "52:54:00:aa:bb:cc", "/run/vm1.sock"),
        bridge("br0"),
        flow("br0", "ip,nw_dst=10.0.0.0/8,actions=drop"),
    ]);
    let plan = intent
        .plan(
            vec![
                set(vtep("vtep0", "up0", &["192.0.2.1/24", "2001:DB8:0::1/64"])),
                set(network("blue", 100, "", &["192.0.2.2", "192.0.2.3"])),
                set(nic("vm1", "blue", "52:54:0:AA:BB:CC", "/run/vm1.sock")),
                set(flow("br0", "dl_type=0x800,nw_dst=10.1.2.3/255.0.0.0,actions=drop")),
            ],
            Mode::default(),
        )
        .unwrap();
    assert_eq!(plan.counts, v1::Changes { unchanged: 4, ..v1::Changes::default() });
    assert!(plan.changes.is_empty());
}

#[test]
fn modes() {
    let plan = |mode, operations: Vec<v1::Operation>| {
        host().plan(operations, mode).map_err(|refusal| refusal.reason)
    };
    let create = Mode { create_only: true, ..Mode::default() };
    let must = Mode { must_exist: true, ..Mode::default() };
    let replace = Mode { replace: true, ..Mode::default() };
    let gone = || delete(&Key::Bridge("br9".into()));
    assert_eq!(plan(create, vec![set(bridge("br0"))]).err(), Some(Reason::Exists));
    assert_eq!(plan(must, vec![set(bridge("br9"))]).err(), Some(Reason::NotFound));
    assert_eq!(plan(must, vec![gone()]).err(), Some(Reason::NotFound));
    assert_eq!(plan(replace, vec![gone()]).err(), Some(Reason::ReplaceDeletes));
    assert_eq!(
        plan(Mode::default(), vec![set(bridge("b")), set(bridge("b"))]).err(),
        Some(Reason::GivenTwice)
    );
    assert!(plan(Mode::default(), vec![gone()]).unwrap().changes.is_empty());
    let replaced = plan(replace, vec![set(bridge("br0")), set(bridge("br9"))]).unwrap();
    assert_eq!(replaced.counts, v1::Changes { added: 1, changed: 0, removed: 6, unchanged: 1 });
    assert_eq!(replaced.next.len(), 2);
}
