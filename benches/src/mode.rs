//! How far apart the two cores are: near (they share a cache) or far.
//!
//! A hypervisor may move virtual cores about underneath us, and what passes packets between two cores costs
//! twice as much when they are far apart. So a cache line is bounced between the cores *during* every window:
//! each five milliseconds two threads of real-time priority wake at the same moment, one on each core, and
//! bounce it some times there and back. That takes a few microseconds, the same from every switch.

use std::collections::VecDeque;
use std::hint::spin_loop;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::thread::{ClockId, Timespec, clock_nanosleep_absolute, gettid};
use rustix::time::clock_gettime;
use serde::Serialize;
use sluice_tests::error::Context;
use sluice_tests::{Launch, Result};

use crate::machine::pin;
use crate::{GENERATOR_CORE, SWITCH_CORE};

/// A round trip of at most so many TSC cycles is a near one. 100 to 350 were seen, depending on the host, and up to 650
/// where the switch's own frames do not fit into the shared cache.
const NEAR_AT_MOST: f64 = 700.0;
/// A round trip of at least so many TSC cycles is a far one. 900 to 1500 were seen.
const FAR_AT_LEAST: f64 = 800.0;
/// The share of a window's measurements that must agree.
const AGREEING: f64 = 0.9;
/// Fewer measurements than this say nothing about a window.
const FEWEST: usize = 10;

const PERIOD_NS: i64 = 5_000_000;
/// Each tick's measurement is the fastest of so many batches: in the first ones the threads' own code and data, which
/// the switch has driven out of the caches, are fetched again.
const BATCHES: u32 = 4;
const BATCH_BOUNCES: u32 = 8;
/// How long a thread waits for the other one: it may wake late, or its core may be taken from us.
const PATIENCE: Duration = Duration::from_micros(400);
/// Measurements kept: those of the last minute or so.
const KEPT: usize = 12_000;

/// Where the cores are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// They share a cache.
    Near,
    /// They do not.
    Far,
}

impl Mode {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Near => "near",
            Mode::Far => "far",
        }
    }
}

/// What was measured in a span of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distance {
    /// Near or far; `None` if the cores were moved meanwhile.
    pub mode: Option<Mode>,
    /// The median round trip, in TSC cycles.
    pub round_trip: f64,
}

/// Measures the distance of the two cores until dropped.
#[derive(Debug)]
pub struct PingPong {
    court: Arc<Court>,
    players: Vec<JoinHandle<()>>,
}

/// What the two threads share.
#[derive(Debug, Default)]
struct Court {
    ball: Ball,
    over: AtomicBool,
    round_trips: Mutex<VecDeque<(Instant, f64)>>,
}

/// The line that is bounced: odd on its way there, even on its way back. Alone in its cache line and in the one that the
/// prefetcher fetches along with it.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Ball(AtomicU64);

impl PingPong {
    /// Starts measuring. `tsc_hz` is the clock that round trips are told in. Needs root.
    pub fn start(tsc_hz: f64) -> Result<PingPong> {
        let court = Arc::new(Court::default());
        let mut game = PingPong { court: Arc::clone(&court), players: Vec::new() };
        let ping = Arc::clone(&court);
        game.player(GENERATOR_CORE, move || ping.ping(tsc_hz))?;
        game.player(SWITCH_CORE, move || court.pong())?;
        Ok(game)
    }

    /// What was measured from `from` to `to`; `None` if that is too little to tell.
    pub fn between(&self, from: Instant, to: Instant) -> Option<Distance> {
        let round_trips = self.court.round_trips();
        let within = round_trips.iter().filter(|(at, _)| (from..=to).contains(at));
        classify(within.map(|(_, cycles)| *cycles).collect())
    }

    fn player(&mut self, core: usize, turn: impl Fn() + Send + 'static) -> Result<()> {
        let court = Arc::clone(&self.court);
        let (ready, started) = std::sync::mpsc::channel();
        let play = move || {
            let prepared = pin(core);
            let go_on = prepared.is_ok();
            // The other side waits for exactly this message.
            let _ = ready.send(prepared.map(|()| gettid()));
            while go_on && !court.over.load(Ordering::Relaxed) && wait_for_tick().is_ok() {
                turn();
            }
        };
        self.players.push(thread::spawn(play));
        let thread = started
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("the thread has ended")))
            .context(|| format!("start a thread on core {core}"))?;
        Launch::line(&format!("chrt --fifo --pid 1 {}", thread.as_raw_nonzero())).run()?;
        Ok(())
    }
}

impl Drop for PingPong {
    fn drop(&mut self) {
        self.court.over.store(true, Ordering::Relaxed);
        for player in self.players.drain(..) {
            // A player that panicked has nothing to clean up.
            let _ = player.join();
        }
    }
}

