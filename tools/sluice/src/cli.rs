//! The command line: global options, nouns, and the examples that help and man pages show.

use std::path::PathBuf;

use clap::{Args, Command, CommandFactory, Parser, Subcommand};
use sluice_api::v1::{Bridge, Network, Nic, Port, Vtep};

use crate::declare::{apply, diff, export};
use crate::noun::{self, Examples, bridge, flow, network, nic, port, vtep};
use crate::observe::{drops, mac, neighbour, status, worker};
use crate::output::Format;
use crate::value::Interval;
use crate::verb::Verb;
use crate::{doctor, generate};

#[cfg(test)]
mod tests;

/// Operates a Sluice virtual switch: what is wanted of it, and what runs
#[derive(Debug, Parser)]
#[command(name = "sluice", version, propagate_version = true, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) noun: Noun,
}

/// Keeps a command's own options together in its help.
const GLOBAL: &str = "Global options";

/// Options that every command has.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Runtime directory of the instance, where control.sock and datapath.sock are
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "DIR", env = "SLUICE_RUNDIR", default_value = "/run/sluice")]
    pub(crate) rundir: PathBuf,
    /// How answers are printed, and whether errors are JSON
    #[arg(short, long, global = true, help_heading = GLOBAL, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,
    /// Longest wait for an answer of a process, in seconds; a change is answered when the datapath has confirmed
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "SECONDS", default_value = "30")]
    pub(crate) timeout: Interval,
    /// Say on standard error what is asked of whom; apply names every object it changes
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub(crate) verbose: bool,
}

/// What a command is about.
#[derive(Debug, Subcommand)]
pub(crate) enum Noun {
    /// Bridges: forwarding domains with ports, tables and an OpenFlow datapath id of their own
    #[command(subcommand)]
    Bridge(Verb<bridge::BridgeOptions>),
    /// Ports: guests' NICs by vhost-user, DPDK devices, VXLAN tunnels
    #[command(subcommand)]
    Port(Verb<port::PortOptions>),
    /// VTEPs: local VXLAN tunnel endpoints on uplinks
    #[command(subcommand)]
    Vtep(Verb<vtep::VtepOptions>),
    /// Networks: tenants' layer-2 networks (VPCs), isolated by VNI
    #[command(subcommand)]
    Network(Verb<network::NetworkOptions>),
    /// NICs: guests' interfaces in networks
    #[command(subcommand)]
    Nic(Verb<nic::NicOptions>),
    /// Flows: the rules of bridges, in the syntax of ovs-ofctl(8)
    #[command(subcommand)]
    Flow(flow::FlowVerb),
    /// Learned MAC addresses
    #[command(subcommand)]
    Mac(mac::MacVerb),
    /// Next hops on the underlay
    #[command(subcommand)]
    Neighbour(neighbour::NeighbourVerb),
    /// The datapath's polling threads
    #[command(subcommand)]
    Worker(worker::WorkerVerb),
    /// Why frames were dropped, by port and reason
    Drops(drops::DropsArgs),
    /// Both processes at a glance; exits with 3 if one cannot be reached
    Status,
    /// Check the instance and its host, and say what to do; exits with 1 if a check fails
    Doctor,
    /// Make a file's objects wanted, all or none
    #[command(long_about = apply::ABOUT)]
    Apply(apply::ApplyArgs),
    /// Show what apply would change, field by field
    Diff(diff::DiffArgs),
    /// Print the wanted state as YAML that `apply --replace` takes (JSON with -o json)
    Export,
    /// Print a completion script for a shell
    Completion(generate::CompletionArgs),
    /// Write man pages, one a command
    Man(generate::ManArgs),
}

const AFTER_HELP: &str = "\
Exit codes: 0 ok, 1 failed, 2 usage or invalid, 3 unreachable, 4 not found, 5 conflict, 6 timeout.
Errors go to standard error, with -o json as {code, object, message, cause, hint}.";

/// The whole tree, with examples at every command.
pub(crate) fn command() -> Command {
    Cli::command()
        .mut_subcommand("bridge", document::<Bridge>)
        .mut_subcommand("port", document::<Port>)
        .mut_subcommand("vtep", document::<Vtep>)
        .mut_subcommand("network", document::<Network>)
        .mut_subcommand("nic", document::<Nic>)
        .mut_subcommand("flow", document_flow)
        .mut_subcommand("mac", |mac| example(mac, "list", "sluice mac list br0"))
        .mut_subcommand("neighbour", |neighbour| example(neighbour, "list", "sluice neighbour list -o json"))
        .mut_subcommand("worker", |worker| {
            example(worker, "list", "sluice worker list\nsluice worker list --interval 5")
        })
        .mut_subcommand("drops", |drops| drops.after_help(examples(drops::EXAMPLES)))
        .mut_subcommand("status", |status| status.after_help(examples(status::EXAMPLES)))
        .mut_subcommand("doctor", |doctor| doctor.after_help(examples(doctor::EXAMPLES)))
        .mut_subcommand("apply", |apply| apply.after_help(examples(apply::EXAMPLES)))
        .mut_subcommand("diff", |diff| diff.after_help(examples(diff::EXAMPLES)))
        .mut_subcommand("export", |export| export.after_help(examples(export::EXAMPLES)))
        .mut_subcommand("completion", |completion| {
            completion.after_help(examples(generate::COMPLETION_EXAMPLES))
        })
        .mut_subcommand("man", |man| man.after_help(examples(generate::MAN_EXAMPLES)))
}

/// The verbs of a kind in its own words.
fn document<N: noun::Noun>(command: Command) -> Command {
    let noun = match N::KIND.name() {
        "vtep" => "VTEP",
        "nic" => "NIC",
        name => name,
    };
    let Examples { list, show, create, set, delete, watch } = N::EXAMPLES;
    let verbs = [
        ("list", format!("List the {noun}s that are wanted, with their running state"), list),
        ("show", format!("Show one {noun} with all its fields"), show),
        ("create", format!("Create a {noun}; one of that name is a conflict"), create),
        ("set", format!("Change what the options name of a {noun} and keep the rest"), set),
        ("delete", format!("Delete one or several {noun}s, all or none"), delete),
        ("watch", format!("Print the wanted {noun}s, then every change as it happens"), watch),
    ];
    verbs.into_iter().fold(command, |command, (verb, about, text)| {
        example(command.mut_subcommand(verb, |command| command.about(about)), verb, text)
    })
}

fn document_flow(command: Command) -> Command {
    let Examples { list, create, delete, watch, .. } = flow::EXAMPLES;
    [("list", list), ("add", create), ("delete", delete), ("watch", watch)]
        .into_iter()
        .fold(command, |command, (verb, text)| example(command, verb, text))
}

fn example(command: Command, verb: &str, text: &str) -> Command {
    let text = examples(text);
    command.mut_subcommand(verb, |command| command.after_help(text))
}

fn examples(text: &str) -> String {
    let mut help = "Examples:".to_owned();
    for line in text.lines() {
        help.push_str("\n  ");
        help.push_str(line);
    }
    help
}

/// The format that a command line asks for that cannot be parsed.
pub(crate) fn asked_format(arguments: impl Iterator<Item = String>) -> Format {
    let arguments: Vec<String> = arguments.collect();
    let next = arguments.iter().skip(1).map(String::as_str).chain([""]);
    let asks = arguments.iter().zip(next).any(|(argument, next)| match argument.as_str() {
        "-ojson" | "-o=json" | "--output=json" => true,
        "-o" | "--output" => next == "json",
        _ => false,
    });
    if asks { Format::Json } else { Format::Table }
}
