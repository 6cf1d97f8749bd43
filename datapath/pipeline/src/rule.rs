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

/// A rule: a match and its instructions (OpenFlow 1.3.5 §5.9), carried out in the order of the fields. Of rules of one priority that overlap, OpenFlow leaves open which wins; here it depends on nothing but
/// the rules that there are (see [`Table`](crate::table::Table)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub key: RuleKey,
    /// Of the controller's choice.
    pub cookie: u64,
    /// Where it counts.
    pub slot: RuleSlot,
    /// What is done at once, in order (apply-actions). A rule without instructions drops.
    pub actions: Box<[Action]>,
    /// Whether the action set is emptied (clear-actions).
    pub clear: bool,
    /// What goes into the action set, which is carried out when no table follows (write-actions).
    pub write: Box<[Action]>,
    /// What later tables are told (write-metadata).
    pub metadata: Option<WriteMetadata>,
    /// The table that goes on, a later one.
    pub goto: Option<TableId>,
}

/// Writes some or all bits of [`Field::Metadata`](sluice_packet::Field::Metadata).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WriteMetadata {
    /// The bits' values.
    pub value: u64,
    /// Which bits.
    pub mask: u64,
}

impl Rule {
    /// A rule without instructions.
    pub fn new(key: RuleKey, slot: RuleSlot) -> Rule {
        Rule {
            key,
            cookie: 0,
            slot,
            actions: Box::new([]),
            clear: false,
            write: Box::new([]),
            metadata: None,
            goto: None,
        }
    }

    /// Every action that it names, whenever that is carried out.
    pub fn all_actions(&self) -> impl Iterator<Item = &Action> {
        self.actions.iter().chain(&self.write)
    }
}

impl fmt::Display for RuleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {}, priority {}, {}", self.table, self.priority, self.matching)
    }
}
