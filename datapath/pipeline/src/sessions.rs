//! [`Sessions`]: a worker's exact-match table from compact keys to verdicts.

mod batch;
mod bucket;
mod buckets;
mod entry;
mod lines;
mod shares;

pub use batch::Batch;
use batch::{Found, Probe};
use bucket::Place;
use buckets::Buckets;
use lines::{Line, Lines};
use shares::Shares;
use sluice_packet::BURST;

use crate::hash::Seed;
use crate::plan::TAIL_WORDS;
use crate::{BridgeId, Tick, Verdict, VerdictId, Verdicts};

/// How large a session table gets and how long it remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    /// Most sessions. At 64 bytes each, 272 for one that is told apart by more than five words of its key, and 32
    /// bytes for its bucket; memory is taken as they come.
    pub limit: u32,
    /// Seconds without a frame after which a session is forgotten; at most 1800.
    pub idle_s: u16,
}

impl Default for SessionConfig {
    fn default() -> Self {
        SessionConfig { limit: 1 << 20, idle_s: 30 }
    }
}

/// A worker's sessions: which verdict the frames of which key get.
///
/// A key hashes to a bucket, one cache line with signatures and places; the session at that place is one cache line with
/// all of the key of an IPv4 connection, the state of the bridge and the verdict. A burst is looked up in stages (all
/// buckets, then all sessions), so that the misses of the processor's caches overlap.
///
/// When the table is full, a bridge with less than an even share of it takes the place of a session of one with more;
/// else it gets that of a session long unused, or none: then the frames of that key have the rules run each time.
#[derive(Debug)]
pub struct Sessions {
    config: SessionConfig,
    seed: Seed,
    buckets: Buckets,
    entries: Lines<u64, 8>,
    tails: Lines<u64, 8>,
    /// Places given out at least once.
    touched: u32,
    /// The last place freed, plus 1.
    free: u64,
    len: u32,
    shares: Shares,
    verdicts: Verdicts,
    /// Where [`Sessions::sweep`] goes on.
    hand: u32,
}

/// Lines of a tail.
const TAIL_LINES: usize = 2;
/// Seconds unused after which a session gives way to another of its bridge in a full table.
const GIVES_WAY_S: u32 = 2;
/// Sessions looked at to find one that gives way.
const LOOKED_AT: u32 = 8;
const IDLE_LIMIT_S: u16 = 1800;

impl Sessions {
    /// An empty table.
    pub fn new(config: SessionConfig) -> Sessions {
        let limit = config.limit.clamp(1, u32::MAX / 8);
        let config = SessionConfig { limit, idle_s: config.idle_s.clamp(1, IDLE_LIMIT_S) };
        Sessions {
            config,
            seed: Seed::random(),
            buckets: Buckets::new(limit),
            entries: Lines::new(limit as usize),
            tails: Lines::new(limit as usize * TAIL_LINES),
            touched: 0,
            free: 0,
            len: 0,
            shares: Shares::default(),
            verdicts: Verdicts::default(),
            hand: 0,
        }
    }

    /// A batch for this table, and no other.
    pub fn batch(&self) -> Batch {
        Batch::new(self.seed.clone())
    }

    /// How many sessions there are.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many sessions a bridge has.
    pub fn len_of(&self, bridge: BridgeId) -> usize {
        self.shares.of(bridge) as usize
    }

    /// Most sessions.
    pub fn limit(&self) -> usize {
        self.config.limit as usize
    }

    /// The verdicts that sessions and batches name. A name is good until the next [`Sessions::sweep`].
    #[inline]
    pub fn verdicts(&self) -> &Verdicts {
        &self.verdicts
    }

    /// Looks all keys of a batch up. Those without a session, or with one whose rules have to be run again, have no
    /// verdict then; see [`Sessions::resolve`]. Returns how many these are.
    #[inline]
    pub fn lookup(&mut self, batch: &mut Batch, now: Tick) -> usize {
        let mut likely = [0_usize; BURST];
        let Some(probes) = batch.probes.get(..batch.len) else { return 0 };
        let buckets = self.buckets.reader();
        for (place, probe) in likely.iter_mut().zip(probes) {
            *place = buckets.likely(probe.hash32(), probe.signature());
        }
        let entries = self.entries.all();
        let mut unsure = 0_u32;
        for (index, ((found, probe), &place)) in batch.found.iter_mut().zip(probes).zip(&likely).enumerate() {
            *found = Found::NOTHING;
            match entries.get(place) {
                Some(entry) if entry::is_current(entry, &probe.head, probe.name, probe.state, now) => {
                    *found = Found::new(entry::verdict(entry));
                }
                _ => unsure |= 1 << index,
            }
        }
        if unsure == 0 { 0 } else { self.look_closely(batch, unsure, now) }
    }

