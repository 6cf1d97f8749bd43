//! Mbufs, bursts and pools: contents, limits, and where every mbuf is.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::sync::mpsc;

use common::{eal, frames, packets, pool};
use sluice_dpdk::{
    BURST_SIZE, DEFAULT_DATA_ROOM, HEADROOM, Mbuf, MbufBurst, Mempool, MempoolError, ThreadRegistration,
};

#[test]
fn grows_and_shrinks_at_both_ends_within_its_buffer() {
    let (eal, _turn) = eal();
    let pool = pool(&eal);
    let mut burst = pool.alloc(1).unwrap();
    let mbuf = burst.get_mut(0).unwrap();
    let tailroom = usize::from(DEFAULT_DATA_ROOM) - HEADROOM;
    assert_eq!((mbuf.len(), mbuf.segments(), mbuf.headroom(), mbuf.tailroom()), (0, 1, HEADROOM, tailroom));

    mbuf.append(4).unwrap().copy_from_slice(b"data");
    mbuf.prepend(5).unwrap().copy_from_slice(b"head ");
    mbuf.append(5).unwrap().copy_from_slice(b" tail");
    assert_eq!(mbuf.data(), b"head data tail");
    assert_eq!((mbuf.len(), mbuf.headroom(), mbuf.tailroom()), (14, HEADROOM - 5, tailroom - 9));

    assert!(mbuf.trim_front(15).is_none() && mbuf.truncate(15).is_none());
    assert!(mbuf.prepend(HEADROOM - 4).is_none() && mbuf.append(tailroom - 8).is_none());
    assert!(
        mbuf.append(usize::MAX).is_none()
            && mbuf.prepend(65536).is_none()
            && mbuf.trim_front(65536).is_none()
    );
    assert_eq!(mbuf.data(), b"head data tail", "a refusal changes nothing");

    mbuf.trim_front(5).unwrap();
    mbuf.truncate(4).unwrap();
    mbuf.data_mut()[0] = b'D';
    assert_eq!(mbuf.data(), b"Data");
    assert_eq!(mbuf.segment(0), Some(&b"Data"[..]));
    assert_eq!(mbuf.segment(1), None);

    assert_eq!(mbuf.append(mbuf.tailroom()).map(|room| room.len()), Some(tailroom - 4 - 5 + 5));
    assert_eq!(mbuf.prepend(mbuf.headroom()).map(|room| room.len()), Some(HEADROOM));
    assert_eq!((mbuf.len(), mbuf.headroom(), mbuf.tailroom()), (usize::from(DEFAULT_DATA_ROOM), 0, 0));
    mbuf.reset();
    assert_eq!((mbuf.len(), mbuf.headroom(), mbuf.tailroom()), (0, HEADROOM, tailroom));
}

#[test]
fn a_used_mbuf_comes_back_empty() {
    let (eal, _turn) = eal();
    let pool = pool(&eal);
    for _ in 0..100 {
        let mut burst = pool.alloc(BURST_SIZE).unwrap();
        for mbuf in &mut burst {
            assert_eq!(
                (mbuf.len(), mbuf.data().len(), mbuf.segments(), mbuf.headroom()),
                (0, 0, 1, HEADROOM)
            );
            mbuf.prepend(100).unwrap().fill(1);
            mbuf.append(1000).unwrap().fill(2);
        }
    }
}

#[test]
fn bursts_hand_packets_on_in_order_and_free_the_rest() {
    let (eal, _turn) = eal();
    let pool = pool(&eal);
    let payloads = frames(BURST_SIZE);
    let mut from = packets(&pool, &payloads);
    let (mut even, mut odd) = (MbufBurst::new(&eal), MbufBurst::new(&eal));
    for (i, mbuf) in from.drain().enumerate() {
        let to = if i % 2 == 0 { &mut even } else { &mut odd };
        to.push(mbuf).unwrap();
    }
    assert!(from.is_empty());
    assert!(even.iter().map(Mbuf::data).eq(payloads.iter().step_by(2)));
    assert!(odd.iter().map(Mbuf::data).eq(payloads.iter().skip(1).step_by(2)));
    assert_eq!(pool.in_use(), 32);

    // A drain that is not finished frees what it did not hand out.
    assert_eq!(even.drain().next().unwrap().data(), payloads[0]);
    assert_eq!((even.len(), pool.in_use()), (0, 16));
    assert_eq!(odd.pop().unwrap().data(), payloads[31]);
    assert_eq!((odd.len(), pool.in_use()), (15, 15));
    odd.as_mut_slice().swap(0, 1);
    assert_eq!(odd.get(0).unwrap().data(), payloads[3]);
    assert!(odd.get(15).is_none() && odd.get_mut(15).is_none());
    odd.clear();
    assert_eq!((odd.pop().is_none(), pool.in_use()), (true, 0));
}

