//! Ports on network interfaces of the kernel, in a namespace of the test's own. Needs root; without, it says so
//! and passes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
#![allow(unsafe_code)]

mod common;

use std::process::Command;

use common::{eal, frames, packets};
use sluice_dpdk::{DEFAULT_DATA_ROOM, Eal, EthDev, EthDevError, Mempool, RxQueue};

#[test]
fn packets_cross_a_veth_pair_and_a_tap() {
    if !is_root() {
        eprintln!("skipped: network namespaces and AF_PACKET need root");
        return;
    }
    // Of this thread only, and of those it starts: the EAL's, and `ip`. It ends with the process.
    enter_new_network_namespace();
    ip(&["link", "add", "left", "mtu", "1600", "type", "veth", "peer", "name", "right", "mtu", "1600"]);
    ip(&["link", "set", "left", "up"]);
    ip(&["link", "set", "right", "up"]);
    let (eal, _turn) = eal();
    // A tap's receive queue alone takes 1024.
    let pool = Mempool::new(&eal, "kernel", 4095, 32, DEFAULT_DATA_ROOM, None).unwrap();

    for _ in 0..3 {
        let mut left = EthDev::attach(&eal, "net_af_packet0,iface=left").unwrap();
        let mut right = EthDev::attach(&eal, "net_af_packet1,iface=right").unwrap();
        assert_ne!(left.mac(), right.mac());
        assert_eq!(left.mac().to_string(), address_of("left"));
        let (_, mut left_tx) = left.start(1, 1, &pool, 1500).unwrap();
        let (mut right_rx, _) = right.start(1, 1, &pool, 1500).unwrap();
        let sent = frames(30);
        assert_eq!(left_tx[0].send(&mut packets(&pool, &sent)), 30);
        assert_eq!(receive_ours(&mut right_rx[0], &eal, 30), sent);
        assert!(left.stats().unwrap().tx_packets >= 30);
        assert!(right.stats().unwrap().rx_packets >= 30);
    }
    assert_eq!(pool.available(), pool.size());

    let mut tap = EthDev::attach(&eal, "net_tap0,iface=tapped").unwrap();
    let (_, mut tap_tx) = tap.start(1, 1, &pool, 1500).unwrap();
    let mut kernel_side = EthDev::attach(&eal, "net_af_packet0,iface=tapped").unwrap();
    let (mut rx, _) = kernel_side.start(1, 1, &pool, 1500).unwrap();
    assert_eq!(tap_tx[0].send(&mut packets(&pool, &frames(5))), 5);
    assert_eq!(receive_ours(&mut rx[0], &eal, 5), frames(5));
    drop((tap, tap_tx));
    assert!(matches!(
        EthDev::attach(&eal, "net_af_packet2,iface=tapped"),
        Err(EthDevError::NoSuchInterface { .. })
    ));
    drop((kernel_side, rx));
    assert_eq!(pool.available(), pool.size());
}

/// Like `common::receive`, without what the kernel itself sends on a new interface.
fn receive_ours(rx: &mut RxQueue, eal: &Eal, count: usize) -> Vec<Vec<u8>> {
    let mut ours = Vec::new();
    while ours.len() < count {
        ours.extend(common::receive(rx, eal, 1).into_iter().filter(|frame| frame[12..14] == [0x88, 0xb5]));
    }
    ours
}

fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "ip {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn address_of(interface: &str) -> String {
    let output = Command::new("ip").args(["-o", "link", "show", interface]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().skip_while(|word| *word != "link/ether").nth(1).unwrap().to_owned()
}

fn is_root() -> bool {
    // SAFETY: cannot fail.
    unsafe { libc::geteuid() == 0 }
}

fn enter_new_network_namespace() {
    // SAFETY: changes the calling thread's network namespace only.
    assert_eq!(unsafe { libc::unshare(libc::CLONE_NEWNET) }, 0, "{}", std::io::Error::last_os_error());
}
