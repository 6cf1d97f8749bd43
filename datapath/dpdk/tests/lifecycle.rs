//! One life of the EAL, from start to clean-up, in one test: a process has only one.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;
use std::sync::Mutex;

use sluice_dpdk::{
    BURST_SIZE, DEFAULT_DATA_ROOM, Eal, EalConfig, EalError, EthDev, LogLevel, MbufBurst, Mempool,
    ThreadError, ThreadRegistration, tsc, tsc_hz,
};

static LOG: Mutex<Vec<(LogLevel, String)>> = Mutex::new(Vec::new());

fn log(level: LogLevel, line: &str) {
    LOG.lock().unwrap().push((level, line.to_owned()));
}

#[test]
fn one_life() {
    // What is found before DPDK is touched may be corrected.
    let too_much = EalConfig { hugepages: true, memory_mb: u32::MAX, ..EalConfig::default() };
    let error = Eal::start(&too_much).unwrap_err();
    assert!(matches!(error, EalError::Hugepages(_)));
    assert!(error.to_string().contains(" missing. Reserve them with `echo "), "{error}");
    let nul = EalConfig { hugepages: false, extra: vec!["--\0".into()], ..EalConfig::default() };
    assert!(matches!(Eal::start(&nul), Err(EalError::Argument(_))));
    let nowhere = EalConfig { hugepages: false, main_cpu: Some(100_000), ..EalConfig::default() };
    assert!(Eal::start(&nowhere).unwrap_err().to_string().starts_with("CPU 100000 cannot be"));
    assert!(tsc_hz() > 100_000_000, "calibrated");

    let affinity = allowed_cpus();
    let config = EalConfig {
        hugepages: false,
        memory_mb: 64,
        main_cpu: Some(first_cpu(&affinity)),
        log_level: LogLevel::Info,
        log: Some(log),
        ..EalConfig::default()
    };
    let eal = Eal::start(&config).unwrap();
    assert_eq!(allowed_cpus(), affinity, "the caller's affinity is untouched");
    let lines = std::mem::take(&mut *LOG.lock().unwrap());
    assert!(
        lines.iter().any(|(level, line)| *level == LogLevel::Info && line.contains("lcore")),
        "{lines:?}"
    );
    assert!(lines.iter().all(|(level, line)| *level <= LogLevel::Info && !line.contains('\n')), "{lines:?}");
    assert!(tsc_hz() > 100_000_000, "DPDK's");
    let folder = format!("dpdk/sluice-{}", std::process::id());
    for parent in ["/var/run", "/tmp", &std::env::var("XDG_RUNTIME_DIR").unwrap_or_default()] {
        assert!(!Path::new(parent).join(&folder).exists(), "{parent}/{folder}");
    }
    let before = tsc();
    assert!(tsc() >= before);
    assert!(matches!(Eal::start(&config), Err(EalError::AlreadyStarted)));

    let thread = ThreadRegistration::new(&eal).unwrap();
    assert!(matches!(ThreadRegistration::new(&eal), Err(ThreadError::AlreadyRegistered)));
    assert_eq!(allowed_cpus(), affinity);
    let pool = Mempool::new(&eal, "pool", 1023, 64, DEFAULT_DATA_ROOM, None).unwrap();
    assert_eq!(pool.available(), 1023);

    let mut null = EthDev::attach(&eal, "net_null0").unwrap();
    let (mut rx, mut tx) = null.start(1, 1, &pool, 1500).unwrap();
    let mut burst = pool.alloc(BURST_SIZE).unwrap();
    assert_eq!(pool.in_use(), 32);
    assert_eq!(tx[0].send(&mut burst), 32);
    assert!(burst.is_empty());
    assert_eq!(rx[0].burst(&mut burst), 32);
    assert_eq!(burst.get(0).unwrap().len(), 64);

    // The last to go is a burst: it must keep the packets' memory and the EAL alive.
    let mut last = MbufBurst::new(&eal);
    for mbuf in burst.drain() {
        last.push(mbuf).unwrap();
    }
    drop((burst, rx, tx, null, pool, thread, eal));
    assert!(matches!(Eal::start(&config), Err(EalError::AlreadyStarted)));
    for mbuf in &mut last {
        mbuf.data_mut().fill(0x5a);
    }
    drop(last);
    assert!(matches!(Eal::start(&config), Err(EalError::AlreadyStarted)));
}

fn allowed_cpus() -> String {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap();
    list.trim().to_owned()
}

fn first_cpu(list: &str) -> u32 {
    list.split([',', '-']).next().unwrap().parse().unwrap()
}
