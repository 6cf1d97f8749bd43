//! Damaged and random bytes: refused, or read as something that is written back byte for byte.

use std::cell::Cell;

use super::entropy::Entropy;
use super::golden;
use super::messages::{KINDS, message};
use crate::wire::*;

/// How many damaged messages are tried.
const CASES: u32 = 2_000_000;
/// How many random ones.
const RANDOM_CASES: u32 = 1_000_000;

#[test]
fn damaged_messages_are_refused_or_written_back() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut seeds: Vec<Vec<u8>> = golden::messages().into_iter().filter(|seed| seed.len() < 1500).collect();
    for round in 0..40 * KINDS {
        let entropy: Vec<u8> = (0..600).map(|_| random.byte()).collect();
        let mut bytes = Vec::new();
        message(round % KINDS, &mut Entropy::new(&entropy)).encode(Xid(5), &mut bytes).unwrap();
        seeds.push(bytes);
    }
    let (mut accepted, mut exact) = (0_u32, 0_u32);
    for _ in 0..CASES {
        let mut bytes = seeds[random.below(seeds.len())].clone();
        damage(&mut bytes, &mut random);
        match check(&bytes) {
            Some(true) => exact += 1,
            Some(false) => accepted += 1,
            None => {}
        }
    }
    // Damage that hits a value and not the structure is read: else nothing was tried.
    assert!(exact > CASES / 20, "{exact} of {CASES} were read and written back");
    assert!(accepted > CASES / 100, "{accepted} of {CASES} were read and had another form");
}

#[test]
fn random_bytes_are_refused_or_written_back() {
    let mut random = Random(7);
    for _ in 0..RANDOM_CASES {
        let mut bytes: Vec<u8> = (0..8 + random.below(120)).map(|_| random.byte()).collect();
        bytes[0] = 4;
        bytes[1] %= 31;
        fix_length(&mut bytes);
        if random.below(4) == 0 {
            bytes[8..].iter_mut().for_each(|byte| *byte &= 0x13);
        }
        check(&bytes);
    }
}

/// Decodes; what is read encodes to the same bytes (`Some(true)`), or, where a canonical form is allowed, to others
/// that mean the same (`Some(false)`).
fn check(bytes: &[u8]) -> Option<bool> {
    let loose = Cell::new(false);
    let (header, message) = match Message::decode_noting(bytes, &loose) {
        Ok(decoded) => decoded,
        Err(error) => {
            assert!(error.offset <= bytes.len(), "{error}");
            return None;
        }
    };
    let mut again = Vec::new();
    message.encode(header.xid, &mut again).unwrap();
    if !loose.get() {
        assert_eq!(again, bytes, "{message:?}");
        return Some(true);
    }
    let loose_again = Cell::new(false);
    let (_, decoded) = Message::decode_noting(&again, &loose_again).unwrap();
    assert_eq!(decoded, message);
    assert!(!loose_again.get(), "{message:?}");
    Some(false)
}

fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..1 + random.below(3) {
        let at = if bytes.len() > 8 { 8 + random.below(bytes.len() - 8) } else { random.below(bytes.len()) };
        match random.below(8) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.byte(),
            2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xfe, 0xff][random.below(6)],
            3 => bytes[at] = bytes[at].wrapping_add(8),
            4 => {
                let end = (at + 1 + random.below(16)).min(bytes.len());
                bytes.drain(at..end);
            }
            5 => {
                let end = (at + 1 + random.below(24)).min(bytes.len());
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            6 => bytes.truncate(at.max(8)),
            _ => bytes[random.below(4)] = random.byte(),
        }
        if bytes.len() < 8 {
            bytes.resize(8, 0);
        }
    }
    if random.below(16) != 0 {
        fix_length(bytes);
    }
}

fn fix_length(bytes: &mut [u8]) {
    let length = u16::try_from(bytes.len()).unwrap_or(0).to_be_bytes();
    bytes[2..4].copy_from_slice(&length);
}

/// xorshift64*: the same cases on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[7]
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next()).unwrap() % end
    }
}
