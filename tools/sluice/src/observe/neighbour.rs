//! `sluice neighbour`: the next hops that VTEPs have resolved on the underlay, by ARP and ND.

use clap::Subcommand;
use serde::Serialize;
use sluice_api::v1::error::Code;

use crate::app::App;
use crate::error::Error;
use crate::output::{Column, Row, text};

/// Verbs of `sluice neighbour`.
#[derive(Debug, Subcommand)]
pub(crate) enum NeighbourVerb {
    /// List the next hops of all VTEPs with their MAC address and state
    List,
}

#[derive(Debug, Serialize)]
struct NeighbourRow {
    vtep: String,
    address: String,
    mac: String,
    state: String,
}

impl Row for NeighbourRow {
    const COLUMNS: &'static [Column] =
        &[text("VTEP", "vtep"), text("ADDRESS", "address"), text("MAC", "mac"), text("STATE", "state")];

    fn name(&self) -> String {
        self.address.clone()
    }
}

/// Carries out a verb.
pub(crate) async fn run(verb: NeighbourVerb, app: &mut App) -> Result<Code, Error> {
    let NeighbourVerb::List = verb;
    let neighbours = app.client.neighbours().await?;
    let rows: Vec<NeighbourRow> = neighbours
        .into_iter()
        .map(|hop| NeighbourRow { vtep: hop.vtep, address: hop.address, mac: hop.mac, state: hop.state })
        .collect();
    app.out.list(&rows)?;
    Ok(Code::Ok)
}