impl Court {
    fn ping(&self, tsc_hz: f64) {
        // The first one waits for the other thread to wake.
        if self.bounce().is_none() {
            return;
        }
        let batches: Option<Vec<Duration>> = (0..BATCHES).map(|_| self.batch()).collect();
        let Some(fastest) = batches.into_iter().flatten().min() else { return };
        let cycles = fastest.as_secs_f64() * tsc_hz / f64::from(BATCH_BOUNCES);
        let mut round_trips = self.round_trips();
        round_trips.push_back((Instant::now(), cycles));
        if round_trips.len() > KEPT {
            round_trips.pop_front();
        }
    }

    fn batch(&self) -> Option<Duration> {
        let start = Instant::now();
        for _ in 0..BATCH_BOUNCES {
            self.bounce()?;
        }
        Some(start.elapsed())
    }

    /// Once there and back; `None` if the other one does not answer.
    fn bounce(&self) -> Option<()> {
        let ball = self.ball.0.load(Ordering::Relaxed);
        // A ball that was not answered at the last tick is odd still: serve another.
        let served = if ball.is_multiple_of(2) { ball + 1 } else { ball + 2 };
        self.ball.0.store(served, Ordering::Release);
        self.spin_until(|ball| ball == served + 1).map(|_| ())
    }

    fn pong(&self) {
        for _ in 0..=BATCHES * BATCH_BOUNCES {
            let Some(served) = self.spin_until(|ball| ball % 2 == 1) else { return };
            self.ball.0.store(served + 1, Ordering::Release);
        }
    }

    fn spin_until(&self, wanted: impl Fn(u64) -> bool) -> Option<u64> {
        let mut limit = None;
        loop {
            for _ in 0..256 {
                let ball = self.ball.0.load(Ordering::Acquire);
                if wanted(ball) {
                    return Some(ball);
                }
                spin_loop();
            }
            let end = *limit.get_or_insert_with(|| Instant::now() + PATIENCE);
            if Instant::now() >= end {
                return None;
            }
        }
    }

    fn round_trips(&self) -> MutexGuard<'_, VecDeque<(Instant, f64)>> {
        self.round_trips.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sleeps until the next multiple of the period, which is the same moment on both cores.
fn wait_for_tick() -> io::Result<()> {
    let now = clock_gettime(rustix::time::ClockId::Monotonic);
    let nanoseconds = (now.tv_nsec / PERIOD_NS + 1) * PERIOD_NS;
    let tick =
        Timespec { tv_sec: now.tv_sec + nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000 };
    Ok(clock_nanosleep_absolute(ClockId::Monotonic, &tick)?)
}

fn classify(mut round_trips: Vec<f64>) -> Option<Distance> {
    if round_trips.len() < FEWEST {
        return None;
    }
    round_trips.sort_by(f64::total_cmp);
    let agree = |holds: &dyn Fn(f64) -> bool| {
        let count = round_trips.iter().filter(|cycles| holds(**cycles)).count();
        count as f64 >= AGREEING * round_trips.len() as f64
    };
    let mode = if agree(&|cycles| cycles <= NEAR_AT_MOST) {
        Some(Mode::Near)
    } else if agree(&|cycles| cycles >= FAR_AT_LEAST) {
        Some(Mode::Far)
    } else {
        None
    };
    Some(Distance { mode, round_trip: *round_trips.get(round_trips.len() / 2)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode_of(round_trips: &[(usize, f64)]) -> Option<Mode> {
        let all = round_trips.iter().flat_map(|(count, cycles)| vec![*cycles; *count]);
        classify(all.collect()).unwrap().mode
    }

    #[test]
    fn a_window_is_near_or_far_if_nearly_all_of_it_is() {
        assert_eq!(mode_of(&[(50, 120.0)]), Some(Mode::Near));
        assert_eq!(mode_of(&[(46, 300.0), (4, 1100.0)]), Some(Mode::Near));
        assert_eq!(mode_of(&[(4, 300.0), (46, 1100.0)]), Some(Mode::Far));
    }

    #[test]
    fn a_window_in_which_the_cores_moved_is_neither() {
        assert_eq!(mode_of(&[(25, 120.0), (25, 1100.0)]), None);
        assert_eq!(mode_of(&[(50, 750.0)]), None);
    }

    #[test]
    fn a_few_measurements_say_nothing() {
        assert_eq!(classify(vec![120.0; FEWEST - 1]), None);
    }

    #[test]
    fn the_ball_goes_there_and_back() {
        let court = Arc::new(Court::default());
        let other = Arc::clone(&court);
        let pong = thread::spawn(move || {
            while !other.over.load(Ordering::Relaxed) {
                other.pong();
            }
        });
        while court.round_trips().is_empty() {
            court.ping(1e9);
        }
        court.over.store(true, Ordering::Relaxed);
        pong.join().unwrap();
        assert!(court.round_trips()[0].1 > 0.0);
    }

    #[test]
    fn a_ball_nobody_returns_is_given_up() {
        let court = Court::default();
        court.ping(1e9);
        court.ping(1e9);
        assert!(court.round_trips().is_empty());
    }
}
