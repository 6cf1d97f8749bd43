//! The receive queue: switch → guest.

use super::BATCH;
use super::payload::{Frame, Payload};
use crate::features::Features;
use crate::index::QueueIndex;
use crate::memory::{Scatter, Segment};
use crate::ring::{
    Gathered, LOOKAHEAD, MAX_CHAIN, RingError, RingFault, RingSetup, SplitRing, prefetch_write,
};

/// A receive queue of virtio-net, into which the switch delivers frames. One thread at a time uses it.
#[derive(Debug)]
pub struct ReceiveQueue {
    index: QueueIndex,
    ring: SplitRing<true>,
    header_len: usize,
    mergeable: bool,
    /// The buffers of one frame. Never grows: [`MERGED`] chains of [`MAX_CHAIN`] at most.
    segments: Vec<Segment>,
    /// The length of each chain of one frame.
    chains: Vec<u32>,
}

/// Chains that one frame may be merged from.
const MERGED: u16 = LOOKAHEAD;

/// Length of the header of all but legacy drivers.
const HEADER_LEN: usize = 12;

/// The header of a frame without offloads in `n` buffers (virtio 1.2 §5.1.6.1): `num_buffers` is its last field.
#[inline(always)]
fn header(n: u16) -> [u8; HEADER_LEN] {
    let [low, high] = n.to_le_bytes();
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, low, high]
}

/// What became of a burst: the first `frames + refused` frames are done with, the others found no buffers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Delivered {
    /// Frames that the guest has.
    pub frames: usize,
    /// Their bytes, virtio-net headers not counted.
    pub bytes: usize,
    /// Frames dropped because they are longer than the guest's buffers can ever hold.
    pub refused: usize,
}

/// How one frame fared.
enum Outcome {
    Delivered,
    Refused,
    NoBuffers,
}

impl ReceiveQueue {
    pub(crate) fn new(index: QueueIndex, setup: RingSetup) -> Result<Self, RingError> {
        let features = setup.features;
        Ok(ReceiveQueue {
            index,
            ring: SplitRing::new(setup)?,
            header_len: features.header_len(),
            mergeable: features.contains(Features::MRG_RXBUF),
            segments: Vec::with_capacity(usize::from(MERGED) * MAX_CHAIN),
            chains: Vec::with_capacity(usize::from(MERGED)),
        })
    }

    /// Which queue of the device this is.
    pub fn index(&self) -> QueueIndex {
        self.index
    }

    pub(crate) fn base(&self) -> u16 {
        self.ring.base()
    }

    /// To be called once in every round of the worker's loop, before the burst that may be delivered is judged: reads
    /// the next buffers' descriptors and asks for their lines, and sees to calls that were put off.
    #[inline]
    pub fn prepare(&mut self) {
        self.ring.settle();
        self.ring.read_ahead(BATCH, touch);
    }

