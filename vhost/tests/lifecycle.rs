//! Connections that come and go, and changes under a running guest.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]

mod driver;

use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use driver::eventually;
use driver::frontend::{self, Events, Frontend, MRG_RXBUF, PROTOCOL_FEATURES, VERSION_1, pair};
use driver::host::KeepingHost;
use driver::ram::Ram;
use driver::ring::DriverRing;
use sluice_packet::Head;
use sluice_vhost::{Endpoint, EndpointConfig, EndpointError, EndpointHandle, QueueIndex, Role};

const FEATURES: u64 = VERSION_1 | MRG_RXBUF | PROTOCOL_FEATURES;
const BUFFERS: usize = 0x40000;

fn spawn(path: &Path, role: Role, pairs: usize) -> (KeepingHost, EndpointHandle) {
    let host = KeepingHost::default();
    let config = EndpointConfig::new("test", path, role).unwrap().with_queue_pairs(pairs).unwrap();
    let endpoint = Endpoint::spawn(config, host.clone()).unwrap();
    (host, endpoint)
}

fn ram() -> Arc<Ram> {
    Arc::new(Ram::new(1 << 20, 0x10_0000))
}

fn transmit_ring(ram: &Arc<Ram>) -> DriverRing {
    DriverRing::new(ram.clone(), 0, 256)
}

/// Sends one frame that holds `number` and sees it taken.
fn exchange(host: &KeepingHost, ring: &mut DriverRing, number: u64) {
    ring.ram.write(BUFFERS + 12, &number.to_le_bytes());
    ring.offer(&[(BUFFERS, 76)], false);
    ring.publish();
    let mut heads = Head::burst();
    eventually("the frame is taken", || {
        let taken = host.transmit(0, |queue| queue.fetch(&mut heads).unwrap().len());
        taken == Some(1)
    });
    assert_eq!(heads[0].bytes()[..8], number.to_le_bytes());
}

#[test]
fn the_order_of_qemu_7_2_is_understood() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("port");
    let (host, _endpoint) = spawn(&path, Role::Server, 1);
    let mut frontend = Frontend::connect(&path);
    frontend.send(frontend::SET_OWNER, &[], &[]);
    let features = frontend.query(frontend::GET_FEATURES);
    assert_ne!(features & PROTOCOL_FEATURES, 0);
    let protocol = frontend.query(frontend::GET_PROTOCOL_FEATURES);
    frontend.set_u64(frontend::SET_PROTOCOL_FEATURES, protocol);
    assert_eq!(frontend.query(frontend::GET_QUEUE_NUM), 1);
    assert_eq!(frontend.query(frontend::GET_MAX_MEM_SLOTS), 64);
    // Enabled before the features, and never again.
    frontend.set_vring(frontend::SET_VRING_ENABLE, 0, 1);
    frontend.set_vring(frontend::SET_VRING_ENABLE, 1, 1);
    frontend.set_u64(frontend::SET_FEATURES, FEATURES);
    let ram = ram();
    assert!(frontend.add_memory(&ram));
    let events = Events::new();
    let mut ring = transmit_ring(&ram);
    frontend.set_ring(1, &ring, 0, &events);
    host.await_ring(QueueIndex::transmit(0));
    exchange(&host, &mut ring, 1);
    // The driver resets and comes again: still enabled.
    assert_eq!(frontend.stop_ring(1), 1);
    assert!(!host.has(QueueIndex::transmit(0)));
    frontend.set_ring(1, &ring, 1, &events);
    host.await_ring(QueueIndex::transmit(0));
    exchange(&host, &mut ring, 2);
    frontend.set_u64(frontend::SET_STATUS, 0xf);
    assert_eq!(frontend.query(frontend::GET_STATUS), 0xf);
    assert!(frontend.ask(frontend::NET_SET_MTU, &1500u64.to_ne_bytes(), &[]));
    assert!(!frontend.ask(frontend::NET_SET_MTU, &1501u64.to_ne_bytes(), &[]));
    // A reset disables everything.
    assert!(frontend.ask(frontend::RESET_DEVICE, &[], &[]));
    assert!(!host.has(QueueIndex::transmit(0)));
    frontend.set_u64(frontend::SET_FEATURES, FEATURES);
    frontend.set_ring(1, &ring, 2, &events);
    assert!(frontend.ask(frontend::SET_OWNER, &[], &[]));
    assert!(!host.has(QueueIndex::transmit(0)));
    assert!(frontend.ask(frontend::SET_VRING_ENABLE, &pair(1, 1), &[]));
    assert!(host.has(QueueIndex::transmit(0)));
}

