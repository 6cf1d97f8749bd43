//! YAML (1.2, so JSON too) as a tree in which every node knows its line and column.

use std::collections::HashMap;

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span};

/// Nodes that aliases may add, so that a few nested aliases cannot fill the memory.
const ALIAS_BUDGET: usize = 100_000;

/// A place in a file; both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) value: Value,
}

/// What YAML has. Scalars keep their text: what they mean is decided by who wants them.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) style: Style,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Quoted,
    Block,
}

impl Scalar {
    /// Where the `column`th character (from 1) of a value at `at` stands. Only exact if the source has no escapes
    /// before it; a block's lines are not told apart.
    pub(crate) fn inside(&self, at: Position, column: usize) -> Position {
        match self.style {
            Style::Plain => Position { column: at.column + column.saturating_sub(1), ..at },
            Style::Quoted => Position { column: at.column + column, ..at },
            Style::Block => at,
        }
    }
}

/// A mapping's key.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) at: Position,
    pub(crate) text: String,
}

/// Why a text is not the YAML that is wanted here.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct YamlError {
    pub(crate) at: Position,
    pub(crate) message: String,
}

/// Reads a text of at most one document; `None` for a text without any.
pub(crate) fn parse(text: &str) -> Result<Option<Node>, YamlError> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(YamlError::from)?;
        builder.take(event, &span)?;
    }
    Ok(builder.root)
}

impl Node {
    /// Nothing is written here, or YAML's null.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar)
            if scalar.style == Style::Plain && matches!(scalar.text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// What it is, for an error.
    pub(crate) fn describe(&self) -> &'static str {
        match self.value {
            Value::Scalar(_) => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// The text of a scalar under this key of a mapping.
    pub(crate) fn text_of(&self, key: &str) -> Option<&str> {
        let Value::Map(entries) = &self.value else {
            return None;
        };
        match &entries.iter().find(|(candidate, _)| candidate.text == key)?.1.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    fn size(&self) -> usize {
        match &self.value {
            Value::Scalar(_) => 1,
            Value::List(nodes) => 1 + nodes.iter().map(Self::size).sum::<usize>(),
            Value::Map(entries) => 1 + entries.iter().map(|(_, node)| node.size()).sum::<usize>(),
        }
    }
}

impl YamlError {
    fn new(at: Position, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

impl From<ScanError> for YamlError {
    fn from(error: ScanError) -> Self {
        Self::new(position(error.marker()), error.info())
    }
}

fn position(marker: &Marker) -> Position {
    Position { line: marker.line(), column: marker.col() + 1 }
}

/// Collections that are not complete yet, innermost last.
#[derive(Default)]
struct Builder {
    root: Option<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    documents: usize,
    aliased: usize,
}

struct Open {
    node: Node,
    anchor: usize,
    key: Option<Key>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), YamlError> {
        let at = position(&span.start);
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(YamlError::new(at, "a second document begins; the state is one document"));
                }
            }
            Event::Scalar(text, style, anchor, _) => {
                let scalar = Scalar { text: text.into_owned(), style: style.into() };
                self.complete(Node { at, value: Value::Scalar(scalar) }, anchor)?;
            }
            Event::SequenceStart(_, anchor, _) => self.open(at, Value::List(Vec::new()), anchor)?,
            Event::MappingStart(_, anchor, _) => self.open(at, Value::Map(Vec::new()), anchor)?,
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open { node, anchor, .. }) = self.open.pop() {
                    self.complete(node, anchor)?;
                }
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    return Err(YamlError::new(at, "an alias stands inside the value that it names"));
                };
                self.aliased += node.size();
                if self.aliased > ALIAS_BUDGET {
                    return Err(YamlError::new(at, format!("aliases add more than {ALIAS_BUDGET} values")));
                }
                self.complete(Node { at, ..node }, 0)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, at: Position, value: Value, anchor: usize) -> Result<(), YamlError> {
        if let Some(Open { node: Node { value: Value::Map(_), .. }, key: None, .. }) = self.open.last() {
            return Err(YamlError::new(at, "a key must be a single value"));
        }
        self.open.push(Open { node: Node { at, value }, anchor, key: None });
        Ok(())
    }

    fn complete(&mut self, node: Node, anchor: usize) -> Result<(), YamlError> {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(Open { node: parent, key, .. }) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut parent.value {
            Value::List(nodes) => nodes.push(node),
            Value::Map(entries) => match key.take() {
                Some(name) => entries.push((name, node)),
                None => *key = Some(key_of(node, entries)?),
            },
            Value::Scalar(_) => {}
        }
        Ok(())
    }
}

fn key_of(node: Node, entries: &[(Key, Node)]) -> Result<Key, YamlError> {
    let Value::Scalar(Scalar { text, .. }) = node.value else {
        return Err(YamlError::new(node.at, "a key must be a single value"));
    };
    match entries.iter().find(|(key, _)| key.text == text) {
        Some((first, _)) => {
            let message =
                format!("the key `{text}` stands here a second time, first on line {}", first.at.line);
            Err(YamlError::new(node.at, message))
        }
        None => Ok(Key { at: node.at, text }),
    }
}

impl From<ScalarStyle> for Style {
    fn from(style: ScalarStyle) -> Self {
        match style {
            ScalarStyle::Plain => Self::Plain,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Self::Quoted,
            ScalarStyle::Literal | ScalarStyle::Folded => Self::Block,
        }
    }
}
