//! Rounds, turns and windows.
//!
//! In every round each rival has its turn; the others are stopped meanwhile, since only one of them may poll core 1. A turn
//! begins with a while that is not counted and goes on with short windows, each tagged near or far. A window in which the
//! cores were moved is thrown away.

use std::io;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use sluice_tests::error::Context;
use sluice_tests::hugepages::Reservation;
use sluice_tests::wait::{let_pass, wait_for};
use sluice_tests::{Error, Result, Stage};

use crate::GENERATOR_CORE;
use crate::case::Case;
use crate::generator::{self, Files, Generator};
use crate::machine::{Favour, pin, tsc_hz};
use crate::mode::{Distance, Mode, PingPong};
use crate::peer::{Rival, Sample, Switch};

/// How long a rival runs before its first window: caches, rings and timers find their state again.
const SETTLE: Duration = Duration::from_millis(200);
const WINDOW: Duration = Duration::from_millis(250);
const WINDOWS_A_TURN: u32 = 6;
/// After so many rounds every rival is started anew: how memory happens to be laid out is chance too, and the neighbour on an
/// underlay that never answers is believed for a minute only.
const ROUNDS_A_START: u32 = 8;
const TRAFFIC_LIMIT: Duration = Duration::from_secs(30);

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The cases, in this order.
    pub cases: Vec<Case>,
    /// Who is measured; those that cannot run a case are left out of it.
    pub rivals: Vec<Rival>,
    /// How often each rival has its turn in every case.
    pub rounds: u32,
}

/// One window of one rival.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Whose.
    pub rival: Rival,
    /// Where the cores were all the while.
    pub mode: Mode,
    /// The median round trip of a cache line between the cores, in TSC cycles.
    pub round_trip: f64,
    /// Millions of packets a second that the switch took from its ports.
    pub mpps: f64,
    /// Busy TSC cycles a packet.
    pub cycles_per_packet: f64,
    /// The share of its core's time that the switch was busy, 0 to 1.
    pub busy_share: f64,
    /// The share of those packets that reached their guest in this turn or, where no guest receives them, that the switch
    /// handed to a port; `None` if nobody counts them.
    pub delivered: Option<f64>,
}

/// All windows of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The case.
    pub case: Case,
    /// The windows that were near or far.
    pub windows: Vec<Window>,
    /// How many were neither.
    pub thrown_away: usize,
}

/// Runs every case and hands over its windows as soon as it is done. Needs root, the peers' programs and two cores.
///
/// The calling thread is pinned to core 0. Everything that was started has ended when this returns, whatever it returns.
pub fn run(options: &Options, mut done: impl FnMut(Measured) -> io::Result<()>) -> Result<()> {
    // First of all: whatever is started inherits it, and only packet threads go to the other core.
    pin(GENERATOR_CORE).context(|| format!("pin to core {GENERATOR_CORE}"))?;
    let _favour = Favour::session();
    let tsc_hz = tsc_hz()?;
    let ping_pong = PingPong::start(tsc_hz)?;
    for case in &options.cases {
        let rivals: Vec<Rival> = options.rivals.iter().copied().filter(|rival| rival.runs(*case)).collect();
        let mb = rivals.iter().map(|rival| rival.hugepages_mb() + generator::hugepages_mb(*case)).sum();
        let _hugepages = Reservation::of(mb).context(|| format!("reserve {mb} MiB of hugepages"))?;
        let bench = Bench { case: *case, tsc_hz, ping_pong: &ping_pong };
        done(bench.run(&rivals, options.rounds)?).context(|| format!("report {case}"))?;
    }
    Ok(())
}

/// What all turns of a case share.
struct Bench<'a> {
    case: Case,
    tsc_hz: f64,
    ping_pong: &'a PingPong,
}

impl Bench<'_> {
    fn run(&self, rivals: &[Rival], rounds: u32) -> Result<Measured> {
        let stage = Stage::new()?;
        let outcome = self.run_on(&stage, rivals, rounds);
        if matches!(&outcome, Err(error) if !matches!(error, Error::Interrupted)) {
            stage.show_logs();
        }
        outcome
    }

    fn run_on(&self, stage: &Stage, rivals: &[Rival], rounds: u32) -> Result<Measured> {
        let files = Files::write(stage, self.case)?;
        let mut measured = Measured { case: self.case, windows: Vec::new(), thrown_away: 0 };
        let mut left = rounds;
        while left > 0 {
            let mut lanes = Vec::new();
            for rival in rivals {
                lanes.push(Lane::start(stage, *rival, self.case, &files)?);
            }
            for _ in 0..left.min(ROUNDS_A_START) {
                for lane in &mut lanes {
                    self.turn(lane, &mut measured)?;
                }
                // The next round goes the other way, so that nobody always comes first.
                lanes.reverse();
            }
            left = left.saturating_sub(ROUNDS_A_START);
        }
        Ok(measured)
    }

    fn turn(&self, lane: &mut Lane, measured: &mut Measured) -> Result<()> {
        lane.resume();
        let_pass(SETTLE)?;
        let received_first = lane.received()?;
        let first = lane.switch.sample()?;
        let mut before = first;
        let mut windows = Vec::new();
        for _ in 0..WINDOWS_A_TURN {
            let_pass(WINDOW)?;
            let after = lane.switch.sample()?;
            match self.ping_pong.between(before.at, after.at) {
                Some(Distance { mode: Some(mode), round_trip }) => {
                    windows.push(self.window(lane.rival, (mode, round_trip), before, after)?);
                }
                _ => measured.thrown_away += 1,
            }
            before = after;
        }
        // Both asked for at other moments, so compared by their rates.
        let received = received_first.zip(lane.received()?).and_then(|(first, last)| rate(first, last));
        lane.pause();
        let sent = first.sent.zip(before.sent).and_then(|(from, to)| rate((first.at, from), (before.at, to)));
        let taken = rate((first.at, first.packets), (before.at, before.packets));
        let delivered = received.or(sent).zip(taken).map(|(delivered, taken)| delivered / taken);
        measured.windows.extend(windows.into_iter().map(|window| Window { delivered, ..window }));
        Ok(())
    }

    fn window(
        &self,
        rival: Rival,
        (mode, round_trip): (Mode, f64),
        from: Sample,
        to: Sample,
    ) -> Result<Window> {
        let usage = Usage::between(from, to, self.tsc_hz);
        let usage = usage.ok_or_else(|| Error::Unexpected {
            what: format!("what {rival} did in a window of {}", self.case),
            found: format!("{from:?} and then {to:?}"),
        })?;
        Ok(Window {
            rival,
            mode,
            round_trip,
            mpps: usage.packets / usage.cycles * self.tsc_hz / 1e6,
            cycles_per_packet: usage.busy_cycles / usage.packets,
            busy_share: usage.busy_cycles / usage.cycles,
            delivered: None,
        })
    }
}