#[test]
fn a_ring_without_protocol_features_needs_no_enabling_and_a_polling_guest_no_events() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("port");
    let (host, _endpoint) = spawn(&path, Role::Server, 1);
    let mut frontend = Frontend::connect(&path);
    let ram = ram();
    frontend.negotiate(VERSION_1);
    assert!(frontend.set_memory(&[&ram]));
    let mut ring = transmit_ring(&ram);
    frontend.set_vring(frontend::SET_VRING_NUM, 1, 256);
    frontend.set_address(1, &ring);
    frontend.set_u64(frontend::SET_VRING_CALL, 0x101);
    frontend.set_u64(frontend::SET_VRING_KICK, 0x101);
    host.await_ring(QueueIndex::transmit(0));
    exchange(&host, &mut ring, 7);
    host.transmit(0, |queue| {
        assert!(queue.kick_fd().is_none());
        queue.drain_kick();
    });
}

#[test]
fn a_guest_is_told_of_what_was_used_before_it_could_be_called() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("port");
    let (host, _endpoint) = spawn(&path, Role::Server, 1);
    let mut frontend = Frontend::connect(&path);
    let ram = ram();
    frontend.negotiate(VERSION_1);
    assert!(frontend.set_memory(&[&ram]));
    let events = Events::new();
    let mut ring = transmit_ring(&ram);
    frontend.set_vring(frontend::SET_VRING_NUM, 1, 256);
    frontend.set_address(1, &ring);
    // The ring runs from the kick on; QEMU sets the call after it.
    frontend.send(frontend::SET_VRING_KICK, &1u64.to_ne_bytes(), &[events.kick.as_fd()]);
    host.await_ring(QueueIndex::transmit(0));
    exchange(&host, &mut ring, 1);
    frontend.send(frontend::SET_VRING_CALL, &1u64.to_ne_bytes(), &[events.call.as_fd()]);
    eventually("the guest is called", || events.calls() > 0);
}

#[test]
fn several_pairs_are_lent_one_by_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("port");
    let (host, _endpoint) = spawn(&path, Role::Server, 4);
    let mut frontend = Frontend::connect(&path);
    let ram = ram();
    frontend.negotiate(FEATURES | 1 << 22);
    assert_eq!(frontend.query(frontend::GET_QUEUE_NUM), 4);
    assert!(frontend.set_memory(&[&ram]));
    let events = Events::new();
    for index in 0..8 {
        let ring = DriverRing::new(ram.clone(), DriverRing::bytes(64) * index as usize, 64);
        frontend.set_ring(index, &ring, 0, &events);
    }
    for index in 0..4 {
        assert!(frontend.ask(frontend::SET_VRING_ENABLE, &pair(index, 1), &[]));
    }
    for pair in 0..4 {
        assert_eq!(host.has(QueueIndex::receive(pair)), pair < 2);
        assert_eq!(host.has(QueueIndex::transmit(pair)), pair < 2);
    }
    assert!(frontend.ask(frontend::SET_VRING_ENABLE, &pair(3, 0), &[]));
    assert!(!host.has(QueueIndex::transmit(1)));
}

#[test]
fn memory_comes_and_goes_under_traffic() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("port");
    let (host, _endpoint) = spawn(&path, Role::Server, 1);
    let mut frontend = Frontend::connect(&path);
    let ram = ram();
    frontend.negotiate(FEATURES);
    assert!(frontend.set_memory(&[&ram]));
    let events = Events::new();
    let mut ring = transmit_ring(&ram);
    frontend.set_ring(1, &ring, 0, &events);
    assert!(frontend.ask(frontend::SET_VRING_ENABLE, &pair(1, 1), &[]));

    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Frames are numbered: none may be lost, doubled or reordered, whatever happens to the memory.
            for number in 0..20_000 {
                exchange(&host, &mut ring, number);
                assert!(ring.take_used().is_some());
            }
            done.store(true, Ordering::Relaxed);
        });
        let extra = Ram::new(1 << 16, 0x4000_0000);
        let more = Ram::new(1 << 16, 0x5000_0000);
        let mut changes = 0;
        while !done.load(Ordering::Relaxed) {
            assert!(frontend.add_memory(&extra));
            assert!(frontend.remove_memory(&extra));
            assert!(frontend.set_memory(&[&more, &ram]));
            assert!(frontend.set_memory(&[&ram]));
            changes += 1;
        }
        assert!(changes > 0);
    });
    assert_eq!(frontend.stop_ring(1), 20_000);
}

