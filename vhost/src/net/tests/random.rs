//! A small generator of random numbers (xorshift64*), the same on every machine.

pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        random.next();
        random
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `limit`; 0 if that is 0.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 16).checked_rem(limit).unwrap_or(0)
    }

    pub(super) fn one_in(&mut self, n: u32) -> bool {
        self.below(n.max(1).into()) == 0
    }

    /// Once in `n` times, the more often the more hostile, never if that is 0.
    pub(super) fn rarely(&mut self, n: u64, hostility: u32) -> bool {
        self.below(n) < hostility.into()
    }
}
