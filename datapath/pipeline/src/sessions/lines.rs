//! [`Lines`]: an array of cache lines that takes no memory until it is written.

/// Words of a cache line.
pub(super) const LINE_WORDS: usize = 8;

/// A cache line.
pub(super) type Line = [u64; LINE_WORDS];

/// A fixed number of lines, all 0 at first, each in one cache line of the machine.
///
/// The memory comes zeroed from the operating system, page by page as it is written: a table sized for a million
/// sessions costs nothing while there are few, and never has to be copied to grow.
#[derive(Debug)]
pub(super) struct Lines {
    words: Vec<u64>,
    /// Words before the first line, so that it is aligned.
    skip: usize,
}

impl Lines {
    pub(super) fn new(lines: usize) -> Lines {
        let words = vec![0; (lines + 1) * LINE_WORDS];
        let skip = words.as_ptr().align_offset(LINE_WORDS * size_of::<u64>()).min(LINE_WORDS);
        Lines { words, skip }
    }

    #[inline(always)]
    pub(super) fn all(&self) -> &[Line] {
        self.words.get(self.skip..).unwrap_or(&[]).as_chunks().0
    }

    #[inline(always)]
    pub(super) fn all_mut(&mut self) -> &mut [Line] {
        self.words.get_mut(self.skip..).unwrap_or(&mut []).as_chunks_mut().0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cache_lines() {
        let lines = Lines::new(100);
        assert!(lines.all().len() >= 100);
        assert_eq!(lines.all().as_ptr() as usize % 64, 0);
    }
}
