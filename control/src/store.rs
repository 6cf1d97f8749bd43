//! The wanted state on disk: one redb file, one table, an object a row.
//!
//! A row's key is the object's (its kind's byte, then its `ObjectKey`), its value a [`Record`]. A commit is on disk
//! when it returns: whatever happens to the process or the machine then, a later [`Store::load`] finds it whole;
//! a commit that did not return is found whole or not at all.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use prost::Message;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use sluice_api::key::Key;
use sluice_api::v1;

use crate::intent::spec::Spec;
use crate::intent::value::{OfPort, ValueError};
use crate::intent::{Change, Entry, Intent, Refusal};

/// The version of what stands in the file. A newer one is refused, not guessed at.
const SCHEMA_VERSION: u32 = 1;

const OBJECTS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("objects");
const META: TableDefinition<'_, &str, u32> = TableDefinition::new("meta");
const SCHEMA_KEY: &str = "schema";

/// What a row holds.
#[derive(Clone, PartialEq, Message)]
struct Record {
    #[prost(message, optional, tag = "1")]
    object: Option<v1::Object>,
    /// The OpenFlow port that the object was given; 0: none.
    #[prost(uint32, tag = "2")]
    number: u32,
}

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened, or is damaged.
    #[error("store {path}: {source}; give it back as it was, or move it away to start with an empty state")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<redb::Error>,
    },
    /// The file has lost what it held. Taken for a new one it would empty the datapath.
    #[error(
        "store {0} is empty: its content is lost; give it back as it was, or move it away to start with an empty state"
    )]
    Empty(PathBuf),
    /// The file cannot be made.
    #[error("store {path}: cannot be made: {source}")]
    Make {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file was written by a newer version.
    #[error(
        "store {path} has schema {found}, and this version knows {SCHEMA_VERSION}; run the newer sluice-control"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
    },
    /// Reading or writing failed.
    #[error("store: {0}")]
    Io(Box<redb::Error>),
    /// A row is no record.
    #[error("store: a row cannot be read: {0}")]
    Row(#[from] prost::DecodeError),
    /// A row holds what is not allowed.
    #[error("store: {0}")]
    Illegal(#[from] Refusal),
    /// A row's OpenFlow port is out of range.
    #[error("store: of_port: {0}")]
    Number(#[from] ValueError),
}

/// The open file. redb lets one process have it.
pub struct Store {
    database: Database,
}

impl Store {
    /// Opens the file, and makes it if there is none. A file appears whole or not at all: an empty one was not made here.
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        match path.metadata() {
            Ok(file) if file.len() == 0 => return Err(StoreError::Empty(path.to_owned())),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => make(path)?,
            Err(source) => return Err(StoreError::Make { path: path.to_owned(), source }),
        }
        Store::open_existing(path)
    }

    fn open_existing(path: &Path) -> Result<Store, StoreError> {
        let opened =
            |source: redb::Error| StoreError::Open { path: path.to_owned(), source: Box::new(source) };
        let database = Database::create(path).map_err(|error| opened(error.into()))?;
        let store = Store { database };
        match store.schema().map_err(opened)? {
            SCHEMA_VERSION => Ok(store),
            found => Err(StoreError::Newer { path: path.to_owned(), found }),
        }
    }

    /// The state as it was last committed.
    pub fn load(&self) -> Result<Intent, StoreError> {
        let transaction = self.database.begin_read().map_err(io)?;
        let table = transaction.open_table(OBJECTS).map_err(io)?;
        let mut entries = Vec::new();
        for row in table.iter().map_err(io)? {
            let (_, value) = row.map_err(io)?;
            let record = Record::decode(value.value())?;
            let (key, spec) = Spec::parse(record.object.unwrap_or_default())?;
            entries.push((key, Entry { spec: Arc::new(spec), number: OfPort::optional(record.number)? }));
        }
        Ok(Intent::restore(entries)?)
    }

    /// Writes changes, all or none, and returns when they are on disk.
    pub fn commit(&self, changes: &[Change]) -> Result<(), StoreError> {
        let transaction = self.database.begin_write().map_err(io)?;
        {
            let mut table = transaction.open_table(OBJECTS).map_err(io)?;
            for change in changes {
                let key = row_key(&change.key);
                match &change.new {
                    Some(entry) => table.insert(key.as_slice(), record(&change.key, entry).as_slice()),
                    None => table.remove(key.as_slice()),
                }
                .map_err(io)?;
            }
        }
        transaction.commit().map_err(io)
    }

    /// The file's schema; a new file gets this version's, and its tables.
    fn schema(&self) -> Result<u32, redb::Error> {
        let transaction = self.database.begin_write()?;
        let schema = {
            let mut meta = transaction.open_table(META)?;
            transaction.open_table(OBJECTS)?;
            let found = meta.get(SCHEMA_KEY)?.map(|schema| schema.value());
            match found {
                Some(schema) => schema,
                None => {
                    meta.insert(SCHEMA_KEY, SCHEMA_VERSION)?;
                    SCHEMA_VERSION
                }
            }
        };
        transaction.commit()?;
        Ok(schema)
    }
}

/// Makes a store beside its place and moves it there when it is whole.
fn make(path: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::Make { path: path.to_owned(), source };
    let new = path.with_extension("new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        // Whoever left it there was interrupted.
        _ => {}
    }
    drop(Store::open_existing(&new)?);
    fs::rename(&new, path).map_err(failed)?;
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)
}

fn io(error: impl Into<redb::Error>) -> StoreError {
    StoreError::Io(Box::new(error.into()))
}

/// Protobuf does not promise one encoding of a message; prost has one, and the file's schema names what wrote it.
fn row_key(key: &Key) -> Vec<u8> {
    let mut row_key = vec![u8::try_from(i32::from(key.kind())).unwrap_or_default()];
    row_key.extend(v1::ObjectKey::from(key).encode_to_vec());
    row_key
}

fn record(key: &Key, entry: &Entry) -> Vec<u8> {
    let number = entry.number.map(OfPort::number).unwrap_or_default();
    Record { object: Some(entry.to_object(key)), number }.encode_to_vec()
}

#[cfg(test)]
mod tests;
