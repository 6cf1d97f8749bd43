//! `testpmd` that forwards between two librte_vhost ports and looks at nothing: the limit of DPDK's vhost library.

use std::path::PathBuf;
use std::time::Instant;

use sluice_tests::testpmd::Testpmd;
use sluice_tests::{Error, Launch, Process, Result, Stage};

use super::{Sample, Switch};
use crate::{GENERATOR_CORE, SWITCH_CORE};

const MEMORY_MB: u32 = 512;
pub(super) const HUGEPAGES_MB: u32 = MEMORY_MB;

pub(super) struct Bare {
    testpmd: Testpmd,
    sockets: Vec<PathBuf>,
}

pub(super) fn start(stage: &Stage) -> Result<Bare> {
    let sockets: Vec<_> = ["bare0", "bare1"].map(|name| stage.path(name)).into();
    for socket in &sockets {
        // Of an earlier case; librte_vhost does not replace it. There may be none.
        let _ = std::fs::remove_file(socket);
    }
    let devices = sockets.iter().enumerate().flat_map(|(number, socket)| {
        ["--vdev".to_owned(), format!("net_vhost{number},iface={}", socket.display())]
    });
    let command = Launch::line(&format!(
        "dpdk-testpmd --lcores 0@{GENERATOR_CORE},1@{SWITCH_CORE} --in-memory --no-pci --no-telemetry --socket-mem={MEMORY_MB}"
    ))
    .args(devices)
    .args("-- -i --nb-cores=1 --txd=1024 --rxd=1024 --forward-mode=io --record-core-cycles".split(' '));
    let mut testpmd = Testpmd::launch(stage, "testpmd-peer", &command, 2)?;
    testpmd.command("start")?;
    Ok(Bare { testpmd, sockets })
}

impl Switch for Bare {
    fn sockets(&self) -> Vec<PathBuf> {
        self.sockets.clone()
    }

    fn sample(&mut self) -> Result<Sample> {
        let text = self.testpmd.command("show fwd stats all")?;
        let at = Instant::now();
        parse_cycles(&text, at).ok_or_else(|| Error::Unexpected {
            what: "testpmd's forwarding statistics".to_owned(),
            found: text,
        })
    }

    fn processes(&mut self) -> Vec<&mut Process> {
        vec![self.testpmd.process()]
    }
}

/// The line that `--record-core-cycles` adds. It counts the cycles of polls that found packets.
fn parse_cycles(text: &str, at: Instant) -> Option<Sample> {
    let number = |name: &str| -> Option<u64> {
        let rest = text.rsplit_once(name)?.1;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    Some(Sample {
        at,
        packets: number("total io packets=")?,
        sent: None,
        busy_cycles: number("total cycles=")?,
        all_cycles: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_are_read() {
        let text = "  RX-packets: 21984800       RX-dropped: 0             RX-total: 21984800\n\
            \n  CPU cycles/packet=408.75 (total cycles=8986341997 / total io packets=21984800) at 2250 MHz Clock\n";
        let at = Instant::now();
        let expected =
            Sample { at, packets: 21_984_800, sent: None, busy_cycles: 8_986_341_997, all_cycles: None };
        assert_eq!(parse_cycles(text, at), Some(expected));
    }

    #[test]
    fn no_packets_yet_is_no_sample() {
        assert_eq!(parse_cycles("testpmd> ", Instant::now()), None);
    }
}
