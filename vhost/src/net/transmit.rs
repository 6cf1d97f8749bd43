//! The transmit queue: guest → switch.

use std::os::fd::BorrowedFd;

use sluice_packet::{BURST, DropReason, HEAD_CAPTURE, Head, Heads};

use super::payload::{GuestBytes, Payload};
use super::{BATCH, MAX_FRAME, MIN_FRAME};
use crate::index::QueueIndex;
use crate::memory::{Segment, gather};
use crate::ring::{
    Gathered, LOOKAHEAD, MAX_CHAIN, RingError, RingFault, RingSetup, SplitRing, copied, prefetch_read,
};

/// A transmit queue of virtio-net, from which the switch takes the guest's frames. One thread at a time polls it.
#[derive(Debug)]
pub struct TransmitQueue {
    index: QueueIndex,
    ring: SplitRing<false>,
    header_len: usize,
    frames: Box<[Taken; BURST]>,
    /// The payloads' pieces of the burst at hand. Never grows: [`SEGMENTS`] is enough for any burst.
    segments: Vec<Segment>,
    /// The pieces of one chain.
    chain: Vec<Segment>,
}

const SEGMENTS: usize = BURST * MAX_CHAIN;

/// [`HEAD_CAPTURE`], as lengths are counted.
#[expect(clippy::cast_possible_truncation, reason = "128")]
const CAPTURE: u32 = HEAD_CAPTURE as u32;

/// One frame of the burst at hand.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    /// Length of the whole frame.
    len: u32,
    /// Where its payload's pieces are.
    first: u16,
    pieces: u16,
}

impl TransmitQueue {
    pub(crate) fn new(index: QueueIndex, setup: RingSetup) -> Result<Self, RingError> {
        let header_len = setup.features.header_len();
        Ok(TransmitQueue {
            index,
            ring: SplitRing::new(setup)?,
            header_len,
            frames: Box::new([Taken::default(); BURST]),
            segments: Vec::with_capacity(SEGMENTS),
            chain: Vec::with_capacity(MAX_CHAIN),
        })
    }

    /// Which queue of the device this is.
    pub fn index(&self) -> QueueIndex {
        self.index
    }

    /// The NUMA node that the guest's ring is on; `None` if the system does not say.
    pub fn numa_node(&self) -> Option<u32> {
        self.ring.numa_node()
    }

    pub(crate) fn base(&self) -> u16 {
        self.ring.base()
    }

    /// Takes up to [`BURST`] frames and copies up to [`HEAD_CAPTURE`] bytes of each, behind the virtio-net header, into
    /// `heads`; frame `i` of the burst has `heads[i]`. The guest's buffers go back to it when the burst is dropped.
    ///
    /// Malformed chains take no place in `heads`: they are counted ([`Burst::dropped`]) and given back likewise.
    ///
    /// # Errors
    /// The guest broke its ring. Every later call fails too, until the ring is started anew.
    #[inline]
    pub fn fetch<'q>(&'q mut self, heads: &mut Heads) -> Result<Burst<'q>, RingFault> {
        self.ring.settle();
        let header_len = self.header_len;
        // The virtio-net header is not read, as no offload is negotiated: its line need not travel.
        self.ring.read_ahead(LOOKAHEAD, |at, len| {
            prefetch_read(at.wrapping_add(header_len));
            if len as usize > header_len + 64 {
                prefetch_read(at.wrapping_add(header_len + 64));
            }
        });
        let catch = self.take(heads)?;
        Ok(Burst { queue: self, catch })
    }

    /// Tells the guest that it need not kick, since the queue is polled. A new queue starts like that.
    pub fn disable_notifications(&mut self) {
        self.ring.disable_notifications();
    }

    /// Asks the guest to kick from now on. `true` if frames have come meanwhile, for which no kick will come.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch).
    pub fn enable_notifications(&mut self) -> Result<bool, RingFault> {
        self.ring.enable_notifications()
    }

    /// The eventfd that the guest writes to kick; `None` if it expects to be polled.
    pub fn kick_fd(&self) -> Option<BorrowedFd<'_>> {
        self.ring.kick_fd()
    }

    /// Resets the kick's eventfd after it was seen readable.
    pub fn drain_kick(&self) {
        self.ring.drain_kick();
    }
}

