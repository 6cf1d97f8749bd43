//! A bucket: the signatures and places of up to eight sessions, in one cache line.
//!
//! ```text
//! words 0…3   eight signatures of 16 bits, never 0 for a session
//! words 4…11  eight places, plus 1; 0: free
//! words 12…15 –
//! ```

/// Sixteen words of 32 bits.
pub(super) type Bucket = [u32; 16];

/// Sessions of a bucket.
pub(super) const LANES: usize = 8;

/// Where a session is in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(pub(super) u32);

const EACH: u64 = 0x0001_0001_0001_0001;
const HIGH: u64 = 0x8000_8000_8000_8000;

/// A place whose session may have this signature; if there is none, any number.
#[inline(always)]
pub(super) fn likely(bucket: &Bucket, signature: u16) -> usize {
    let &[a, b, c, d, ..] = bucket;
    let first = u64::from(b) << 32 | u64::from(a);
    let second = u64::from(d) << 32 | u64::from(c);
    let signatures = u64::from(signature) * EACH;
    // The lowest lane found is right; higher ones may be the borrow of lower ones.
    let found = zero_lanes(first ^ signatures) >> 15 | zero_lanes(second ^ signatures) >> 14;
    let bit = found.trailing_zeros() as usize;
    let lane = (bit >> 4 & 3) + (bit & 1) * 4;
    place_word(bucket, lane).wrapping_sub(1) as usize
}

/// The places of all sessions with this signature.
#[inline]
pub(super) fn with_signature(bucket: &Bucket, signature: u16) -> impl Iterator<Item = Place> {
    let bucket = *bucket;
    (0..LANES)
        .filter(move |&lane| signature_at(&bucket, lane) == signature)
        .filter_map(move |lane| at(&bucket, lane))
}

/// The places of all sessions.
pub(super) fn places(bucket: &Bucket) -> impl Iterator<Item = Place> {
    let bucket = *bucket;
    (0..LANES).filter_map(move |lane| at(&bucket, lane))
}

/// Adds a session; `false` if the bucket is full.
pub(super) fn insert(bucket: &mut Bucket, signature: u16, place: Place) -> bool {
    match (0..LANES).find(|&lane| place_word(bucket, lane) == 0) {
        Some(lane) => {
            write(bucket, lane, signature, place.0 + 1);
            true
        }
        None => false,
    }
}

/// Whether there is no room.
#[inline]
pub(super) fn is_full(bucket: &Bucket) -> bool {
    (0..LANES).all(|lane| place_word(bucket, lane) != 0)
}

/// Takes a session out; returns its signature, or `None` if it is not there.
pub(super) fn remove(bucket: &mut Bucket, place: Place) -> Option<u16> {
    let lane = (0..LANES).find(|&lane| at(bucket, lane) == Some(place))?;
    let signature = signature_at(bucket, lane);
    write(bucket, lane, 0, 0);
    Some(signature)
}

#[inline(always)]
fn zero_lanes(word: u64) -> u64 {
    word.wrapping_sub(EACH) & !word & HIGH
}

#[inline]
fn at(bucket: &Bucket, lane: usize) -> Option<Place> {
    place_word(bucket, lane).checked_sub(1).map(Place)
}

#[inline(always)]
fn place_word(bucket: &Bucket, lane: usize) -> u32 {
    bucket.get(4 + (lane & 7)).copied().unwrap_or(0)
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "half of a word")]
fn signature_at(bucket: &Bucket, lane: usize) -> u16 {
    let word = bucket.get((lane / 2) & 3).copied().unwrap_or(0);
    (word >> (16 * (lane & 1))) as u16
}

fn write(bucket: &mut Bucket, lane: usize, signature: u16, place: u32) {
    if let Some(word) = bucket.get_mut((lane / 2) & 3) {
        let shift = 16 * (lane & 1);
        *word = *word & !(0xffff << shift) | u32::from(signature) << shift;
    }
    if let Some(word) = bucket.get_mut(4 + (lane & 7)) {
        *word = place;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_inserted_is_likely_until_it_is_removed() {
        let mut bucket = [0; 16];
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
            assert_eq!(remove(&mut bucket, place), Some(signature));
            assert_eq!(remove(&mut bucket, place), None);
            assert_eq!(with_signature(&bucket, signature).count(), 0);
        }
        assert_eq!(bucket, [0; 16]);
    }
}
