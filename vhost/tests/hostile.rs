//! Frontends that break the protocol lose their connection and nothing else.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]

mod driver;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use driver::eventually;
use driver::frontend::{self, Events, Frontend, VERSION_1, pair, region};
use driver::host::KeepingHost;
use driver::ram::Ram;
use driver::ring::DriverRing;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use sluice_packet::Head;
use sluice_vhost::{Endpoint, EndpointConfig, EndpointHandle, QueueIndex, RingFault, Role};
use tempfile::TempDir;

/// Tests that count the process's descriptors and mappings cannot run beside others.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Port {
    host: KeepingHost,
    path: PathBuf,
    _endpoint: EndpointHandle,
    _directory: TempDir,
}

impl Port {
    fn open() -> Port {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("port");
        let host = KeepingHost::default();
        let config = EndpointConfig::new("hostile", &path, Role::Server).unwrap();
        let endpoint = Endpoint::spawn(config, host.clone()).unwrap();
        Port { host, path, _endpoint: endpoint, _directory: directory }
    }

    fn connect(&self) -> Frontend {
        Frontend::connect(&self.path)
    }

    /// A guest with both rings running.
    fn guest(&self) -> Guest {
        let mut frontend = self.connect();
        let ram = Arc::new(Ram::new(1 << 20, 0x10_0000));
        frontend.negotiate(VERSION_1 | frontend::PROTOCOL_FEATURES | frontend::INDIRECT_DESC);
        assert!(frontend.set_memory(&[&ram]));
        let rings = [0, 1].map(|n| DriverRing::new(ram.clone(), n * DriverRing::bytes(64), 64));
        let events = [Events::new(), Events::new()];
        for (index, (ring, events)) in (0..).zip(rings.iter().zip(&events)) {
            frontend.set_ring(index, ring, 0, events);
            frontend.set_vring(frontend::SET_VRING_ENABLE, index, 1);
        }
        self.host.await_ring(QueueIndex::receive(0));
        self.host.await_ring(QueueIndex::transmit(0));
        let [receive, transmit] = rings;
        Guest { frontend, ram, receive, transmit, events }
    }
}

struct Guest {
    frontend: Frontend,
    ram: Arc<Ram>,
    receive: DriverRing,
    transmit: DriverRing,
    events: [Events; 2],
}

/// What the process holds open and mapped.
fn held() -> (Vec<PathBuf>, usize) {
    let mut fds: Vec<PathBuf> = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter(|path| !path.to_string_lossy().contains("/proc/"))
        .collect();
    fds.sort();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    (fds, maps.lines().filter(|line| line.contains("memfd:guest")).count())
}

