//! [`Head`]: the worker's own copy of a frame's first bytes.

/// Frames a worker takes from a queue at once.
pub const BURST: usize = 32;
/// Bytes of a frame that are copied into its head; the rest stays where it lies.
pub const HEAD_CAPTURE: usize = CAPTURE as usize;
/// Bytes in front of the captured ones, for tags and headers pushed by rules.
pub const HEAD_ROOM: usize = ROOM as usize;

const CAPTURE: u8 = 128;
const ROOM: u8 = 64;

const SIZE: usize = HEAD_ROOM + HEAD_CAPTURE;

/// The heads of one burst.
pub type Heads = [Head; BURST];

/// The start of a frame, copied out of guest or mbuf memory once, so that nobody can change what was judged.
///
/// Valid bytes are `start..end` of the buffer; both stay within it (an invariant of this type).
#[derive(Clone, Debug)]
#[repr(align(16))]
pub struct Head {
    bytes: [u8; SIZE],
    start: u8,
    end: u8,
}

impl Default for Head {
    fn default() -> Self {
        Head::EMPTY
    }
}

impl Head {
    /// A head of no bytes.
    pub const EMPTY: Head = Head { bytes: [0; SIZE], start: ROOM, end: ROOM };

    /// A fresh burst of empty heads.
    pub fn burst() -> Box<Heads> {
        Box::new(std::array::from_fn(|_| Head::default()))
    }

    /// Empties the head and hands out the whole capture buffer; call [`Head::captured`] with what was written.
    #[inline(always)]
    pub fn capture(&mut self) -> &mut [u8; HEAD_CAPTURE] {
        self.start = ROOM;
        self.end = ROOM;
        match self.bytes.last_chunk_mut() {
            Some(capture) => capture,
            None => unreachable!("the buffer is longer than the capture"),
        }
    }

    /// Says how many bytes of the capture buffer are the frame's. More than [`HEAD_CAPTURE`] counts as that many.
    #[inline(always)]
    pub fn captured(&mut self, len: usize) {
        self.end = ROOM + u8::try_from(len).map_or(CAPTURE, |len| len.min(CAPTURE));
    }

    /// Copies `bytes` in, up to [`HEAD_CAPTURE`] of them; returns how many.
    #[inline(always)]
    pub fn fill(&mut self, bytes: &[u8]) -> usize {
        let len = bytes.len().min(HEAD_CAPTURE);
        if let (Some(to), Some(from)) = (self.capture().get_mut(..len), bytes.get(..len)) {
            to.copy_from_slice(from);
        }
        self.captured(len);
        len
    }

    /// The frame's bytes in the head.
    #[inline(always)]
    pub fn bytes(&self) -> &[u8] {
        let (start, end) = self.range();
        self.bytes.get(start..end).unwrap_or(&[])
    }

    /// The frame's bytes in the head, to be rewritten.
    #[inline(always)]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let (start, end) = self.range();
        self.bytes.get_mut(start..end).unwrap_or(&mut [])
    }

    /// How many bytes of the frame are in the head.
    #[inline(always)]
    pub fn len(&self) -> usize {
        usize::from(self.end - self.start)
    }

    /// Whether there is no byte.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// The valid range, in a form that shows the compiler that it lies within the buffer.
    #[inline(always)]
    fn range(&self) -> (usize, usize) {
        let end = usize::from(self.end).min(SIZE);
        (usize::from(self.start).min(end), end)
    }

    /// Grows the head by `n` bytes in front; `None`, and nothing done, if there is no room.
    #[inline]
    pub fn push_front(&mut self, n: usize) -> Option<&mut [u8]> {
        self.start = u8::try_from(usize::from(self.start).checked_sub(n)?).ok()?;
        Some(self.bytes_mut())
    }

    /// Drops `n` bytes in front; `None`, and nothing done, if there are fewer.
    #[inline]
    pub fn pull_front(&mut self, n: usize) -> Option<()> {
        let start = usize::from(self.start) + n;
        if start > usize::from(self.end) {
            return None;
        }
        self.start = u8::try_from(start).ok()?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_holds_at_most_what_it_captures() {
        let mut head = Head::default();
        assert_eq!(head.fill(&[7; 200]), HEAD_CAPTURE);
        assert_eq!(head.bytes(), &[7; HEAD_CAPTURE]);
    }

    #[test]
    fn pushing_and_pulling_stay_within_the_buffer() {
        let mut head = Head::default();
        head.fill(&[1, 2, 3]);
        assert!(head.push_front(HEAD_ROOM + 1).is_none());
        assert_eq!(head.push_front(HEAD_ROOM).map(|bytes| bytes.len()), Some(HEAD_ROOM + 3));
        assert!(head.pull_front(HEAD_ROOM + 4).is_none());
        assert!(head.pull_front(HEAD_ROOM).is_some());
        assert_eq!(head.bytes(), &[1, 2, 3]);
    }
}