    /// Looks up what the quick look did not find as it was: the first use in a second, long keys, sessions in their
    /// second bucket, those that have to be judged again, those that are not there. `unsure` has a bit for each.
    #[inline(never)]
    fn look_closely(&mut self, batch: &mut Batch, unsure: u32, now: Tick) -> usize {
        let mut missing = 0;
        for index in (0..batch.len).filter(|index| unsure >> index & 1 != 0) {
            match (self.find_valid(batch, index, now), batch.found.get_mut(index)) {
                (Some(verdict), Some(found)) => *found = Found::new(verdict),
                _ => missing += 1,
            }
        }
        missing
    }

    /// Gives every key of a looked-up batch that has no verdict one: that of a session made meanwhile, or the one that
    /// `judge` returns for its index, for which a session is made if there is room.
    pub fn resolve(&mut self, batch: &mut Batch, now: Tick, mut judge: impl FnMut(usize) -> Verdict) {
        for index in 0..batch.len {
            if batch.verdict(index).is_none() {
                let verdict = match self.find_valid(batch, index, now) {
                    Some(verdict) => verdict,
                    None => self.install(batch, index, judge(index), now),
                };
                if let Some(slot) = batch.found.get_mut(index) {
                    *slot = Found::new(verdict);
                }
            }
        }
    }

    /// Looks at up to `budget` sessions, a different lot each time, and forgets those unused for too long. Also forgets
    /// verdicts that no session has: names of verdicts from before are no longer good.
    pub fn sweep(&mut self, budget: usize, now: Tick) {
        for _ in 0..budget.min(self.touched as usize) {
            self.hand = if self.hand + 1 < self.touched { self.hand + 1 } else { 0 };
            let place = Place(self.hand);
            let idle = |entry: &&Line| {
                entry::is_used(entry) && now.since(entry::last_used(entry)) > self.config.idle_s.into()
            };
            if self.entry(place).filter(idle).is_some() {
                self.remove(place);
            }
        }
        self.verdicts.reclaim();
    }

    /// The verdict of the session of key `index`, if it need not be judged again.
    fn find_valid(&mut self, batch: &Batch, index: usize, now: Tick) -> Option<VerdictId> {
        let probe = batch.probes.get(index)?;
        let place = self.find(probe, batch.tails.get(index)?)?;
        self.buckets.promote(probe.hash32(), place);
        let entry = self.entries.all_mut().get_mut(place.0 as usize)?;
        let valid = entry::touch(entry, now) && entry::state(entry) == probe.state;
        valid.then(|| entry::verdict(entry))
    }

    /// The session of a key, in whatever state.
    fn find(&self, probe: &Probe, tail: &[u64; TAIL_WORDS]) -> Option<Place> {
        self.buckets.with_signature(probe.hash32(), probe.signature()).find(|&place| {
            self.entry(place).is_some_and(|entry| {
                entry::difference(entry, &probe.head, probe.name) == 0
                    && (probe.name & entry::WIDE == 0 || self.tail_equals(place, tail))
            })
        })
    }

    /// Writes the verdict into the session of key `index`, making one if there is room. The verdict is held until the
    /// next sweep in any case.
    fn install(&mut self, batch: &Batch, index: usize, verdict: Verdict, now: Tick) -> VerdictId {
        let due = verdict.valid_s().map(|valid_s| Tick(now.0.wrapping_add(valid_s.into())));
        let id = self.verdicts.intern(verdict);
        let (Some(probe), Some(tail)) = (batch.probes.get(index), batch.tails.get(index)) else { return id };
        let place = match self.find(probe, tail) {
            Some(place) => {
                if let Some(old) = self.entry(place).map(entry::verdict) {
                    self.verdicts.release(old);
                }
                Some(place)
            }
            None => self.make(probe, tail, now),
        };
        if let Some(entry) = place.and_then(|place| self.entry_mut(place)) {
            entry::judge(entry, probe.state, id, due, now);
            self.verdicts.hold(id);
        }
        id
    }

