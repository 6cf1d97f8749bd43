//! The machine under the benchmark: its clock, and keeping other programs off the cores that are measured.

use std::fs;
use std::io;

use rustix::thread::{CpuSet, sched_setaffinity};
use sluice_tests::error::Context;
use sluice_tests::{Error, Result};

const CPUINFO: &str = "/proc/cpuinfo";
const AUTOGROUP: &str = "/proc/self/autogroup";
const MOST_FAVOURED: &str = "-20";

/// Ticks of the time-stamp counter a second.
///
/// Linux sets `bogomips` from the counter's rate wherever that is invariant: two "loops" a tick.
pub fn tsc_hz() -> Result<f64> {
    let text = fs::read_to_string(CPUINFO).context(|| format!("read {CPUINFO}"))?;
    parse_tsc_hz(&text).ok_or_else(|| Error::Unexpected {
        what: format!("bogomips and constant_tsc in {CPUINFO}"),
        found: text,
    })
}

fn parse_tsc_hz(cpuinfo: &str) -> Option<f64> {
    let field = |name: &str| {
        let line = cpuinfo.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim())
    };
    let invariant = field("flags")?.split(' ').any(|flag| flag == "constant_tsc");
    let bogomips: f64 = field("bogomips")?.parse().ok()?;
    invariant.then_some(bogomips / 2.0 * 1e6)
}

/// Pins the calling thread, and those it will start, to one core.
pub fn pin(core: usize) -> io::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    Ok(sched_setaffinity(None, &cores)?)
}

/// What this session runs goes before what others run, until dropped.
///
/// Linux shares a core between sessions before it shares it within them (`sched_autogroup`), so that a process's
/// own niceness does not help against a compiler in another terminal.
#[derive(Debug)]
pub struct Favour {
    former: String,
}

impl Favour {
    /// Favours this session. `None` where the kernel has no autogroups.
    pub fn session() -> Option<Favour> {
        let former = parse_niceness(&fs::read_to_string(AUTOGROUP).ok()?)?;
        fs::write(AUTOGROUP, MOST_FAVOURED).ok()?;
        Some(Favour { former })
    }
}

impl Drop for Favour {
    fn drop(&mut self) {
        // We wrote there before; if it fails now, a session that is about to end stays favoured.
        let _ = fs::write(AUTOGROUP, &self.former);
    }
}

fn parse_niceness(autogroup: &str) -> Option<String> {
    Some(autogroup.trim().rsplit_once(" nice ")?.1.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_half_of_bogomips() {
        let text = "flags\t\t: fpu tsc constant_tsc\nbogomips\t: 4500.01\n";
        assert_eq!(parse_tsc_hz(text), Some(2_250_005_000.0));
    }

    #[test]
    fn a_clock_that_varies_is_none() {
        assert_eq!(parse_tsc_hz("flags : fpu tsc\nbogomips : 4500.01\n"), None);
    }

    #[test]
    fn a_sessions_niceness_is_read() {
        assert_eq!(parse_niceness("/autogroup-12 nice -3\n"), Some("-3".to_owned()));
    }
}
