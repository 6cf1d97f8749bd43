//! [`Lines`]: an array of cache lines that takes no memory until it is written.

/// Bytes of a cache line.
const LINE: usize = 64;

/// A cache line of a session: eight words.
pub(super) type Line = [u64; 8];

/// A fixed number of lines of `N` integers that fill 64 bytes, all 0 at first, each in one cache line of the machine.
///
/// The memory comes zeroed from the operating system, page by page as it is written: a table sized for a million
/// sessions costs nothing while there are few, and never has to be copied to grow.
#[derive(Debug)]
pub(super) struct Lines<W, const N: usize> {
    words: Vec<W>,
    /// Words before the first line, so that it is aligned.
    skip: usize,
}

impl<W: Copy + Default, const N: usize> Lines<W, N> {
    pub(super) fn new(lines: usize) -> Self {
        // For integers `vec!` takes zeroed memory as it comes; for a type of ours it would write all of it.
        let words = vec![W::default(); (lines + 1) * N];
        let skip = words.as_ptr().align_offset(LINE).min(N);
        Lines { words, skip }
    }

    #[inline(always)]
    pub(super) fn all(&self) -> &[[W; N]] {
        self.words.get(self.skip..).unwrap_or(&[]).as_chunks().0
    }

    #[inline(always)]
    pub(super) fn all_mut(&mut self) -> &mut [[W; N]] {
        self.words.get_mut(self.skip..).unwrap_or(&mut []).as_chunks_mut().0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cache_lines() {
        let lines = Lines::<u32, 16>::new(100);
        assert!(lines.all().len() >= 100);
        assert_eq!(lines.all().as_ptr() as usize % 64, 0);
    }
}
