//! `sluice status`: both processes at a glance.

use serde::Serialize;
use sluice_api::v1::error::Code;
use sluice_api::v1::port_state::Link;
use sluice_api::v1::{Changes, ControlStatusReply, DatapathStatus, PortState};

use crate::app::App;
use crate::client::ClientError;
use crate::error::Error;
use crate::noun::port::drop_packets;
use crate::output::{Column, Row, text};

/// The examples of this command.
pub(crate) const EXAMPLES: &str =
    "sluice status\nsluice --rundir /run/sluice-b status -o json | jq .datapath.last_transaction";

#[derive(Debug, Serialize)]
struct Status {
    rundir: String,
    control: ControlPart,
    datapath: DatapathPart,
}

#[derive(Debug, Default, Serialize)]
struct ControlPart {
    reachable: bool,
    version: Option<String>,
    pid: Option<u64>,
    uptime_s: Option<u64>,
    datapath_connected: Option<bool>,
    datapath_error: Option<String>,
    last_transaction: Option<u64>,
    objects: Option<u64>,
    last_sync: Option<SyncPart>,
}

/// What the snapshot of the last connect changed in the datapath.
#[derive(Debug, Serialize)]
struct SyncPart {
    added: u64,
    changed: u64,
    removed: u64,
    unchanged: u64,
}

#[derive(Debug, Default, Serialize)]
struct DatapathPart {
    reachable: bool,
    version: Option<String>,
    pid: Option<u64>,
    uptime_s: Option<u64>,
    control_connected: Option<bool>,
    last_transaction: Option<u64>,
    tsc_hz: Option<u64>,
    workers: Option<usize>,
    memory_bytes: Option<u64>,
    hugepages: Option<bool>,
    hugepage_bytes: Option<u64>,
    bridges: Option<usize>,
    flows: Option<u64>,
    sessions: Option<u64>,
    ports: Option<usize>,
    ports_up: Option<usize>,
    ports_quarantined: Option<usize>,
    rx_packets: Option<u64>,
    tx_packets: Option<u64>,
    drop_packets: Option<u64>,
}

impl Row for Status {
    const COLUMNS: &'static [Column] = &[text("RUNDIR", "rundir")];

    fn name(&self) -> String {
        self.rundir.clone()
    }
}

/// Carries out the command. What cannot be reached is shown as such, and is the exit code.
pub(crate) async fn run(app: &mut App) -> Result<Code, Error> {
    let mut code = Code::Ok;
    let control = match app.client.control_status().await {
        Ok(status) => ControlPart::from(status),
        Err(error) => {
            code = away(app, error)?;
            ControlPart::default()
        }
    };
    let datapath = match look(app).await {
        Ok((status, ports)) => DatapathPart::new(&status, &ports),
        Err(error) => {
            code = away(app, error)?;
            DatapathPart::default()
        }
    };
    let rundir = app.client.rundir().display().to_string();
    app.out.show(&Status { rundir, control, datapath })?;
    Ok(code)
}

async fn look(app: &App) -> Result<(DatapathStatus, Vec<PortState>), ClientError> {
    Ok((app.client.datapath_status().await?, app.client.ports().await?))
}

fn away(app: &App, error: ClientError) -> Result<Code, Error> {
    if !error.is_unreachable() {
        return Err(error.into());
    }
    let report = error.report();
    app.warn(&report.object, &format!("{}: {} ({})", report.message, report.cause, report.hint));
    Ok(Code::Unreachable)
}

impl From<ControlStatusReply> for ControlPart {
    fn from(status: ControlStatusReply) -> Self {
        Self {
            reachable: true,
            version: Some(status.version),
            pid: Some(status.pid),
            uptime_s: Some(status.uptime_s),
            datapath_connected: Some(status.datapath_connected),
            datapath_error: (!status.datapath_error.is_empty()).then_some(status.datapath_error),
            last_transaction: Some(status.last_transaction),
            objects: Some(status.objects),
            last_sync: status.last_sync.map(|Changes { added, changed, removed, unchanged }| SyncPart {
                added,
                changed,
                removed,
                unchanged,
            }),
        }
    }
}

impl DatapathPart {
    fn new(status: &DatapathStatus, ports: &[PortState]) -> Self {
        let linked = |link: Link| ports.iter().filter(|port| port.link() == link).count();
        let sum = |counter: fn(&PortState) -> u64| ports.iter().map(counter).fold(0, u64::saturating_add);
        Self {
            reachable: true,
            version: Some(status.version.clone()),
            pid: Some(status.pid),
            uptime_s: Some(status.uptime_s),
            control_connected: Some(status.control_connected),
            last_transaction: Some(status.last_transaction),
            tsc_hz: Some(status.tsc_hz),
            workers: Some(status.workers.len()),
            memory_bytes: Some(status.memory_bytes),
            hugepages: Some(status.hugepages),
            hugepage_bytes: Some(status.hugepage_bytes),
            bridges: Some(status.bridges.len()),
            flows: Some(status.bridges.iter().map(|bridge| bridge.flows).fold(0, u64::saturating_add)),
            sessions: Some(status.workers.iter().map(|worker| worker.sessions).fold(0, u64::saturating_add)),
            ports: Some(ports.len()),
            ports_up: Some(linked(Link::Up)),
            ports_quarantined: Some(linked(Link::Quarantined)),
            rx_packets: Some(sum(|port| port.rx_packets)),
            tx_packets: Some(sum(|port| port.tx_packets)),
            drop_packets: Some(sum(drop_packets)),
        }
    }
}
