//! `sluice drops`: why frames were dropped, by port and reason.

use std::time::Duration;

use serde::Serialize;
use sluice_api::v1::PortDrops;
use sluice_api::v1::error::Code;
use sluice_packet::DropReason;

use crate::app::App;
use crate::error::Error;
use crate::output::{Column, Row, number, text};
use crate::value::{Interval, Name};

/// Options of `sluice drops`.
#[derive(Debug, clap::Args)]
pub(crate) struct DropsArgs {
    /// Only this port's [default: all ports, and what belongs to none]
    #[arg(value_name = "PORT")]
    port: Option<Name>,
    /// Go on, printing what has been dropped since the last look
    #[arg(long)]
    watch: bool,
    /// Seconds between two looks of --watch
    #[arg(long, value_name = "SECONDS", default_value = "1", requires = "watch")]
    interval: Interval,
}

/// The examples of this command.
pub(crate) const EXAMPLES: &str = "sluice drops\nsluice drops vm1 --watch --interval 5\nsluice drops -o json";

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct DropRow {
    port: Option<String>,
    reason: String,
    packets: u64,
    meaning: &'static str,
}

impl Row for DropRow {
    const COLUMNS: &'static [Column] = &[
        text("PORT", "port"),
        text("REASON", "reason"),
        number("PACKETS", "packets"),
        text("MEANING", "meaning"),
    ];

    fn name(&self) -> String {
        self.reason.clone()
    }
}

/// Carries out the command.
pub(crate) async fn run(args: &DropsArgs, app: &mut App) -> Result<Code, Error> {
    let mut before = look(args, app).await?;
    if !args.watch {
        app.out.list(&before)?;
        return Ok(Code::Ok);
    }
    loop {
        tokio::time::sleep(Duration::from(args.interval)).await;
        let now = look(args, app).await?;
        for row in since(&before, &now) {
            let port = row.port.as_deref().unwrap_or("-");
            app.out.event(
                &row,
                &format!("{port:<16} {:<24} {:>12}  {}", row.reason, row.packets, row.meaning),
            )?;
        }
        before = now;
    }
}

async fn look(args: &DropsArgs, app: &App) -> Result<Vec<DropRow>, Error> {
    let mut ports = app.client.drops().await?;
    if let Some(name) = &args.port {
        let names: Vec<String> = ports.iter().map(|drops| drops.port.clone()).collect();
        ports.retain(|drops| drops.port == name.as_ref());
        if ports.is_empty() && app.client.ports().await?.iter().all(|port| port.name != name.as_ref()) {
            return Err(Error::not_found("port", name.as_ref(), names.iter().map(String::as_str)));
        }
    }
    Ok(rows(ports))
}

fn rows(ports: Vec<PortDrops>) -> Vec<DropRow> {
    let mut rows = Vec::new();
    for PortDrops { port, drops } in ports {
        for drop in drops {
            if drop.packets > 0 {
                rows.push(DropRow {
                    port: (!port.is_empty()).then(|| port.clone()),
                    meaning: meaning(&drop.reason),
                    reason: drop.reason,
                    packets: drop.packets,
                });
            }
        }
    }
    rows
}

/// One sentence; empty for a reason that is newer than this program.
fn meaning(reason: &str) -> &'static str {
    let known = DropReason::ALL.iter().find(|known| known.name() == reason);
    known.map(|known| known.describe()).unwrap_or_default()
}

/// What has grown. A counter that is lower than before began anew.
fn since(before: &[DropRow], now: &[DropRow]) -> Vec<DropRow> {
    let grown = now.iter().map(|row| {
        let old = before.iter().find(|old| old.port == row.port && old.reason == row.reason);
        let old = old.map_or(0, |old| old.packets);
        DropRow { packets: row.packets.checked_sub(old).unwrap_or(row.packets), ..row.clone() }
    });
    grown.filter(|row| row.packets > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_api::v1::DropCount;

    fn drops(port: &str, reason: &str, packets: u64) -> PortDrops {
        let drops = vec![DropCount { reason: reason.to_owned(), packets }];
        PortDrops { port: port.to_owned(), drops }
    }

    #[test]
    fn reasons_are_explained_and_zeros_left_out() {
        let rows =
            rows(vec![drops("vm1", "runt", 3), drops("", "vni_unknown", 0), drops("", "from_2030", 1)]);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].meaning, DropReason::Runt.describe());
        assert_eq!((rows[1].port.as_deref(), rows[1].meaning), (None, ""));
    }

    #[test]
    fn a_watch_shows_growth_and_survives_a_restart() {
        let before = rows(vec![drops("vm1", "runt", 3), drops("vm2", "runt", 9)]);
        let now = rows(vec![drops("vm1", "runt", 3), drops("vm2", "runt", 2), drops("vm3", "runt", 1)]);
        let grown: Vec<_> = since(&before, &now).into_iter().map(|row| (row.port, row.packets)).collect();
        assert_eq!(grown, [(Some("vm2".to_owned()), 2), (Some("vm3".to_owned()), 1)]);
    }
}
