//! What it costs to get from a frame's bytes to its key: nanoseconds a frame, in bursts of 32.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sluice_packet::{BURST, Depth, FlowKey, extract};

fn ipv4_udp(flow: u32) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    frame.extend([0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0]);
    frame.extend((0x0a00_0000 + (flow >> 16)).to_be_bytes());
    frame.extend([192, 168, 0, 1]);
    frame.extend([(flow >> 8) as u8, flow as u8, 0, 53, 0, 26, 0, 0]);
    frame.resize(60, 0);
    frame
}

fn ipv6_tcp(flow: u32) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 20, 6, 64];
    frame.extend([0xfd; 32]);
    frame.extend(flow.to_be_bytes());
    frame.extend([0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x10, 0, 0, 0, 0, 0, 0]);
    frame
}

fn tagged(frame: &[u8]) -> Vec<u8> {
    [&frame[..12], &[0x81, 0, 0, 7], &frame[12..]].concat()
}

fn key(c: &mut Criterion) {
    let mut group = c.benchmark_group("key");
    group.throughput(Throughput::Elements(BURST as u64));
    let cases: [(&str, Depth, fn(u32) -> Vec<u8>); 5] = [
        ("l4-ipv4-udp", Depth::L4, ipv4_udp),
        ("l4-ipv4-udp-vlan", Depth::L4, |flow| tagged(&ipv4_udp(flow))),
        ("l4-ipv6-tcp", Depth::L4, ipv6_tcp),
        ("l3-ipv4-udp", Depth::L3, ipv4_udp),
        ("l2-ipv4-udp", Depth::L2, ipv4_udp),
    ];
    for (name, depth, frame) in cases {
        let frames: Vec<_> = (0..BURST as u32).map(frame).collect();
        let mut keys = [FlowKey::EMPTY; BURST];
        group.bench_function(name, |b| {
            b.iter(|| {
                for (frame, key) in frames.iter().zip(&mut keys) {
                    black_box(extract(depth, black_box(frame), frame.len(), key)).unwrap();
                }
                black_box(&mut keys);
            });
        });
    }
}

criterion_group!(benches, key);
criterion_main!(benches);
