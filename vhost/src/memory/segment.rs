//! Pieces of guest memory, and copying out of and into lists of them.

use super::copy::{copy_bytes, copy_short};

/// A piece of mapped guest memory.
///
/// Its bytes were inside the mapping when it was made, and whoever keeps it keeps the mapping (a ring keeps its
/// [`Translator`](super::Translator)). It is handed out only borrowed from that ring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    at: *mut u8,
    len: u32,
}

// SAFETY: it leads into a mapping that belongs to no thread.
unsafe impl Send for Segment {}

impl Segment {
    pub(crate) const EMPTY: Segment = Segment { at: std::ptr::null_mut(), len: 0 };

    /// # Safety
    /// `at` must be followed by `len` mapped bytes, for as long as the segment is used.
    #[inline(always)]
    pub(crate) unsafe fn new(at: *mut u8, len: u32) -> Segment {
        Segment { at, len }
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    /// The segment without its first `n` bytes; empty if there are fewer.
    #[inline(always)]
    pub(crate) fn skip(self, n: usize) -> Segment {
        let n = n.min(self.len());
        #[expect(clippy::cast_possible_truncation, reason = "at most `len`, an u32")]
        let len = self.len - n as u32;
        // SAFETY: at most `len` bytes are skipped.
        Segment { at: unsafe { self.at.add(n) }, len }
    }

    /// Copies the segment's first bytes out; returns how many: as many as both have.
    #[inline(always)]
    pub(crate) fn read_front<const N: usize>(self, to: &mut [u8; N]) -> usize {
        let n = self.len().min(N);
        // SAFETY: `n` bytes are mapped at the segment and writable at `to`, which is no guest memory.
        unsafe { copy_short(self.at, to.as_mut_ptr(), n) };
        n
    }

    /// Writes the virtio-net header and a frame's head, and returns the segment behind them; if it is too short for
    /// both, nothing is written and it counts as empty.
    #[inline(always)]
    pub(crate) fn write_front(self, header: &[u8; 12], head: &[u8]) -> Segment {
        let len = header.len() + head.len();
        if self.len() < len {
            return Segment::EMPTY;
        }
        // SAFETY: twelve bytes are mapped, as checked.
        unsafe { copy_short(header.as_ptr(), self.at, header.len()) };
        // SAFETY: as many bytes are mapped behind the header, as checked; the head is no guest memory.
        unsafe { copy_short(head.as_ptr(), self.at.wrapping_add(header.len()), head.len()) };
        self.skip(len)
    }

    /// Writes bytes of the switch's own to the segment's start; what finds no room is not written.
    #[inline(always)]
    pub(crate) fn write(self, bytes: &[u8]) {
        let n = bytes.len().min(self.len());
        // SAFETY: `n` bytes are readable at `bytes` and mapped at the segment.
        unsafe { copy_bytes(bytes.as_ptr(), self.at, n) };
    }

    /// Writes another guest's bytes to the segment's start; what finds no room is not written.
    #[inline(always)]
    pub(crate) fn write_segments(mut self, segments: &[Segment]) {
        for segment in segments {
            let n = segment.len().min(self.len());
            // SAFETY: `n` bytes are mapped at both.
            unsafe { copy_bytes(segment.at, self.at, n) };
            self = self.skip(n);
        }
    }
}

/// Copies out of the segments, in order, until `to` is full or they end; returns how many bytes.
#[inline]
pub(crate) fn gather(segments: &[Segment], mut to: &mut [u8]) -> usize {
    let mut copied = 0;
    for segment in segments {
        let n = segment.len().min(to.len());
        let (now, later) = to.split_at_mut(n);
        // SAFETY: `n` bytes are mapped at the segment and writable at `now`; ours is no guest memory.
        unsafe { copy_bytes(segment.at, now.as_mut_ptr(), n) };
        copied += n;
        to = later;
        if to.is_empty() {
            break;
        }
    }
    copied
}

/// Writes into a list of segments from its start, piece after piece.
pub(crate) struct Scatter<'a> {
    now: Segment,
    later: &'a [Segment],
}

impl<'a> Scatter<'a> {
    pub(crate) fn new(segments: &'a [Segment]) -> Self {
        Scatter { now: Segment::EMPTY, later: segments }
    }

    /// Copies `bytes` behind what was written before; what finds no room is not written.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        // SAFETY: a slice's bytes can be read.
        unsafe { self.raw(bytes.as_ptr(), bytes.len()) };
    }

    /// Copies another guest's bytes behind what was written before; what finds no room is not written.
    pub(crate) fn segments(&mut self, segments: &[Segment]) {
        for segment in segments {
            // SAFETY: a segment's bytes are mapped.
            unsafe { self.raw(segment.at, segment.len()) };
        }
    }

    /// # Safety
    /// `len` bytes must be readable at `from`.
    unsafe fn raw(&mut self, mut from: *const u8, mut len: usize) {
        while len > 0 {
            if self.now.len() == 0 {
                let Some((next, later)) = self.later.split_first() else { return };
                (self.now, self.later) = (*next, later);
                continue;
            }
            let n = len.min(self.now.len());
            // SAFETY: `n` bytes are readable at `from` and mapped at `now`.
            unsafe { copy_bytes(from, self.now.at, n) };
            self.now = self.now.skip(n);
            // SAFETY: `n` is at most `len`.
            from = unsafe { from.add(n) };
            len -= n;
        }
    }
}
