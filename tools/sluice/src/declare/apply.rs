//! `sluice apply`: a file's objects become wanted, all or none.

use std::path::PathBuf;

use sluice_api::v1::error::Code;
use sluice_api::v1::{Applied, ApplyRequest};

use crate::app::App;
use crate::change::{Action, Change};
use crate::client::ClientError;
use crate::error::Error;
use crate::file::{Document, Scope};
use crate::output::Format;

/// Options of `sluice apply`.
#[derive(Debug, clap::Args)]
pub(crate) struct ApplyArgs {
    /// The state in YAML or JSON; `-` is standard input
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// The file is the whole state: remove what it does not name
    #[arg(long, visible_alias = "prune")]
    replace: bool,
    /// Check with the control process and show what would change, but change nothing
    #[arg(long)]
    dry_run: bool,
}

/// The examples of this command.
pub(crate) const EXAMPLES: &str = "sluice apply -f state.yaml\n\
     sluice apply -f state.yaml --replace --dry-run\n\
     sluice export | ssh other sluice apply -f - --replace";

/// What the file holds, for the long help.
pub(crate) const ABOUT: &str = "\
Makes a file's objects wanted, all or none.

The file is YAML or JSON with the keys bridges, ports, vteps, networks, nics and flows, each a list, all optional:

  bridges:
    - {name: br0, datapath_id: 1, mac_table_size: 8192, mac_aging_s: 300}
  ports:
    - name: vm1
      bridge: br0
      of_port: 1
      mtu: 1500
      vhost_user: {path: /run/vm1.sock, role: client, queue_pairs: 1}
    - name: up0
      dpdk: {device: \"net_af_packet0,iface=eth1\", queues: 1}
    - name: vx0
      bridge: br0
      vxlan: {vni: 100, vtep: vtep0, remotes: [192.168.0.2]}
  vteps:
    - name: vtep0
      uplink: up0
      addresses: [192.168.0.1/24]
      gateways: [192.168.0.254]
      udp_port: 4789
  networks:
    - {name: red, vni: 200, vtep: vtep0, remotes: [192.168.0.2]}
  nics:
    - name: red-a
      network: red
      mac: \"52:54:00:00:00:01\"
      mtu: 1450
      vhost_user: {path: /run/red-a.sock}
  flows:
    - bridge: br0
      flow: \"priority=10,ip,nw_dst=10.0.0.0/8,actions=output:2\"

Only names, kinds and what a kind cannot be without are needed; the rest has the defaults of `create`. Units: mtu \
in bytes of layer-3 payload, mac_aging_s in seconds, mac_table_size in entries. An error is told with its line and \
column, and nothing is sent.";

/// Carries out the command.
pub(crate) async fn run(args: &ApplyArgs, app: &mut App) -> Result<Code, Error> {
    let scope = if args.replace { Scope::Whole } else { Scope::Part };
    let document = Document::read(&args.file, scope)?;
    let applied = send(&document, args.replace, args.dry_run, app).await?;
    let change = Change::new(&applied, args.dry_run);
    if app.out.format() == Format::Table && (args.dry_run || app.verbose) {
        for step in &change.operations {
            let word = match step.action {
                Action::Set => "set",
                Action::Delete => "delete",
            };
            app.out.line(&format!("{word:6}  {} {}", step.kind, step.name))?;
        }
    }
    let tense = if args.dry_run { "would be: " } else { "" };
    app.out.outcome(&change, &format!("{tense}{}", change.summary()))?;
    Ok(Code::Ok)
}

/// Sends a document; a refusal that names one of its objects gets that object's place.
pub(crate) async fn send(
    document: &Document,
    replace: bool,
    dry_run: bool,
    app: &App,
) -> Result<Applied, Error> {
    let operations = document.operations();
    let request = ApplyRequest { operations, replace, dry_run, ..ApplyRequest::default() };
    app.client.apply(request).await.map_err(|error| match &error {
        ClientError::Refused(refusal) => match document.locate(refusal) {
            Some(located) => located.into(),
            None => error.into(),
        },
        _ => error.into(),
    })
}
