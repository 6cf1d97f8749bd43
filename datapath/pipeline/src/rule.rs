//! [`Rule`]: a match, and what is done with the frames that fulfil it.

mod check;

use std::fmt;

pub(crate) use check::check;
pub use check::{Prerequisite, RuleError, RuleErrorKind};

use crate::{Action, Match, RuleSlot, TableId};

/// What names a rule on its bridge.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleKey {
    /// The table it stands in.
    pub table: TableId,
    /// The highest wins.
    pub priority: u16,
    /// What it demands of a frame.
    pub matching: Match,
}

/// A rule. Of rules of one priority that overlap, OpenFlow leaves open which wins; here it depends on nothing but
/// the rules that there are (see [`Table`](crate::table::Table)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub key: RuleKey,
    /// Of the controller's choice.
    pub cookie: u64,
    /// Where it counts.
    pub slot: RuleSlot,
    /// What is done, in order. None and no `goto`: drop.
    pub actions: Box<[Action]>,
    /// The table that goes on after the actions, a later one.
    pub goto: Option<TableId>,
}

impl fmt::Display for RuleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {}, priority {}, {}", self.table, self.priority, self.matching)
    }
}
