//! The apply file: the wanted state in YAML or JSON.
//!
//! Reading goes from text to a tree with positions ([`yaml`]), from there to objects ([`fields`], and each noun's
//! `read`), and over all objects ([`check`]). Every error has its line and column, and all of a file's errors are
//! reported at once.

use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};
use sluice_api::key::Key;
use sluice_api::v1::error::Code;
use sluice_api::v1::{Bridge, Network, Nic, Object, Operation, Port, Vtep, object, operation};

use crate::change::label;
use crate::error::Error;
use crate::noun::{Noun, flow};
use fields::Fault;
use yaml::{Node, Position};

mod check;
mod fields;
#[cfg(test)]
mod tests;
mod yaml;

pub(crate) use fields::Fields;

/// A state that was read without an error.
#[derive(Debug)]
pub(crate) struct Document {
    file: String,
    objects: Vec<Located>,
}

/// An object and where the file says it.
#[derive(Debug)]
struct Located {
    key: Key,
    object: Object,
    at: Position,
    /// Where its fields stand.
    fields: Vec<(String, Position)>,
}

impl Located {
    fn position(&self, field: &str) -> Position {
        self.fields.iter().find(|(key, _)| key == field).map_or(self.at, |(_, at)| *at)
    }
}

impl Located {
    /// What the datapath, which knows neither networks nor NICs, calls what they are compiled into.
    fn compiled_name(&self) -> Option<String> {
        match &self.key {
            Key::Network(name) => Some(format!("bridge {name}")),
            Key::Nic(name) => Some(format!("port {name}")),
            Key::Bridge(_) | Key::Port(_) | Key::Vtep(_) | Key::Flow(_) => None,
        }
    }
}

/// How much a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The whole state: what it names must be in it.
    Whole,
    /// A part: what it names may be wanted already.
    Part,
}

impl Document {
    /// Reads the state from a file, or from standard input if that is `-`.
    pub(crate) fn read(path: &Path, scope: Scope) -> Result<Self, Error> {
        let path = path.to_string_lossy();
        Ok(Self::parse(display_name(&path), &read_input(&path)?, scope)?)
    }

    /// Reads the state from text; `file` is its name in errors.
    pub(crate) fn parse(file: &str, text: &str, scope: Scope) -> Result<Self, FileErrors> {
        let mut faults = Vec::new();
        let objects = match yaml::parse(text) {
            Ok(Some(root)) if !root.is_null() => read_sections(&root, &mut faults),
            Ok(_) => Vec::new(),
            Err(error) => {
                let hint = "a state is YAML or JSON; see `sluice apply --help`".to_owned();
                faults.push(Fault { at: error.at, object: String::new(), message: error.message, hint });
                Vec::new()
            }
        };
        check::check(&objects, scope, &mut faults);
        faults.sort_by_key(|fault| fault.at);
        let errors = faults.into_iter().map(|fault| FileError::new(file, fault)).collect();
        match FileErrors::new(errors) {
            None => Ok(Self { file: file.to_owned(), objects }),
            Some(errors) => Err(errors),
        }
    }

    /// Operations that set every object, in the order in which kinds depend on each other.
    pub(crate) fn operations(&self) -> Vec<Operation> {
        let set = |located: &Located| Operation { kind: Some(operation::Kind::Set(located.object.clone())) };
        self.objects.iter().map(set).collect()
    }

    /// A refusal of the control process with the place of the object that it names, if the file has it.
    pub(crate) fn locate(&self, refusal: &sluice_api::v1::Error) -> Option<FileErrors> {
        let called = |name: fn(&Located) -> Option<String>| {
            let mut objects = self.objects.iter();
            objects.find(|located| name(located).is_some_and(|name| name == refusal.object))
        };
        let located = called(|located| Some(label(&located.key)))
            .or_else(|| called(|located| Some(located.key.to_string())))
            .or_else(|| called(Located::compiled_name))?;
        let error = FileError {
            file: self.file.clone(),
            line: located.at.line,
            column: located.at.column,
            object: refusal.object.clone(),
            message: refusal.message.clone(),
            hint: refusal.hint.clone(),
        };
        FileErrors::new(vec![error]).map(|errors| errors.with_code(refusal.code()))
    }
}

/// The keys of the outermost mapping, and how each element is read.
fn read_sections(root: &Node, faults: &mut Vec<Fault>) -> Vec<Located> {
    let mut objects = Vec::new();
    let Some(mut fields) = Fields::of(root, "", faults) else {
        return objects;
    };
    read_section("bridge", "bridges", &mut fields, &mut objects, read_named::<Bridge>);
    read_section("port", "ports", &mut fields, &mut objects, read_named::<Port>);
    read_section("vtep", "vteps", &mut fields, &mut objects, read_named::<Vtep>);
    read_section("network", "networks", &mut fields, &mut objects, read_named::<Network>);
    read_section("nic", "nics", &mut fields, &mut objects, read_named::<Nic>);
    let numbers = port_numbers(&objects);
    read_section("flow", "flows", &mut fields, &mut objects, |fields| {
        let number = |bridge: &str, port: &str| numbers.get(&(bridge.to_owned(), port.to_owned())).copied();
        flow::read(fields, &number).map(flow::into_object)
    });
    fields.finish();
    objects
}

