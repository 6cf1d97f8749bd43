//! Where what cargo has built lies.

use std::env;
use std::path::{Path, PathBuf};

use crate::error::{Context, Error, Result};

/// The variable that says where Sluice's binaries are, if not in the target directory's `release`.
pub const BINARIES: &str = "SLUICE_BIN_DIR";

/// Cargo's target directory, in which this program lies.
pub fn target_dir() -> Result<PathBuf> {
    let program = env::current_exe().context(|| "find this program".to_owned())?;
    // Cargo marks its target directory so that backups leave it out.
    let marked = program.ancestors().find(|directory| directory.join("CACHEDIR.TAG").exists());
    marked.map(Path::to_owned).ok_or_else(|| Error::Unexpected {
        what: "cargo's target directory".to_owned(),
        found: program.display().to_string(),
    })
}

/// One of Sluice's binaries.
pub fn binary(name: &str) -> Result<PathBuf> {
    let directory = match env::var_os(BINARIES) {
        Some(directory) => PathBuf::from(directory),
        None => target_dir()?.join("release"),
    };
    let path = directory.join(name);
    if path.exists() { Ok(path) } else { Err(Error::NotBuilt { name: name.to_owned(), path }) }
}
