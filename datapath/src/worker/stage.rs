//! A burst on its way through the worker.

use sluice_packet::{BURST, Head, Heads, Layout};
use sluice_vhost::{Frame, Payload};

/// Where a burst's payloads lie: in guest memory or in mbufs.
pub(crate) trait Source {
    /// What follows frame `i`'s captured head.
    fn payload(&self, i: usize) -> Payload<'_>;
    /// Bytes of all frames as they came in.
    fn bytes(&self) -> usize;
    /// Bytes of frame `i` as it came in.
    fn frame_len(&self, i: usize) -> usize;
}

/// The scratch of a worker that holds one burst at a time.
#[derive(Debug)]
pub(crate) struct Buffers {
    pub(crate) heads: Box<Heads>,
    layouts: [Layout; BURST],
}

impl Default for Buffers {
    fn default() -> Self {
        Buffers { heads: Head::burst(), layouts: [Layout::ETHERNET; BURST] }
    }
}

impl Buffers {
    /// The burst whose payloads `source` has.
    #[inline(always)]
    pub(crate) fn stage<'a, S>(&'a mut self, source: &'a S) -> Stage<'a, S> {
        Stage { heads: &mut self.heads, layouts: &mut self.layouts, source }
    }
}

/// A burst: the judged copies of the frames' starts, where their headers lie, and their payloads.
pub(crate) struct Stage<'a, S> {
    pub(crate) heads: &'a mut Heads,
    pub(crate) layouts: &'a mut [Layout; BURST],
    pub(crate) source: &'a S,
}

impl<S: Source> Stage<'_, S> {
    /// Frame `i` as it stands now, rewrites included.
    #[inline(always)]
    pub(crate) fn frame(&self, i: usize) -> Frame<'_> {
        Frame { head: self.head(i), payload: self.source.payload(i) }
    }

    /// Bytes of frame `i` as it stands now.
    #[inline(always)]
    pub(crate) fn len(&self, i: usize) -> usize {
        self.head(i).len() + self.source.payload(i).len()
    }

    #[inline(always)]
    pub(crate) fn set_layout(&mut self, i: usize, layout: Layout) {
        if let Some(slot) = self.layouts.get_mut(i) {
            *slot = layout;
        }
    }

    /// Frame `i`'s head and layout, to be rewritten together.
    #[inline(always)]
    pub(crate) fn head_and_layout(&mut self, i: usize) -> Option<(&mut Head, &mut Layout)> {
        Some((self.heads.get_mut(i)?, self.layouts.get_mut(i)?))
    }

    #[inline(always)]
    pub(crate) fn head(&self, i: usize) -> &Head {
        const EMPTY: &Head = &Head::EMPTY;
        self.heads.get(i).unwrap_or(EMPTY)
    }
}

/// A set of a burst's frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FrameSet(u32);

const _: () = assert!(BURST == u32::BITS as usize);

impl FrameSet {
    pub(crate) const EMPTY: FrameSet = FrameSet(0);

    /// One frame.
    #[inline(always)]
    pub(crate) fn one(i: usize) -> FrameSet {
        let mut set = FrameSet::EMPTY;
        set.insert(i);
        set
    }

    /// The first `n` frames.
    #[inline(always)]
    pub(crate) fn first(n: usize) -> FrameSet {
        FrameSet(if n >= BURST { u32::MAX } else { (1 << n) - 1 })
    }

    #[inline(always)]
    pub(crate) fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    #[inline(always)]
    pub(crate) fn insert(&mut self, i: usize) {
        self.0 |= 1u32 << (i & 31);
    }

    #[inline(always)]
    pub(crate) fn remove(&mut self, i: usize) {
        self.0 &= !(1u32 << (i & 31));
    }

    #[inline(always)]
    pub(crate) fn extend(&mut self, other: FrameSet) {
        self.0 |= other.0;
    }
}

impl IntoIterator for FrameSet {
    type Item = usize;
    type IntoIter = Frames;

    #[inline(always)]
    fn into_iter(self) -> Frames {
        Frames(self.0)
    }
}

/// The members of a [`FrameSet`], lowest first.
#[derive(Clone)]
pub(crate) struct Frames(u32);

impl Iterator for Frames {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let i = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(i)
    }

    #[inline(always)]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.0.count_ones() as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Frames {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in() {
        let mut set = FrameSet::first(3);
        set.insert(31);
        set.remove(1);
        assert_eq!(set.into_iter().collect::<Vec<_>>(), [0, 2, 31]);
        assert_eq!(set.len(), 3);
        set.extend(FrameSet::one(1));
        assert_eq!(set.into_iter().collect::<Vec<_>>(), [0, 1, 2, 31]);
        assert_eq!(FrameSet::first(32).len(), 32);
        assert_eq!(FrameSet::EMPTY.len(), 0);
    }
}
