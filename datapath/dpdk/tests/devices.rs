//! Ports over DPDK's virtual devices: no root, no hugepages, no network interface.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{eal, frames, packets, pool, read_pcap, receive, write_pcap};
use sluice_dpdk::{DEFAULT_DATA_ROOM, EthDev, EthDevError, Mbuf, MbufBurst, Mempool, ThreadRegistration};

#[test]
fn null_takes_and_gives() {
    let (eal, _turn) = eal();
    let pool = pool(&eal);
    let mut device = EthDev::attach(&eal, "net_null0,size=90").unwrap();
    assert_eq!((device.name(), device.driver().as_deref()), ("net_null0", Some("net_null")));
    let (mut rx, mut tx) = device.start(1, 1, &pool, 1500).unwrap();
    assert_eq!((device.mtu(), device.link().map(|link| link.up)), (Some(1500), Some(true)));

    assert_eq!(tx[0].send(&mut MbufBurst::new(&eal)), 0);
    assert_eq!(tx[0].send(&mut packets(&pool, &frames(20))), 20);
    let mut burst = MbufBurst::new(&eal);
    assert_eq!(rx[0].burst(&mut burst), 32);
    assert_eq!(rx[0].burst(&mut burst), 0, "a full burst has no room");
    assert!(burst.iter().all(|mbuf| mbuf.len() == 90));
    let stats = device.stats().unwrap();
    assert_eq!((stats.rx_packets, stats.tx_packets), (32, 20));

    drop((burst, rx, tx, device));
    assert_eq!(pool.available(), pool.size());
}

#[test]
fn queues_work_on_a_thread_each() {
    let (eal, _turn) = eal();
    let pool = pool(&eal);
    let mut device = EthDev::attach(&eal, "net_null6").unwrap();
    let (rx, tx) = device.start(2, 2, &pool, 1500).unwrap();
    assert_eq!((rx[1].index(), tx[1].index()), (1, 1));
    std::thread::scope(|scope| {
        for (mut rx, mut tx) in rx.into_iter().zip(tx) {
            let eal = &eal;
            scope.spawn(move || {
                let _registration = ThreadRegistration::new(eal).unwrap();
                let mut burst = MbufBurst::new(eal);
                for _ in 0..1000 {
                    assert_eq!(rx.burst(&mut burst), 32);
                    assert_eq!(tx.send(&mut burst), 32);
                }
            });
        }
    });
    assert_eq!(device.stats().unwrap().tx_packets, 64_000);
    assert_eq!(pool.available(), pool.size());
}

