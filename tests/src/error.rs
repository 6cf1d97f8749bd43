//! Why staging failed.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// What staging answers with.
pub type Result<T> = std::result::Result<T, Error>;

/// Why something could not be staged. The message is complete: it carries the output of what failed.
#[derive(thiserror::Error)]
pub enum Error {
    /// A system call failed.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// The system's reason.
        source: io::Error,
    },
    /// A command ended with another status than 0.
    #[error("`{command}` ended with {status}:\n{output}")]
    Failed {
        /// The command line.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote to both its outputs.
        output: String,
    },
    /// A process that should run has ended.
    #[error("{name} has ended ({status}); the end of its output:\n{tail}")]
    Ended {
        /// The process.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines it wrote.
        tail: String,
    },
    /// A condition did not come true in time.
    #[error("{what}: not within {after:?}: {last}")]
    Timeout {
        /// The condition.
        what: String,
        /// How long was waited.
        after: Duration,
        /// Why it did not hold the last time it was looked at.
        last: String,
    },
    /// A file or a figure was not as expected.
    #[error("{what}: cannot make sense of {found:?}")]
    Unexpected {
        /// What was read.
        what: String,
        /// What was found there.
        found: String,
    },
    /// One of Sluice's binaries is not built.
    #[error("{} is not there: build it with `cargo build --release --bin {name}` or run `cargo xtask test`", path.display())]
    NotBuilt {
        /// The binary.
        name: String,
        /// Where it should be.
        path: PathBuf,
    },
    /// SIGINT or SIGTERM came.
    #[error("interrupted")]
    Interrupted,
}

/// The message itself: this is what a test that fails with `?` prints.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Adds to a system call's error what was being done.
pub trait Context<T> {
    /// `what` completes "cannot …".
    fn context(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<io::Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| Error::Io { what: format!("cannot {}", what()), source: source.into() })
    }
}
