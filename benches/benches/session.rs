//! What it costs to get from a frame's bytes to its verdict, with a session for each 5-tuple: nanoseconds a frame, in
//! bursts of 32 that go through all sessions in a scattered order.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sluice_packet::{BURST, Depth, Field, FlowKey, Head, extract};
use sluice_pipeline::{
    Action, Bridge, BridgeId, Ingress, MacTable, Match, OfPort, Port, PortId, PortKind, Rule, RuleKey,
    RuleSlot, SessionConfig, Sessions, TableId, Tick,
};

/// A bridge whose only rule looks at all of an IPv4 UDP flow.
fn bridge() -> Bridge {
    let mut bridge = Bridge::new(BridgeId(1), Arc::new(MacTable::new(64, 300)));
    for id in [1, 2] {
        let (id, of_port) = (PortId(id), OfPort(id.into()));
        bridge.set_port(Port { id, of_port, kind: PortKind::Local, flood: true }).unwrap();
    }
    let mut matching =
        Match::builder().exact(Field::EthType, 0x0800).unwrap().exact(Field::IpProto, 17).unwrap();
    for field in [Field::Ipv4Src, Field::Ipv4Dst, Field::L4Src, Field::L4Dst] {
        matching = matching.exact(field, 0).unwrap();
    }
    let rule = |priority, matching, action| {
        let key = RuleKey { table: TableId::FIRST, priority, matching };
        Rule { actions: Box::new([action]), ..Rule::new(key, RuleSlot(0)) }
    };
    bridge.set_rule(rule(2, matching.build(), Action::Drop)).unwrap();
    bridge.set_rule(rule(1, Match::any(), Action::Output(PortId(2)))).unwrap();
    bridge
}

/// What tells one flow from another. The frame's head is in the near cache, as a worker's is.
fn write_flow(frame: &mut [u8], flow: u32) {
    frame[26..30].copy_from_slice(&(0x0a00_0001 + (flow >> 10)).to_be_bytes());
    frame[34..36].copy_from_slice(&(1024 + (flow & 1023) as u16).to_be_bytes());
}

fn frame() -> [u8; 60] {
    let mut frame = [0; 60];
    frame[..24]
        .copy_from_slice(&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17]);
    frame[30..34].copy_from_slice(&[192, 168, 0, 1]);
    frame[36..40].copy_from_slice(&[0, 53, 0, 26]);
    frame
}

/// Every number below a power of two once, in no order.
fn scattered(flows: u32) -> impl Iterator<Item = u32> {
    (0..flows).scan(0_u32, move |at, _| {
        *at = at.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) & (flows - 1);
        Some(*at)
    })
}

fn session(c: &mut Criterion) {
    let mut group = c.benchmark_group("session");
    group.throughput(Throughput::Elements(BURST as u64));
    let bridge = bridge();
    let ingress = Ingress::local(PortId(1), OfPort(1));
    for (name, flows) in [("1k", 1 << 10), ("100k", 1 << 17), ("1m", 1 << 20)] {
        let mut sessions = Sessions::new(SessionConfig::default());
        let mut batch = sessions.batch();
        let now = Tick(1);
        let mut base = FlowKey::EMPTY;
        ingress.write_to(&mut base);
        let mut heads = Head::burst();
        heads.iter_mut().for_each(|head| {
            head.fill(&frame());
        });
        let order: Vec<u32> = scattered(flows).collect();
        let mut bursts = order.chunks_exact(BURST).cycle();

        let mut burst = || {
            for (head, &flow) in heads.iter_mut().zip(bursts.next().unwrap()) {
                write_flow(head.bytes_mut(), flow);
            }
            let (plan, stamp) = (bridge.plan(), bridge.stamp());
            batch.clear();
            for head in heads.iter() {
                batch.push_frame(plan, stamp, &base, head.bytes(), head.len()).unwrap();
            }
            if sessions.lookup(&mut batch, now) > 0 {
                sessions.resolve(&mut batch, now, |index| {
                    let mut key = base;
                    extract(Depth::L4, heads[index].bytes(), heads[index].len(), &mut key).unwrap();
                    bridge.evaluate(&key, &ingress, now)
                });
            }
            batch.verdict(BURST - 1)
        };
        for _ in 0..flows as usize / BURST {
            burst();
        }
        group.bench_function(name, |b| b.iter(|| black_box(burst())));
    }
}

criterion_group!(benches, session);
criterion_main!(benches);
