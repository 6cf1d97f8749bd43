//! A Linux guest and the kernel's stack as its neighbour.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

use sluice_tests::error::Context;
use sluice_tests::guest::SocketOwner;
use sluice_tests::host::HostOptions;
use sluice_tests::scenario::GuestPort;
use sluice_tests::wait::wait_for;
use sluice_tests::{Host, Result, Stage};

#[test]
fn a_guest_whose_socket_the_switch_connects_to_is_reached() -> Result<()> {
    reached(SocketOwner::Guest)
}

#[test]
fn a_guest_that_connects_to_the_switchs_socket_is_reached() -> Result<()> {
    reached(SocketOwner::Switch)
}

fn reached(owner: SocketOwner) -> Result<()> {
    Stage::run(|stage| {
        let host = Host::start(stage, "host", &HostOptions::default())?;
        let port = GuestPort::add(stage, &host, owner)?;
        let mut guest = port.boot(stage)?;
        guest.run("ping -c 3 -i 0.2 -W 10 -s 1472 10.0.0.254").map(drop)
    })
}

#[test]
fn a_guest_left_to_a_person_has_its_name_in_the_prompt() -> Result<()> {
    Stage::run(|stage| {
        let host = Host::start(stage, "host", &HostOptions::default())?;
        let port = GuestPort::add(stage, &host, SocketOwner::Guest)?;
        let guest = port.boot(stage)?;
        let prompt = format!("{}# ", guest.name());
        let console = guest.console_socket().to_owned();
        let _process = guest.hand_over()?;
        shows(&console, "echo ab''cd\n", &["abcd", &prompt])
    })
}

/// Types on a console until all of `expected` is to be read.
fn shows(console: &Path, typed: &str, expected: &[&str]) -> Result<()> {
    let what = "the console answers";
    let mut stream = wait_for(what, Duration::from_secs(20), || UnixStream::connect(console))?;
    stream.set_read_timeout(Some(Duration::from_millis(20))).context(|| "set up the console".to_owned())?;
    stream.write_all(typed.as_bytes()).context(|| "type".to_owned())?;
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    wait_for(what, Duration::from_secs(20), || {
        if let Ok(count) = stream.read(&mut buffer) {
            text.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        if expected.iter().all(|part| text.contains(part)) { Ok(()) } else { Err(format!("{text:?}")) }
    })
}

#[test]
fn what_a_guest_sends_over_tcp_arrives_as_it_was() -> Result<()> {
    const LINE: &[u8] = b"0123456789abcde\n";
    const BYTES: usize = 8_000_000;
    Stage::run(|stage| {
        let host = Host::start(stage, "host", &HostOptions::default())?;
        let port = GuestPort::add(stage, &host, SocketOwner::Guest)?;
        let mut guest = port.boot(stage)?;
        let listener = port
            .outside()
            .enter(|| TcpListener::bind("10.0.0.254:9000").context(|| "listen outside".to_owned()))?;
        let receiver = thread::spawn(move || -> std::io::Result<Vec<u8>> {
            let mut received = Vec::new();
            listener.accept()?.0.read_to_end(&mut received)?;
            Ok(received)
        });
        guest.run(&format!("yes 0123456789abcde | head -c {BYTES} | nc 10.0.0.254 9000"))?;
        let received = receiver.join().unwrap().context(|| "receive".to_owned())?;
        assert_eq!(received.len(), BYTES);
        assert!(received.chunks(LINE.len()).all(|line| line == LINE));
        Ok(())
    })
}
