//! What a command can fail with, and how that is told: one report, as text or JSON, and an exit code.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;
use sluice_api::v1::error::Code;

use crate::client::ClientError;
use crate::file::{FileError, FileErrors};
use crate::flow_text::FlowTextError;
use crate::output::Format;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A process could not be asked, or refused.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// An apply file, or flows on standard input, say something that cannot be.
    #[error(transparent)]
    File(#[from] FileErrors),
    /// A flow on the command line cannot be read.
    #[error("{0}")]
    Flow(#[from] FlowTextError),
    /// The options contradict each other or leave something out.
    #[error("{message}")]
    Usage {
        /// What the options are about, as in "port vm1".
        object: String,
        /// What is wrong with them.
        message: String,
        /// What would be right.
        hint: String,
    },
    /// Nothing has this name.
    #[error("there is no such {noun}")]
    NotFound {
        /// The kind of object, as in "port".
        noun: &'static str,
        /// The name that was looked for.
        name: String,
        /// What to do: a near miss, or the command that lists the names.
        hint: String,
    },
    /// A file of the operator's cannot be read.
    #[error("cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot be written")]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Standard output cannot be written. Its reader going away ([`io::ErrorKind::BrokenPipe`]) is no failure.
    #[error("standard output cannot be written")]
    Stdout(#[from] io::Error),
    /// A value has no JSON or YAML form.
    #[error("the answer cannot be shown in this format")]
    Encode(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The asynchronous runtime could not be started.
    #[error("the runtime does not start")]
    Runtime(#[source] io::Error),
}

impl Error {
    /// A command line that clap accepts and that still makes no sense.
    pub(crate) fn usage(
        object: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::Usage { object: object.into(), message: message.into(), hint: hint.into() }
    }

    /// Nothing called `name` is among `names`.
    pub(crate) fn not_found<'a>(
        noun: &'static str,
        name: &str,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let hint = match crate::suggest::nearest(name, names) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("`sluice {noun} list` shows what there is"),
        };
        Self::NotFound { noun, name: name.to_owned(), hint }
    }

    /// The reader of standard output has gone away.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Stdout(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The report that is shown.
    pub(crate) fn report(&self) -> Report {
        let mut report = Report { message: self.to_string(), ..Report::default() };
        match self {
            Self::Client(error) => return error.report(),
            Self::File(errors) => {
                report.code = ReportCode(errors.code());
                report.errors = errors.iter().cloned().collect();
            }
            Self::Flow(error) => {
                report.code = ReportCode(Code::Invalid);
                report.object = "flow".to_owned();
                report.hint = error.hint();
            }
            Self::Usage { object, hint, .. } => {
                report.code = ReportCode(Code::Invalid);
                report.object.clone_from(object);
                report.hint.clone_from(hint);
            }
            Self::NotFound { noun, name, hint } => {
                report.code = ReportCode(Code::NotFound);
                report.object = format!("{noun} {name}");
                report.hint.clone_from(hint);
            }
            Self::Read { path, source } | Self::Write { path, source } => {
                report.code = ReportCode(match source.kind() {
                    io::ErrorKind::NotFound => Code::NotFound,
                    _ => Code::Failed,
                });
                report.object = path.display().to_string();
                report.cause = source.to_string();
            }
            Self::Stdout(source) | Self::Runtime(source) => report.cause = source.to_string(),
            Self::Encode(source) => report.cause = source.to_string(),
        }
        report
    }
}

/// What is said about a failure, on standard error.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// What kind of failure; decides the exit code.
    pub(crate) code: ReportCode,
    /// What is at fault, as in "port vm1"; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) object: String,
    /// What is wrong.
    pub(crate) message: String,
    /// What lies beneath, such as the system's error; may be empty.
    pub(crate) cause: String,
    /// What to do; may be empty.
    pub(crate) hint: String,
    /// Each error of a file, with its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<FileError>,
}

impl Report {
    /// Shows the report on standard error, JSON if that is the format, and gives the process's exit code.
    pub(crate) fn show(&self, format: Format) -> ExitCode {
        let mut stderr = io::stderr().lock();
        // Nobody is left to be told that standard error is closed.
        let _ = match format {
            Format::Json => self.write_json(&mut stderr),
            Format::Table | Format::Yaml | Format::Name => self.write_text(&mut stderr),
        };
        exit_code(self.code.0)
    }

    fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        writeln!(out)
    }

    fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        if self.errors.is_empty() {
            let prefix = if self.object.is_empty() { String::new() } else { format!("{}: ", self.object) };
            let suffix = if self.cause.is_empty() { String::new() } else { format!(": {}", self.cause) };
            writeln!(out, "error: {prefix}{}{suffix}", self.message)?;
            return write_hint(out, &self.hint);
        }
        for error in &self.errors {
            writeln!(out, "error: {error}")?;
            write_hint(out, &error.hint)?;
        }
        Ok(())
    }
}

fn write_hint(out: &mut impl Write, hint: &str) -> io::Result<()> {
    if hint.is_empty() { Ok(()) } else { writeln!(out, "hint: {hint}") }
}

/// A code of the API's `Error`, shown by its name in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReportCode(pub(crate) Code);

impl Default for ReportCode {
    fn default() -> Self {
        Self(Code::Failed)
    }
}

impl Serialize for ReportCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.as_str_name().to_ascii_lowercase())
    }
}

/// The exit code: the numbers of the API's error codes.
pub(crate) fn exit_code(code: Code) -> ExitCode {
    ExitCode::from(match code {
        Code::Ok => 0,
        Code::Failed => 1,
        Code::Invalid => 2,
        Code::Unreachable => 3,
        Code::NotFound => 4,
        Code::Conflict => 5,
        Code::Timeout => 6,
    })
}
