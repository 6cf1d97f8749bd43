//! Attaching and detaching again and again. Alone in its process, whose descriptors and threads it counts.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{eal, frames, pool, write_pcap};
use sluice_dpdk::{Eal, EthDev, MbufBurst, Mempool};

#[test]
fn attached_and_detached_fifty_times_nothing_is_left() {
    let (eal, _turn) = eal();
    let pool = pool(&eal);
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("in.pcap");
    write_pcap(&input, &frames(3));
    let pcap = format!("net_pcap5,rx_pcap={}", input.display());
    round(&eal, &pool, &pcap);
    let (descriptors, threads) = (count("/proc/self/fd"), count("/proc/self/task"));
    for _ in 0..50 {
        round(&eal, &pool, &pcap);
    }
    assert_eq!(pool.available(), pool.size());
    assert_eq!((count("/proc/self/fd"), count("/proc/self/task")), (descriptors, threads));
}

/// Attaches three devices, uses and detaches them.
fn round(eal: &Eal, pool: &Mempool, pcap: &str) {
    for (devargs, expected) in [("net_null5", 32), ("net_ring5", 3), (pcap, 3)] {
        let mut device = EthDev::attach(eal, devargs).unwrap();
        let (mut rx, mut tx) = device.start(1, 1, pool, 1500).unwrap();
        assert_eq!(tx[0].send(&mut pool.alloc(3).unwrap()), 3);
        assert_eq!(rx[0].burst(&mut MbufBurst::new(eal)), expected, "{devargs}");
    }
}

fn count(folder: &str) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}
