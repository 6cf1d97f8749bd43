//! [`RuleCounters`]: packets and bytes a rule, counted by every worker for itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::RuleSlot;

/// The counters of all rules of a datapath, and who has which.
///
/// Every worker counts in memory of its own, which only it writes (plain loads and stores, no locked instruction);
/// anyone may read at any time and sees every packet that was counted before.
#[derive(Debug)]
pub struct RuleCounters {
    shards: Box<[Arc<Shard>]>,
    slots: Mutex<Slots>,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Frames.
    pub packets: u64,
    /// Bytes of frames, without tunnel headers.
    pub bytes: u64,
}

/// The right to count for one worker. There is one for each.
#[derive(Debug)]
pub struct CounterWriter {
    shard: Arc<Shard>,
}

/// All slots are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are {limit} rules, which is as many as can be counted", limit = RuleCounters::LIMIT)]
pub struct CountersFull;

#[derive(Debug, Default)]
struct Slots {
    next: u32,
    free: Vec<RuleSlot>,
}

/// One worker's counters, in chunks that are made when their first slot is given out.
#[derive(Debug)]
struct Shard {
    chunks: Box<[OnceLock<Box<[Cell]>>]>,
}

#[derive(Debug, Default)]
struct Cell {
    packets: AtomicU64,
    bytes: AtomicU64,
}

const CHUNK: usize = 1 << CHUNK_BITS;
const CHUNK_BITS: u32 = 10;
const CHUNKS: usize = 1 << 12;

impl RuleCounters {
    /// Most rules of a datapath.
    pub const LIMIT: usize = CHUNKS * CHUNK;

    /// Counters for some workers, with a writer for each.
    pub fn new(workers: usize) -> (RuleCounters, Vec<CounterWriter>) {
        let shards: Box<[Arc<Shard>]> = (0..workers).map(|_| Arc::new(Shard::new())).collect();
        let writers = shards.iter().map(|shard| CounterWriter { shard: shard.clone() }).collect();
        (RuleCounters { shards, slots: Mutex::default() }, writers)
    }

    /// Gives out a slot that counts from 0.
    ///
    /// # Errors
    /// [`CountersFull`] beyond [`RuleCounters::LIMIT`].
    pub fn allocate(&self) -> Result<RuleSlot, CountersFull> {
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            match slots.free.pop() {
                Some(slot) => slot,
                None if slots.next as usize >= Self::LIMIT => return Err(CountersFull),
                None => {
                    slots.next += 1;
                    RuleSlot(slots.next - 1)
                }
            }
        };
        for shard in &self.shards {
            shard.prepare(slot);
        }
        Ok(slot)
    }

    /// Takes a slot back. To be called when no worker can count for it any more: after all of them have passed a
    /// quiescent state since its rule was replaced or deleted.
    pub fn release(&self, slot: RuleSlot) {
        for cell in self.shards.iter().filter_map(|shard| shard.cell(slot)) {
            cell.packets.store(0, Ordering::Relaxed);
            cell.bytes.store(0, Ordering::Relaxed);
        }
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).free.push(slot);
    }

    /// What all workers counted for a slot.
    pub fn read(&self, slot: RuleSlot) -> Totals {
        let cells = self.shards.iter().filter_map(|shard| shard.cell(slot));
        cells.fold(Totals::default(), |totals, cell| Totals {
            packets: totals.packets + cell.packets.load(Ordering::Relaxed),
            bytes: totals.bytes + cell.bytes.load(Ordering::Relaxed),
        })
    }
}

impl CounterWriter {
    /// Counts frames for a rule.
    #[inline]
    pub fn count(&mut self, slot: RuleSlot, packets: u64, bytes: u64) {
        if let Some(cell) = self.shard.cell(slot) {
            add(&cell.packets, packets);
            add(&cell.bytes, bytes);
        }
    }
}

impl Shard {
    fn new() -> Shard {
        Shard { chunks: (0..CHUNKS).map(|_| OnceLock::new()).collect() }
    }

    fn prepare(&self, slot: RuleSlot) {
        if let Some(chunk) = self.chunks.get(slot.0 as usize >> CHUNK_BITS) {
            chunk.get_or_init(|| (0..CHUNK).map(|_| Cell::default()).collect());
        }
    }

    #[inline]
    fn cell(&self, slot: RuleSlot) -> Option<&Cell> {
        let slot = slot.0 as usize;
        self.chunks.get(slot >> CHUNK_BITS)?.get()?.get(slot & (CHUNK - 1))
    }
}

/// By the only writer: no other addition can come between.
#[inline]
fn add(counter: &AtomicU64, n: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_add_up_and_slots_start_from_zero_again() {
        let (counters, mut writers) = RuleCounters::new(2);
        let first = counters.allocate().unwrap();
        let second = counters.allocate().unwrap();
        assert_ne!(first, second);
        for writer in &mut writers {
            writer.count(first, 3, 192);
            writer.count(second, 1, 64);
        }
        assert_eq!(counters.read(first), Totals { packets: 6, bytes: 384 });
        counters.release(first);
        assert_eq!(counters.allocate(), Ok(first));
        assert_eq!(counters.read(first), Totals::default());
        assert_eq!(counters.read(second), Totals { packets: 2, bytes: 128 });
    }

    #[test]
    fn readers_see_every_packet_while_a_worker_counts() {
        let (counters, mut writers) = RuleCounters::new(1);
        let slot = counters.allocate().unwrap();
        let mut writer = writers.pop().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || (0..100_000).for_each(|_| writer.count(slot, 1, 60)));
            let mut last = 0;
            while last < 100_000 {
                let now = counters.read(slot).packets;
                assert!(now >= last);
                last = now;
            }
        });
        assert_eq!(counters.read(slot), Totals { packets: 100_000, bytes: 6_000_000 });
    }
}
