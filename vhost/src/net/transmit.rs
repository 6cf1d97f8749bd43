//! The transmit queue: guest → switch.

use std::os::fd::BorrowedFd;

use sluice_packet::{BURST, DropReason, HEAD_CAPTURE, Head, Heads};

use super::payload::{GuestBytes, Payload};
use super::{BATCH, MAX_FRAME};
use crate::features::Features;
use crate::index::QueueIndex;
use crate::memory::Segment;
use crate::ring::{
    Gathered, LOOKAHEAD, MAX_CHAIN, RingError, RingFault, RingSetup, SplitRing, copied, prefetch_read,
};

/// A transmit queue of virtio-net, from which the switch takes the guest's frames. One thread at a time polls it.
#[derive(Debug)]
pub struct TransmitQueue {
    index: QueueIndex,
    ring: SplitRing<false>,
    header_len: usize,
    in_order: bool,
    frames: Box<[Taken; BURST]>,
    /// The payloads' pieces of the burst at hand. Never grows: [`SEGMENTS`] is enough for any burst.
    segments: Vec<Segment>,
    /// The pieces of one chain.
    chain: Vec<Segment>,
}

const SEGMENTS: usize = BURST * MAX_CHAIN;

/// One frame of the burst at hand.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    /// Length of the whole frame.
    len: u32,
    /// Length of its payload, and where its pieces are.
    payload: u32,
    first: u16,
    pieces: u16,
}

impl TransmitQueue {
    pub(crate) fn new(index: QueueIndex, setup: RingSetup) -> Result<Self, RingError> {
        let features = setup.features;
        Ok(TransmitQueue {
            index,
            ring: SplitRing::new(setup)?,
            header_len: features.header_len(),
            in_order: features.contains(Features::IN_ORDER),
            frames: Box::new([Taken::default(); BURST]),
            segments: Vec::with_capacity(SEGMENTS),
            chain: Vec::with_capacity(MAX_CHAIN),
        })
    }

    /// Which queue of the device this is.
    pub fn index(&self) -> QueueIndex {
        self.index
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
            if len as usize > header_len {
                prefetch_read(at.wrapping_add(header_len));
                if len as usize > header_len + 64 {
                    prefetch_read(at.wrapping_add(header_len + 64));
                }
            }
        });
        self.segments.clear();
        let mut burst = Burst { queue: self, chains: 0, frames: 0, dropped: Dropped::default() };
        burst.take(heads)?;
        Ok(burst)
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
    chains: u16,
    frames: u16,
    dropped: Dropped,
}

#[derive(Clone, Copy, Debug, Default)]
struct Dropped {
    header: u16,
    chain: u16,
    oversize: u16,
}

