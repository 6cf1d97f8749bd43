//! Random requests over a small world, in which objects meet: for property tests of everything that takes requests.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sluice_api::key::Key;
use sluice_api::v1;
use sluice_api::v1::object::Kind;

use super::Mode;
use crate::objects::*;

/// A request: mostly good ones, so that the state grows and lives.
pub(crate) fn request() -> impl Strategy<Value = (Vec<v1::Operation>, Mode)> {
    let mode = prop_oneof![
        12 => Just(Mode::default()),
        1 => Just(Mode { create_only: true, ..Mode::default() }),
        1 => Just(Mode { must_exist: true, ..Mode::default() }),
        1 => Just(Mode { replace: true, ..Mode::default() }),
    ];
    (prop_oneof![3 => vec(operation(), 1..4), 1 => vec(operation(), 8..20)], mode)
}

fn operation() -> impl Strategy<Value = v1::Operation> {
    (object(), prop::bool::weighted(0.2)).prop_map(|(kind, deletes)| {
        let set = set(kind);
        if deletes { delete(&Key::try_from(&set).unwrap()) } else { set }
    })
}

fn one_of(names: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    select(names)
}

const BRIDGES: &[&str] = &["a", "b", "c"];
const PORTS: &[&str] = &["p", "q", "r", "a-vxlan"];
const PATHS: &[&str] = &["/s/1", "/s/2", "/s/3", "/s/4", "/s/5"];
const UPLINKS: &[&str] = &["u", "v"];
const VTEPS: &[&str] = &["t", "w"];

fn remotes() -> impl Strategy<Value = Vec<&'static str>> {
    select(vec![vec![], vec!["10.0.0.9"], vec!["10.0.0.1", "10.0.0.9"], vec!["fd::9"]])
}

fn object() -> impl Strategy<Value = Kind> {
    let any_port = || one_of(&["p", "q", "u", "v"]);
    prop_oneof![
        2 => one_of(BRIDGES).prop_map(bridge),
        1 => (one_of(BRIDGES), one_of(BRIDGES)).prop_map(|(name, like)| {
            Kind::Bridge(v1::Bridge {
                name: name.into(),
                datapath_id: sluice_api::datapath_id_of(like),
                ..v1::Bridge::default()
            })
        }),
        3 => (one_of(PORTS), one_of(BRIDGES), 0..4_u32, one_of(PATHS))
            .prop_map(|(name, bridge, of_port, path)| guest(name, bridge, of_port, path)),
        2 => (one_of(UPLINKS), one_of(&["", "", "a"]), one_of(&["d1", "d2", "d1,x=y"]))
            .prop_map(|(name, bridge, device)| uplink(name, bridge, device)),
        1 => (one_of(PORTS), one_of(BRIDGES), 1..4_u32, one_of(VTEPS), remotes())
            .prop_map(|(name, bridge, vni, vtep, remotes)| tunnel(name, bridge, vni, vtep, &remotes)),
        2 => (one_of(VTEPS), any_port(), select(vec![vec!["10.0.0.1/24"], vec!["10.0.0.2/24"], vec!["10.0.0.2/24", "fd::1/64"]]))
            .prop_map(|(name, uplink, addresses)| vtep(name, uplink, &addresses)),
        2 => (one_of(BRIDGES), 1..4_u32, one_of(&["", "", "t", "w"]), remotes())
            .prop_map(|(name, vni, vtep, remotes)| network(name, vni, vtep, &remotes)),
        3 => (one_of(PORTS), one_of(BRIDGES), one_of(&["", "52:54:00:00:00:01"]), one_of(PATHS))
            .prop_map(|(name, network, mac, path)| nic(name, network, mac, path)),
        3 => (one_of(BRIDGES), one_of(&["in_port=1,", "", "ip,nw_dst=10.0.0.0/8,"]), 0..3_u32)
            .prop_map(|(bridge, matches, port)| flow(bridge, &format!("{matches}actions=output:{}", port + 1))),
    ]
}
