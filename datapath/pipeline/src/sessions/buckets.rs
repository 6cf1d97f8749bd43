//! [`Buckets`]: from a hash to the places where its session can be; as many buckets as the sessions need.

use super::bucket::{self, Bucket, Place};
use super::lines::Lines;

/// Hash buckets that grow one at a time (Litwin's linear hashing, 1980): few sessions stay in few cache lines and
/// pages, and no insertion ever pays for more than the eight sessions of one bucket. With all buckets of a table for a
/// million from the start, 100 000 sessions were measured to take twice as long to look up.
///
/// Each hash has two homes. A session is in the first if there was room, and that alone is looked at on the quick path.
#[derive(Debug)]
pub(super) struct Buckets {
    lines: Lines<u32, 16>,
    /// Buckets in use.
    count: u32,
    limit: u32,
    /// One less than the power of two at or below `count`.
    low_mask: u32,
}

/// Buckets at first: a page.
const FIRST: u32 = 64;

impl Buckets {
    /// Enough for `sessions` at twice what fills a bucket on average: at most four in a bucket of eight.
    pub(super) fn new(sessions: u32) -> Buckets {
        let limit = sessions.div_ceil(PER_BUCKET).max(FIRST);
        Buckets { lines: Lines::new(limit as usize), count: FIRST, limit, low_mask: FIRST - 1 }
    }

    /// Finds first homes.
    #[inline(always)]
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader { buckets: self.lines.all(), count: self.count, low_mask: self.low_mask }
    }

    /// The places of all sessions that may have this hash and signature.
    #[inline]
    pub(super) fn with_signature(&self, hash: u32, signature: u16) -> impl Iterator<Item = Place> {
        let homes = self.homes(hash).into_iter().filter_map(|home| self.lines.all().get(home));
        homes.flat_map(move |bucket| bucket::with_signature(bucket, signature))
    }

    /// Adds a session, moving one of its neighbours to that one's other home if need be; `false` if there is no room.
    /// `hash_of` tells the hash of the session at a place.
    pub(super) fn insert(
        &mut self,
        hash: u32,
        signature: u16,
        place: Place,
        hash_of: impl Fn(Place) -> u32,
    ) -> bool {
        let homes = self.homes(hash);
        homes.into_iter().any(|home| self.put(home, signature, place))
            || homes.into_iter().any(|home| self.relieve(home, &hash_of) && self.put(home, signature, place))
    }

    /// Moves one session out of a full bucket, if any has room elsewhere.
    fn relieve(&mut self, home: usize, hash_of: impl Fn(Place) -> u32) -> bool {
        let Some(&bucket) = self.lines.all().get(home) else { return false };
        bucket::places(&bucket).any(|place| {
            let elsewhere =
                self.homes(hash_of(place)).into_iter().find(|&other| other != home && !self.is_full(other));
            elsewhere.is_some_and(|other| self.shift(place, home, other))
        })
    }

    /// Takes a session out.
    pub(super) fn remove(&mut self, hash: u32, place: Place) {
        for home in self.homes(hash) {
            if self.lines.all_mut().get_mut(home).and_then(|bucket| bucket::remove(bucket, place)).is_some() {
                return;
            }
        }
    }

    /// Moves a session to its first home, if it is in the other and there is room now.
    pub(super) fn promote(&mut self, hash: u32, place: Place) {
        let [first, second] = self.homes(hash);
        if first != second && !self.is_full(first) {
            self.shift(place, second, first);
        }
    }

    /// Splits one bucket if there are this many sessions. `hash_of` tells the hash of the session at a place.
    pub(super) fn grow(&mut self, sessions: u32, hash_of: impl Fn(Place) -> u32) {
        if sessions / PER_BUCKET < self.count || self.count >= self.limit {
            return;
        }
        let new = self.count as usize;
        let old = new & self.low_mask as usize;
        self.count += 1;
        if self.count > 2 * self.low_mask + 1 {
            self.low_mask = 2 * self.low_mask + 1;
        }
        let Some(&bucket) = self.lines.all().get(old) else { return };
        for place in bucket::places(&bucket) {
            if !self.homes(hash_of(place)).contains(&old) {
                self.shift(place, old, new);
            }
        }
    }

    /// The two buckets in which a session can be.
    #[inline]
    fn homes(&self, hash: u32) -> [usize; 2] {
        let other = hash.rotate_left(16).wrapping_mul(0x9e37_79b1);
        [hash, other].map(|hash| address(hash, self.count, self.low_mask))
    }

    fn is_full(&self, home: usize) -> bool {
        self.lines.all().get(home).is_none_or(bucket::is_full)
    }

    fn put(&mut self, home: usize, signature: u16, place: Place) -> bool {
        self.lines.all_mut().get_mut(home).is_some_and(|bucket| bucket::insert(bucket, signature, place))
    }

    /// Moves a session, if it is in `from`, to a bucket that has room.
    fn shift(&mut self, place: Place, from: usize, to: usize) -> bool {
        let signature = self.lines.all_mut().get_mut(from).and_then(|bucket| bucket::remove(bucket, place));
        signature.is_some_and(|signature| self.put(to, signature, place))
    }
}

/// Sessions a bucket on average; those not yet split since the last doubling have up to twice as many.
const PER_BUCKET: u32 = 2;

/// Looks at first homes.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    buckets: &'a [Bucket],
    count: u32,
    low_mask: u32,
}

impl Reader<'_> {
    /// A place where the session of this hash and signature may be, if it is in its first home.
    #[inline(always)]
    pub(super) fn likely(&self, hash: u32, signature: u16) -> usize {
        match self.buckets.get(address(hash, self.count, self.low_mask)) {
            Some(bucket) => bucket::likely(bucket, signature),
            None => usize::MAX,
        }
    }
}

/// Buckets below `count` that were split since the last doubling, and those made by that, are told apart by one bit more.
#[inline(always)]
fn address(hash: u32, count: u32, low_mask: u32) -> usize {
    let wide = hash & (2 * low_mask + 1);
    (if wide < count { wide } else { hash & low_mask }) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers without a pattern.
    fn hash(n: u32) -> u32 {
        let hash = (u64::from(n) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        u32::try_from(hash >> 32).unwrap()
    }

    fn signature(n: u32) -> u16 {
        u16::try_from(n & 0xffff).unwrap() | 1
    }

    #[test]
    fn sessions_are_found_while_buckets_split() {
        let mut buckets = Buckets::new(20_000);
        for n in 0..20_000 {
            assert!(buckets.insert(hash(n), signature(n), Place(n), |place| hash(place.0)));
            buckets.grow(n + 1, |place| hash(place.0));
            if n % 1999 == 0 || n == 19_999 {
                for known in 0..=n {
                    assert!(
                        buckets
                            .with_signature(hash(known), signature(known))
                            .any(|place| place == Place(known))
                    );
                }
            }
        }
        assert_eq!(buckets.count, 10_000);
        (0..20_000).for_each(|n| buckets.promote(hash(n), Place(n)));
        let first = |n: &u32| buckets.reader().likely(hash(*n), signature(*n)) == *n as usize;
        let in_first_home = (0..20_000).filter(first).count();
        assert!(in_first_home > 19_900, "{in_first_home}");
        (0..20_000).for_each(|n| buckets.remove(hash(n), Place(n)));
        assert!(buckets.lines.all().iter().flatten().all(|&word| word == 0));
    }
}
