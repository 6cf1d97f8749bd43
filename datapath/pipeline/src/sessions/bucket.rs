//! A bucket: the signatures and places of up to eight sessions, in one cache line.
//!
//! ```text
//! words 0,1  eight signatures of 16 bits, never 0 for a session
//! words 2…5  eight places of 32 bits, plus 1; 0: free
//! words 6,7  –
//! ```

use super::lines::Line;

/// Sessions of a bucket.
pub(super) const LANES: usize = 8;

/// Where a session is in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(pub(super) u32);

const EACH: u64 = 0x0001_0001_0001_0001;
const HIGH: u64 = 0x8000_8000_8000_8000;

/// A place whose session may have this signature; if there is none, any number.
#[inline(always)]
pub(super) fn likely(bucket: &Line, signature: u16) -> usize {
    let [first, second, ..] = bucket;
    let signatures = u64::from(signature) * EACH;
    // The lowest lane found is right; higher ones may be the borrow of lower ones.
    let found = zero_lanes(first ^ signatures) >> 15 | zero_lanes(second ^ signatures) >> 14;
    let bit = found.trailing_zeros() as usize;
    let lane = (bit >> 4 & 3) + (bit & 1) * 4;
    place_word(bucket, lane).wrapping_sub(1) as usize
}

/// The places of all sessions with this signature.
#[inline]
pub(super) fn with_signature(bucket: &Line, signature: u16) -> impl Iterator<Item = Place> {
    let bucket = *bucket;
    (0..LANES)
        .filter(move |&lane| signature_at(&bucket, lane) == signature)
        .filter_map(move |lane| at(&bucket, lane))
}

/// The places of all sessions.
pub(super) fn places(bucket: &Line) -> impl Iterator<Item = Place> {
    let bucket = *bucket;
    (0..LANES).filter_map(move |lane| at(&bucket, lane))
}

/// Adds a session; `false` if the bucket is full.
pub(super) fn insert(bucket: &mut Line, signature: u16, place: Place) -> bool {
    match (0..LANES).find(|&lane| place_word(bucket, lane) == 0) {
        Some(lane) => {
            write(bucket, lane, signature, place.0 + 1);
            true
        }
        None => false,
    }
}

/// Takes a session out; `false` if it is not there.
pub(super) fn remove(bucket: &mut Line, place: Place) -> bool {
    match (0..LANES).find(|&lane| at(bucket, lane) == Some(place)) {
        Some(lane) => {
            write(bucket, lane, 0, 0);
            true
        }
        None => false,
    }
}

#[inline(always)]
fn zero_lanes(word: u64) -> u64 {
    word.wrapping_sub(EACH) & !word & HIGH
}

#[inline]
fn at(bucket: &Line, lane: usize) -> Option<Place> {
    place_word(bucket, lane).checked_sub(1).map(Place)
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "half of a word")]
fn place_word(bucket: &Line, lane: usize) -> u32 {
    let word = bucket.get((2 + (lane >> 1)) & 7).copied().unwrap_or(0);
    (word >> (32 * (lane & 1))) as u32
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "a quarter of a word")]
fn signature_at(bucket: &Line, lane: usize) -> u16 {
    let word = bucket.get(lane >> 2).copied().unwrap_or(0);
    (word >> (16 * (lane & 3))) as u16
}

fn write(bucket: &mut Line, lane: usize, signature: u16, place: u32) {
    put(bucket, lane >> 2, 16 * (lane & 3), 0xffff, signature.into());
    put(bucket, 2 + (lane >> 1), 32 * (lane & 1), 0xffff_ffff, place.into());
}

fn put(bucket: &mut Line, word: usize, shift: usize, mask: u64, value: u64) {
    if let Some(word) = bucket.get_mut(word) {
        *word = *word & !(mask << shift) | value << shift;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_inserted_is_likely_until_it_is_removed() {
        let mut bucket = [0; 8];
        let sessions: Vec<_> =
            (0..8).map(|n| (0x1234_u16.wrapping_mul(n) | 1, Place(u32::from(n) * 7))).collect();
        for &(signature, place) in &sessions {
            assert!(insert(&mut bucket, signature, place));
        }
        assert!(!insert(&mut bucket, 3, Place(99)));
        for &(signature, place) in &sessions {
            assert_eq!(likely(&bucket, signature), place.0 as usize);
            assert_eq!(with_signature(&bucket, signature).collect::<Vec<_>>(), [place]);
        }
        for &(signature, place) in &sessions {
            assert!(remove(&mut bucket, place));
            assert!(!remove(&mut bucket, place));
            assert_eq!(with_signature(&bucket, signature).count(), 0);
        }
        assert_eq!(bucket, [0; 8]);
    }
}
