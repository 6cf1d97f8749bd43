//! What a change did, as commands print it.

use serde::Serialize;
use sluice_api::key::Key;
use sluice_api::v1::{Applied, Operation, operation};

use crate::flow_text::KeyText;
use crate::output::{Column, Row, number};

/// The answer to a change.
#[derive(Debug, Serialize)]
pub(crate) struct Change {
    pub(crate) added: u64,
    pub(crate) changed: u64,
    pub(crate) removed: u64,
    pub(crate) unchanged: u64,
    transaction: u64,
    dry_run: bool,
    pub(crate) operations: Vec<Step>,
}

/// One object that was changed.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    pub(crate) action: Action,
    pub(crate) kind: &'static str,
    pub(crate) name: String,
}

/// What was done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    Set,
    Delete,
}

impl Row for Change {
    const COLUMNS: &'static [Column] = &[
        number("ADDED", "added"),
        number("CHANGED", "changed"),
        number("REMOVED", "removed"),
        number("UNCHANGED", "unchanged"),
    ];

    fn name(&self) -> String {
        let names: Vec<&str> = self.operations.iter().map(|step| step.name.as_str()).collect();
        names.join("\n")
    }
}

impl Change {
    pub(crate) fn new(applied: &Applied, dry_run: bool) -> Self {
        let changes = applied.changes.unwrap_or_default();
        Self {
            added: changes.added,
            changed: changes.changed,
            removed: changes.removed,
            unchanged: changes.unchanged,
            transaction: applied.transaction,
            dry_run,
            operations: applied.operations.iter().filter_map(Step::of).collect(),
        }
    }

    /// In words: "2 added, 1 removed"; what is zero is left out.
    pub(crate) fn summary(&self) -> String {
        let counts = [
            (self.added, "added"),
            (self.changed, "changed"),
            (self.removed, "removed"),
            (self.unchanged, "unchanged"),
        ];
        let words: Vec<String> = counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        if words.is_empty() { "nothing to do".to_owned() } else { words.join(", ") }
    }
}

impl Step {
    /// `None` for an operation of a kind that this version does not know.
    pub(crate) fn of(operation: &Operation) -> Option<Self> {
        let key = Key::try_from(operation).ok()?;
        let action = match operation.kind.as_ref()? {
            operation::Kind::Set(_) => Action::Set,
            operation::Kind::Delete(_) => Action::Delete,
        };
        Some(Self { action, kind: key.kind_name(), name: display_name(&key) })
    }
}

/// An object as errors call it: "port vm1".
pub(crate) fn label(key: &Key) -> String {
    format!("{} {}", key.kind_name(), display_name(key))
}

/// An object's name; for a flow its bridge, table, priority and match as `flow delete` takes them.
pub(crate) fn display_name(key: &Key) -> String {
    match key {
        Key::Flow(flow) => format!("{} {}", flow.bridge(), KeyText(flow)),
        named => named.name().to_owned(),
    }
}
