//! Why a text is no flow, and where.

use std::fmt;

use sluice_api::{MAX_OF_PORT, MAX_TABLE};

use crate::FlowError;

/// Why a text is no flow: the token at fault, where it stands, and what would be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where the token starts, in characters from 1.
    pub column: usize,
    /// The token; empty at the text's end.
    pub token: String,
    /// What is wrong with it.
    pub reason: Reason,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}", self.column)?;
        if !self.token.is_empty() {
            write!(f, ", \"{}\"", self.token)?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl std::error::Error for SyntaxError {}

/// What is wrong with a token, and what would be accepted in its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The word is unknown before `actions=`.
    #[error("no field, protocol or setting of a flow{}", suggest(.0))]
    UnknownWord(Option<&'static str>),
    /// The word is unknown as an action.
    #[error("no action or port{}", suggest(.0))]
    UnknownAction(Option<&'static str>),
    /// The word is unknown as the target of `set_field`.
    #[error("no field that can be set{}", suggest(.0))]
    UnknownTarget(Option<&'static str>),
    /// A value is missing.
    #[error("its value is missing: {0}")]
    NoValue(&'static str),
    /// A value where none belongs.
    #[error("it takes no value")]
    UnexpectedValue,
    /// The value is malformed.
    #[error("expected {0}")]
    Expected(&'static str),
    /// The number is out of range.
    #[error("expected a number from {0} to {1}")]
    Range(u128, u128),
    /// The field takes no mask.
    #[error("it takes no mask")]
    NoMask,
    /// A prerequisite is missing.
    #[error("needs {0}")]
    Needs(&'static str),
    /// The field was given before.
    #[error("given before, or contradicts what was given before")]
    Twice,
    /// The text ends without actions.
    #[error("actions are missing: write actions=drop, actions=output:1 or the like")]
    NoActions,
    /// Actions where only a flow's name belongs.
    #[error("actions do not belong here: only table, priority and matches name a flow")]
    UnexpectedActions,
    /// No port has this name.
    #[error("no port of the bridge has this name; ports are also numbered, 1 to {MAX_OF_PORT}")]
    UnknownPort,
    /// Something known to OVS that Sluice does not have.
    #[error("not supported: {0}")]
    Unsupported(&'static str),
    /// An instruction that others must not stand behind.
    #[error(
        "it stands too late or twice: actions come first, then clear_actions, write_actions, write_metadata and goto_table"
    )]
    InstructionOrder,
    /// `goto_table` points backwards or nowhere.
    #[error("the next table must be {} to {MAX_TABLE}", .0 + 1)]
    GotoTable(u32),
    /// `drop` beside other actions.
    #[error("drop must be all that a flow does")]
    DropNotAlone,
    /// The parts are well-formed and mean nothing together.
    #[error(transparent)]
    Meaning(#[from] FlowError),
}

fn suggest(word: &Option<&'static str>) -> String {
    word.map(|word| format!("; did you mean \"{word}\"?")).unwrap_or_default()
}

/// The candidate that `word` is most likely a misspelling of.
pub(super) fn nearest(word: &str, candidates: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 5)
        .min()
        .map(|(_, candidate)| candidate)
}
