//! The stream to the datapath (datapath.proto): Hello and Welcome, a snapshot, numbered transactions.
//!
//! A [`Session`] is one connection. It is dropped whenever it is not certain what the datapath has; the next one's
//! snapshot makes it certain again.

mod backoff;
mod chunk;
mod session;

pub use backoff::Backoff;
pub use session::{LinkError, Session, TransactError};
