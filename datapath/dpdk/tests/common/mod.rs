//! What the tests share: one EAL a process, pools, and pcap files.

#![allow(dead_code, unreachable_pub)]

use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use sluice_dpdk::{DEFAULT_DATA_ROOM, Eal, EalConfig, LogLevel, MbufBurst, Mempool, RxQueue};

/// The process' only EAL, without hugepages, and the turn to use it: tests of one file run one at a time, so
/// that each sees its own counts.
pub fn eal() -> (Eal, MutexGuard<'static, ()>) {
    static EAL: OnceLock<Eal> = OnceLock::new();
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let config =
        EalConfig { hugepages: false, memory_mb: 96, log_level: LogLevel::Info, ..EalConfig::default() };
    (EAL.get_or_init(|| Eal::start(&config).unwrap()).clone(), turn)
}

/// 1023 mbufs of the usual size; the same memory each time, as every test lets go of it.
pub fn pool(eal: &Eal) -> Mempool {
    let pool = Mempool::new(eal, "test", 1023, 32, DEFAULT_DATA_ROOM, None).unwrap();
    assert_eq!(pool.available(), 1023);
    pool
}

/// Allocates one packet for each payload.
pub fn packets(pool: &Mempool, payloads: &[Vec<u8>]) -> MbufBurst {
    let mut burst = pool.alloc(payloads.len()).unwrap();
    for (mbuf, payload) in burst.iter_mut().zip(payloads) {
        mbuf.append(payload.len()).unwrap().copy_from_slice(payload);
    }
    burst
}

/// Frames of different lengths and contents, broadcast, of an EtherType for experiments.
pub fn frames(count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|i| {
            let mut frame = vec![0xff; 6];
            frame.extend_from_slice(&[0x02, 0, 0, 0, 0, 1, 0x88, 0xb5]);
            frame.extend((0..46 + 40 * i).map(|byte| u8::try_from((byte * 7 + i) % 256).unwrap()));
            frame
        })
        .collect()
}

/// Polls until `count` packets are there, and gives their bytes.
pub fn receive(rx: &mut RxQueue, eal: &Eal, count: usize) -> Vec<Vec<u8>> {
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut burst = MbufBurst::new(eal);
    let mut received = Vec::new();
    while received.len() < count {
        assert!(Instant::now() < deadline, "{} of {count} packets after 20 s", received.len());
        rx.burst(&mut burst);
        received.extend(burst.drain().map(|mbuf| mbuf.data().to_vec()));
    }
    received
}

/// Writes a capture (pcap 2.4, microseconds, Ethernet).
pub fn write_pcap(path: &Path, frames: &[Vec<u8>]) {
    let mut bytes = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65535, 1] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    for frame in frames {
        let len = u32::try_from(frame.len()).unwrap();
        for word in [0, 0, len, len] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.extend_from_slice(frame);
    }
    std::fs::write(path, bytes).unwrap();
}

/// The frames of such a capture.
pub fn read_pcap(path: &Path) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(path).unwrap();
    let mut rest = &bytes[24..];
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let len = usize::try_from(u32::from_le_bytes(rest[8..12].try_into().unwrap())).unwrap();
        frames.push(rest[16..16 + len].to_vec());
        rest = &rest[16 + len..];
    }
    frames
}
