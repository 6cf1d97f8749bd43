//! Randomness for tests that throw millions of frames: the same every time, and cheaper than proptest's.

/// splitmix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// Below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.word() % end as u64).unwrap()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.word().to_le_bytes()[0]
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.byte()).collect()
    }

    /// Changes a few bytes, most of them among the first `headers`, and now and then the length.
    pub(crate) fn mutate(&mut self, frame: &mut Vec<u8>, headers: usize) {
        for _ in 0..=self.below(3) {
            let end = if self.one_in(8) { frame.len() } else { headers.min(frame.len()) };
            if end == 0 {
                return;
            }
            let at = self.below(end);
            // Small changes find the edges of lengths, wild ones everything else.
            frame[at] = match self.below(4) {
                0 => frame[at].wrapping_add(1),
                1 => frame[at].wrapping_sub(1),
                2 => frame[at] ^ 1 << self.below(8),
                _ => self.byte(),
            };
        }
        match self.below(16) {
            0 => frame.truncate(self.below(frame.len() + 1)),
            1 => {
                let tail = self.below(20);
                frame.extend(self.bytes(tail));
            }
            _ => {}
        }
    }
}