#[test]
fn a_ring_loops_packets_back_untouched() {
    let (eal, _turn) = eal();
    let pool = pool(&eal);
    let mut device = EthDev::attach(&eal, "net_ring0").unwrap();
    let (mut rx, mut tx) = device.start(1, 1, &pool, 1500).unwrap();
    let sent = frames(32);
    let mut burst = packets(&pool, &sent);
    assert_eq!(tx[0].send(&mut burst), 32);
    assert!(burst.is_empty());
    assert_eq!(pool.in_use(), 32);
    assert_eq!(receive(&mut rx[0], &eal, 32), sent);
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn what_a_full_ring_does_not_take_stays_in_the_burst_in_order() {
    let (eal, _turn) = eal();
    let pool = Mempool::new(&eal, "large", 2047, 32, DEFAULT_DATA_ROOM, None).unwrap();
    let mut device = EthDev::attach(&eal, "net_ring1").unwrap();
    let (mut rx, mut tx) = device.start(1, 1, &pool, 1500).unwrap();
    let payload = |i: usize| i.to_le_bytes().to_vec();
    let (mut next, mut sent) = (0, 0);
    let mut rest = loop {
        let mut burst = packets(&pool, &(next..next + 32).map(payload).collect::<Vec<_>>());
        next += 32;
        sent += tx[0].send(&mut burst);
        if !burst.is_empty() {
            break burst;
        }
    };
    assert_eq!(sent + rest.len(), next);
    assert!(rest.iter().map(Mbuf::data).eq((sent..next).map(payload)));

    let expected: Vec<_> = (0..sent).map(payload).collect();
    assert_eq!(receive(&mut rx[0], &eal, sent), expected);
    let left = rest.len();
    assert_eq!(tx[0].send(&mut rest), left);
    assert_eq!(receive(&mut rx[0], &eal, left), (sent..next).map(payload).collect::<Vec<_>>());
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn captures_are_read_and_written() {
    let (eal, _turn) = eal();
    let pool = pool(&eal);
    let dir = tempfile::tempdir().unwrap();
    let (input, output) = (dir.path().join("in.pcap"), dir.path().join("out.pcap"));
    let sent = frames(25);
    write_pcap(&input, &sent);
    let devargs = format!("net_pcap0,rx_pcap={},tx_pcap={}", input.display(), output.display());
    let mut device = EthDev::attach(&eal, &devargs).unwrap();
    let (mut rx, mut tx) = device.start(1, 1, &pool, 1500).unwrap();
    let mut burst = MbufBurst::new(&eal);
    assert_eq!(rx[0].burst(&mut burst), 25);
    assert!(burst.iter().map(Mbuf::data).eq(&sent));
    // Encapsulated, as an uplink does it.
    for mbuf in &mut burst {
        mbuf.prepend(50).unwrap().fill(0xee);
    }
    assert_eq!(tx[0].send(&mut burst), 25);
    drop((burst, rx, tx, device));
    let expected: Vec<_> = sent.iter().map(|frame| [&[0xee; 50][..], frame].concat()).collect();
    assert_eq!(read_pcap(&output), expected);
    assert_eq!(pool.available(), pool.size());
}

#[test]
fn a_frame_longer_than_the_data_room_has_several_segments() {
    let (eal, _turn) = eal();
    let pool = pool(&eal);
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("in.pcap");
    let long: Vec<u8> = (0..5000_u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
    write_pcap(&input, std::slice::from_ref(&long));
    let mut device = EthDev::attach(&eal, &format!("net_pcap1,rx_pcap={}", input.display())).unwrap();
    let (mut rx, _tx) = device.start(1, 1, &pool, 1500).unwrap();
    let mut burst = MbufBurst::new(&eal);
    assert_eq!(rx[0].burst(&mut burst), 1);
    let mbuf = burst.get_mut(0).unwrap();
    assert_eq!((mbuf.len(), mbuf.segments(), pool.in_use()), (5000, 3, 3));
    let joined: Vec<u8> = (0..mbuf.segments()).flat_map(|i| mbuf.segment(i).unwrap().to_vec()).collect();
    assert_eq!(joined, long);
    assert!(mbuf.append(1).is_none() && mbuf.truncate(10).is_none());
    mbuf.trim_front(10).unwrap();
    assert_eq!((mbuf.len(), mbuf.data()[0]), (4990, 10));
    mbuf.reset();
    assert_eq!((mbuf.len(), mbuf.segments(), pool.in_use()), (0, 1, 1));
    burst.clear();
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn a_device_that_cannot_be_is_named_with_the_reason() {
    let (eal, _turn) = eal();
    let refuse = |devargs: &str| {
        let error = EthDev::attach(&eal, devargs).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(devargs.split(',').next().unwrap()), "{text}");
        (error, text)
    };
    for malformed in ["", ",iface=eth0", "net null0", "net_null0\0"] {
        let error = EthDev::attach(&eal, malformed).unwrap_err();
        assert!(matches!(error, EthDevError::Malformed { .. }), "{malformed:?}: {error}");
        assert!(error.to_string().contains(&format!("{malformed:?}")), "{error}");
    }
    assert!(matches!(refuse("net_nonesuch0").0, EthDevError::UnknownDriver { .. }));
    assert!(matches!(refuse("0000:ff:1f.0").0, EthDevError::NoSuchPciDevice { .. }));
    let (error, text) = refuse("net_af_packet0,iface=no-such-iface");
    assert!(matches!(error, EthDevError::NoSuchInterface { .. }));
    assert!(text.contains("no-such-iface"), "{text}");
    let (error, text) = refuse("net_pcap9,rx_pcap=/nonexistent/in.pcap");
    assert!(matches!(error, EthDevError::AttachRefused { .. }));
    assert!(text.contains("DPDK: ") && text.contains("/nonexistent/in.pcap"), "{text}");

    let first = EthDev::attach(&eal, "net_null7").unwrap();
    assert!(matches!(refuse("net_null7,size=100").0, EthDevError::AlreadyAttached { .. }));
    drop(first);
    EthDev::attach(&eal, "net_null7").unwrap();
}

#[test]
fn limits_are_said() {
    let (eal, _turn) = eal();
    let pool = pool(&eal);
    let mut device = EthDev::attach(&eal, "net_null8").unwrap();
    let text = device.start(0, 1, &pool, 1500).unwrap_err().to_string();
    assert!(text.contains("net_null8: receive queues = 0 is not possible, it takes 1 to "), "{text}");
    let text = device.start(1, u16::MAX, &pool, 1500).unwrap_err().to_string();
    assert!(text.contains("transmit queues = 65535"), "{text}");
    let text = device.start(1, 1, &pool, 10).unwrap_err().to_string();
    assert!(text.contains("MTU = 10"), "{text}");
    let error = device.start(1, 1, &pool, 2048).unwrap_err();
    assert!(matches!(error, EthDevError::DataRoom { needed: 2202, data_room: 2176, .. }), "{error}");
    device.start(1, 1, &pool, 2022).unwrap();
}

#[test]
fn a_port_is_started_anew_once_its_queues_are_back() {
    let (eal, _turn) = eal();
    let pool = pool(&eal);
    let mut device = EthDev::attach(&eal, "net_null9").unwrap();
    let (rx, tx) = device.start(1, 1, &pool, 1500).unwrap();
    drop(rx);
    assert!(matches!(device.start(1, 1, &pool, 1500), Err(EthDevError::QueuesInUse { .. })));
    drop(tx);
    let (mut rx, mut tx) = device.start(1, 1, &pool, 900).unwrap();
    assert_eq!(device.mtu(), Some(900));
    // The queues keep the port: it works without its `EthDev`, and its name stays taken.
    drop(device);
    let mut burst = MbufBurst::new(&eal);
    assert_eq!(rx[0].burst(&mut burst), 32);
    assert_eq!(tx[0].send(&mut burst), 32);
    assert!(matches!(EthDev::attach(&eal, "net_null9"), Err(EthDevError::AlreadyAttached { .. })));
    drop((rx, tx));
    EthDev::attach(&eal, "net_null9").unwrap();
}
