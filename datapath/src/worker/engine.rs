//! One burst from judging to sending.

use sluice_packet::DropReason;
use sluice_pipeline::{Ingress, Step, Tick, Unicast, Verdict};

use super::forwarding::Forwarding;
use super::judge::{Entries, Judge, Judged};
use super::outputs::Outputs;
use super::stage::{FrameSet, Source, Stage};
use crate::switch::Event;

/// What carries a burst through: the judge and the outputs of a worker.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) judge: Judge,
    pub(crate) outputs: Outputs,
    /// Coarse time, refreshed between bursts.
    pub(crate) now: Tick,
}

impl Engine {
    /// Judges a burst, does what the verdicts say and lets everything go.
    #[inline(always)]
    pub(crate) fn carry<S: Source>(
        &mut self,
        forwarding: &Forwarding,
        entries: &Entries<'_>,
        stage: &mut Stage<'_, S>,
    ) {
        let entered: usize = entries.iter().map(|(_, frames)| frames.len()).sum();
        let groups = self.judge.judge(forwarding, entries, stage, self.now, &mut self.outputs);
        let whole = groups.len() == 1;
        for Judged { verdict: id, entry, frames } in groups {
            // Frames that were dropped before are in no group: then one group is not the whole burst.
            let bytes = if whole && frames.len() == entered {
                stage.source.bytes()
            } else {
                frames.into_iter().map(|i| stage.source.frame_len(i)).sum()
            };
            self.judge.count(id, frames.len(), bytes);
            if let (Some(verdict), Some((ingress, _))) = (self.judge.verdict(id), entries.get(entry)) {
                act(forwarding, verdict, ingress, frames, stage, &mut self.outputs);
            }
        }
        self.outputs.flush(stage);
    }
}

/// Does what a verdict says with frames that entered by the same way.
#[inline(always)]
fn act<S: Source>(
    forwarding: &Forwarding,
    verdict: &Verdict,
    ingress: &Ingress,
    frames: FrameSet,
    stage: &mut Stage<'_, S>,
    outputs: &mut Outputs,
) {
    match verdict.unicast() {
        Some(Unicast::Local(port)) => outputs.send(port, frames, stage),
        Some(Unicast::Tunnel { port, target }) => {
            outputs.send_through(forwarding, port, target, frames, stage);
        }
        None => steps(forwarding, verdict, ingress, frames, stage, outputs),
    }
}

/// The general case: a drop, copies, changes.
#[inline(never)]
fn steps<S: Source>(
    forwarding: &Forwarding,
    verdict: &Verdict,
    ingress: &Ingress,
    mut frames: FrameSet,
    stage: &mut Stage<'_, S>,
    outputs: &mut Outputs,
) {
    if let Some(reason) = verdict.drop_reason() {
        outputs.drop_frames(ingress.port, reason, frames.len());
        return;
    }
    let is_rewrite = |step: &Step| matches!(step, Step::Rewrite(_));
    let last_rewrite = verdict.steps().iter().rposition(is_rewrite);
    for (n, step) in verdict.steps().iter().enumerate() {
        match *step {
            Step::Rewrite(rewrite) => {
                for i in frames {
                    let Some((head, layout)) = stage.head_and_layout(i) else { continue };
                    if let Err(reason) = rewrite.apply(head, layout) {
                        outputs.drop_frames(ingress.port, reason, 1);
                        frames.remove(i);
                    }
                }
            }
            Step::Output { port } if last_rewrite.is_some_and(|last| n < last) => {
                outputs.send_now(port, frames, stage);
            }
            Step::Output { port } => outputs.send(port, frames, stage),
            Step::Tunnel { port, target } => outputs.send_through(forwarding, port, target, frames, stage),
            Step::Punt { max_bytes, table, cookie } => {
                let limit = max_bytes.map_or(usize::MAX, usize::from);
                for i in frames {
                    punt(forwarding, ingress, i, limit, (table.get(), cookie), stage, outputs);
                }
            }
        }
    }
}

/// Sends a copy of a frame's start to the control process.
fn punt<S: Source>(
    forwarding: &Forwarding,
    ingress: &Ingress,
    i: usize,
    limit: usize,
    (table, cookie): (u8, u64),
    stage: &Stage<'_, S>,
    outputs: &Outputs,
) {
    let Some(bridge) = forwarding.membership(ingress.port).map(|membership| membership.bridge) else {
        return;
    };
    let Some(mut punted) = outputs.events.empty_punt() else {
        return outputs.drop_frames(ingress.port, DropReason::PuntQueueFull, 1);
    };
    let frame = stage.frame(i);
    let (head, length) = (frame.head.bytes(), stage.len(i));
    let wanted = length.min(limit).min(punted.bytes.capacity());
    punted.bytes.extend_from_slice(head.get(..wanted).unwrap_or(head));
    let start = punted.bytes.len();
    punted.bytes.resize(wanted, 0);
    if let Some(rest) = punted.bytes.get_mut(start..) {
        frame.payload.copy_to(rest);
    }
    (punted.bridge, punted.of_port, punted.length) = (bridge, ingress.of_port, length);
    (punted.table, punted.cookie) = (table, cookie);
    if !outputs.events.say(Event::Punted(punted)) {
        outputs.drop_frames(ingress.port, DropReason::PuntQueueFull, 1);
    }
}