impl Burst<'_> {
    /// How many frames there are.
    #[inline(always)]
    pub fn len(&self) -> usize {
        usize::from(self.frames)
    }

    /// Whether there is no frame.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.frames == 0
    }

    /// Length of frame `i` in bytes, all of it; 0 beyond the last.
    #[inline(always)]
    pub fn frame_len(&self, i: usize) -> usize {
        self.taken(i).len as usize
    }

    /// What follows the head of frame `i`; empty beyond the last.
    #[inline(always)]
    pub fn payload(&self, i: usize) -> Payload<'_> {
        let Taken { payload, first, pieces, .. } = self.taken(i);
        if payload == 0 {
            return Payload::Empty;
        }
        let first = usize::from(first);
        match self.queue.segments.get(first..first + usize::from(pieces)) {
            Some(segments) => Payload::Guest(GuestBytes::new(segments, payload)),
            None => Payload::Empty,
        }
    }

    /// How many chains were malformed, by reason; reasons without any are left out.
    pub fn dropped(&self) -> impl Iterator<Item = (DropReason, usize)> + use<> {
        let Dropped { header, chain, oversize } = self.dropped;
        [
            (DropReason::MalformedVirtioHeader, header),
            (DropReason::ChainTooLong, chain),
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

    /// Copies the heads of the chains that were read ahead.
    #[inline(always)]
    fn take(&mut self, heads: &mut Heads) -> Result<(), RingFault> {
        let held = self.queue.ring.held().min(BATCH);
        let mut places = heads.iter_mut();
        let mut place = places.next();
        for n in 0..held {
            let Some(head) = place.as_deref_mut() else { break };
            let ahead = self.queue.ring.ahead(n);
            let kept = match ahead.single() {
                Some(segment) => self.keep(head, segment),
                None => match self.queue.gather(n) {
                    Ok(gathered) => self.keep_gathered(head, gathered),
                    // What came before the broken chain is still good; the fault shows in the next burst.
                    Err(_) => break,
                },
            };
            self.chains = n + 1;
            if kept {
                place = places.next();
            }
        }
        copied();
        if let Err(fault) = self.queue.ring.check_memory() {
            // Nothing read from lost memory is a frame, and the ring is not written any more.
            self.chains = 0;
            return Err(fault);
        }
        match self.queue.ring.fault() {
            Some(fault) if self.chains == 0 => Err(fault),
            _ => Ok(()),
        }
    }

    /// Takes a frame that lies in one buffer; false if it is none.
    #[inline(always)]
    fn keep(&mut self, head: &mut Head, segment: Segment) -> bool {
        let header_len = self.queue.header_len;
        if segment.len() < header_len {
            self.dropped.header += 1;
            return false;
        }
        let frame = segment.skip(header_len);
        let len = frame.len();
        if len > MAX_FRAME {
            self.dropped.oversize += 1;
            return false;
        }
        let first = self.queue.segments.len();
        let captured = frame.read_front(head.capture());
        head.captured(captured);
        let mut pieces = 0;
        if len > HEAD_CAPTURE {
            self.queue.segments.push(frame.skip(HEAD_CAPTURE));
            pieces = 1;
        }
        self.record(len, first, pieces);
        true
    }

    /// Takes the frame whose buffers are in `queue.chain`; false if it is none.
    #[cold]
    fn keep_gathered(&mut self, head: &mut Head, gathered: Gathered) -> bool {
        let header_len = self.queue.header_len;
        let len = match gathered {
            Gathered::TooLong => {
                self.dropped.chain += 1;
                return false;
            }
            Gathered::Whole { len } if len < header_len as u64 => {
                self.dropped.header += 1;
                return false;
            }
            Gathered::Whole { len } => len - header_len as u64,
        };
        let Some(len) = usize::try_from(len).ok().filter(|&len| len <= MAX_FRAME) else {
            self.dropped.oversize += 1;
            return false;
        };
        let first = self.queue.segments.len();
        let mut skip = header_len;
        let mut filled = 0;
        let capture = head.capture();
        for &segment in &self.queue.chain {
            let rest = segment.skip(skip);
            skip -= segment.len() - rest.len();
            let room = capture.get_mut(filled..).unwrap_or(&mut []);
            let taken = crate::memory::gather(&[rest], room);
            filled += taken;
            let rest = rest.skip(taken);
            if rest.len() > 0 {
                self.queue.segments.push(rest);
            }
        }
        head.captured(filled);
        let pieces = self.queue.segments.len() - first;
        self.record(len, first, pieces);
        true
    }

    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "lengths are at most MAX_FRAME, places at most SEGMENTS"
    )]
    fn record(&mut self, len: usize, first: usize, pieces: usize) {
        let payload = len.saturating_sub(HEAD_CAPTURE);
        if let Some(taken) = self.queue.frames.get_mut(usize::from(self.frames)) {
            *taken = Taken {
                len: len as u32,
                payload: payload as u32,
                first: first as u16,
                pieces: pieces as u16,
            };
            self.frames += 1;
        }
    }
}

impl TransmitQueue {
    /// Gathers the chain `n` positions ahead into `self.chain`.
    fn gather(&mut self, n: u16) -> Result<Gathered, RingFault> {
        self.chain.clear();
        let ahead = self.ring.ahead(n);
        self.ring.gather(&ahead, &mut self.chain)
    }
}

impl Drop for Burst<'_> {
    #[inline]
    fn drop(&mut self) {
        let ring = &mut self.queue.ring;
        if self.queue.in_order {
            // One entry, of the last chain, stands for the whole batch (virtio 1.2 §2.7.9).
            if let Some(last) = self.chains.checked_sub(1) {
                ring.write_used(0, ring.ahead(last).id(), 0);
            }
        } else {
            for n in 0..self.chains {
                ring.write_used(n, ring.ahead(n).id(), 0);
            }
        }
        ring.advance(self.chains);
        ring.publish();
    }
}
