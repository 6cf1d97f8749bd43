//! The place where a test or a demo happens: a directory of its own for sockets, state and logs.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use tempfile::TempDir;

use crate::error::{Context, Result};
use crate::serial;

const SHOWN_LINES: usize = 30;

/// A directory that is removed on drop. What is staged on it is declared after it and so dropped before it.
#[derive(Debug)]
pub struct Stage {
    dir: TempDir,
}

impl Stage {
    /// An empty stage.
    pub fn new() -> Result<Stage> {
        // Short: a Unix socket's path has 107 bytes at most.
        let dir = tempfile::Builder::new().prefix("sluice-").tempdir();
        Ok(Stage { dir: dir.context(|| "make a directory for temporary files".to_owned())? })
    }

    /// Runs a test on a stage of its own and alone. If it fails, the end of every log is shown.
    pub fn run(test: impl FnOnce(&Stage) -> Result<()>) -> Result<()> {
        let _alone = serial::alone();
        let stage = Stage::new()?;
        let outcome = test(&stage);
        if outcome.is_err() {
            stage.show_logs();
        }
        outcome
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A path in it that ends in `.log`: it is shown when a test fails.
    pub fn log(&self, name: &str) -> PathBuf {
        self.path(&format!("{name}.log"))
    }

    /// Writes the end of every log to standard error.
    pub fn show_logs(&self) {
        let mut logs: Vec<PathBuf> = fs::read_dir(self.dir.path())
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default();
        logs.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
        logs.sort();
        for log in logs {
            let text =
                fs::read(&log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
            if text.trim().is_empty() {
                continue;
            }
            eprintln!("--- the end of {}", log.display());
            let skip = text.lines().count().saturating_sub(SHOWN_LINES);
            text.lines().skip(skip).for_each(|line| eprintln!("{line}"));
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if thread::panicking() {
            self.show_logs();
        }
    }
}