/// A switch with its own generator.
struct Lane {
    rival: Rival,
    // Dropped first: guests go before their switch.
    generator: Generator,
    switch: Box<dyn Switch>,
}

impl Lane {
    /// Starts it, sees to it that frames flow, and stops it until its turn.
    fn start(stage: &Stage, rival: Rival, case: Case, files: &Files) -> Result<Lane> {
        let mut switch = rival.start(stage, case, files)?;
        let generator = Generator::start(stage, rival.name(), case, files, &switch.sockets())?;
        wait_for(&format!("{rival} forwards"), TRAFFIC_LIMIT, || match switch.sample() {
            Ok(sample) if sample.packets > 0 => Ok(()),
            Ok(_) => Err("it has received nothing".to_owned()),
            Err(error) => Err(error.to_string()),
        })?;
        let mut lane = Lane { rival, generator, switch };
        lane.generator.wait_for_traffic()?;
        lane.pause();
        Ok(lane)
    }

    /// Frames that guests have received, and when that was asked.
    fn received(&mut self) -> Result<Option<(Instant, u64)>> {
        let received = self.generator.received()?;
        Ok(received.map(|received| (Instant::now(), received)))
    }

    fn pause(&mut self) {
        self.signal(Signal::STOP);
    }

    fn resume(&mut self) {
        self.signal(Signal::CONT);
    }

    fn signal(&mut self, signal: Signal) {
        self.generator.process().signal(signal);
        for process in self.switch.processes() {
            process.signal(signal);
        }
    }
}

/// What a switch did between two samples.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Usage {
    packets: f64,
    busy_cycles: f64,
    cycles: f64,
}

impl Usage {
    /// `None` if it took no packet, or if counters went back. They may wrap around.
    fn between(from: Sample, to: Sample, tsc_hz: f64) -> Option<Usage> {
        let difference =
            |from: u64, to: u64| i64::try_from(to.wrapping_sub(from)).ok().map(|count| count as f64);
        let elapsed = to.at.checked_duration_since(from.at).as_ref().map(Duration::as_secs_f64);
        // The switch's own count is exact; our clock adds how long each answer took.
        let cycles = match from.all_cycles.zip(to.all_cycles) {
            Some((from, to)) => difference(from, to),
            None => elapsed.map(|seconds| seconds * tsc_hz),
        };
        let usage = Usage {
            packets: difference(from.packets, to.packets)?,
            busy_cycles: difference(from.busy_cycles, to.busy_cycles)?,
            cycles: cycles?,
        };
        (usage.packets > 0.0 && usage.cycles > 0.0).then_some(usage)
    }
}

/// A counter's rise in a second.
fn rate(first: (Instant, u64), last: (Instant, u64)) -> Option<f64> {
    let seconds = last.0.checked_duration_since(first.0)?.as_secs_f64();
    Some(last.1.checked_sub(first.1)? as f64 / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at: Instant, packets: u64, busy_cycles: u64, all_cycles: Option<u64>) -> Sample {
        Sample { at, packets, sent: None, busy_cycles, all_cycles }
    }

    #[test]
    fn a_switch_that_counts_all_its_cycles_is_its_own_clock() {
        let now = Instant::now();
        let (from, to) = (sample(now, 10, 1000, Some(5000)), sample(now, 30, 2000, Some(7000)));
        let expected = Usage { packets: 20.0, busy_cycles: 1000.0, cycles: 2000.0 };
        assert_eq!(Usage::between(from, to, 2e9), Some(expected));
    }

    #[test]
    fn any_other_is_measured_by_ours() {
        let now = Instant::now();
        let (from, to) = (sample(now, 10, 1000, None), sample(now + WINDOW, 30, 2000, None));
        assert_eq!(Usage::between(from, to, 2e9).unwrap().cycles, 5e8);
    }

    #[test]
    fn counters_may_start_below_0() {
        let now = Instant::now();
        let (from, to) =
            (sample(now, 10, 0_u64.wrapping_sub(400), Some(5000)), sample(now, 30, 600, Some(7000)));
        assert_eq!(Usage::between(from, to, 2e9).unwrap().busy_cycles, 1000.0);
    }

    #[test]
    fn no_packets_or_counters_that_went_back_are_no_usage() {
        let now = Instant::now();
        let (one, other) = (sample(now, 10, 1000, Some(5000)), sample(now, 10, 2000, Some(7000)));
        assert_eq!(Usage::between(one, other, 2e9), None);
        assert_eq!(Usage::between(other, one, 2e9), None);
    }
}
