//! `sluice flow`: the rules of bridges, in the syntax of ovs-ofctl(8).

use clap::Subcommand;
use serde::Serialize;
use serde_json::{Map, Value};
use sluice_api::key::FlowKey;
use sluice_api::v1::error::Code;
use sluice_api::v1::object_key::Kind;
use sluice_api::v1::{
    ApplyRequest, Flow, FlowStats, Object, ObjectKey, Operation, PortState, object, operation,
};

use super::{Examples, Writer};
use crate::app::App;
use crate::change::Change;
use crate::error::Error;
use crate::file::{self, Fields, FileError, FileErrors};
use crate::flow_text::{self, ActionsText, FlowText, FlowTextError, KeyText, MatchText, PortNames, no_names};
use crate::observe;
use crate::output::{Column, Row, number, text};
use crate::value::Name;
use crate::verb;

/// The examples of this noun's verbs.
pub(crate) const EXAMPLES: Examples = Examples {
    list: "sluice flow list br0\nsluice flow list --intent -o json",
    show: "",
    create: "sluice flow add br0 'priority=10,ip,nw_dst=10.0.0.0/8,actions=output:2'\n\
             sluice flow add br0 'in_port=1,actions=output:2' 'in_port=2,actions=output:1'\n\
             sluice flow add br0 - < flows.txt",
    set: "",
    delete: "sluice flow delete br0 'priority=10,ip,nw_dst=10.0.0.0/8'\nsluice flow delete br0 --all",
    watch: "sluice flow watch br0",
};

/// Verbs of `sluice flow`.
#[derive(Debug, Subcommand)]
pub(crate) enum FlowVerb {
    /// List the flows that run, with their counters
    List {
        /// Only this bridge's flows [default: all bridges]
        #[arg(value_name = "BRIDGE")]
        bridge: Option<Name>,
        /// The wanted flows instead: what was added, without counters and without what networks compile to
        #[arg(long)]
        intent: bool,
    },
    /// Add flows, all or none; a flow with the same table, priority and match is replaced
    Add {
        /// The bridge
        #[arg(value_name = "BRIDGE")]
        bridge: Name,
        /// A flow in the syntax of ovs-ofctl(8), or `-`: one a line from standard input, `#` begins a comment
        #[arg(value_name = "FLOW", required = true)]
        flows: Vec<String>,
    },
    /// Delete the flow of exactly this table, priority and match, or all flows of a bridge
    Delete {
        /// The bridge
        #[arg(value_name = "BRIDGE")]
        bridge: Name,
        /// Table, priority and match, without actions, as `flow list -o name` prints them
        #[arg(value_name = "MATCH", required_unless_present = "all", conflicts_with = "all")]
        matches: Vec<String>,
        /// All wanted flows of the bridge
        #[arg(long)]
        all: bool,
    },
    /// Print the wanted flows, then every change of them as it happens
    Watch {
        /// Only this bridge's flows [default: all bridges]
        #[arg(value_name = "BRIDGE")]
        bridge: Option<Name>,
    },
}

/// A flow as `list` prints it.
#[derive(Debug, Serialize)]
pub(crate) struct FlowRow {
    bridge: String,
    table: u32,
    priority: u32,
    r#match: String,
    actions: String,
    cookie: String,
    packets: Option<u64>,
    bytes: Option<u64>,
    duration_ms: Option<u64>,
    flow: String,
    #[serde(skip)]
    key: String,
}

impl Row for FlowRow {
    const COLUMNS: &'static [Column] = &[
        text("BRIDGE", "bridge"),
        number("PACKETS", "packets"),
        number("BYTES", "bytes"),
        text("FLOW", "flow"),
    ];

    fn name(&self) -> String {
        self.key.clone()
    }
}

impl FlowRow {
    fn new(flow: &Flow, stats: Option<&FlowStats>) -> Self {
        Self {
            bridge: flow.bridge.clone(),
            table: flow.table,
            priority: flow.priority,
            r#match: MatchText(flow).to_string(),
            actions: ActionsText(flow).to_string(),
            cookie: format!("{:#x}", flow.cookie),
            packets: stats.map(|stats| stats.packets),
            bytes: stats.map(|stats| stats.bytes),
            duration_ms: stats.map(|stats| stats.duration_ms),
            flow: FlowText(flow).to_string(),
            key: FlowKey::try_from(flow).map(|key| KeyText(&key).to_string()).unwrap_or_default(),
        }
    }
}

/// Carries out a verb.
pub(crate) async fn run(verb: FlowVerb, app: &mut App) -> Result<Code, Error> {
    match verb {
        FlowVerb::List { bridge, intent } => list(bridge, intent, app).await,
        FlowVerb::Add { bridge, flows } => add(&bridge, &flows, app).await,
        FlowVerb::Delete { bridge, matches, all } => {
            if all {
                delete_all(&bridge, app).await
            } else {
                delete(&bridge, &matches, app).await
            }
        }
        FlowVerb::Watch { bridge } => verb::watch(Kind::Flow, bridge.as_ref(), app).await,
    }
}

async fn list(bridge: Option<Name>, intent: bool, app: &mut App) -> Result<Code, Error> {
    let bridge = bridge.map(String::from).unwrap_or_default();
    let rows: Vec<FlowRow> = if intent {
        let objects = app.client.objects(&[Kind::Flow], &bridge).await?;
        objects.into_iter().filter_map(from_object).map(|flow| FlowRow::new(&flow, None)).collect()
    } else {
        let running = app.client.flows(&bridge).await?;
        if running.is_empty() && !bridge.is_empty() {
            observe::bridge::must_run(&bridge, app).await?;
        }
        let rows = running.iter().filter_map(|stats| Some(FlowRow::new(stats.flow.as_ref()?, Some(stats))));
        rows.collect()
    };
    app.out.list(&rows)?;
    Ok(Code::Ok)
}

