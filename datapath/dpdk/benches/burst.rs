//! TSC cycles a packet through the wrapper, in bursts of 32:
//!
//! - allocate, fill 110 bytes (a 60-byte frame in VXLAN), send to `net_null`, which frees;
//! - the same with 50 bytes of it prepended, as an encapsulation does;
//! - receive from `net_pcap` with `infinite_rx` (which copies each packet), touch it, free.
//!
//! `cargo bench -p sluice-dpdk [-- SECONDS]`. Takes hugepages if 64 MB of them are free. Each figure is the
//! least, the first decile and the median of many short windows: the median says what the machine does today,
//! the decile what the code costs when nobody disturbs it.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]

use std::io::Write;
use std::time::{Duration, Instant};

use sluice_dpdk::{
    BURST_SIZE, DEFAULT_DATA_ROOM, Eal, EalConfig, EthDev, HugepageInventory, MbufBurst, Mempool, RxQueue,
    ThreadRegistration, TxQueue, tsc, tsc_hz,
};

/// Some 60 µs a window: most are not interrupted, even on a busy machine.
const WINDOW_BURSTS: u64 = 100;
const FRAME: [u8; 60] = [0x5a; 60];
const OUTER: [u8; 50] = [0xa5; 50];

fn main() {
    let seconds = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(2.0);
    let memory_mb = 64;
    let hugepages = HugepageInventory::of_this_host().require(memory_mb).is_ok();
    let eal = Eal::start(&EalConfig { hugepages, memory_mb, ..EalConfig::default() }).expect("EAL");
    let _thread = ThreadRegistration::new(&eal).expect("thread");
    let pool = Mempool::new(&eal, "bench", 8191, 256, DEFAULT_DATA_ROOM, None).expect("mempool");
    println!("hugepages: {hugepages}, TSC {:.3} GHz", tsc_hz() as f64 / 1e9);

    let mut null = EthDev::attach(&eal, "net_null0,no-rx=1").expect("net_null0");
    let (_rx, mut tx) = null.start(1, 1, &pool, 1500).expect("start net_null0");
    let tx = &mut tx[0];
    let mut burst = MbufBurst::new(&eal);
    let budget = Duration::from_secs_f64(seconds);

    report("alloc, free", budget, || {
        assert!(pool.fill(&mut burst, BURST_SIZE));
        burst.clear();
    });
    report("alloc, send to net_null", budget, || {
        assert!(pool.fill(&mut burst, BURST_SIZE));
        assert_eq!(tx.send(&mut burst), BURST_SIZE);
    });
    report("alloc, append 110, free", budget, || {
        append_110(&pool, &mut burst);
        burst.clear();
    });
    report("alloc, append 110, send to net_null", budget, || {
        append_110(&pool, &mut burst);
        assert_eq!(tx.send(&mut burst), BURST_SIZE);
    });
    report("alloc, append 60, prepend 50, send to net_null", budget, || encapsulate(&pool, &mut burst, tx));

    let pcap = write_pcap();
    let devargs = format!("net_pcap0,rx_pcap={},infinite_rx=1", pcap.path().display());
    let mut source = EthDev::attach(&eal, &devargs).expect("net_pcap0");
    let (mut rx, _tx) = source.start(1, 1, &pool, 1500).expect("start net_pcap0");
    let rx = &mut rx[0];
    report("net_pcap infinite_rx, free", budget, || receive(rx, &mut burst));
}

fn append_110(pool: &Mempool, burst: &mut MbufBurst) {
    assert!(pool.fill(burst, BURST_SIZE));
    for mbuf in burst.iter_mut() {
        if let Some(room) = mbuf.append(110) {
            room[..50].copy_from_slice(&OUTER);
            room[50..].copy_from_slice(&FRAME);
        }
    }
}

fn encapsulate(pool: &Mempool, burst: &mut MbufBurst, tx: &mut TxQueue) {
    assert!(pool.fill(burst, BURST_SIZE));
    for mbuf in burst.iter_mut() {
        if let Some(room) = mbuf.append(60) {
            room.copy_from_slice(&FRAME);
        }
        if let Some(room) = mbuf.prepend(50) {
            room.copy_from_slice(&OUTER);
        }
    }
    assert_eq!(tx.send(burst), BURST_SIZE);
}

fn receive(rx: &mut RxQueue, burst: &mut MbufBurst) {
    assert_eq!(rx.burst(burst), BURST_SIZE);
    let bytes: usize = burst.iter().map(|mbuf| usize::from(mbuf.data()[0])).sum();
    std::hint::black_box(bytes);
    burst.clear();
}

/// Runs windows of `one_burst` for as long as the budget lasts.
fn report(name: &str, budget: Duration, mut one_burst: impl FnMut()) {
    let start = Instant::now();
    let mut cycles_a_packet = Vec::new();
    while start.elapsed() < budget || cycles_a_packet.len() < 100 {
        let from = tsc();
        for _ in 0..WINDOW_BURSTS {
            one_burst();
        }
        let cycles = tsc().wrapping_sub(from);
        cycles_a_packet.push(cycles as f64 / (WINDOW_BURSTS * BURST_SIZE as u64) as f64);
    }
    cycles_a_packet.sort_by(f64::total_cmp);
    let windows = cycles_a_packet.len();
    let [least, decile, median] = [0, windows / 10, windows / 2].map(|rank| cycles_a_packet[rank]);
    println!(
        "{name:<48} cycles a packet: least {least:6.1}, decile {decile:6.1}, median {median:6.1} ({windows} windows)"
    );
}

/// A capture of 32 frames of 110 bytes (pcap 2.4, microseconds, Ethernet).
fn write_pcap() -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("temporary file");
    let mut bytes = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65535, 1] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    for _ in 0..32 {
        for word in [0_u32, 0, 110, 110] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.extend_from_slice(&OUTER);
        bytes.extend_from_slice(&FRAME);
    }
    file.write_all(&bytes).expect("write");
    file
}