    /// Delivers frames in order until the guest's buffers run out; publishes them at once and calls the guest if it
    /// asked for that.
    ///
    /// # Errors
    /// The guest broke its ring, and has got nothing of this burst. Every later call with a frame fails too, until
    /// the ring is started anew.
    #[inline]
    pub fn deliver<'a>(
        &mut self,
        frames: impl ExactSizeIterator<Item = Frame<'a>>,
    ) -> Result<Delivered, RingFault> {
        self.ring.settle();
        let mut frames = frames;
        let mut delivered = Delivered::default();
        let mut starved = false;
        loop {
            if self.ring.held() == 0 {
                self.ring.read_ahead(BATCH, touch);
            }
            let left = self.fill(&mut frames, &mut delivered);
            let Some(frame) = left.or_else(|| frames.next()) else { break };
            // It does not fit a buffer of its own, or there is none.
            match self.merged(frame) {
                Outcome::Delivered => {
                    delivered.frames += 1;
                    delivered.bytes += frame.len();
                }
                Outcome::Refused => delivered.refused += 1,
                Outcome::NoBuffers => {
                    starved = true;
                    break;
                }
            }
        }
        self.ring.check_memory()?;
        self.ring.publish();
        // The next burst's lines travel while that burst is judged.
        self.ring.read_ahead(BATCH, touch);
        match self.ring.fault() {
            Some(fault) if starved && delivered == Delivered::default() => Err(fault),
            _ => Ok(delivered),
        }
    }

    /// Writes frames into one buffer each, as long as buffers are held and the frames fit; returns one that did not.
    #[inline(always)]
    fn fill<'a>(
        &mut self,
        frames: &mut impl Iterator<Item = Frame<'a>>,
        delivered: &mut Delivered,
    ) -> Option<Frame<'a>> {
        if self.header_len != HEADER_LEN {
            return None;
        }
        let mut left = None;
        let (count, bytes) = self.ring.fill(|buffer| {
            let frame = frames.next()?;
            let head = frame.head.bytes();
            let written = HEADER_LEN + head.len() + frame.payload.len();
            if buffer.len() < written {
                left = Some(frame);
                return None;
            }
            write_whole(buffer, head, frame.payload);
            #[expect(clippy::cast_possible_truncation, reason = "at most the buffer's length, an u32")]
            Some(written as u32)
        });
        let count = usize::from(count);
        delivered.frames += count;
        delivered.bytes += bytes - HEADER_LEN * count;
        left
    }

    /// Writes a frame into as many chains as it takes.
    #[cold]
    #[inline(never)]
    fn merged(&mut self, frame: Frame<'_>) -> Outcome {
        let len = frame.len() + self.header_len;
        match self.collect(len) {
            Outcome::Delivered => {}
            outcome => return outcome,
        }
        #[expect(clippy::cast_possible_truncation, reason = "at most MERGED")]
        let chains = self.chains.len() as u16;
        let header = header(chains);
        let mut scatter = Scatter::new(&self.segments);
        scatter.bytes(header.get(..self.header_len).unwrap_or(&header));
        scatter.bytes(frame.head.bytes());
        match frame.payload {
            Payload::Empty => {}
            Payload::Bytes(bytes) => scatter.bytes(bytes),
            Payload::Guest(bytes) => scatter.segments(bytes.segments()),
        }
        let mut left = len;
        for (n, &room) in (0..).zip(&self.chains) {
            let written = left.min(room as usize);
            left -= written;
            #[expect(clippy::cast_possible_truncation, reason = "at most `room`, an u32")]
            self.ring.write_used(n, self.ring.ahead(n).id(), written as u32);
        }
        self.ring.advance(chains);
        Outcome::Delivered
    }

    /// Collects chains that hold `len` bytes together; nothing is taken off the ring yet.
    fn collect(&mut self, len: usize) -> Outcome {
        self.segments.clear();
        self.chains.clear();
        let mut room = 0;
        for n in 0..MERGED.min(self.ring.size()) {
            if self.ring.held() <= n {
                self.ring.read_ahead(n + 1, touch);
                if self.ring.held() <= n {
                    return Outcome::NoBuffers;
                }
            }
            let ahead = self.ring.ahead(n);
            let buffer = ahead.buffer();
            let chain = if buffer.len() > 0 {
                self.segments.push(buffer);
                buffer.len() as u64
            } else {
                match self.ring.gather(&ahead, &mut self.segments) {
                    Ok(Gathered::Whole { len }) => len,
                    Ok(Gathered::TooLong) => {
                        self.ring.fail(RingFault::ChainTooLong);
                        return Outcome::NoBuffers;
                    }
                    Err(_) => return Outcome::NoBuffers,
                }
            };
            self.chains.push(u32::try_from(chain).unwrap_or(u32::MAX));
            room += chain;
            if room >= len as u64 {
                return Outcome::Delivered;
            }
            if !self.mergeable {
                return Outcome::Refused;
            }
        }
        Outcome::Refused
    }
}

/// Writes a frame behind a header into a buffer that has room for both.
#[inline(always)]
fn write_whole(buffer: Segment, head: &[u8], payload: Payload<'_>) {
    let rest = buffer.write_front(&header(1), head);
    if !payload.is_empty() {
        write_payload(rest, payload);
    }
}

/// Not inlined, so that the loop over short frames keeps its registers.
#[inline(never)]
fn write_payload(to: Segment, payload: Payload<'_>) {
    match payload {
        Payload::Empty => {}
        Payload::Bytes(bytes) => to.write(bytes),
        Payload::Guest(bytes) => to.write_segments(bytes.segments()),
    }
}

/// Asks for the lines of a buffer that nearly every frame fills: the header's and the head's.
#[inline(always)]
fn touch(at: *mut u8, len: u32) {
    prefetch_write(at);
    if len > 64 {
        prefetch_write(at.wrapping_add(64));
    }
}
