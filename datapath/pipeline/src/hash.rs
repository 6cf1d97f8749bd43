//! The hash of keys: keyed by a random seed of this process, so that nobody outside can aim at a bucket.

use std::array;
use std::hash::{BuildHasher, RandomState};

use sluice_packet::KEY_WORDS;

use crate::plan::TAIL_WORDS;

/// Secrets of one process, one a word of a key and some.
#[derive(Clone, Debug)]
pub(crate) struct Seed {
    secrets: [u64; KEY_WORDS + 2],
}

impl Seed {
    /// From the operating system's randomness.
    pub(crate) fn random() -> Seed {
        Seed { secrets: array::from_fn(|index| RandomState::new().hash_one(index)) }
    }

    #[inline(always)]
    fn secret(&self, index: usize) -> u64 {
        self.secrets.get(index).copied().unwrap_or(0)
    }

    /// Begins a hash of words of a key.
    #[inline(always)]
    pub(crate) fn start(&self, salt: u64) -> u64 {
        salt ^ self.secret(KEY_WORDS)
    }

    /// Adds one word.
    #[inline(always)]
    pub(crate) fn add(&self, hash: u64, index: usize, word: u64) -> u64 {
        fold(hash ^ word, self.secret(index) | 1)
    }

    /// Hashes the head of a compact key: pairs of words are multiplied, each with its own secrets (as in the NH
    /// family of universal hashes), so that the multiplications do not wait for each other.
    #[inline(always)]
    pub(crate) fn head(&self, [a, b, c, d, e]: &[u64; 5], salt: u64) -> u64 {
        let [s0, s1, s2, s3, s4, s5, s6, ..] = &self.secrets;
        let sum = fold(a ^ s0, b ^ s1) ^ fold(c ^ s2, salt ^ s3) ^ fold(d ^ s4, e ^ s5);
        fold(sum, s6 | 1)
    }

    /// [`Seed::head`], if the last two words of it are always 0. Another hash, for the keys of other plans.
    #[inline(always)]
    pub(crate) fn connection(&self, [a, b, c]: &[u64; 3], salt: u64) -> u64 {
        let [s0, s1, s2, s3, _, _, s6, ..] = &self.secrets;
        fold(fold(a ^ s0, b ^ s1) ^ fold(c ^ s2, salt ^ s3), s6 | 1)
    }

    /// Goes on with the tail of a compact key.
    pub(crate) fn tail(&self, hash: u64, tail: &[u64; TAIL_WORDS]) -> u64 {
        tail.iter().enumerate().fold(hash, |hash, (index, &word)| self.add(hash, index, word))
    }
}

/// A multiplication to 128 bits whose halves are folded onto each other.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the halves of a product")]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_keys_spread_over_all_buckets() {
        let seed = Seed::random();
        let mut buckets = [0_u32; 256];
        for flow in 0..256 * 64 {
            buckets[(seed.head(&[1, flow, 17, 0, 0], 3) & 0xff) as usize] += 1;
        }
        // 64 expected, with a deviation of 8.
        assert!(buckets.iter().all(|count| (16..112).contains(count)), "{buckets:?}");
    }

    #[test]
    fn every_word_counts() {
        let seed = Seed::random();
        let base = seed.head(&[0; 5], 0);
        for word in 0..5 {
            let mut key = [0; 5];
            key[word] = 1;
            assert_ne!(seed.head(&key, 0), base);
        }
        assert_ne!(seed.head(&[0; 5], 1), base);
        let base = seed.connection(&[0; 3], 0);
        assert_ne!(seed.connection(&[1, 0, 0], 0), base);
        assert_ne!(seed.connection(&[0, 1, 0], 0), base);
        assert_ne!(seed.connection(&[0, 0, 1], 0), base);
        assert_ne!(seed.connection(&[0; 3], 1), base);
    }
}
