//! What a datapath with two ports takes, hugepages included. Needs 128 MB of free hugepages; without, it says
//! so and passes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::fs;

use sluice_dpdk::{
    BURST_SIZE, DEFAULT_DATA_ROOM, Eal, EalConfig, EthDev, HugepageInventory, MbufBurst, Mempool,
    ThreadRegistration,
};

const LIMIT_KB: u64 = 256 * 1024;

#[test]
fn two_ports_stay_under_256_mb() {
    let config = EalConfig::default();
    if let Err(shortage) = HugepageInventory::of_this_host().require(config.memory_mb) {
        eprintln!("skipped: {shortage}");
        return;
    }
    let eal = Eal::start(&config).unwrap();
    let _thread = ThreadRegistration::new(&eal).unwrap();
    // 38 MB: two ports' queues of 1024 twice over, and as much again on the way.
    let pool = Mempool::new(&eal, "ports", 16383, 256, DEFAULT_DATA_ROOM, None).unwrap();
    let mut devices = ["net_null0", "net_null1"].map(|name| EthDev::attach(&eal, name).unwrap());
    let mut queues = devices.each_mut().map(|device| device.start(1, 1, &pool, 1500).unwrap());
    let mut burst = MbufBurst::new(&eal);
    for _ in 0..1000 {
        for (rx, tx) in &mut queues {
            assert_eq!(rx[0].burst(&mut burst), BURST_SIZE);
            assert_eq!(tx[0].send(&mut burst), BURST_SIZE);
        }
    }
    let (resident, huge) = (status_kb("VmRSS"), status_kb("HugetlbPages"));
    println!("resident {resident} kB, hugepages {huge} kB");
    assert!(huge > 0, "the pool is in hugepages");
    assert!(resident + huge < LIMIT_KB, "resident {resident} kB, hugepages {huge} kB");
    // More than the limit is refused, not taken.
    assert!(Mempool::new(&eal, "too large", 1 << 17, 0, DEFAULT_DATA_ROOM, None).is_err());
}

fn status_kb(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches("kB").trim().parse().unwrap()
}
