//! What a packet costs in the rings: a burst of 32 fetched from one guest, delivered to another, completed.
//!
//! The guests are simulated on the same thread and their work is not timed, so no cache line travels: this is the
//! cost of the instructions. The side-by-side harness measures the rest.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]

#[path = "../tests/driver/mod.rs"]
mod driver;

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use driver::frontend::{Events, Frontend, IN_ORDER, MRG_RXBUF, VERSION_1};
use driver::host::KeepingHost;
use driver::ram::Ram;
use driver::ring::DriverRing;
use sluice_packet::{BURST, Head};
use sluice_vhost::{Endpoint, EndpointConfig, Frame, QueueIndex, ReceiveQueue, Ring, Role, TransmitQueue};

const SIZE: u16 = 256;
const BUFFERS: usize = 0x10_0000;
/// As DPDK lays them out: an mbuf of 2304 bytes, the frame aligned to a cache line, the header before it.
const STRIDE: usize = 2304;
const FRAME_AT: usize = 128;

struct Guest {
    receive: DriverRing,
    transmit: DriverRing,
}

/// A guest over a socket, and its rings taken out of the endpoint's hands.
fn guest(features: u64) -> (Guest, TransmitQueue, ReceiveQueue) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("port");
    let host = KeepingHost::default();
    let config = EndpointConfig::new("bench", &path, Role::Server).unwrap();
    let _endpoint = Endpoint::spawn(config, host.clone()).unwrap();
    let mut frontend = Frontend::connect(&path);
    let ram = Arc::new(Ram::new(8 << 20, 0x4000_0000));
    let receive = DriverRing::new(ram.clone(), 0, SIZE);
    let transmit = DriverRing::new(ram.clone(), DriverRing::bytes(SIZE), SIZE);
    receive.set_no_interrupt(true);
    transmit.set_no_interrupt(true);
    frontend.negotiate(features);
    assert!(frontend.set_memory(&[&ram]));
    frontend.set_ring(0, &receive, 0, &Events::new());
    frontend.set_ring(1, &transmit, 0, &Events::new());
    host.await_ring(QueueIndex::receive(0));
    host.await_ring(QueueIndex::transmit(0));
    let Some(Ring::Transmit(transmit_queue)) = host.steal(QueueIndex::transmit(0)) else { panic!() };
    let Some(Ring::Receive(receive_queue)) = host.steal(QueueIndex::receive(0)) else { panic!() };
    (Guest { receive, transmit }, transmit_queue, receive_queue)
}

/// Keeps the rings filled, as a generator that is ahead of the switch does.
fn refill(ring: &mut DriverRing, len: u32, write: bool) {
    while ring.take_used_index() {
        let slot = usize::from(ring.next_descriptor);
        ring.offer(&[(BUFFERS + slot * STRIDE + FRAME_AT - 12, len)], write);
    }
    ring.publish();
}

fn rings(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring");
    group.throughput(Throughput::Elements(BURST as u64));
    for (name, features, len) in [
        ("64", VERSION_1 | MRG_RXBUF, 64),
        ("64-in-order", VERSION_1 | MRG_RXBUF | IN_ORDER, 64),
        ("1500", VERSION_1 | MRG_RXBUF, 1500),
    ] {
        for stage in ["fetch", "deliver", "complete", "all"] {
            group.bench_function(format!("{stage}/{name}"), |bencher| {
                bencher.iter_custom(|bursts| run(stage, features, len, bursts));
            });
        }
    }
    group.finish();
}

/// The time of one stage over so many bursts.
fn run(stage: &str, features: u64, len: u32, bursts: u64) -> Duration {
    let (mut from, mut source, _other) = guest(features);
    let (mut to, _other, mut sink) = guest(features);
    from.transmit.used_seen = SIZE.wrapping_neg();
    to.receive.used_seen = SIZE.wrapping_neg();
    let mut heads = Head::burst();
    let mut spent = Duration::ZERO;
    for _ in 0..bursts {
        refill(&mut from.transmit, len + 12, false);
        refill(&mut to.receive, 2048, true);
        let start = Instant::now();
        let burst = source.fetch(&mut heads).unwrap();
        let fetched = Instant::now();
        assert_eq!(burst.len(), BURST);
        let frames = (0..BURST).map(|i| Frame { head: &heads[i], payload: burst.payload(i) });
        let delivered = black_box(sink.deliver(frames)).unwrap();
        let delivered_at = Instant::now();
        assert_eq!(delivered.frames, BURST);
        burst.complete();
        let end = Instant::now();
        spent += match stage {
            "fetch" => fetched - start,
            "deliver" => delivered_at - fetched,
            "complete" => end - delivered_at,
            _ => end - start,
        };
    }
    spent
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(500));
    targets = rings
}
criterion_main!(benches);
