//! From frames to verdicts: key, session, and on a miss the rules, here and now.

use arrayvec::ArrayVec;
use sluice_packet::{BURST, Depth, DropReason, FlowKey, extract};
use sluice_pipeline::{Batch, CounterWriter, Ingress, SessionConfig, Sessions, Tick, Verdict, VerdictId};

use super::counters::WorkerCounters;
use super::forwarding::Forwarding;
use super::outputs::Outputs;
use super::stage::{FrameSet, Source, Stage};

/// Frames that entered by the same way.
pub(crate) type Entries<'a> = ArrayVec<(&'a Ingress, FrameSet), BURST>;

/// Frames that entered by the same way and share a verdict.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judged {
    pub(crate) verdict: VerdictId,
    /// Index of their [`Entries`].
    pub(crate) entry: usize,
    pub(crate) frames: FrameSet,
}

/// A worker's sessions and what judging needs besides.
#[derive(Debug)]
pub(crate) struct Judge {
    sessions: Sessions,
    batch: Batch,
    /// What each key of the batch stands for.
    askers: [(usize, FrameSet); BURST],
    key: FlowKey,
    counters: CounterWriter,
}

impl Judge {
    pub(crate) fn new(config: SessionConfig, counters: CounterWriter) -> Judge {
        let sessions = Sessions::new(config);
        let batch = sessions.batch();
        Judge { sessions, batch, askers: [(0, FrameSet::EMPTY); BURST], key: FlowKey::default(), counters }
    }

    /// Judges a burst. Frames that cannot be parsed as deep as the bridge's rules look are dropped.
    #[inline]
    pub(crate) fn judge<S: Source>(
        &mut self,
        forwarding: &Forwarding,
        entries: &Entries<'_>,
        stage: &mut Stage<'_, S>,
        now: Tick,
        outputs: &mut Outputs,
    ) -> ArrayVec<Judged, BURST> {
        self.batch.clear();
        for (n, (ingress, frames)) in entries.iter().enumerate() {
            self.ask(forwarding, n, ingress, *frames, stage, outputs);
        }
        let missing = self.sessions.lookup(&mut self.batch, now);
        outputs.counters.session_misses.add(missing as u64);
        outputs.counters.session_hits.add((self.batch.len() - missing) as u64);
        if missing > 0 {
            self.run_rules(forwarding, entries, stage, now, &outputs.counters);
        }
        self.group()
    }

    /// The verdict of this name.
    #[inline(always)]
    pub(crate) fn verdict(&self, id: VerdictId) -> Option<&Verdict> {
        self.sessions.verdicts().get(id)
    }

    /// Counts frames for the rules of a verdict.
    #[inline(always)]
    pub(crate) fn count(&mut self, id: VerdictId, frames: usize, bytes: usize) {
        let Some(verdict) = self.sessions.verdicts().get(id) else { return };
        for &slot in verdict.rules() {
            self.counters.count(slot, frames as u64, bytes as u64);
        }
    }

    /// Forgets some sessions that nothing uses. Verdicts' names from before are no longer good.
    pub(crate) fn sweep(&mut self, budget: usize, now: Tick) {
        self.sessions.sweep(budget, now);
    }

    /// How many sessions there are.
    pub(crate) fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Puts the keys of frames that entered by the same way into the batch: one for all, if the bridge's rules do not
    /// look at frames.
    #[inline(always)]
    fn ask<S: Source>(
        &mut self,
        forwarding: &Forwarding,
        entry: usize,
        ingress: &Ingress,
        frames: FrameSet,
        stage: &mut Stage<'_, S>,
        outputs: &mut Outputs,
    ) {
        let Some(bridge) = forwarding.bridge_of(ingress.port) else {
            outputs.drop_frames(ingress.port, DropReason::PortDown, frames.len());
            return;
        };
        let (plan, stamp) = (bridge.plan(), bridge.stamp());
        ingress.write_to(&mut self.key);
        if plan.depth() == Depth::Port {
            if let Some(index) = self.batch.push(plan, stamp, &self.key)
                && let Some(asker) = self.askers.get_mut(index)
            {
                *asker = (entry, frames);
            }
            return;
        }
        for i in frames {
            let (bytes, len) = (stage.head(i).bytes(), stage.source.frame_len(i));
            match self.batch.push_frame(plan, stamp, &self.key, bytes, len) {
                Ok(layout) => {
                    stage.set_layout(i, layout);
                    if let Some(asker) = self.askers.get_mut(self.batch.len().wrapping_sub(1)) {
                        *asker = (entry, FrameSet::one(i));
                    }
                }
                Err(reason) => outputs.drop_frames(ingress.port, reason, 1),
            }
        }
    }

    /// Gives the keys without a session a verdict.
    #[cold]
    #[inline(never)]
    fn run_rules<S: Source>(
        &mut self,
        forwarding: &Forwarding,
        entries: &Entries<'_>,
        stage: &Stage<'_, S>,
        now: Tick,
        counters: &WorkerCounters,
    ) {
        let Judge { sessions, batch, askers, key, .. } = self;
        sessions.resolve(batch, now, |index| {
            let asked = askers.get(index).and_then(|(entry, frames)| {
                let (ingress, _) = entries.get(*entry)?;
                let bridge = forwarding.bridge_of(ingress.port)?;
                let frame = frames.into_iter().next()?;
                ingress.write_to(key);
                // It was parsed as deep as that before.
                extract(bridge.plan().depth(), stage.head(frame).bytes(), stage.source.frame_len(frame), key)
                    .ok()?;
                Some(bridge.evaluate(key, ingress, now))
            });
            asked.unwrap_or_else(|| Verdict::dropped(DropReason::TableMiss))
        });
        counters.sessions.set(sessions.len() as u64);
    }

    /// Puts frames of the same entry and verdict together.
    #[inline(always)]
    fn group(&self) -> ArrayVec<Judged, BURST> {
        let mut groups: ArrayVec<Judged, BURST> = ArrayVec::new();
        for (index, &(entry, frames)) in self.askers.iter().enumerate().take(self.batch.len()) {
            let Some(verdict) = self.batch.verdict(index) else { continue };
            let same = |group: &&mut Judged| group.verdict == verdict && group.entry == entry;
            match groups.iter_mut().rev().find(same) {
                Some(group) => group.frames.extend(frames),
                None => groups.push(Judged { verdict, entry, frames }),
            }
        }
        groups
    }
}
