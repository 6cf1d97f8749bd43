//! `sluice export`: the wanted state as a file.

use serde_json::Value;
use sluice_api::v1::error::Code;

use crate::app::App;
use crate::change::label;
use crate::error::Error;
use crate::file;
use crate::output::Format;

/// The examples of this command.
pub(crate) const EXAMPLES: &str = "sluice export > state.yaml\nsluice export -o json | jq '.flows | length'";

/// Carries out the command: YAML that `apply --replace` takes, or JSON with `-o json`.
pub(crate) async fn run(app: &mut App) -> Result<Code, Error> {
    let objects = app.client.objects(&[], "").await?;
    if app.out.format() == Format::Name {
        for key in objects.iter().filter_map(|object| sluice_api::key::Key::try_from(object).ok()) {
            app.out.line(&label(&key))?;
        }
    } else {
        app.out.document(&Value::from(file::write_state(&objects)))?;
    }
    Ok(Code::Ok)
}