#[test]
fn a_ring_waits_for_its_memory() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("port");
    let (host, _endpoint) = spawn(&path, Role::Server, 1);
    let mut frontend = Frontend::connect(&path);
    let ram = ram();
    frontend.negotiate(FEATURES);
    assert!(frontend.set_memory(&[&ram]));
    let events = Events::new();
    let mut ring = transmit_ring(&ram);
    frontend.set_ring(1, &ring, 0, &events);
    assert!(frontend.ask(frontend::SET_VRING_ENABLE, &pair(1, 1), &[]));
    exchange(&host, &mut ring, 1);
    assert!(frontend.remove_memory(&ram));
    assert!(!host.has(QueueIndex::transmit(0)));
    assert!(frontend.add_memory(&ram));
    exchange(&host, &mut ring, 2);
}

#[test]
fn memory_may_be_told_once_for_each_queue_pair() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("port");
    let (host, _endpoint) = spawn(&path, Role::Server, 2);
    let mut frontend = Frontend::connect(&path);
    let (ram, extra) = (ram(), Ram::new(1 << 16, 0x4000_0000));
    frontend.negotiate(FEATURES);
    assert!(frontend.add_memory(&ram));
    let events = Events::new();
    let mut ring = transmit_ring(&ram);
    frontend.set_ring(1, &ring, 0, &events);
    assert!(frontend.ask(frontend::SET_VRING_ENABLE, &pair(1, 1), &[]));
    exchange(&host, &mut ring, 1);
    // As QEMU 7.2 does with `mq=on`: its second device repeats what the first one said.
    assert!(frontend.add_memory(&ram));
    for _pair in 0..2 {
        assert!(frontend.add_memory(&extra));
    }
    for _pair in 0..2 {
        assert!(frontend.remove_memory(&extra));
    }
    exchange(&host, &mut ring, 2);
    // Another file at the same place is none of that.
    assert!(!frontend.add_memory(&Ram::new(ram.len(), ram.guest)));
}

#[test]
fn a_client_connects_whenever_the_frontend_listens() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("port");
    let (host, endpoint) = spawn(&path, Role::Client, 1);
    for round in 1..=3 {
        let listener = UnixListener::bind(&path).unwrap();
        let (stream, _) = listener.accept().unwrap();
        let mut frontend = Frontend::over(stream);
        frontend.negotiate(FEATURES);
        eventually("it speaks", || host.logged("negotiated") == round);
        drop((frontend, listener));
        std::fs::remove_file(&path).unwrap();
        eventually("it ends", || host.logged("disconnected") == round);
    }
    endpoint.stop();
}

#[test]
fn a_server_takes_the_place_of_a_dead_one_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("port");
    let config = || EndpointConfig::new("test", &path, Role::Server).unwrap();
    // A socket that nobody listens on any more.
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let first = Endpoint::spawn(config(), KeepingHost::default()).unwrap();
    let second = Endpoint::spawn(config(), KeepingHost::default());
    assert!(matches!(second, Err(EndpointError::PathTaken { .. })));
    let mut frontend = Frontend::connect(&path);
    assert_ne!(frontend.query(frontend::GET_FEATURES), 0);
    first.stop();
    assert!(!path.exists());
    std::fs::write(&path, "precious").unwrap();
    let third = Endpoint::spawn(config(), KeepingHost::default());
    let message = third.unwrap_err().to_string();
    assert!(message.contains(path.to_str().unwrap()) && message.contains("remove the file"), "{message}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    let nowhere = EndpointConfig::new("test", directory.path().join("no/port"), Role::Server).unwrap();
    assert!(matches!(Endpoint::spawn(nowhere, KeepingHost::default()), Err(EndpointError::Listen { .. })));
}

#[test]
fn a_half_message_does_not_keep_the_port_from_closing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("port");
    let (host, endpoint) = spawn(&path, Role::Server, 1);
    let mut frontend = Frontend::connect(&path);
    let events = Events::new();
    frontend.send_raw(&[1, 0, 0], &[events.kick.as_fd()]).unwrap();
    eventually("connected", || host.logged("connected") == 1);
    endpoint.stop();
    assert_eq!(host.logged("disconnected: the port was closed"), 1);
}
