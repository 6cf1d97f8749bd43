//! Random choices taken from bytes, so that proptest can shrink whole messages.

/// Bytes that are used up by choices; zeros afterwards, so that every structure ends.
pub(super) struct Entropy<'a> {
    bytes: &'a [u8],
    /// Whether lists may be long.
    depth: u8,
}

impl<'a> Entropy<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Entropy<'a> {
        Entropy { bytes, depth: 0 }
    }

    pub(super) fn u8(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        *first
    }

    pub(super) fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.u8(), self.u8()])
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from(self.u16()) << 16 | u32::from(self.u16())
    }

    pub(super) fn u64(&mut self) -> u64 {
        u64::from(self.u32()) << 32 | u64::from(self.u32())
    }

    pub(super) fn u128(&mut self) -> u128 {
        u128::from(self.u64()) << 64 | u128::from(self.u64())
    }

    pub(super) fn flag(&mut self) -> bool {
        self.u8() & 1 != 0
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::from(self.u16()) % end
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    pub(super) fn option<T>(&mut self, some: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flag().then(|| some(self))
    }

    /// Up to five values; fewer the deeper lists lie in one another.
    pub(super) fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let most = 5_usize.saturating_sub(usize::from(self.depth));
        let count = self.below(most + 1);
        self.depth += 2;
        let list = (0..count).map(|_| one(self)).collect();
        self.depth -= 2;
        list
    }

    pub(super) fn data(&mut self) -> Vec<u8> {
        let length = self.below(40);
        (0..length).map(|_| self.u8()).collect()
    }
}
