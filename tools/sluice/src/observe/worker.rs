//! `sluice worker`: the datapath's polling threads, and what a packet costs them.

use std::time::Duration;

use clap::Subcommand;
use serde::Serialize;
use sluice_api::v1::Worker;
use sluice_api::v1::error::Code;

use crate::app::App;
use crate::error::Error;
use crate::output::{Column, Row, number, text};
use crate::value::Interval;

/// Verbs of `sluice worker`.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkerVerb {
    /// List the workers: their load, packets, TSC cycles a packet, sessions and queues
    List {
        /// Count for this many seconds instead of since the start, so that load and cycles are today's
        #[arg(long, value_name = "SECONDS")]
        interval: Option<Interval>,
    },
}

/// A worker as `list` prints it.
#[derive(Debug, Serialize)]
struct WorkerRow {
    id: u32,
    cpu: u32,
    numa_node: u32,
    busy_percent: Option<f64>,
    busy_cycles: u64,
    idle_cycles: u64,
    rx_packets: u64,
    tx_packets: u64,
    cycles_per_packet: Option<f64>,
    iterations: u64,
    busy_iterations: u64,
    sleeps: u64,
    sessions: u64,
    session_limit: u64,
    session_hits: u64,
    session_misses: u64,
    session_hit_percent: Option<f64>,
    queues: Vec<String>,
}

impl Row for WorkerRow {
    const COLUMNS: &'static [Column] = &[
        number("ID", "id"),
        number("CPU", "cpu"),
        number("NODE", "numa_node"),
        number("BUSY %", "busy_percent"),
        number("BUSY CYCLES", "busy_cycles"),
        number("RX PACKETS", "rx_packets"),
        number("TX PACKETS", "tx_packets"),
        number("CYCLES/PACKET", "cycles_per_packet"),
        number("SESSIONS", "sessions"),
        number("HIT %", "session_hit_percent"),
        text("QUEUES", "queues"),
    ];

    fn name(&self) -> String {
        self.id.to_string()
    }
}

/// Carries out a verb.
pub(crate) async fn run(verb: WorkerVerb, app: &mut App) -> Result<Code, Error> {
    let WorkerVerb::List { interval } = verb;
    let before = match interval {
        None => Vec::new(),
        Some(interval) => {
            let before = app.client.datapath_status().await?.workers;
            tokio::time::sleep(Duration::from(interval)).await;
            before
        }
    };
    let now = app.client.datapath_status().await?.workers;
    let zero = Worker::default();
    let rows: Vec<WorkerRow> = now
        .iter()
        .map(|worker| {
            WorkerRow::since(before.iter().find(|old| old.id == worker.id).unwrap_or(&zero), worker)
        })
        .collect();
    app.out.list(&rows)?;
    Ok(Code::Ok)
}

impl WorkerRow {
    /// What a worker did between two looks at it.
    fn since(before: &Worker, now: &Worker) -> Self {
        let grown = |counter: fn(&Worker) -> u64| counter(now).saturating_sub(counter(before));
        let (busy, idle) = (grown(|worker| worker.busy_cycles), grown(|worker| worker.idle_cycles));
        let rx_packets = grown(|worker| worker.rx_packets);
        let (hits, misses) = (grown(|worker| worker.session_hits), grown(|worker| worker.session_misses));
        Self {
            id: now.id,
            cpu: now.cpu,
            numa_node: now.numa_node,
            busy_percent: ratio(busy, busy.saturating_add(idle)).map(|share| share * 100.0),
            busy_cycles: busy,
            idle_cycles: idle,
            rx_packets,
            tx_packets: grown(|worker| worker.tx_packets),
            cycles_per_packet: ratio(busy, rx_packets),
            iterations: grown(|worker| worker.iterations),
            busy_iterations: grown(|worker| worker.busy_iterations),
            sleeps: grown(|worker| worker.sleeps),
            sessions: now.sessions,
            session_limit: now.session_limit,
            session_hits: hits,
            session_misses: misses,
            session_hit_percent: ratio(hits, hits.saturating_add(misses)).map(|share| share * 100.0),
            queues: now.queues.clone(),
        }
    }
}

/// `None` if nothing was counted. The precision of a double is plenty for a share.
#[allow(clippy::cast_precision_loss)]
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_counts_only_what_happened_in_it() {
        let before = Worker { busy_cycles: 1000, idle_cycles: 9000, rx_packets: 10, ..Worker::default() };
        let now = Worker { busy_cycles: 1600, idle_cycles: 9200, rx_packets: 20, ..Worker::default() };
        let row = WorkerRow::since(&before, &now);
        assert_eq!((row.cycles_per_packet, row.busy_percent), (Some(60.0), Some(75.0)));
        assert_eq!(row.session_hit_percent, None);
        assert_eq!(WorkerRow::since(&Worker::default(), &now).cycles_per_packet, Some(80.0));
    }
}
