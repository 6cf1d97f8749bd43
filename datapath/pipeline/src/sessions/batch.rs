//! [`Batch`]: the keys of a burst, hashed, and the verdicts found for them.

use sluice_packet::{BURST, DropReason, FlowKey, Layout, Quick, extract, quick};

use super::entry;
use crate::plan::{HEAD_WORDS, HashedHead, KeyPlan, TAIL_WORDS};
use crate::{BridgeId, Stamp, VerdictId};

/// The keys of up to [`BURST`] frames, on any bridges, and what was found for them. Made by
/// [`Sessions::batch`](crate::Sessions::batch) and used again for every burst.
#[derive(Debug)]
pub struct Batch {
    pub(super) seed: crate::hash::Seed,
    pub(super) len: usize,
    pub(super) probes: Box<[Probe; BURST]>,
    pub(super) tails: Box<[[u64; TAIL_WORDS]; BURST]>,
    pub(super) found: [Found; BURST],
}

/// What is searched for. One cache line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
pub(super) struct Probe {
    pub(super) head: [u64; HEAD_WORDS],
    pub(super) state: u64,
    /// As in the entry's word 7.
    pub(super) name: u64,
    pub(super) hash: u64,
}

/// A verdict's number, or [`NOTHING`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found(u32);

const NOTHING: u32 = u32::MAX;

impl Batch {
    pub(super) fn new(seed: crate::hash::Seed) -> Batch {
        Batch {
            seed,
            len: 0,
            probes: Box::new([Probe::default(); BURST]),
            tails: Box::new([[0; TAIL_WORDS]; BURST]),
            found: [Found::NOTHING; BURST],
        }
    }

    /// Forgets all keys.
    #[inline]
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Adds the key of a frame on a bridge with this plan, in the state `stamp`. Returns its index, or `None` if there
    /// are [`BURST`] already.
    #[inline(always)]
    pub fn push(&mut self, plan: &KeyPlan, stamp: Stamp, key: &FlowKey) -> Option<usize> {
        let tail = self.tails.get_mut(self.len)?;
        let [head @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _] = key.words();
        let mut head = plan.gather_head(head, &self.seed, stamp.bridge.0.into());
        let wide = plan.has_tail() && plan.gather_tail(key, tail);
        if wide {
            head.hash = self.seed.tail(head.hash, tail);
        }
        self.add(head, stamp, wide)
    }

    /// [`extract`](sluice_packet::extract)s a frame's key, as deep as the plan asks, and adds it. `ingress` is a key with
    /// the fields of the port of entry; the frame's own key is not kept: nearly always nobody needs it.
    ///
    /// # Errors
    /// The reason for which the frame is dropped; no key is added then. [`DropReason::Oversize`] if there are [`BURST`]
    /// already.
    #[inline(always)]
    pub fn push_frame(
        &mut self,
        plan: &KeyPlan,
        stamp: Stamp,
        ingress: &FlowKey,
        bytes: &[u8],
        frame_len: usize,
    ) -> Result<Layout, DropReason> {
        if !plan.has_tail()
            && let Some(Quick { words: [b, c, d, e, _], layout }) = quick(plan.depth(), bytes, frame_len)
        {
            let head = plan.gather_head(&[ingress.word(0), b, c, d, e], &self.seed, stamp.bridge.0.into());
            return self.add(head, stamp, false).map(|_| layout).ok_or(DropReason::Oversize);
        }
        self.push_any(plan, stamp, ingress, bytes, frame_len)
    }

    #[inline(never)]
    fn push_any(
        &mut self,
        plan: &KeyPlan,
        stamp: Stamp,
        ingress: &FlowKey,
        bytes: &[u8],
        frame_len: usize,
    ) -> Result<Layout, DropReason> {
        let mut key = *ingress;
        let layout = extract(plan.depth(), bytes, frame_len, &mut key)?;
        self.push(plan, stamp, &key).map(|_| layout).ok_or(DropReason::Oversize)
    }

    #[inline(always)]
    fn add(&mut self, HashedHead { words, hash }: HashedHead, stamp: Stamp, wide: bool) -> Option<usize> {
        let index = self.len;
        let name = entry::name(low(hash), stamp.bridge, wide);
        *self.probes.get_mut(index)? = Probe { head: words, state: stamp.state, name, hash };
        self.len += 1;
        Some(index)
    }

    /// How many keys there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no key.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The verdict found or made for key `index`; `None` if the rules have to be run.
    #[inline]
    pub fn verdict(&self, index: usize) -> Option<VerdictId> {
        self.found.get(index).copied().and_then(Found::verdict)
    }
}

impl Probe {
    /// Never 0.
    #[inline(always)]
    pub(super) fn signature(&self) -> u16 {
        (self.hash >> 48) as u16 | 1
    }

    #[inline]
    pub(super) fn bridge(&self) -> BridgeId {
        entry::bridge_of(self.name)
    }

    #[inline(always)]
    pub(super) fn hash32(&self) -> u32 {
        low(self.hash)
    }
}

impl Found {
    pub(super) const NOTHING: Found = Found(NOTHING);

    #[inline(always)]
    pub(super) fn new(id: VerdictId) -> Found {
        Found(id.0)
    }

    #[inline(always)]
    fn verdict(self) -> Option<VerdictId> {
        (self.0 != NOTHING).then_some(VerdictId(self.0))
    }
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the low half")]
fn low(word: u64) -> u32 {
    word as u32
}
