//! The part of a frame that is not in its head.

use sluice_packet::Head;

use crate::memory::{Segment, gather};

/// A frame on its way to a port: its judged and rewritten head, and the rest where it lies.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    /// The frame's first bytes.
    pub head: &'a Head,
    /// All bytes behind them.
    pub payload: Payload<'a>,
}

impl Frame<'_> {
    /// Length of the whole frame in bytes.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.head.len() + self.payload.len()
    }

    /// Whether the frame has no byte.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The bytes behind a frame's head, where they lie: copied once, into their destination.
///
/// A guest may change its bytes until they are copied, so nothing is decided on them.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    /// Nothing: the head is the whole frame.
    Empty,
    /// The switch's own memory, such as the rest of an mbuf.
    Bytes(&'a [u8]),
    /// A guest's memory.
    Guest(GuestBytes<'a>),
}

impl<'a> Payload<'a> {
    /// No payload.
    #[inline(always)]
    pub const fn empty() -> Self {
        Payload::Empty
    }

    /// Bytes of the switch's own memory.
    #[inline(always)]
    pub const fn bytes(bytes: &'a [u8]) -> Self {
        Payload::Bytes(bytes)
    }

    /// Length in bytes.
    #[inline(always)]
    pub fn len(&self) -> usize {
        match self {
            Payload::Empty => 0,
            Payload::Bytes(bytes) => bytes.len(),
            Payload::Guest(bytes) => bytes.len(),
        }
    }

    /// Whether there is nothing behind the head.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies the payload to the start of `to`, or as much of it as fits; returns how many bytes.
    #[inline]
    pub fn copy_to(&self, to: &mut [u8]) -> usize {
        match self {
            Payload::Empty => 0,
            Payload::Guest(bytes) => gather(bytes.segments, to),
            Payload::Bytes(bytes) => {
                let n = bytes.len().min(to.len());
                if let (Some(to), Some(from)) = (to.get_mut(..n), bytes.get(..n)) {
                    to.copy_from_slice(from);
                }
                n
            }
        }
    }
}

/// Bytes in a guest's memory, borrowed from the [`Burst`](super::Burst) that holds them.
#[derive(Clone, Copy, Debug)]
pub struct GuestBytes<'a> {
    segments: &'a [Segment],
    len: u32,
}

impl<'a> GuestBytes<'a> {
    /// `len` is the sum of the segments' lengths.
    #[inline(always)]
    pub(super) fn new(segments: &'a [Segment], len: u32) -> Self {
        GuestBytes { segments, len }
    }

    #[inline(always)]
    pub(super) fn segments(&self) -> &'a [Segment] {
        self.segments
    }

    /// Length in bytes.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there is no byte.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}
