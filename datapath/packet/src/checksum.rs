//! The Internet checksum (RFC 1071): whole sums over slices, and adjustments for a changed field (RFC 1624).

use std::net::{Ipv4Addr, Ipv6Addr};

/// A one's complement sum under way (RFC 1071 §1).
///
/// Pieces are added in the order they have in the packet; a piece of odd length leaves the next one half a word
/// off, which the sum remembers. What is summed stays as it is: a value, to be copied.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct Sum {
    /// In the byte order of memory, which only swaps the result (RFC 1071 §2 (B)), and modulo 2^64 - 1, which
    /// 2^16 - 1 divides: so eight bytes are added at once.
    sum: u64,
    odd: bool,
}

impl Sum {
    /// The sum of nothing.
    pub const ZERO: Sum = Sum { sum: 0, odd: false };

    /// The sum of the pseudo header of IPv4 (RFC 768, RFC 9293 §3.1). `len` is the upper layer's, in bytes.
    #[inline]
    pub fn pseudo_v4(src: Ipv4Addr, dst: Ipv4Addr, protocol: u8, len: u16) -> Sum {
        Sum::ZERO.u32(src.to_bits()).u32(dst.to_bits()).u16(u16::from(protocol)).u16(len)
    }

    /// The sum of the pseudo header of IPv6 (RFC 8200 §8.1). `len` is the upper layer's, in bytes.
    #[inline]
    pub fn pseudo_v6(src: Ipv6Addr, dst: Ipv6Addr, next_header: u8, len: u32) -> Sum {
        Sum::ZERO.array(&src.octets()).array(&dst.octets()).u32(len).u16(u16::from(next_header))
    }

    /// With the next bytes of the packet.
    #[inline]
    pub fn bytes(self, bytes: &[u8]) -> Sum {
        let sum = sum_of(bytes);
        // A byte at an odd offset weighs 2^8 times what it would at an even one.
        let sum = if self.odd { sum.rotate_left(8) } else { sum };
        Sum { sum: plus(self.sum, sum), odd: self.odd ^ (bytes.len() % 2 == 1) }
    }

    /// With a header of known length: as [`Sum::bytes`], and cheaper for short ones. `N` is a multiple of 4.
    #[inline]
    pub fn array<const N: usize>(self, bytes: &[u8; N]) -> Sum {
        const { assert!(N.is_multiple_of(4)) };
        let (words, rest) = bytes.as_chunks::<8>();
        let mut sum = 0;
        for word in words {
            sum = plus(sum, u64::from_ne_bytes(*word));
        }
        if let Some(half) = rest.first_chunk() {
            sum = plus(sum, u64::from(u32::from_ne_bytes(*half)));
        }
        let sum = if self.odd { sum.rotate_left(8) } else { sum };
        Sum { sum: plus(self.sum, sum), odd: self.odd }
    }

    /// With one more word, given in host order. Words count as standing at even offsets, wherever the bytes are.
    #[inline]
    pub fn u16(self, word: u16) -> Sum {
        Sum { sum: plus(self.sum, u64::from(word.to_be())), odd: self.odd }
    }

    /// With two more words, given as a number in host order.
    #[inline]
    pub fn u32(self, words: u32) -> Sum {
        Sum { sum: plus(self.sum, u64::from(words.to_be())), odd: self.odd }
    }

    /// With another sum of an even number of bytes.
    #[inline]
    pub fn sum(self, other: Sum) -> Sum {
        Sum { sum: plus(self.sum, other.sum), odd: self.odd }
    }

    /// The sum folded to 16 bits, in host order. Over data that holds its own right checksum this is 0xffff.
    #[inline]
    #[must_use]
    pub const fn fold(self) -> u16 {
        u16::from_be(fold(self.sum))
    }

    /// The checksum: the complement of the sum, in host order.
    #[inline]
    #[must_use]
    pub const fn checksum(self) -> u16 {
        !self.fold()
    }

    /// The checksum for a UDP header, where 0 says "none" and is therefore sent as 0xffff (RFC 768).
    #[inline]
    #[must_use]
    pub const fn udp_checksum(self) -> u16 {
        match self.checksum() {
            0 => 0xffff,
            checksum => checksum,
        }
    }
}

/// The checksum of one slice, in host order.
#[inline]
#[must_use]
pub fn checksum(bytes: &[u8]) -> u16 {
    Sum::ZERO.bytes(bytes).checksum()
}

/// The checksum after one of the words it covers changed (RFC 1624 §3, equation 3). All in host order.
#[inline]
#[must_use]
pub fn adjust(checksum: u16, old: u16, new: u16) -> u16 {
    Sum::ZERO.u16(!checksum).u16(!old).u16(new).checksum()
}

/// [`adjust`] for two adjacent words, such as an IPv4 address, as numbers in host order.
#[inline]
#[must_use]
pub fn adjust_u32(checksum: u16, old: u32, new: u32) -> u16 {
    Sum::ZERO.u16(!checksum).u32(!old).u32(new).checksum()
}

