//! Whether the bridge that a list is asked of is there: nothing to list is no mistake, a bridge misspelt is one.

use crate::app::App;
use crate::error::Error;

/// Fails with the nearest name if the datapath has no bridge `name`.
pub(crate) async fn must_run(name: &str, app: &App) -> Result<(), Error> {
    let bridges = app.client.datapath_status().await?.bridges;
    if bridges.iter().any(|bridge| bridge.name == name) {
        return Ok(());
    }
    Err(Error::not_found("bridge", name, bridges.iter().map(|bridge| bridge.name.as_str())))
}