/// Frames taken from a guest at once. Their buffers are given back, in order and with one publication of the used
/// index, when this is dropped.
#[derive(Debug)]
pub struct Burst<'q> {
    queue: &'q mut TransmitQueue,
    catch: Catch,
}

/// What a burst holds.
#[derive(Clone, Copy, Debug, Default)]
struct Catch {
    /// Chains taken, of which `frames` hold frames and the others are dropped.
    chains: u16,
    frames: u16,
    /// Bytes of the frames.
    bytes: u32,
    short: u16,
    runt: u16,
    too_long: u16,
    oversize: u16,
}

impl Burst<'_> {
    /// How many frames there are.
    #[inline(always)]
    pub fn len(&self) -> usize {
        usize::from(self.catch.frames)
    }

    /// Whether there is no frame.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.catch.frames == 0
    }

    /// Length of all frames together, in bytes.
    #[inline(always)]
    pub fn bytes(&self) -> usize {
        self.catch.bytes as usize
    }

    /// Length of frame `i` in bytes, all of it; 0 beyond the last.
    #[inline(always)]
    pub fn frame_len(&self, i: usize) -> usize {
        self.taken(i).len as usize
    }

    /// What follows the head of frame `i`; empty beyond the last.
    #[inline(always)]
    pub fn payload(&self, i: usize) -> Payload<'_> {
        let Taken { len, first, pieces } = self.taken(i);
        if pieces == 0 {
            return Payload::Empty;
        }
        let first = usize::from(first);
        match (self.queue.segments.get(first..first + usize::from(pieces)), len.checked_sub(CAPTURE)) {
            (Some(segments), Some(payload)) => Payload::Guest(GuestBytes::new(segments, payload)),
            _ => Payload::Empty,
        }
    }

    /// How many chains were malformed, by reason; reasons without any are left out.
    pub fn dropped(&self) -> impl Iterator<Item = (DropReason, usize)> + use<> {
        let Catch { short, runt, too_long, oversize, .. } = self.catch;
        [
            (DropReason::MalformedVirtioHeader, short),
            (DropReason::Runt, runt),
            (DropReason::ChainTooLong, too_long),
            (DropReason::Oversize, oversize),
        ]
        .into_iter()
        .filter_map(|(reason, count)| (count > 0).then_some((reason, usize::from(count))))
    }

    /// Gives the buffers back to the guest: the same as dropping the burst.
    #[inline(always)]
    pub fn complete(self) {}

    #[inline(always)]
    fn taken(&self, i: usize) -> Taken {
        if i < self.len() { self.queue.frames.get(i).copied().unwrap_or_default() } else { Taken::default() }
    }
}

impl TransmitQueue {
    /// Copies the heads of the chains that were read ahead.
    #[inline(always)]
    fn take(&mut self, heads: &mut Heads) -> Result<Catch, RingFault> {
        self.segments.clear();
        let held = self.ring.held().min(BATCH);
        let mut catch = Catch::default();
        loop {
            self.take_common(heads, held, &mut catch);
            if catch.chains == held {
                break;
            }
            // What came before a broken chain is still good; the fault shows in the next burst.
            if self.take_uncommon(heads, &mut catch).is_err() {
                break;
            }
        }
        copied();
        // Nothing read from lost memory is a frame, and the ring is not written any more.
        self.ring.check_memory()?;
        match self.ring.fault() {
            Some(fault) if catch.chains == 0 => Err(fault),
            _ => Ok(catch),
        }
    }