async fn add(bridge: &Name, texts: &[String], app: &mut App) -> Result<Code, Error> {
    let mut inputs = Vec::new();
    for text in texts {
        inputs.push(if text == "-" { Input::Lines(file::read_input("-")?) } else { Input::Flow(text) });
    }
    let parse = |ports: &PortNames<'_>| -> Result<Vec<Flow>, Error> {
        let mut flows = Vec::new();
        for input in &inputs {
            match input {
                Input::Flow(text) => flows.push(flow_text::parse(bridge.as_ref(), text, ports)?),
                Input::Lines(lines) => flows.extend(parse_lines(bridge.as_ref(), lines, ports)?),
            }
        }
        Ok(flows)
    };
    let flows = match parse(&no_names) {
        Ok(flows) => flows,
        Err(error) => {
            // It may name a port of the bridge: those that run are known to the datapath.
            let Ok(ports) = app.client.ports().await else {
                return Err(error);
            };
            parse(&|name| number_of(&ports, bridge.as_ref(), name))?
        }
    };
    let operations = flows.into_iter().map(set).collect();
    finish(bridge, ApplyRequest { operations, ..ApplyRequest::default() }, app).await
}

enum Input<'a> {
    Flow(&'a str),
    Lines(String),
}

/// The OpenFlow number of a running port.
fn number_of(ports: &[PortState], bridge: &str, name: &str) -> Option<u32> {
    ports.iter().find(|port| port.bridge == bridge && port.name == name).map(|port| port.of_port)
}

/// One flow a line; blank lines and comments are skipped. All errors are found.
fn parse_lines(bridge: &str, input: &str, ports: &PortNames<'_>) -> Result<Vec<Flow>, FileErrors> {
    let mut flows = Vec::new();
    let mut errors = Vec::new();
    for (index, line) in input.lines().enumerate() {
        let indent = line.chars().take_while(|char| char.is_whitespace()).count();
        let text = line.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        match flow_text::parse(bridge, text, ports) {
            Ok(flow) => flows.push(flow),
            Err(error) => errors.push(FileError {
                file: file::display_name("-").to_owned(),
                line: index + 1,
                column: indent + error.column,
                object: "flow".to_owned(),
                hint: error.hint(),
                message: error.message,
            }),
        }
    }
    match FileErrors::new(errors) {
        None => Ok(flows),
        Some(errors) => Err(errors),
    }
}

async fn delete(bridge: &Name, matches: &[String], app: &mut App) -> Result<Code, Error> {
    let parse = |ports: &PortNames<'_>| -> Result<Vec<FlowKey>, FlowTextError> {
        matches.iter().map(|text| flow_text::parse_match(bridge.as_ref(), text, ports)).collect()
    };
    let keys = match parse(&no_names) {
        Ok(keys) => keys,
        Err(error) => {
            let Ok(ports) = app.client.ports().await else {
                return Err(error.into());
            };
            parse(&|name| number_of(&ports, bridge.as_ref(), name))?
        }
    };
    let operations = keys.iter().map(|key| remove(key.into())).collect();
    finish(bridge, ApplyRequest { operations, must_exist: true, ..ApplyRequest::default() }, app).await
}

async fn delete_all(bridge: &Name, app: &mut App) -> Result<Code, Error> {
    let objects = app.client.objects(&[Kind::Flow], bridge.as_ref()).await?;
    let operations = objects.into_iter().filter_map(from_object).map(remove).collect();
    finish(bridge, ApplyRequest { operations, ..ApplyRequest::default() }, app).await
}

async fn finish(bridge: &Name, request: ApplyRequest, app: &mut App) -> Result<Code, Error> {
    let change = Change::new(&app.client.apply(request).await?, false);
    let line = format!("{} on bridge {bridge}", change.summary());
    app.out.outcome(&change, &line)?;
    Ok(Code::Ok)
}

fn set(flow: Flow) -> Operation {
    Operation { kind: Some(operation::Kind::Set(into_object(flow))) }
}

fn remove(flow: Flow) -> Operation {
    let key = ObjectKey { kind: Kind::Flow.into(), name: String::new(), flow: Some(flow) };
    Operation { kind: Some(operation::Kind::Delete(key)) }
}

/// The flow as an object.
pub(crate) fn into_object(flow: Flow) -> Object {
    Object { kind: Some(object::Kind::Flow(flow)) }
}

/// The object's flow, if it is one.
pub(crate) fn from_object(object: Object) -> Option<Flow> {
    match object.kind {
        Some(object::Kind::Flow(flow)) => Some(flow),
        _ => None,
    }
}

/// Reads an element of a file's `flows`. `ports` gives a bridge's ports their numbers.
pub(crate) fn read(fields: &mut Fields<'_>, ports: &dyn Fn(&str, &str) -> Option<u32>) -> Option<Flow> {
    let bridge = fields.required::<Name>("bridge");
    let (scalar, at) = fields.scalar_node("flow")?;
    let name = bridge.as_ref().map_or("", AsRef::as_ref);
    match flow_text::parse(name, &scalar.text, &|port| ports(name, port)) {
        Ok(flow) => bridge.map(|_| flow),
        Err(error) => {
            fields.fault(scalar.inside(at, error.column), error.message.clone(), error.hint());
            None
        }
    }
}

/// Writes it as [`read`] takes it.
pub(crate) fn write(flow: &Flow) -> Map<String, Value> {
    Writer::default().text("bridge", &flow.bridge).text("flow", &FlowText(flow).to_string()).done()
}
