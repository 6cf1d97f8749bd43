//! `sluice doctor`: checks of the instance and its host, each with what to do.

use std::path::Path;

use serde::Serialize;
use sluice_api::v1::error::Code;

use crate::app::App;
use crate::error::Error;
use crate::output::{Column, Format, Row, text};
use host::Host;
use instance::Instance;

mod host;
mod instance;

/// The examples of this command.
pub(crate) const EXAMPLES: &str =
    "sluice doctor\nsluice doctor -o json | jq '.[] | select(.level != \"ok\")'";

/// How good a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Ok,
    Warn,
    Fail,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    level: Level,
    check: &'static str,
    message: String,
    hint: String,
}

impl Row for Finding {
    const COLUMNS: &'static [Column] =
        &[text("LEVEL", "level"), text("CHECK", "check"), text("FINDING", "message"), text("DO", "hint")];

    fn name(&self) -> String {
        self.check.to_owned()
    }
}

impl Finding {
    fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self { level: Level::Ok, check, message: message.into(), hint: String::new() }
    }

    fn warn(check: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { level: Level::Warn, check, message: message.into(), hint: hint.into() }
    }

    fn fail(check: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { level: Level::Fail, check, message: message.into(), hint: hint.into() }
    }
}

/// Carries out the command. A failed check is the exit code.
pub(crate) async fn run(app: &mut App) -> Result<Code, Error> {
    let instance = Instance::look(&app.client).await;
    let mut findings = instance.findings();
    findings.extend(host::findings(&Host::read(Path::new("/")), instance.datapath.as_ref().ok()));
    if app.out.format() == Format::Table {
        for finding in &findings {
            let level = match finding.level {
                Level::Ok => "ok",
                Level::Warn => "warn",
                Level::Fail => "fail",
            };
            app.out.line(&format!("{level:<4}  {:<11}  {}", finding.check, finding.message))?;
            if !finding.hint.is_empty() {
                app.out.line(&format!("{:19}-> {}", "", finding.hint))?;
            }
        }
    } else {
        app.out.list(&findings)?;
    }
    let failed = findings.iter().any(|finding| finding.level == Level::Fail);
    Ok(if failed { Code::Failed } else { Code::Ok })
}