/// The sum of a slice as if it stood at an even offset, in the byte order of memory; a last odd byte is padded with 0.
fn sum_of(bytes: &[u8]) -> u64 {
    // 32-bit pieces into 64-bit lanes, without carries: the compiler makes vector instructions of it.
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let mut lanes = [0_u64; BLOCK / 4];
    for block in blocks {
        let (words, _) = block.as_chunks::<4>();
        for (lane, word) in lanes.iter_mut().zip(words) {
            *lane += u64::from(u32::from_ne_bytes(*word));
        }
    }
    let mut sum = lanes.iter().sum::<u64>();
    let (words, rest) = rest.as_chunks::<8>();
    for word in words {
        sum = plus(sum, u64::from_ne_bytes(*word));
    }
    let (half, rest) = rest.as_chunks::<4>();
    if let [half] = half {
        sum = plus(sum, u64::from(u32::from_ne_bytes(*half)));
    }
    let rest = match *rest {
        [] => return sum,
        [a] => [a, 0, 0, 0],
        [a, b] => [a, b, 0, 0],
        [a, b, c, ..] => [a, b, c, 0],
    };
    plus(sum, u64::from(u32::from_ne_bytes(rest)))
}

/// Bytes summed in one turn of the loop.
const BLOCK: usize = 64;

/// One's complement addition: a carry out comes in again at the other end. 0 only for zeros.
#[inline]
const fn plus(a: u64, b: u64) -> u64 {
    let (sum, carry) = a.overflowing_add(b);
    sum + carry as u64
}

/// Folds to 16 bits. The upper half of a number plus itself with the halves swapped is the sum of the halves, their
/// carry included.
#[inline]
const fn fold(sum: u64) -> u16 {
    let sum = (sum.wrapping_add(sum.rotate_left(32)) >> 32) as u32;
    (sum.wrapping_add(sum.rotate_left(16)) >> 16) as u16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 1071 §4.1, word for word.
    fn oracle(bytes: &[u8]) -> u16 {
        let mut sum = 0_u32;
        for pair in bytes.chunks(2) {
            sum += u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |&low| u32::from(low));
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !u16::try_from(sum).unwrap()
    }

    fn halves(number: u32) -> (u16, u16) {
        let [a, b, c, d] = number.to_be_bytes();
        (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
    }

    #[test]
    fn the_example_of_rfc_1071() {
        assert_eq!(Sum::ZERO.bytes(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]).fold(), 0xddf2);
    }

    #[test]
    fn long_runs_of_ones_do_not_overflow() {
        assert_eq!(checksum(&[0xff; 70_000]), oracle(&[0xff; 70_000]));
        assert_eq!(checksum(&[]), 0xffff);
        assert_eq!(Sum::ZERO.u16(0xffff).udp_checksum(), 0xffff);
    }

    proptest! {
        #[test]
        fn sums_agree_with_the_oracle(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert_eq!(checksum(&bytes), oracle(&bytes));
        }

        #[test]
        fn pieces_of_any_length_sum_to_the_whole(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        ) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let sum = cuts.windows(2).fold(Sum::ZERO, |sum, cut| sum.bytes(&bytes[cut[0]..cut[1]]));
            prop_assert_eq!(sum.checksum(), oracle(&bytes));
        }

        #[test]
        fn arrays_sum_as_bytes_do(bytes in any::<[u8; 20]>(), before in prop::collection::vec(any::<u8>(), 0..3)) {
            let sum = Sum::ZERO.bytes(&before);
            prop_assert_eq!(sum.array(&bytes).checksum(), oracle(&[&before[..], &bytes].concat()));
            prop_assert_eq!(sum.array(&bytes).bytes(&[7]).fold(), sum.bytes(&bytes).bytes(&[7]).fold());
        }

        #[test]
        fn an_adjusted_checksum_is_as_good_as_a_new_one(
            mut bytes in prop::collection::vec(any::<u8>(), 8..60),
            at in any::<prop::sample::Index>(),
            new in any::<u32>(),
        ) {
            // A packet's checksum covers at least one word that is not 0: the version, the protocol.
            bytes[0] |= 0x40;
            let at = 2 + 2 * at.index((bytes.len() - 6) / 2 + 1);
            let before = checksum(&bytes);
            let old = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
            bytes[at..at + 4].copy_from_slice(&new.to_be_bytes());
            prop_assert_eq!(adjust_u32(before, old, new), oracle(&bytes));
            let ((old_high, old_low), (new_high, new_low)) = (halves(old), halves(new));
            prop_assert_eq!(adjust(adjust(before, old_high, new_high), old_low, new_low), oracle(&bytes));
        }

        #[test]
        fn pseudo_headers_agree_with_the_oracle(
            v4 in any::<[u8; 8]>(), v6 in any::<[u8; 32]>(), protocol in any::<u8>(), len in any::<u16>(),
        ) {
            let [a, b, c, d, e, f, g, h] = v4;
            let [high, low] = len.to_be_bytes();
            let sum = Sum::pseudo_v4([a, b, c, d].into(), [e, f, g, h].into(), protocol, len);
            prop_assert_eq!(sum.checksum(), oracle(&[a, b, c, d, e, f, g, h, 0, protocol, high, low]));

            let src: [u8; 16] = v6[..16].try_into().unwrap();
            let dst: [u8; 16] = v6[16..].try_into().unwrap();
            let sum = Sum::pseudo_v6(src.into(), dst.into(), protocol, u32::from(len));
            let bytes = [&v6[..], &[0, 0, high, low, 0, 0, 0, protocol]].concat();
            prop_assert_eq!(sum.checksum(), oracle(&bytes));
        }
    }
}
