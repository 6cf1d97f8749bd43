//! Reading one mapping of a file: every key is asked for by name, what is left over is an error, and all errors
//! of a file are found in one go.

use std::str::FromStr;

use crate::suggest::nearest;
use crate::value::ValueError;

use super::yaml::{Key, Node, Position, Scalar, Value};

/// An error at a place; the file's name is added when the reading is over.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) at: Position,
    pub(crate) object: String,
    pub(crate) message: String,
    pub(crate) hint: String,
}

/// The keys of one mapping that have not been asked for, and those that have.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    at: Position,
    object: String,
    entries: &'a [(Key, Node)],
    known: Vec<&'static str>,
    faults: &'a mut Vec<Fault>,
}

impl<'a> Fields<'a> {
    /// Begins to read a mapping; anything else is an error. `object` names it in errors.
    pub(crate) fn of(node: &'a Node, object: &str, faults: &'a mut Vec<Fault>) -> Option<Self> {
        let object = object.to_owned();
        match &node.value {
            Value::Map(entries) => Some(Self { at: node.at, object, entries, known: Vec::new(), faults }),
            _ => {
                let message = format!("is {}; it must be a mapping of keys to values", node.describe());
                faults.push(Fault { at: node.at, object, message, hint: String::new() });
                None
            }
        }
    }

    /// Where the value of a key stands; the mapping itself if there is no such key.
    pub(crate) fn position(&self, key: &str) -> Position {
        let found = self.entries.iter().find(|(candidate, _)| candidate.text == key);
        found.map_or(self.at, |(_, node)| node.at)
    }

    /// Every key with where its value stands.
    pub(crate) fn positions(&self) -> impl Iterator<Item = (&'a str, Position)> {
        self.entries.iter().map(|(key, node)| (key.text.as_str(), node.at))
    }

    /// A value that must be there.
    pub(crate) fn required<T: FromStr<Err = ValueError>>(&mut self, key: &'static str) -> Option<T> {
        match self.take(key) {
            Some(node) => self.scalar(key, node),
            None => {
                self.fault(self.at, format!("`{key}` is missing"), "");
                None
            }
        }
    }

    /// A value that may be there.
    pub(crate) fn optional<T: FromStr<Err = ValueError>>(&mut self, key: &'static str) -> Option<T> {
        let node = self.take(key)?;
        self.scalar(key, node)
    }

    /// A list of values; a missing key is an empty list.
    pub(crate) fn list<T: FromStr<Err = ValueError>>(&mut self, key: &'static str) -> Vec<T> {
        let Some(node) = self.take(key) else {
            return Vec::new();
        };
        let Value::List(nodes) = &node.value else {
            let message = format!("`{key}` is {}; it must be a list, as in `{key}: [..]`", node.describe());
            self.fault(node.at, message, "");
            return Vec::new();
        };
        nodes.iter().filter_map(|node| self.scalar(key, node)).collect()
    }

    /// A mapping inside this one, if it is there.
    pub(crate) fn nested<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Option<T> {
        let node = self.take(key)?;
        let object = if self.object.is_empty() { key.to_owned() } else { format!("{}: {key}", self.object) };
        let mut fields = Fields::of(node, &object, self.faults)?;
        let value = read(&mut fields);
        fields.finish();
        value
    }

    /// The text of a value with its scalar, for those that parse it themselves.
    pub(crate) fn scalar_node(&mut self, key: &'static str) -> Option<(&'a Scalar, Position)> {
        let Some(node) = self.take(key) else {
            self.fault(self.at, format!("`{key}` is missing"), "");
            return None;
        };
        match &node.value {
            Value::Scalar(scalar) => Some((scalar, node.at)),
            _ => {
                self.fault(node.at, format!("`{key}` is {}; it must be a single value", node.describe()), "");
                None
            }
        }
    }

    /// The nodes of a list, to be read one by one.
    pub(crate) fn nodes(&mut self, key: &'static str) -> &'a [Node] {
        match self.take(key) {
            None => &[],
            Some(Node { value: Value::List(nodes), .. }) => nodes,
            Some(node) => {
                self.fault(node.at, format!("`{key}` is {}; it must be a list", node.describe()), "");
                &[]
            }
        }
    }

    /// Reports an error of what was read.
    pub(crate) fn fault(&mut self, at: Position, message: String, hint: impl Into<String>) {
        self.faults.push(Fault { at, object: self.object.clone(), message, hint: hint.into() });
    }

    /// Where errors go, for reading what lies deeper.
    pub(crate) fn faults(&mut self) -> &mut Vec<Fault> {
        self.faults
    }

    /// Every key that was not asked for is unknown.
    pub(crate) fn finish(mut self) {
        for (key, _) in self.entries {
            if self.known.contains(&key.text.as_str()) {
                continue;
            }
            let hint = match nearest(&key.text, self.known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known keys: {}", self.known.join(", ")),
            };
            self.fault(key.at, format!("unknown key `{}`", key.text), hint);
        }
    }

    /// The key's value; one that is null is not there.
    fn take(&mut self, key: &'static str) -> Option<&'a Node> {
        self.known.push(key);
        let entries = self.entries;
        let (_, node) = entries.iter().find(|(candidate, _)| candidate.text == key)?;
        (!node.is_null()).then_some(node)
    }

    fn scalar<T: FromStr<Err = ValueError>>(&mut self, key: &'static str, node: &Node) -> Option<T> {
        let Value::Scalar(scalar) = &node.value else {
            self.fault(node.at, format!("`{key}` is {}; it must be a single value", node.describe()), "");
            return None;
        };
        match scalar.text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault(node.at, format!("{key}: {error}"), "");
                None
            }
        }
    }
}
