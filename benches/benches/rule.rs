//! What it costs to run the rules on a key (what a session's first frame pays) and to change one rule.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use sluice_packet::{Field, FlowKey};
use sluice_pipeline::{
    Action, Bridge, BridgeId, Ingress, MacTable, Match, OfPort, Port, PortId, PortKind, Rule, RuleKey,
    RuleSlot, TableId, Tick,
};

fn bridge() -> Bridge {
    let mut bridge = Bridge::new(BridgeId(1), Arc::new(MacTable::new(64, 300)));
    for id in [1, 2] {
        let (id, of_port) = (PortId(id), OfPort(id.into()));
        bridge.set_port(Port { id, of_port, kind: PortKind::Local, flood: true }).unwrap();
    }
    bridge
}

fn rule(priority: u16, matching: Match) -> Rule {
    let key = RuleKey { table: TableId::FIRST, priority, matching };
    Rule { actions: Box::new([Action::Output(PortId(2))]), ..Rule::new(key, RuleSlot(0)) }
}

/// UDP to one address and port.
fn exact(n: u32) -> Match {
    let ip = Match::builder().exact(Field::EthType, 0x0800).unwrap().exact(Field::IpProto, 17).unwrap();
    let to = ip.exact(Field::Ipv4Dst, u128::from(0x0a00_0000 + (n >> 8))).unwrap();
    to.exact(Field::L4Dst, u128::from(n & 0xff)).unwrap().build()
}

/// One of 500 masks: prefixes of the source by prefixes of the destination port and some more.
fn masked(n: u32) -> Match {
    let mask = n % 500;
    let (source, port) = (u128::MAX << (mask % 25) & 0xffff_ffff, u128::MAX << (mask / 25 % 16) & 0xffff);
    let ip = Match::builder().exact(Field::EthType, 0x0800).unwrap().exact(Field::IpProto, 17).unwrap();
    let ip = ip.field(Field::Ipv4Src, u128::from(0xac00_0000 + (n << 12)) & source, source).unwrap();
    let ip = ip.field(Field::L4Dst, 0x8000 & port, port).unwrap();
    if mask < 400 { ip.build() } else { ip.exact(Field::IpEcn, 0).unwrap().build() }
}

fn key(n: u32) -> FlowKey {
    let mut key = FlowKey::EMPTY;
    Ingress::local(PortId(1), OfPort(1)).write_to(&mut key);
    key.set(Field::EthType, 0x0800);
    key.set(Field::IpProto, 17);
    key.set(Field::Ipv4Dst, u128::from(0x0a00_0000 + (n >> 8)));
    key.set(Field::L4Dst, u128::from(n & 0xff));
    key
}

fn evaluate(c: &mut Criterion) {
    let mut group = c.benchmark_group("rule");
    let ingress = Ingress::local(PortId(1), OfPort(1));
    for (name, rules) in [("10", 10), ("1k", 1000), ("100k", 100_000)] {
        let mut bridge = bridge();
        for n in 0..rules {
            bridge.set_rule(rule(10, exact(n))).unwrap();
        }
        let mut n = 0_u32;
        group.bench_function(name, |b| {
            b.iter(|| {
                n = n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                black_box(bridge.evaluate(&key((n >> 8) % rules), &ingress, Tick(1)))
            });
        });
    }

    let mut masks = bridge();
    for n in 0..1000 {
        masks.set_rule(rule((n / 2) as u16 + 1, masked(n))).unwrap();
    }
    masks.set_rule(rule(0, Match::any())).unwrap();
    group.bench_function("500-masks", |b| {
        b.iter(|| black_box(masks.evaluate(black_box(&key(7)), &ingress, Tick(1))));
    });

    let mut large = bridge();
    for n in 0..100_000 {
        large.set_rule(rule(10, exact(n))).unwrap();
    }
    group.bench_function("change-one-of-100k", |b| {
        b.iter_batched(
            || large.clone(),
            |mut changed| {
                changed.set_rule(rule(10, exact(4711))).unwrap();
                changed
            },
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, evaluate);
criterion_main!(benches);
