//! One life of the EAL, from start to clean-up, in one test: a process has only one.

use sluice_dpdk::{
    BURST_SIZE, DEFAULT_DATA_ROOM, Eal, EalConfig, EalError, EthDev, MbufBurst, Mempool, ThreadRegistration,
};

#[test]
fn one_life() {
    let config = EalConfig { hugepages: false, memory_mb: 64, ..EalConfig::default() };
    let eal = Eal::start(&config).unwrap();
    assert!(matches!(Eal::start(&config), Err(EalError::AlreadyStarted)));

    let thread = ThreadRegistration::new(&eal).unwrap();
    assert!(ThreadRegistration::new(&eal).is_err());
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