#[test]
fn a_full_burst_gives_the_packet_back() {
    let (eal, _turn) = eal();
    let pool = pool(&eal);
    let mut full = pool.alloc(BURST_SIZE).unwrap();
    assert!(full.is_full());
    let mut one = packets(&pool, &frames(1));
    let refused = full.push(one.pop().unwrap()).unwrap_err();
    assert_eq!(refused.data(), frames(1)[0]);
    drop(refused);
    assert!(!pool.fill(&mut full, 1));
    assert_eq!(pool.in_use(), 32);
}

#[test]
fn an_empty_pool_says_so_and_recovers() {
    let (eal, _turn) = eal();
    let pool = Mempool::new(&eal, "small", 63, 0, DEFAULT_DATA_ROOM, None).unwrap();
    let first = pool.alloc(BURST_SIZE).unwrap();
    assert!(pool.alloc(BURST_SIZE).is_none(), "all or nothing");
    let second = pool.alloc(31).unwrap();
    assert!(pool.alloc(1).is_none());
    assert!(pool.alloc(0).is_some_and(|burst| burst.is_empty()));
    assert_eq!((pool.available(), pool.in_use(), pool.size()), (0, 63, 63));
    assert!(pool.alloc(BURST_SIZE + 1).is_none() && pool.alloc(usize::MAX).is_none());
    drop((first, second));
    assert_eq!(pool.available(), 63);
}

#[test]
fn packets_travel_between_threads_and_every_one_returns() {
    let (eal, _turn) = eal();
    let pool = pool(&eal);
    let (send, receive) = mpsc::channel::<MbufBurst>();
    std::thread::scope(|scope| {
        for seed in 0..2_u8 {
            let (eal, pool, send) = (&eal, &pool, send.clone());
            scope.spawn(move || {
                let _registration = ThreadRegistration::new(eal).unwrap();
                for round in 0..50_u8 {
                    // The pool may run dry while the other side is behind.
                    let Some(mut burst) = pool.alloc(16) else { continue };
                    for mbuf in &mut burst {
                        mbuf.append(8).unwrap().fill(seed ^ round);
                    }
                    send.send(burst).unwrap();
                }
            });
        }
        drop(send);
        // Freed on a thread that is not registered, so without a cache.
        for burst in receive {
            assert!(burst.iter().all(|mbuf| mbuf.data() == [mbuf.data()[0]; 8]));
        }
    });
    assert_eq!(pool.available(), pool.size());
}

#[test]
fn a_retired_pool_serves_the_next_of_its_shape() {
    let (eal, _turn) = eal();
    let shape = |name| Mempool::new(&eal, name, 511, 16, DEFAULT_DATA_ROOM, None).unwrap();
    let mut first = shape("first");
    let held = first.alloc(1).unwrap();
    // While a packet is out, its pool is not given to another; memory would run out if it never were.
    let second = shape("second");
    assert_eq!((second.name(), second.available()), ("second", 511));
    drop((first, second, held));
    for _ in 0..200 {
        first = shape("again");
        assert_eq!(first.available(), 511);
        drop(first);
    }
}

#[test]
fn impossible_pools_are_refused_by_name() {
    let (eal, _turn) = eal();
    let make = |mbufs, cache, room| Mempool::new(&eal, "mine", mbufs, cache, room, None).unwrap_err();
    assert!(matches!(make(0, 0, DEFAULT_DATA_ROOM), MempoolError::Count { .. }));
    assert!(matches!(make(u32::MAX, 0, DEFAULT_DATA_ROOM), MempoolError::Count { .. }));
    assert!(matches!(make(63, 64, DEFAULT_DATA_ROOM), MempoolError::Cache { limit: 42, .. }));
    assert!(matches!(make(4095, 513, DEFAULT_DATA_ROOM), MempoolError::Cache { limit: 512, .. }));
    assert!(matches!(make(63, 0, 128), MempoolError::DataRoom { .. }));
    let refused = make(1 << 20, 0, DEFAULT_DATA_ROOM);
    assert!(matches!(refused, MempoolError::Refused { .. }));
    let text = refused.to_string();
    assert!(
        text.contains("mine") && text.contains("1048576") && text.contains("Cannot allocate memory"),
        "{text}"
    );
}
