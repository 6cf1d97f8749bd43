//! What a worker does when nothing arrives: poll, pause, sleep, wait.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::event::{EventfdFlags, Timespec, epoll, eventfd};
use rustix::io::Errno;

use crate::config::Idle;

/// Empty rounds in a row before a worker thinks of sleeping. A round with a pause takes some 50–100 ns, so this is
/// about 100 µs of silence.
const ROUNDS_BEFORE_SLEEP: u32 = 1500;

/// The shortest and the longest sleep of a worker that has a device without interrupts to look after.
const SHORTEST_SLEEP_US: u32 = 50;
const LONGEST_SLEEP_US: u32 = 1000;

/// How far a worker's idling has gone.
#[derive(Debug)]
pub(crate) struct Idler {
    policy: Idle,
    empty_rounds: u32,
    sleep_us: u32,
}

/// What to do after a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Poll again.
    Poll,
    /// Sleep: switch notifications on, look once more, then wait on the [`Waiter`].
    Sleep,
}

impl Idler {
    pub(crate) fn new(policy: Idle) -> Idler {
        Idler { policy, empty_rounds: 0, sleep_us: SHORTEST_SLEEP_US }
    }

    /// After a round that moved packets.
    #[inline(always)]
    pub(crate) fn busy(&mut self) {
        self.empty_rounds = 0;
        self.sleep_us = SHORTEST_SLEEP_US;
    }

    /// After a round that moved none.
    #[inline]
    pub(crate) fn empty(&mut self) -> Next {
        self.empty_rounds = self.empty_rounds.saturating_add(1);
        std::hint::spin_loop();
        if self.policy == Idle::Adaptive && self.empty_rounds > ROUNDS_BEFORE_SLEEP {
            Next::Sleep
        } else {
            Next::Poll
        }
    }

    /// How long to sleep: without limit if every port can wake the worker, else longer each time up to a
    /// millisecond. A sleep that brought nothing is followed by the next at once, not by another spell of polling.
    pub(crate) fn sleep_limit(&mut self, must_poll: bool) -> Option<Timespec> {
        if !must_poll {
            return None;
        }
        let us = self.sleep_us;
        self.sleep_us = (us * 2).min(LONGEST_SLEEP_US);
        Some(Timespec { tv_sec: 0, tv_nsec: i64::from(us) * 1000 })
    }
}

/// What a sleeping worker waits on: its guests' kicks and the wake-up of the switch.
pub(crate) struct Waiter {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
}

impl Waiter {
    pub(crate) fn new() -> Result<Waiter, Errno> {
        Ok(Waiter { epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?, events: Vec::with_capacity(16) })
    }

    /// Waits on `fd` too.
    pub(crate) fn add(&self, fd: BorrowedFd<'_>) -> Result<(), Errno> {
        epoll::add(&self.epoll, fd, epoll::EventData::new_u64(0), epoll::EventFlags::IN)
    }

    /// No longer waits on `fd`. One that is not waited on is no error.
    pub(crate) fn remove(&self, fd: BorrowedFd<'_>) {
        let _ = epoll::delete(&self.epoll, fd);
    }

    /// Waits until something is readable or `limit` is over.
    pub(crate) fn wait(&mut self, limit: Option<Timespec>) {
        self.events.clear();
        // An interrupted or failed wait is a short one: the worker polls and comes back.
        let _ = epoll::wait(&self.epoll, spare_capacity(&mut self.events), limit.as_ref());
    }
}

/// Wakes a sleeping worker.
#[derive(Debug)]
pub(crate) struct Bell(OwnedFd);

impl Bell {
    pub(crate) fn new() -> Result<Bell, Errno> {
        eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map(Bell)
    }

    /// Rings; a bell that rings already stays ringing.
    pub(crate) fn ring(&self) {
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    /// Silences it.
    pub(crate) fn hush(&self) {
        let _ = rustix::io::read(&self.0, &mut [0u8; 8]);
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_polling_worker_never_sleeps_and_an_adaptive_one_does() {
        let mut poll = Idler::new(Idle::Poll);
        let mut adaptive = Idler::new(Idle::Adaptive);
        for _ in 0..ROUNDS_BEFORE_SLEEP {
            assert_eq!(poll.empty(), Next::Poll);
            assert_eq!(adaptive.empty(), Next::Poll);
        }
        assert_eq!(poll.empty(), Next::Poll);
        assert_eq!(adaptive.empty(), Next::Sleep);
        adaptive.busy();
        assert_eq!(adaptive.empty(), Next::Poll);
    }

    #[test]
    fn sleeps_grow_to_their_limit() {
        let mut idler = Idler::new(Idle::Adaptive);
        assert!(idler.sleep_limit(false).is_none());
        let us = |limit: Option<Timespec>| limit.map(|limit| limit.tv_nsec / 1000);
        let sleeps: Vec<_> = (0..7).map(|_| us(idler.sleep_limit(true)).unwrap()).collect();
        assert_eq!(sleeps, [50, 100, 200, 400, 800, 1000, 1000]);
    }

    #[test]
    fn a_bell_wakes_the_waiter() {
        let mut waiter = Waiter::new().unwrap();
        let bell = Bell::new().unwrap();
        waiter.add(bell.as_fd()).unwrap();
        bell.ring();
        waiter.wait(None);
        bell.hush();
        assert_eq!(waiter.events.len(), 1);
        waiter.wait(Some(Timespec { tv_sec: 0, tv_nsec: 1 }));
        assert!(waiter.events.is_empty());
    }
}
