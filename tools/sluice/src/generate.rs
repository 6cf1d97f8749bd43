//! Completions and man pages, from the same definitions that parse the command line.

use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;
use sluice_api::v1::error::Code;

use crate::app::App;
use crate::error::Error;

/// Options of `sluice completion`.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Options of `sluice man`.
#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// Directory for one page a command, section 1; it is made if it is not there
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

/// The examples of `sluice completion`.
pub(crate) const COMPLETION_EXAMPLES: &str =
    "sluice completion bash > /etc/bash_completion.d/sluice\nsource <(sluice completion zsh)";

/// The examples of `sluice man`.
pub(crate) const MAN_EXAMPLES: &str = "sluice man --dir /usr/local/share/man/man1";

/// Prints a completion script.
pub(crate) fn completion(args: &CompletionArgs, mut command: Command, app: &mut App) -> Result<Code, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "sluice", &mut script);
    app.out.text(&script)?;
    Ok(Code::Ok)
}

/// Writes all man pages.
pub(crate) fn man(args: &ManArgs, command: Command) -> Result<Code, Error> {
    write_pages(&args.dir, command)
        .map_err(|source| Error::Write { path: args.dir.clone(), source })
        .map(|()| Code::Ok)
}

fn write_pages(dir: &Path, command: Command) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)?;
    clap_mangen::generate_to(command, dir)
}