    /// Makes a session without a verdict; `None` if there is no room for it.
    fn make(&mut self, probe: &Probe, tail: &[u64; TAIL_WORDS], now: Tick) -> Option<Place> {
        let bridge = probe.bridge();
        if self.len >= self.config.limit {
            let victim = self.victim(probe, now)?;
            self.remove(victim);
        }
        let place = self.take_place()?;
        let entries = self.entries.all();
        let hash_of = |place: Place| entries.get(place.0 as usize).map_or(0, entry::hash);
        if !self.buckets.insert(probe.hash32(), probe.signature(), place, hash_of) {
            self.give_back(place);
            return None;
        }
        entry::rename(self.entry_mut(place)?, &probe.head, probe.name);
        if probe.name & entry::WIDE != 0 {
            self.tail_mut(place)?.copy_from_slice(tail);
        }
        self.shares.add(bridge);
        self.len += 1;
        let entries = self.entries.all();
        self.buckets.grow(self.len, |place| entries.get(place.0 as usize).map_or(0, entry::hash));
        Some(place)
    }

    /// A session that gives way to the new one of `probe` in a full table: the one longest unused of a few that a clock
    /// hand comes by.
    fn victim(&mut self, probe: &Probe, now: Tick) -> Option<Place> {
        let bridge = probe.bridge();
        let fair = self.shares.fair(self.config.limit, bridge);
        let below_share = self.shares.of(bridge) < fair;
        let gives_way = |entry: &Line| {
            let idle_s = now.since(entry::last_used(entry));
            let owner = entry::bridge(entry);
            idle_s > self.config.idle_s.into()
                || (owner == bridge && idle_s >= GIVES_WAY_S)
                || (owner != bridge && below_share && self.shares.of(owner) > fair)
        };
        let places = (1..=LOOKED_AT).map(|step| Place((self.hand + step) % self.touched.max(1)));
        let entries = places.filter_map(|place| Some((place, self.entry(place)?)));
        let victim = entries
            .filter(|(_, entry)| entry::is_used(entry) && gives_way(entry))
            .max_by_key(|(_, entry)| now.since(entry::last_used(entry)))
            .map(|(place, _)| place);
        self.hand = (self.hand + LOOKED_AT) % self.touched.max(1);
        victim
    }

    fn remove(&mut self, place: Place) {
        let Some(&entry) = self.entry(place) else { return };
        self.buckets.remove(entry::hash(&entry), place);
        self.verdicts.release(entry::verdict(&entry));
        self.shares.take(entry::bridge(&entry));
        self.give_back(place);
        self.len -= 1;
    }

    fn take_place(&mut self) -> Option<Place> {
        if let Some(free) = self.free.checked_sub(1) {
            let place = Place(u32::try_from(free).ok()?);
            self.free = entry::next_free(self.entry(place)?);
            return Some(place);
        }
        (self.touched < self.config.limit).then(|| {
            self.touched += 1;
            Place(self.touched - 1)
        })
    }

    fn give_back(&mut self, place: Place) {
        let next = self.free;
        if let Some(entry) = self.entry_mut(place) {
            entry::free(entry, next);
            self.free = u64::from(place.0) + 1;
        }
    }

    #[inline]
    fn entry(&self, place: Place) -> Option<&Line> {
        self.entries.all().get(place.0 as usize)
    }

    #[inline]
    fn entry_mut(&mut self, place: Place) -> Option<&mut Line> {
        self.entries.all_mut().get_mut(place.0 as usize)
    }

    fn tail_equals(&self, place: Place, tail: &[u64; TAIL_WORDS]) -> bool {
        let at = place.0 as usize * TAIL_LINES;
        let lines = self.tails.all().get(at..at + TAIL_LINES).unwrap_or(&[]);
        lines.as_flattened().get(..TAIL_WORDS).is_some_and(|own| own == tail)
    }

    fn tail_mut(&mut self, place: Place) -> Option<&mut [u64]> {
        let at = place.0 as usize * TAIL_LINES;
        self.tails.all_mut().get_mut(at..at + TAIL_LINES)?.as_flattened_mut().get_mut(..TAIL_WORDS)
    }
}
