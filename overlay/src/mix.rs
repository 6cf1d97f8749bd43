//! The one hash function of this crate.

/// Hashes 128 bits to 64: a multiplication to 128 bits whose halves are folded onto each other. Three or four
/// cycles, and every bit of the input reaches every bit of the result but for rare zero factors.
///
/// Not meant to stand up to an attacker: use it where collisions only cost evenness, never time or safety.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the halves of a product")]
pub(crate) const fn mix(a: u64, b: u64) -> u64 {
    // Digits of pi, as good as any odd constants without a pattern.
    let product = (a ^ 0x243f_6a88_85a3_08d3) as u128 * (b ^ 0x1319_8a2e_0370_7344) as u128;
    (product >> 64) as u64 ^ product as u64
}
