//! Running cargo.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sluice_tests::Launch;

/// Sluice's binaries by their packages.
const BINARIES: [&str; 3] = ["sluice-datapath", "sluice-control", "sluice"];

/// Builds Sluice's binaries in release.
pub(crate) fn build_release() -> Result<()> {
    let packages = BINARIES.iter().flat_map(|package| ["--package", package]);
    cargo().args(["build", "--release", "--locked", "--bins"]).args(packages).show()?;
    Ok(())
}

/// A cargo command in the repository's root.
pub(crate) fn cargo() -> Launch {
    // Set by cargo when it runs xtask: the toolchain that was asked for.
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Launch::new(program).within_directory(root())
}

/// Makes the repository's root the current directory, wherever xtask was called.
pub(crate) fn enter_root() -> Result<()> {
    env::set_current_dir(root()).with_context(|| format!("cannot enter {}", root().display()))
}

/// The repository's root.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}
