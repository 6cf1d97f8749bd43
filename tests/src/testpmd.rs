//! DPDK's `testpmd` with virtio_user ports: guests without an operating system, that send and count frames.
//!
//! Its memory is a memfd, not hugepages (`--no-huge --single-file-segments`), so that tests need none.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{self, ChildStdin};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::error::{Context, Error, Result};
use crate::process::{Launch, Process};
use crate::stage::Stage;
use crate::wait::wait_for;

const PROMPT: &str = "testpmd> ";
const LIMIT: Duration = Duration::from_secs(60);

/// A virtio_user port.
#[derive(Clone, Debug)]
pub struct VirtioUser {
    /// The vhost-user socket.
    pub socket: PathBuf,
    /// Whether testpmd listens on it and the switch connects, or the other way round.
    pub listens: bool,
    /// Its MAC address.
    pub mac: String,
    /// More device arguments, as `mrg_rxbuf=0`.
    pub more: String,
}

impl VirtioUser {
    /// A port that connects to a socket the switch listens on.
    pub fn connecting(socket: &Path, mac: &str) -> VirtioUser {
        VirtioUser { socket: socket.to_owned(), listens: false, mac: mac.to_owned(), more: String::new() }
    }
}

/// Frames a port has received and sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortCount {
    /// Received from the switch.
    pub rx: u64,
    /// Handed to the switch.
    pub tx: u64,
}

/// A running testpmd. Dropped, it is killed.
#[derive(Debug)]
pub struct Testpmd {
    process: Process,
    stdin: ChildStdin,
    ports: usize,
}

impl Testpmd {
    /// Starts it on CPU 0 with those ports, numbered from 0. It forwards nothing yet.
    pub fn start(stage: &Stage, name: &str, ports: &[VirtioUser]) -> Result<Testpmd> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("sluice-{}-{}", process::id(), STARTED.fetch_add(1, Ordering::Relaxed));
        let mut command =
            Launch::line("dpdk-testpmd --lcores 0@0,1@0 --no-pci --no-huge -m 128 --no-telemetry").args([
                "--single-file-segments",
                "--file-prefix",
                &prefix,
            ]);
        for (number, port) in ports.iter().enumerate() {
            let server = if port.listens { ",server=1" } else { "" };
            let more = if port.more.is_empty() { String::new() } else { format!(",{}", port.more) };
            let (socket, mac) = (port.socket.display(), &port.mac);
            let device =
                format!("net_virtio_user{number},path={socket},mac={mac},queue_size=1024{server}{more}");
            command = command.args(["--vdev", &device]);
        }
        let command =
            command.args(["--", "-i", "--nb-cores=1", "--total-num-mbufs=8192", "--no-lsc-interrupt"]);
        Testpmd::launch(stage, name, &command, ports.len())
    }

    /// Starts a testpmd of another command line, which has so many ports and is interactive (`-i`).
    pub fn launch(stage: &Stage, name: &str, command: &Launch, ports: usize) -> Result<Testpmd> {
        // Else its answers stay in a buffer while its prompts, written past it, are in the log already.
        let command = command.clone().under("stdbuf --output=L");
        let mut process = command.start_with_stdin(&format!("testpmd {name}"), &stage.log(name))?;
        let stdin = process.take_stdin().ok_or_else(|| Error::Unexpected {
            what: "testpmd's standard input".to_owned(),
            found: "none".to_owned(),
        })?;
        let mut testpmd = Testpmd { process, stdin, ports };
        testpmd.prompts(0, 1)?;
        Ok(testpmd)
    }

    /// Runs a command of testpmd's and answers what it printed.
    pub fn command(&mut self, command: &str) -> Result<String> {
        let from = self.log()?.len();
        writeln!(self.stdin, "{command}").context(|| format!("write to {}", self.process.name()))?;
        self.prompts(from, 1)
    }

    /// What each port has received and sent since the start.
    pub fn counts(&mut self) -> Result<Vec<PortCount>> {
        let text = self.command("show port stats all")?;
        let counts = parse_counts(&text);
        if counts.len() == self.ports {
            return Ok(counts);
        }
        Err(Error::Unexpected { what: "testpmd's port statistics".to_owned(), found: text })
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Waits until so many prompts have been printed after the first `from` bytes of the log.
    fn prompts(&mut self, from: usize, count: usize) -> Result<String> {
        let what = format!("{} is at its prompt", self.process.name());
        wait_for(&what, LIMIT, || {
            if let Err(error) = self.process.check() {
                return Ok(Err(error));
            }
            let log = self.log().map_err(|error| error.to_string())?;
            let text = log.get(from..).unwrap_or_default();
            if text.matches(PROMPT).count() >= count && text.ends_with(PROMPT) {
                Ok(Ok(text.to_owned()))
            } else {
                Err(text.to_owned())
            }
        })?
    }

    fn log(&self) -> Result<String> {
        let bytes =
            fs::read(self.process.log()).context(|| format!("read {}", self.process.log().display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn parse_counts(text: &str) -> Vec<PortCount> {
    let number = |line: &str, name: &str| -> Option<u64> {
        line.trim_start().strip_prefix(name)?.split_whitespace().next()?.parse().ok()
    };
    let mut counts: Vec<PortCount> = Vec::new();
    for line in text.lines() {
        if line.contains("NIC statistics for port") {
            counts.push(PortCount::default());
        } else if let Some(last) = counts.last_mut() {
            last.rx = number(line, "RX-packets:").unwrap_or(last.rx);
            last.tx = number(line, "TX-packets:").unwrap_or(last.tx);
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_port_by_port() {
        let text = "
  ######################## NIC statistics for port 0  ########################
  RX-packets: 12         RX-missed: 0          RX-bytes:  254003200
  RX-errors: 0
  TX-packets: 3968832    TX-errors: 0          TX-bytes:  254005248
  ############################################################################
  ######################## NIC statistics for port 1  ########################
  RX-packets: 1          RX-missed: 0          RX-bytes:  254003200
  TX-packets: 2    TX-errors: 0          TX-bytes:  254005248
";
        assert_eq!(parse_counts(text), [PortCount { rx: 12, tx: 3_968_832 }, PortCount { rx: 1, tx: 2 }]);
    }
}
