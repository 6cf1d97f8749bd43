//! [`Verdict`]: what the rules decided for a frame, composed into steps.

use sluice_packet::{DropReason, Rewrite};

use crate::{PortId, RuleSlot, TableId, TunnelTarget};

/// What to do with every frame of a session. Equal verdicts are one in a worker's [`Verdicts`](crate::Verdicts).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Verdict {
    steps: Box<[Step]>,
    rules: Box<[RuleSlot]>,
    drop: Option<DropReason>,
    unicast: Option<Unicast>,
    valid_s: Option<u16>,
}

/// One thing to be done to a frame, after the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Changes the frame. If that fails, the steps that follow are not carried out.
    Rewrite(Rewrite),
    /// Delivers a copy to a local port.
    Output {
        /// The port.
        port: PortId,
    },
    /// Sends a copy to another host.
    Tunnel {
        /// The tunnel port that it leaves by.
        port: PortId,
        /// Where to.
        target: TunnelTarget,
    },
    /// Sends a copy to the control process.
    Punt {
        /// Bytes of the frame that are sent; `None`: all.
        max_bytes: Option<u16>,
        /// Table of the rule that says so.
        table: TableId,
        /// Cookie of the rule that says so.
        cookie: u64,
    },
}

/// A verdict that delivers the frame, unchanged, to one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unicast {
    /// A local port.
    Local(PortId),
    /// Another host.
    Tunnel {
        /// The tunnel port that it leaves by.
        port: PortId,
        /// Where to.
        target: TunnelTarget,
    },
}

impl Verdict {
    /// Composes a verdict. Rewrites after the last delivery are left out; `otherwise` is the reason for the drop if
    /// there is no delivery. `valid_s`: see [`Verdict::valid_s`].
    pub(crate) fn new(
        mut steps: Vec<Step>,
        rules: Vec<RuleSlot>,
        otherwise: DropReason,
        valid_s: Option<u16>,
    ) -> Verdict {
        let end = steps.iter().rposition(|step| !matches!(step, Step::Rewrite(_))).map_or(0, |last| last + 1);
        steps.truncate(end);
        let unicast = match *steps.as_slice() {
            [Step::Output { port }] => Some(Unicast::Local(port)),
            [Step::Tunnel { port, target }] => Some(Unicast::Tunnel { port, target }),
            _ => None,
        };
        Verdict {
            drop: steps.is_empty().then_some(otherwise),
            steps: steps.into(),
            rules: rules.into(),
            unicast,
            valid_s,
        }
    }

    /// A verdict that drops the frame and counts for no rule.
    pub fn dropped(reason: DropReason) -> Verdict {
        Verdict::new(Vec::new(), Vec::new(), reason, None)
    }

    /// What to do, in order. The last step delivers.
    #[inline]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The rules that matched, in the order of the tables: where the frame counts.
    #[inline]
    pub fn rules(&self) -> &[RuleSlot] {
        &self.rules
    }

    /// Why the frame is dropped; `Some` if and only if there is no step.
    #[inline]
    pub fn drop_reason(&self) -> Option<DropReason> {
        self.drop
    }

    /// The common case: one delivery and no rewrite.
    #[inline]
    pub fn unicast(&self) -> Option<Unicast> {
        self.unicast
    }

    /// Seconds after which the rules have to be run again although nothing changed, because they learned the frame's
    /// source address and that has to be kept alive. `None`: never.
    #[inline]
    pub fn valid_s(&self) -> Option<u16> {
        self.valid_s
    }
}