/// Sends one message to a fresh device; how the connection ended.
fn outcome(bytes: &[u8], fds: &[BorrowedFd<'_>]) -> Vec<String> {
    let port = Port::open();
    let mut frontend = port.connect();
    frontend.send_raw(bytes, fds).unwrap();
    frontend.stream.shutdown(std::net::Shutdown::Write).unwrap();
    eventually("the connection ends", || port.host.logged("disconnected") == 1);
    port.host.log()
}

#[test]
fn broken_messages_end_the_connection_with_their_reason() {
    let _alone = alone();
    let message = Frontend::message;
    let ram = Ram::new(4096, 0);
    let file = ram.file();
    let fd = file.as_fd();
    let one_region = [pair(1, 0).to_vec(), region(&ram)].concat();
    let two_regions = [pair(2, 0).to_vec(), region(&ram), region(&ram)].concat();
    let single = [vec![0; 8], region(&ram)].concat();
    let cases: Vec<(&str, Vec<u8>, Vec<BorrowedFd<'_>>)> = vec![
        ("within a message", message(frontend::GET_FEATURES, 0, &[])[..7].to_vec(), vec![]),
        ("within a message", message(frontend::SET_FEATURES, 0, &[0; 8])[..15].to_vec(), vec![]),
        ("flags 0x2", [1u32, 2, 0].iter().flat_map(|w| w.to_ne_bytes()).collect(), vec![]),
        ("flags 0x5", message(frontend::GET_FEATURES, 4, &[]), vec![]),
        ("not its length", message(frontend::SET_FEATURES, 0, &[0; 4]), vec![]),
        ("not its length", message(frontend::SET_FEATURES, 0, &[0; 9]), vec![]),
        ("not its length", message(frontend::GET_FEATURES, 0, &[0; 8]), vec![]),
        ("not its length", message(frontend::SET_MEM_TABLE, 0, &one_region[..39]), vec![fd]),
        ("with 0 descriptors", message(frontend::SET_MEM_TABLE, 0, &one_region), vec![]),
        ("with 2 descriptors", message(frontend::SET_MEM_TABLE, 0, &one_region), vec![fd, fd]),
        ("overlaps", message(frontend::SET_MEM_TABLE, 0, &two_regions), vec![fd, fd]),
        ("with 0 descriptors", message(frontend::ADD_MEM_REG, 0, &single), vec![]),
        ("with 2 descriptors", message(frontend::ADD_MEM_REG, 0, &single), vec![fd, fd]),
        ("no memory region", message(frontend::REM_MEM_REG, 0, &single), vec![]),
        ("with 1 descriptors", message(frontend::GET_FEATURES, 0, &[]), vec![fd]),
        ("more than 32 descriptors", message(frontend::GET_FEATURES, 0, &[]), vec![fd; 200]),
        ("with 0 descriptors", message(frontend::SET_VRING_KICK, 0, &[0; 8]), vec![]),
        ("not an eventfd", message(frontend::SET_VRING_KICK, 0, &[0; 8]), vec![fd]),
        ("not an eventfd", message(frontend::SET_VRING_CALL, 0, &[0; 8]), vec![fd]),
        ("value 0x200", message(frontend::SET_VRING_KICK, 0, &0x200u64.to_ne_bytes()), vec![]),
        ("with 1 descriptors", message(frontend::SET_VRING_CALL, 0, &0x100u64.to_ne_bytes()), vec![fd]),
        ("no queue 2", message(frontend::SET_VRING_KICK, 0, &0x102u64.to_ne_bytes()), vec![]),
        ("no queue 2", message(frontend::SET_VRING_NUM, 0, &pair(2, 256)), vec![]),
        ("no queue 65536", message(frontend::GET_VRING_BASE, 0, &pair(65536, 0)), vec![]),
        ("ring's length", message(frontend::SET_VRING_NUM, 0, &pair(0, 100)), vec![]),
        ("ring's length", message(frontend::SET_VRING_NUM, 0, &pair(0, 0)), vec![]),
        ("ring's length", message(frontend::SET_VRING_NUM, 0, &pair(0, 65536)), vec![]),
        ("no position", message(frontend::SET_VRING_BASE, 0, &pair(0, 65536)), vec![]),
        ("value 0x2", message(frontend::SET_VRING_ENABLE, 0, &pair(0, 2)), vec![]),
        ("features 0x1 ", message(frontend::SET_FEATURES, 0, &1u64.to_ne_bytes()), vec![]),
        ("features 0x2 ", message(frontend::SET_PROTOCOL_FEATURES, 0, &2u64.to_ne_bytes()), vec![]),
        ("not aligned", message(frontend::SET_VRING_ADDR, 0, &[1; 40]), vec![]),
        ("between 68 and", message(frontend::NET_SET_MTU, 0, &9000u64.to_ne_bytes()), vec![]),
        ("was not offered", message(0, 0, &[]), vec![]),
        ("was not offered", message(6, 0, &[0; 16]), vec![]),
        ("was not offered", message(19, 0, &[0; 8]), vec![]),
        ("was not offered", message(31, 0, &[0; 16]), vec![]),
        ("was not offered", message(u32::MAX, 0, &[]), vec![]),
    ];
    for (reason, bytes, fds) in cases {
        let log = outcome(&bytes, &fds);
        assert!(log[1].contains(reason), "{log:?} does not say: {reason}");
    }
    let log = outcome(&message(1, 0, &[0; 5000]), &[]);
    assert!(log[1].contains("claims a body of 5000 bytes"), "{log:?}");
}

#[test]
fn memory_that_cannot_be_is_refused_and_the_connection_lives() {
    let _alone = alone();
    let port = Port::open();
    let mut guest = port.guest();
    let regions: [[u64; 4]; 7] = [
        // guest, size, user, file offset
        [0x1000_0000, 0, 0x1000_0000, 0],
        [u64::MAX - 10, 4096, 0x1000_0000, 0],
        [0x1000_0000, 4096, u64::MAX - 10, 0],
        [0x1000_0000, 4096, 0x1000_0000, u64::MAX - 10],
        [0x1000_0000, 4096, 0x1000_0000, i64::MAX as u64],
        [0x1000_0000, (1 << 20) + 1, 0x1000_0000, 0],
        [0x10_0fff, 4096, 0x1000_0000, 0],
    ];
    for region in regions {
        let mut body = vec![0; 8];
        body.extend(region.into_iter().flat_map(u64::to_ne_bytes));
        let file = guest.ram.file();
        assert!(!guest.frontend.ask(frontend::ADD_MEM_REG, &body, &[file.as_fd()]), "{region:x?}");
    }
    let mut body = vec![0; 8];
    body.extend([0x1000_0000u64, 4096, 0x1000_0000, 0].into_iter().flat_map(u64::to_ne_bytes));
    assert!(!guest.frontend.ask(
        frontend::ADD_MEM_REG,
        &body,
        &[guest.frontend.stream.try_clone().unwrap().as_fd()]
    ));
    // The 64 slots are a limit, and what was there still works.
    for n in 1..64 {
        body[8..].copy_from_slice(&[n << 32, 4096, n << 32, 0].map(u64::to_ne_bytes).concat());
        let file = guest.ram.file();
        assert!(guest.frontend.ask(frontend::ADD_MEM_REG, &body, &[file.as_fd()]));
    }
    body[8..].copy_from_slice(&[64 << 32, 4096, 64 << 32, 0].map(u64::to_ne_bytes).concat());
    let file = guest.ram.file();
    assert!(!guest.frontend.ask(frontend::ADD_MEM_REG, &body, &[file.as_fd()]));
    assert!(port.host.has(QueueIndex::transmit(0)));
    assert_eq!(port.host.logged("disconnected"), 0);
}

#[test]
fn random_bytes_do_no_harm() {
    let _alone = alone();
    let port = Port::open();
    let before = held();
    let ram = Ram::new(4096, 0);
    let file = ram.file();
    let request = prop_oneof![0u32..45, any::<u32>()];
    let body = prop::collection::vec(prop_oneof![Just(0u8), Just(1), any::<u8>()], 0..80);
    let message = (request, 0u32..16, body, 0usize..4, any::<bool>());
    let mut runner = TestRunner::new(ProptestConfig { cases: 1500, ..ProptestConfig::default() });
    let script = prop::collection::vec(message, 1..12);
    let result = runner.run(&script, |script| {
        let mut frontend = port.connect();
        for (request, flags, body, fds, honest) in script {
            let mut bytes = Frontend::message(request, flags & !4, &body);
            if !honest {
                bytes.truncate(bytes.len() / 2);
            }
            // The backend may have hung up already.
            if frontend.send_raw(&bytes, &vec![file.as_fd(); fds]).is_err() {
                break;
            }
        }
        Ok(())
    });
    result.unwrap();
    drop((file, ram));
    // The port still serves, and holds nothing of the others.
    drop(port.guest());
    eventually("all connections have ended", || {
        port.host.logged("disconnected") == port.host.logged("connected")
    });
    assert_eq!(held(), before);
}

#[test]
fn a_hundred_guests_leave_nothing_behind() {
    let _alone = alone();
    let port = Port::open();
    let before = held();
    for n in 1..=100 {
        let guest = port.guest();
        assert!(held().1 > before.1);
        drop(guest);
        eventually("the guest is gone", || port.host.logged("disconnected") == n);
    }
    assert_eq!(held(), before);
}

#[test]
fn memory_cut_short_is_the_guests_own_loss() {
    let _alone = alone();
    let port = Port::open();
    let other_port = Port::open();
    let mut guest = port.guest();
    let mut other = other_port.guest();
    guest.transmit.offer(&[(0x8000, 1500)], false);
    guest.transmit.publish();
    guest.receive.offer(&[(0x9000, 1500)], true);
    guest.receive.publish();
    guest.ram.cut();
    let mut heads = Head::burst();
    let fault = port.host.transmit(0, |queue| queue.fetch(&mut heads).err()).unwrap();
    assert_eq!(fault, Some(RingFault::MemoryLost));
    let head = Head::default();
    let frame = || [sluice_vhost::Frame { head: &head, payload: sluice_vhost::Payload::empty() }].into_iter();
    let delivered = port.host.receive(0, |queue| queue.deliver(frame())).unwrap();
    assert_eq!(delivered, Err(RingFault::MemoryLost));
    // The other guest does not notice.
    other.transmit.offer(&[(0x8000, 1500)], false);
    other.transmit.publish();
    let taken = other_port.host.transmit(0, |queue| queue.fetch(&mut heads).unwrap().len());
    assert_eq!(taken, Some(1));
}

#[test]
fn surplus_descriptors_are_closed_at_once() {
    let _alone = alone();
    let port = Port::open();
    let mut frontend = port.connect();
    frontend.negotiate(VERSION_1 | frontend::PROTOCOL_FEATURES);
    eventually("negotiated", || port.host.logged("negotiated") == 1);
    let events = Events::new();
    let set = |frontend: &mut Frontend, request| {
        assert!(frontend.ask(request, &0u64.to_ne_bytes(), &[events.kick.as_fd()]));
    };
    let first: Vec<u32> = vec![frontend::SET_VRING_KICK, frontend::SET_VRING_CALL, 14];
    for &request in &first {
        set(&mut frontend, request);
    }
    let before = held();
    // Repeated messages replace what came before (CVE-2019-14818).
    for _ in 0..50 {
        for &request in &first {
            set(&mut frontend, request);
        }
    }
    assert_eq!(held(), before);
    // An old frontend's descriptor beside a removal is closed.
    let ram = Ram::new(4096, 0);
    let (file, before): (OwnedFd, _) = (ram.file(), held());
    let body = [vec![0; 8], region(&ram)].concat();
    assert!(frontend.ask(frontend::ADD_MEM_REG, &body, &[file.as_fd()]));
    assert!(frontend.ask(frontend::REM_MEM_REG, &body, &[file.as_fd()]));
    assert_eq!(held(), before);
}

#[test]
fn eventfds_made_blocking_behind_our_back_stop_no_worker() {
    let _alone = alone();
    let port = Port::open();
    let mut guest = port.guest();
    guest.receive.offer(&[(0x9000, 2048)], true);
    guest.receive.publish();
    let [events, transmit_events] = &guest.events;
    // One more would not fit the counter, and the flag is the frontend's to clear at any time.
    let _ = events.calls();
    rustix::io::write(&events.call, &(u64::MAX - 1).to_ne_bytes()).unwrap();
    for fd in [&events.call, &transmit_events.kick] {
        let flags = rustix::fs::fcntl_getfl(fd).unwrap();
        rustix::fs::fcntl_setfl(fd, flags - rustix::fs::OFlags::NONBLOCK).unwrap();
    }
    let host = port.host.clone();
    let (done, finished) = std::sync::mpsc::channel();
    let worker = std::thread::spawn(move || {
        let head = Head::default();
        let frame = sluice_vhost::Frame { head: &head, payload: sluice_vhost::Payload::empty() };
        let delivered = host.receive(0, |queue| queue.deliver([frame].into_iter()).is_ok());
        done.send("delivered").unwrap();
        host.transmit(0, |queue| queue.drain_kick());
        done.send("drained").unwrap();
        delivered
    });
    let deadline = std::time::Duration::from_secs(10);
    let steps = [finished.recv_timeout(deadline), finished.recv_timeout(deadline)];
    // Whatever happened, lets the worker go.
    rustix::io::write(&transmit_events.kick, &1u64.to_ne_bytes()).unwrap();
    assert!(events.calls() >= u64::MAX - 1);
    assert_eq!(steps, [Ok("delivered"), Ok("drained")]);
    assert_eq!(worker.join().unwrap(), Some(true));
}
