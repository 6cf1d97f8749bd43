//! The learning table: what it takes, what it refuses, what it forgets, and that workers may use it all at once.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use sluice_packet::MacAddr;
use sluice_pipeline::{Learned, MacTable, PortId, RemoteId, Station, Tick};

fn mac(number: u32) -> MacAddr {
    let [a, b, c, d] = number.to_be_bytes();
    MacAddr::new([2, 0, a, b, c, d])
}

fn at(port: u16) -> Station {
    Station { port: PortId(port), remote: None }
}

#[test]
fn addresses_are_learned_move_and_are_known_again() {
    let macs = MacTable::new(8, 100);
    let tunnel = Station { port: PortId(9), remote: RemoteId::new(3) };
    assert_eq!(macs.learn(1, mac(1), at(1), Tick(0)), Learned::New);
    let generation = macs.generation();
    assert_eq!(macs.learn(1, mac(1), at(1), Tick(5)), Learned::Nothing);
    assert_eq!(macs.generation(), generation, "what was known is no news");
    assert_eq!(macs.learn(1, mac(1), tunnel, Tick(5)), Learned::Moved);
    assert_ne!(macs.generation(), generation);
    assert_eq!(macs.lookup(1, mac(1)), Some(tunnel));
    assert_eq!(macs.lookup(2, mac(1)), None, "VLANs are apart");
    let entry = macs.iter().next().unwrap();
    assert_eq!((entry.vlan, entry.mac, entry.station, entry.seen), (1, mac(1), tunnel, Tick(5)));
}

#[test]
fn groups_and_nobody_are_not_learned() {
    let macs = MacTable::new(8, 100);
    for address in [MacAddr::BROADCAST, MacAddr::ZERO, MacAddr::new([1, 0, 0x5e, 0, 0, 1])] {
        assert_eq!(macs.learn(0, address, at(1), Tick(0)), Learned::Ignored);
    }
    assert!(macs.is_empty());
    assert_eq!(macs.generation(), 0);
}

#[test]
fn a_full_table_keeps_what_it_knows() {
    let macs = MacTable::new(100, 100);
    let taken = (0..10_000).filter(|&n| macs.learn(0, mac(n), at(1), Tick(0)) == Learned::New).count();
    assert_eq!(taken, macs.len());
    assert!((95..=100).contains(&taken), "{taken}");
    let generation = macs.generation();
    assert_eq!(macs.learn(0, mac(20_000), at(1), Tick(0)), Learned::Full);
    assert_eq!(macs.generation(), generation, "a flood of addresses must not make sessions stale");
    assert_eq!(macs.lookup(0, mac(0)), Some(at(1)));
}

#[test]
fn the_unseen_and_those_behind_a_lost_port_are_forgotten() {
    let macs = MacTable::new(100, 60);
    for n in 0..10 {
        macs.learn(0, mac(n), at(if n < 5 { 1 } else { 2 }), Tick(n));
    }
    assert_eq!(macs.expire(Tick(60)), 0);
    assert_eq!(macs.expire(Tick(63)), 3);
    assert_eq!(macs.forget_port(PortId(1)), 2);
    assert_eq!((macs.len(), macs.iter().count()), (5, 5));
    let generation = macs.generation();
    assert_eq!(macs.forget_port(PortId(1)), 0);
    assert_eq!(macs.generation(), generation);
    assert_eq!(macs.lookup(0, mac(4)), None);
    assert_eq!(macs.learn(0, mac(4), at(2), Tick(70)), Learned::New);
}

#[test]
fn workers_learn_look_up_and_forget_at_once() {
    let macs = MacTable::new(300, 10);
    let station_of = |n: u32| at(u16::try_from(n % 7).unwrap());
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let macs = &macs;
            scope.spawn(move || {
                for round in 0..20_000_u32 {
                    let n = (round * 7 + worker) % 200;
                    macs.learn(0, mac(n), station_of(n), Tick(round / 1000));
                    if let Some(station) = macs.lookup(0, mac(n)) {
                        assert_eq!(station, station_of(n), "an address is never seen at another's station");
                    }
                }
            });
        }
        let macs = &macs;
        scope.spawn(move || {
            for round in 0..2000_u16 {
                macs.forget_port(PortId(round % 7));
                macs.expire(Tick(u32::from(round) / 100));
            }
        });
    });
    for n in 0..200 {
        macs.learn(0, mac(n), station_of(n), Tick(100));
    }
    macs.expire(Tick(100));
    let known: HashSet<_> = macs.iter().map(|entry| entry.mac).collect();
    assert_eq!(known.len(), 200);
    assert_eq!((macs.len(), macs.iter().count()), (200, 200), "no address is there twice");
}

#[derive(Clone, Debug)]
enum Event {
    Learn(u16, u32, u16),
    Forget(u16),
    Expire,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        20 => (0_u16..2, 0_u32..40, 0_u16..3).prop_map(|(vlan, n, port)| Event::Learn(vlan, n, port)),
        1 => (0_u16..3).prop_map(Event::Forget),
        1 => Just(Event::Expire),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn it_is_a_map(events in prop::collection::vec(event(), 1..200)) {
        let macs = MacTable::new(1000, 20);
        let mut model = HashMap::new();
        for (now, event) in (0..).zip(events) {
            let generation = macs.generation();
            let changed = match event {
                Event::Learn(vlan, n, port) => {
                    macs.learn(vlan, mac(n), at(port), Tick(now));
                    model.insert((vlan, n), (port, now)).is_none_or(|(old, _)| old != port)
                }
                Event::Forget(port) => {
                    let before = model.len();
                    model.retain(|_, (at, _)| *at != port);
                    prop_assert_eq!(macs.forget_port(PortId(port)), before - model.len());
                    before != model.len()
                }
                Event::Expire => {
                    let before = model.len();
                    model.retain(|_, (_, seen)| now - *seen <= 20);
                    prop_assert_eq!(macs.expire(Tick(now)), before - model.len());
                    before != model.len()
                }
            };
            prop_assert_eq!(macs.generation() != generation, changed);
            prop_assert_eq!(macs.len(), model.len());
            for vlan in 0..2 {
                for n in 0..40 {
                    let station = model.get(&(vlan, n)).map(|&(port, _)| at(port));
                    prop_assert_eq!(macs.lookup(vlan, mac(n)), station);
                }
            }
        }
    }
}
