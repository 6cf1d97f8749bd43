//! Counters that one worker writes and anyone may read at any time.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use sluice_packet::DropReason;

/// A counter with one writer: adding is a load and a store, not a locked instruction.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds; only the owning worker calls this.
    #[inline(always)]
    pub(crate) fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    /// Sets; only the owning worker calls this.
    #[inline]
    pub(crate) fn set(&self, n: u64) {
        self.0.store(n, Relaxed);
    }

    /// The current value.
    #[inline]
    pub(crate) fn read(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// What one worker counts of one port. Aligned so that no two workers' counters share a cache line, nor a pair of
/// lines that the prefetcher fetches together.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct PortCounters {
    /// Frames taken from the guest or the wire.
    pub(crate) rx_packets: Counter,
    /// Their bytes, without FCS and virtio header.
    pub(crate) rx_bytes: Counter,
    /// Frames handed to the guest or the wire.
    pub(crate) tx_packets: Counter,
    /// Their bytes.
    pub(crate) tx_bytes: Counter,
    drops: Drops,
}

impl PortCounters {
    /// Counts `n` frames dropped for `reason`.
    #[inline]
    pub(crate) fn count_drop(&self, reason: DropReason, n: u64) {
        if let Some(counter) = self.drops.0.get(usize::from(reason as u8)) {
            counter.add(n);
        }
    }

    /// How many were dropped for `reason`.
    pub(crate) fn dropped(&self, reason: DropReason) -> u64 {
        self.drops.0.get(usize::from(reason as u8)).map_or(0, Counter::read)
    }
}

#[derive(Debug)]
struct Drops([Counter; DropReason::COUNT]);

impl Default for Drops {
    fn default() -> Self {
        Drops(std::array::from_fn(|_| Counter::default()))
    }
}

/// What a worker counts of itself.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct WorkerCounters {
    /// Rounds of the polling loop.
    pub(crate) iterations: Counter,
    /// Rounds that moved a packet.
    pub(crate) busy_iterations: Counter,
    /// TSC cycles spent in busy rounds.
    pub(crate) busy_cycles: Counter,
    /// TSC cycles spent polling in vain.
    pub(crate) idle_cycles: Counter,
    /// How often it slept.
    pub(crate) sleeps: Counter,
    /// Frames taken from ports.
    pub(crate) rx_packets: Counter,
    /// Frames handed to ports.
    pub(crate) tx_packets: Counter,
    /// Sessions it keeps.
    pub(crate) sessions: Counter,
    /// Frames judged by a session.
    pub(crate) session_hits: Counter,
    /// Frames for which the rules were run.
    pub(crate) session_misses: Counter,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_counter() {
        let counters = PortCounters::default();
        for (n, &reason) in (1..).zip(DropReason::ALL) {
            counters.count_drop(reason, n);
        }
        for (n, &reason) in (1..).zip(DropReason::ALL) {
            assert_eq!(counters.dropped(reason), n, "{}", reason.name());
        }
    }

    #[test]
    fn workers_do_not_share_cache_lines() {
        assert_eq!(std::mem::align_of::<PortCounters>(), 128);
        assert_eq!(std::mem::size_of::<PortCounters>() % 128, 0);
    }
}