    /// Takes chains as long as each is one buffer with a frame of at most [`MAX_FRAME`] bytes.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "at most MAX_FRAME and SEGMENTS")]
    fn take_common(&mut self, heads: &mut Heads, held: u16, catch: &mut Catch) {
        let TransmitQueue { ring, header_len, frames, segments, .. } = self;
        let header_len = *header_len;
        let dropped = catch.chains - catch.frames;
        while catch.chains < held {
            let place = usize::from(catch.frames);
            let (Some(head), Some(frame)) = (heads.get_mut(place), frames.get_mut(place)) else { break };
            let buffer = ring.ahead(catch.frames + dropped).buffer();
            // Too short and too long in one comparison, as a negative length wraps to a large one.
            let len = buffer.len().wrapping_sub(header_len);
            if len.wrapping_sub(MIN_FRAME) > MAX_FRAME - MIN_FRAME {
                break;
            }
            let bytes = buffer.skip(header_len);
            let captured = bytes.read_front(head.capture());
            head.captured(captured);
            *frame = Taken { len: len as u32, first: 0, pieces: 0 };
            if len > HEAD_CAPTURE {
                *frame = Taken { len: len as u32, first: segments.len() as u16, pieces: 1 };
                segments.push(bytes.skip(HEAD_CAPTURE));
            }
            catch.bytes += len as u32;
            catch.frames += 1;
            catch.chains += 1;
        }
    }

    /// Takes the next chain, which lies in several pieces or is no frame: then it is counted.
    #[cold]
    #[inline(never)]
    fn take_uncommon(&mut self, heads: &mut Heads, catch: &mut Catch) -> Result<(), RingFault> {
        let place = usize::from(catch.frames);
        let Some(head) = heads.get_mut(place) else { return Ok(()) };
        if let Some(taken) = self.uncommon(head, catch.chains, catch)? {
            if let Some(frame) = self.frames.get_mut(place) {
                *frame = taken;
            }
            catch.bytes += taken.len;
            catch.frames += 1;
        }
        catch.chains += 1;
        Ok(())
    }

    /// Takes the frame of the chain `n` positions ahead, which lies in several pieces or is none: then it is counted.
    fn uncommon(&mut self, head: &mut Head, n: u16, catch: &mut Catch) -> Result<Option<Taken>, RingFault> {
        let ahead = self.ring.ahead(n);
        self.chain.clear();
        let buffer = ahead.buffer();
        let gathered = if buffer.len() > 0 {
            self.chain.push(buffer);
            Gathered::Whole { len: buffer.len() as u64 }
        } else {
            self.ring.gather(&ahead, &mut self.chain)?
        };
        let Gathered::Whole { len } = gathered else {
            catch.too_long += 1;
            return Ok(None);
        };
        let Some(len) = len.checked_sub(self.header_len as u64) else {
            catch.short += 1;
            return Ok(None);
        };
        match u32::try_from(len) {
            Ok(short) if (short as usize) < MIN_FRAME => {
                catch.runt += 1;
                Ok(None)
            }
            Ok(short) if short as usize <= MAX_FRAME => Ok(Some(self.capture_pieces(head, short))),
            _ => {
                catch.oversize += 1;
                Ok(None)
            }
        }
    }

    /// Takes the frame of `len` bytes that lies behind a header in the pieces of `self.chain`.
    #[expect(clippy::cast_possible_truncation, reason = "at most SEGMENTS")]
    fn capture_pieces(&mut self, head: &mut Head, len: u32) -> Taken {
        let first = self.segments.len();
        let mut skip = self.header_len;
        let mut filled = 0;
        let capture = head.capture();
        for &piece in &self.chain {
            let rest = piece.skip(skip);
            skip -= piece.len() - rest.len();
            let captured = gather(&[rest], capture.get_mut(filled..).unwrap_or(&mut []));
            filled += captured;
            let rest = rest.skip(captured);
            if rest.len() > 0 {
                self.segments.push(rest);
            }
        }
        head.captured(filled);
        Taken { len, first: first as u16, pieces: (self.segments.len() - first) as u16 }
    }
}

impl Drop for Burst<'_> {
    #[inline]
    fn drop(&mut self) {
        let ring = &mut self.queue.ring;
        ring.give_back(self.catch.chains);
        ring.publish();
    }
}
