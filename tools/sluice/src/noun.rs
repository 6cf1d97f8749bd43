//! The named objects: what every kind says about itself. The verbs ([`crate::verb`]) and the files
//! ([`crate::file`]) are written once, over this.

use serde_json::{Map, Value};
use sluice_api::v1::object_key::Kind;
use sluice_api::v1::{BridgeStatus, Object, PortState};

use crate::error::Error;
use crate::file::Fields;
use crate::output::Row;
use crate::value::Name;

pub(crate) mod bridge;
pub(crate) mod flow;
pub(crate) mod network;
pub(crate) mod nic;
pub(crate) mod port;
pub(crate) mod vhost_user;
pub(crate) mod vtep;

/// A kind of object that has a name. The type is the API's own message.
pub(crate) trait Noun: Sized {
    /// Its kind in the API.
    const KIND: Kind;
    /// What its rows are made of: this kind, and those whose objects are compiled into it.
    const LISTED: &'static [Kind] = &[Self::KIND];
    /// Whether there are rows without the control process, of what runs.
    const RUNS_ALONE: bool = false;
    /// Examples of the verbs, shown by `--help` and in the man pages.
    const EXAMPLES: Examples;

    /// What `create` and `set` take beside the name.
    type Options: clap::Args + std::fmt::Debug;
    /// What `list` and `show` print.
    type Row: Row;

    /// An object with nothing but its name.
    fn named(name: &Name) -> Self;
    /// Its name.
    fn name(&self) -> &str;
    /// Takes over the options that are given; the rest stays.
    fn change(&mut self, options: &Self::Options) -> Result<(), Error>;
    /// Refuses an object that lacks what it cannot be without.
    fn check(&self) -> Result<(), Error>;

    /// The message, if the object is of this kind.
    fn from_object(object: Object) -> Option<Self>;
    /// The object of this kind.
    fn into_object(self) -> Object;

    /// Reads it from a file. What is wrong is reported to `fields`.
    fn read(fields: &mut Fields<'_>) -> Option<Self>;
    /// Writes it as [`read`](Self::read) takes it, without what is the default.
    fn write(&self) -> Map<String, Value>;

    /// Joins the wanted objects (of the kinds [`LISTED`](Self::LISTED)) with what runs.
    fn rows(wanted: &[Object], running: &Running) -> Vec<Self::Row>;
}

/// The verbs' examples, one command a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Examples {
    pub(crate) list: &'static str,
    pub(crate) show: &'static str,
    pub(crate) create: &'static str,
    pub(crate) set: &'static str,
    pub(crate) delete: &'static str,
    pub(crate) watch: &'static str,
}

/// What the datapath says it runs; empty if it cannot be reached.
#[derive(Debug, Default)]
pub(crate) struct Running {
    pub(crate) ports: Vec<PortState>,
    pub(crate) bridges: Vec<BridgeStatus>,
}

impl Running {
    /// The running port of that name.
    pub(crate) fn port(&self, name: &str) -> Option<&PortState> {
        self.ports.iter().find(|port| port.name == name)
    }

    /// The running bridge of that name.
    pub(crate) fn bridge(&self, name: &str) -> Option<&BridgeStatus> {
        self.bridges.iter().find(|bridge| bridge.name == name)
    }
}

/// The objects of one kind among several.
pub(crate) fn of_kind<N: Noun>(objects: &[Object]) -> Vec<N> {
    objects.iter().cloned().filter_map(N::from_object).collect()
}

/// An object in the form of a file; fields with the default value are left out.
#[derive(Debug, Default)]
pub(crate) struct Writer(Map<String, Value>);

impl Writer {
    /// Begins with the object's name.
    pub(crate) fn named(name: &str) -> Self {
        Self::default().text("name", name)
    }

    pub(crate) fn text(mut self, key: &str, value: &str) -> Self {
        if !value.is_empty() {
            self.0.insert(key.to_owned(), value.into());
        }
        self
    }

    pub(crate) fn number(mut self, key: &str, value: u32) -> Self {
        if value != 0 {
            self.0.insert(key.to_owned(), value.into());
        }
        self
    }

    pub(crate) fn list(mut self, key: &str, values: &[String]) -> Self {
        if !values.is_empty() {
            self.0.insert(key.to_owned(), values.into());
        }
        self
    }

    pub(crate) fn nested(mut self, key: &str, value: Option<Map<String, Value>>) -> Self {
        if let Some(value) = value {
            self.0.insert(key.to_owned(), value.into());
        }
        self
    }

    pub(crate) fn done(self) -> Map<String, Value> {
        self.0
    }
}