/// The OpenFlow numbers that the file gives to ports, by bridge and name: flows may use the names.
fn port_numbers(objects: &[Located]) -> HashMap<(String, String), u32> {
    let numbered = objects.iter().filter_map(|located| match &located.object.kind {
        Some(object::Kind::Port(port)) if port.of_port != 0 => {
            Some(((port.bridge.clone(), port.name.clone()), port.of_port))
        }
        _ => None,
    });
    numbered.collect()
}

fn read_named<N: Noun>(fields: &mut Fields<'_>) -> Option<Object> {
    N::read(fields).map(Noun::into_object)
}

fn read_section(
    noun: &str,
    section: &'static str,
    root: &mut Fields<'_>,
    objects: &mut Vec<Located>,
    read: impl Fn(&mut Fields<'_>) -> Option<Object>,
) {
    for node in root.nodes(section) {
        let object_label = match node.text_of("name") {
            Some(name) => format!("{noun} {name}"),
            None => noun.to_owned(),
        };
        let Some(mut fields) = Fields::of(node, &object_label, root.faults()) else {
            continue;
        };
        let object = read(&mut fields);
        let positions = fields.positions().map(|(key, at)| (key.to_owned(), at)).collect();
        fields.finish();
        let Some(object) = object else {
            continue;
        };
        match Key::try_from(&object) {
            Ok(key) => objects.push(Located { key, object, at: node.at, fields: positions }),
            Err(error) => root.faults().push(Fault {
                at: node.at,
                object: object_label,
                message: error.to_string(),
                hint: String::new(),
            }),
        }
    }
}

/// The state in the form that [`Document::parse`] takes: what is empty is left out.
pub(crate) fn write_state(objects: &[Object]) -> Map<String, Value> {
    let mut state = Map::new();
    for section in ["bridges", "ports", "vteps", "networks", "nics", "flows"] {
        let elements: Vec<Value> = objects
            .iter()
            .filter(|object| section_of(object) == Some(section))
            .filter_map(write_object)
            .map(Value::from)
            .collect();
        if !elements.is_empty() {
            state.insert(section.to_owned(), elements.into());
        }
    }
    state
}

fn section_of(object: &Object) -> Option<&'static str> {
    Some(match object.kind.as_ref()? {
        object::Kind::Bridge(_) => "bridges",
        object::Kind::Port(_) => "ports",
        object::Kind::Vtep(_) => "vteps",
        object::Kind::Network(_) => "networks",
        object::Kind::Nic(_) => "nics",
        object::Kind::Flow(_) => "flows",
    })
}

/// One object as a file says it.
pub(crate) fn write_object(object: &Object) -> Option<Map<String, Value>> {
    Some(match object.kind.as_ref()? {
        object::Kind::Bridge(bridge) => bridge.write(),
        object::Kind::Port(port) => port.write(),
        object::Kind::Vtep(vtep) => vtep.write(),
        object::Kind::Network(network) => network.write(),
        object::Kind::Nic(nic) => nic.write(),
        object::Kind::Flow(flow) => flow::write(flow),
    })
}

/// The text of a file, or of standard input if that is `-`.
pub(crate) fn read_input(path: &str) -> Result<String, Error> {
    let read = || {
        if path == "-" {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
        } else {
            std::fs::read(path)
        }
    };
    let bytes = read().map_err(|source| Error::Read { path: display_name(path).into(), source })?;
    Ok(text(display_name(path), bytes)?)
}

/// The text that these bytes are, if they are UTF-8.
fn text(file: &str, bytes: Vec<u8>) -> Result<String, FileErrors> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(error.as_bytes().get(..valid).unwrap_or_default());
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let fault = Fault {
            at: Position { line, column },
            object: String::new(),
            message: "the text is not UTF-8 from here on".to_owned(),
            hint: "save the file in UTF-8".to_owned(),
        };
        FileErrors { file: file.to_owned(), errors: vec![FileError::new(file, fault)], code: Code::Invalid }
    })
}

/// What a file is called in errors.
pub(crate) fn display_name(path: &str) -> &str {
    if path == "-" { "stdin" } else { path }
}

/// One error of a file. Line and column count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct FileError {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) object: String,
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl FileError {
    fn new(file: &str, fault: Fault) -> Self {
        Self {
            file: file.to_owned(),
            line: fault.at.line,
            column: fault.at.column,
            object: fault.object,
            message: fault.message,
            hint: fault.hint,
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if !self.object.is_empty() {
            write!(f, "{}: ", self.object)?;
        }
        f.write_str(&self.message)
    }
}

/// All errors of a file, at least one.
#[derive(Debug, thiserror::Error)]
#[error("{} {} in {}", errors.len(), if errors.len() == 1 { "error" } else { "errors" }, file)]
pub(crate) struct FileErrors {
    file: String,
    errors: Vec<FileError>,
    code: Code,
}

impl FileErrors {
    /// `None` if there are none.
    pub(crate) fn new(errors: Vec<FileError>) -> Option<Self> {
        let file = errors.first()?.file.clone();
        Some(Self { file, errors, code: Code::Invalid })
    }

    fn with_code(self, code: Code) -> Self {
        Self { code, ..self }
    }

    /// The code of the whole.
    pub(crate) fn code(&self) -> Code {
        self.code
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, FileError> {
        self.errors.iter()
    }
}
