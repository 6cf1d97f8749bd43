//! VXLAN's cost a packet: outer headers written, outer headers read, the tunnel looked up. Each turn handles a burst
//! of different frames, as a worker does; the figure a packet is the inverse of the throughput shown.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]

use std::hint::black_box;
use std::net::IpAddr;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sluice_overlay::vxlan::{self, EncapTemplate, Inner, InnerFlow, Path};
use sluice_overlay::{DecapTable, Remote, VXLAN_PORT, Vni};
use sluice_packet::{BURST, MacAddr};

/// As many bytes in front of the inner frame as an mbuf has by default.
const HEADROOM: usize = 128;

/// Room for the outer headers and the inner frame, at an mbuf's alignment.
#[repr(align(64))]
struct Buffer([u8; HEADROOM + 1500]);

/// Different remotes, and tunnels that they belong to.
const PATHS: usize = 8;
const TUNNELS: u32 = 256;

/// One burst towards eight VTEPs of one family.
struct Burst {
    templates: Vec<EncapTemplate>,
    buffers: Vec<Buffer>,
    /// The template and the VNI of each frame, as a session would say them.
    ways: Vec<(usize, Vni)>,
    inner_len: usize,
}

impl Burst {
    fn new(ends: impl Fn(u8) -> (IpAddr, IpAddr), inner_len: usize) -> Self {
        let template = |at| {
            let (local, remote) = ends(at);
            let source_mac = MacAddr::new([2, 0, 0, 0, 0, 1]);
            let next_hop_mac = MacAddr::new([2, 0, 0, 0, 1, at]);
            let path = Path { local, remote, source_mac, next_hop_mac, udp_port: VXLAN_PORT, mtu: 9000 };
            EncapTemplate::new(&path).expect("ends of one family")
        };
        let mut burst = Burst {
            templates: (1..=PATHS as u8).map(template).collect(),
            buffers: (0..BURST as u8).map(|at| buffer(at, inner_len)).collect(),
            ways: (0..BURST).map(|at| (at % PATHS, Vni::new(at as u32 + 1).expect("in range"))).collect(),
            inner_len,
        };
        burst.encapsulate();
        burst
    }

    fn encapsulate(&mut self) {
        for (buffer, &(path, vni)) in self.buffers.iter_mut().zip(&self.ways) {
            let template = &self.templates[path];
            let (room, inner) = buffer.0.split_at_mut(HEADROOM);
            let outer = &mut room[HEADROOM - template.header_len()..];
            let inner = Inner { head: &inner[..self.inner_len], payload: &[] };
            let written = template.write(outer, inner, vni, InnerFlow::of(inner.head));
            assert!(written.is_ok());
        }
    }

    /// The frames as they would be received.
    fn frames(&self) -> Vec<Vec<u8>> {
        let start = HEADROOM - self.templates[0].header_len();
        let end = HEADROOM + self.inner_len;
        self.buffers.iter().map(|buffer| buffer.0[start..end].to_vec()).collect()
    }
}

/// An inner UDP frame over IPv4, another flow for each `at`.
fn buffer(at: u8, inner_len: usize) -> Buffer {
    let mut buffer = [0x5a; HEADROOM + 1500];
    let head = [
        2, 0, 0, 0, 2, 1, 2, 0, 0, 0, 2, 2, 0x08, 0x00, 0x45, 0, 0, 50, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0,
        0, at, 10, 0, 0, 2, at, 1, 0x12, 0x34, 0, 30, 0, 0,
    ];
    let start = HEADROOM;
    buffer[start..][..head.len()].copy_from_slice(&head);
    buffer[start + 16..][..2].copy_from_slice(&(inner_len as u16 - 14).to_be_bytes());
    Buffer(buffer)
}

fn v4(at: u8) -> (IpAddr, IpAddr) {
    ([192, 0, 2, 100].into(), [192, 0, 2, at].into())
}

fn v6(at: u8) -> (IpAddr, IpAddr) {
    let host = |at: u8| [0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(at)].into();
    (host(100), host(at))
}

/// From them to us.
fn back(ends: impl Fn(u8) -> (IpAddr, IpAddr)) -> impl Fn(u8) -> (IpAddr, IpAddr) {
    move |at| {
        let (local, remote) = ends(at);
        (remote, local)
    }
}

/// Every tunnel takes frames from every remote.
fn table(ends: impl Fn(u8) -> (IpAddr, IpAddr)) -> DecapTable<u32> {
    let (local, _) = ends(1);
    let remotes: Vec<_> =
        (1..=PATHS as u8).map(|at| Remote::new(ends(at).1).expect("the address of a host")).collect();
    let mut table = DecapTable::new();
    for vni in 1..=TUNNELS {
        let senders = remotes.iter().map(|&remote| (remote, vni));
        table.insert(&[local], Vni::new(vni).expect("in range"), senders).expect("a free VNI");
    }
    table
}

fn encap(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("vxlan-encap");
    group.throughput(Throughput::Elements(BURST as u64));
    for (name, mut burst) in [
        ("v4", Burst::new(v4, 64)),
        ("v4-1400", Burst::new(v4, 1400)),
        ("v6", Burst::new(v6, 64)),
        ("v6-1400", Burst::new(v6, 1400)),
    ] {
        group.bench_function(name, |bencher| bencher.iter(|| black_box(&mut burst).encapsulate()));
    }
    let burst = Burst::new(v4, 64);
    group.bench_function("flow-hash-only", |bencher| {
        bencher.iter(|| {
            for buffer in black_box(&burst.buffers) {
                black_box(InnerFlow::of(&buffer.0[HEADROOM..]));
            }
        });
    });
    group.finish();
}

fn decap(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("vxlan-decap");
    group.throughput(Throughput::Elements(BURST as u64));
    for (name, frames, table) in [
        ("v4", Burst::new(back(v4), 64).frames(), table(v4)),
        ("v6-checksum", Burst::new(back(v6), 64).frames(), table(v6)),
        ("v6-checksum-1400", Burst::new(back(v6), 1400).frames(), table(v6)),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let table = black_box(&table);
                for frame in black_box(&frames) {
                    let admitted = table.decapsulate(frame, &[], VXLAN_PORT).expect("a known sender");
                    black_box((admitted.value, admitted.inner_offset, admitted.inner_len));
                }
            });
        });
    }
    let frames = Burst::new(v4, 64).frames();
    group.bench_function("v4-parse-only", |bencher| {
        bencher.iter(|| {
            for frame in black_box(&frames) {
                black_box(vxlan::parse(frame, frame.len(), VXLAN_PORT).expect("our own frame"));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, encap, decap);
criterion_main!(benches);
