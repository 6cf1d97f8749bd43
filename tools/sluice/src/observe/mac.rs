//! `sluice mac`: the MAC addresses that bridges have learned.

use clap::Subcommand;
use serde::Serialize;
use sluice_api::v1::error::Code;

use crate::app::App;
use crate::error::Error;
use crate::output::{Column, Row, number, text};
use crate::value::Name;

/// Verbs of `sluice mac`.
#[derive(Debug, Subcommand)]
pub(crate) enum MacVerb {
    /// List the learned addresses, with the port or remote VTEP that each is behind
    List {
        /// Only this bridge's [default: all bridges]
        #[arg(value_name = "BRIDGE")]
        bridge: Option<Name>,
    },
}

#[derive(Debug, Serialize)]
struct MacRow {
    bridge: String,
    mac: String,
    vlan: u32,
    port: String,
    remote: String,
    age_s: u32,
}

impl Row for MacRow {
    const COLUMNS: &'static [Column] = &[
        text("BRIDGE", "bridge"),
        text("MAC", "mac"),
        number("VLAN", "vlan"),
        text("PORT", "port"),
        text("REMOTE VTEP", "remote"),
        number("AGE S", "age_s"),
    ];

    fn name(&self) -> String {
        self.mac.clone()
    }
}

/// Carries out a verb.
pub(crate) async fn run(verb: MacVerb, app: &mut App) -> Result<Code, Error> {
    let MacVerb::List { bridge } = verb;
    let entries = app.client.macs(bridge.as_ref().map(AsRef::as_ref).unwrap_or_default()).await?;
    if let (Some(name), true) = (&bridge, entries.is_empty()) {
        super::bridge::must_run(name.as_ref(), app).await?;
    }
    let rows: Vec<MacRow> = entries
        .into_iter()
        .map(|entry| MacRow {
            bridge: entry.bridge,
            mac: entry.mac,
            vlan: entry.vlan,
            port: entry.port,
            remote: entry.remote,
            age_s: entry.age_s,
        })
        .collect();
    app.out.list(&rows)?;
    Ok(Code::Ok)
}
