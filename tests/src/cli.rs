//! The operators' CLI, run as an operator runs it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::built::binary;
use crate::error::{Error, Result};
use crate::process::Launch;
use crate::wait::wait_for;

/// `sluice --rundir DIR`.
#[derive(Clone, Debug)]
pub struct Cli {
    program: PathBuf,
    rundir: PathBuf,
}

/// What a command answered.
#[derive(Clone, Debug)]
pub struct CliAnswer {
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Cli {
    /// The CLI for the processes that use that runtime directory.
    pub fn new(rundir: &Path) -> Result<Cli> {
        Ok(Cli { program: binary("sluice")?, rundir: rundir.to_owned() })
    }

    /// Runs a command, whatever its exit code.
    pub fn answer<A: AsRef<str>>(&self, args: &[A]) -> Result<CliAnswer> {
        let output = self.launch(args).output()?;
        Ok(CliAnswer {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs a command of words separated by blanks; fails if its exit code is not 0.
    pub fn run(&self, line: &str) -> Result<String> {
        self.launch(&line.split_whitespace().collect::<Vec<_>>()).run()
    }

    /// Runs a command with `-o json` and answers what it said.
    pub fn json(&self, line: &str) -> Result<Value> {
        let text = self.run(&format!("{line} -o json"))?;
        serde_json::from_str(&text)
            .map_err(|_| Error::Unexpected { what: format!("sluice {line} -o json"), found: text })
    }

    /// Frames dropped for that reason, over all ports.
    pub fn drops(&self, reason: &str) -> Result<u64> {
        Ok(dropped(&self.json("drops")?, reason))
    }

    /// Waits until a port's link is in that state.
    pub fn wait_link(&self, port: &str, link: &str, limit: Duration) -> Result<()> {
        wait_for(&format!("port {port} is {link}"), limit, || {
            let row = self.json(&format!("port show {port}")).map_err(|error| error.to_string())?;
            if row.get("link").and_then(Value::as_str) == Some(link) { Ok(()) } else { Err(row.to_string()) }
        })
    }

    /// The command line an operator would type.
    pub fn shown(&self) -> String {
        format!("{} --rundir {}", self.program.display(), self.rundir.display())
    }

    fn launch<A: AsRef<str>>(&self, args: &[A]) -> Launch {
        Launch::new(&self.program).arg("--rundir").arg(&self.rundir).args(args.iter().map(AsRef::as_ref))
    }
}

/// Adds up `packets` of every object whose `reason` it is, however deep it lies.
fn dropped(value: &Value, reason: &str) -> u64 {
    match value {
        Value::Array(rows) => rows.iter().map(|row| dropped(row, reason)).sum(),
        Value::Object(row) if row.get("reason").and_then(Value::as_str) == Some(reason) => {
            row.get("packets").and_then(Value::as_u64).unwrap_or(0)
        }
        Value::Object(row) => row.values().map(|value| dropped(value, reason)).sum(),
        _ => 0,
    }
}
