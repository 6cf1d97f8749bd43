//! Reading a flow's actions.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sluice_api::field::MaskedField;
use sluice_api::v1::action::{Kind, Output, Punt, PushVlan, SetTunnel};
use sluice_api::v1::{Action, Field};

use super::PortNames;
use super::error::{Reason, SyntaxError, nearest};
use super::names::{Format, NAMES, Name, find};
use super::token::Token;
use super::value;
use crate::needs::{Known, Needs};

/// Actions' names, for suggestions.
const ACTIONS: [&str; 29] = [
    "output",
    "normal",
    "flood",
    "all",
    "in_port",
    "drop",
    "controller",
    "set_field",
    "mod_dl_src",
    "mod_dl_dst",
    "mod_nw_src",
    "mod_nw_dst",
    "mod_nw_tos",
    "mod_nw_ecn",
    "mod_nw_ttl",
    "mod_tp_src",
    "mod_tp_dst",
    "mod_vlan_vid",
    "mod_vlan_pcp",
    "push_vlan",
    "pop_vlan",
    "strip_vlan",
    "dec_ttl",
    "set_tunnel",
    "write_actions",
    "clear_actions",
    "write_metadata",
    "apply_actions",
    "goto_table",
];

/// Reads one action.
pub(super) fn parse(call: &Call<'_>, known: Known, ports: &PortNames<'_>) -> Result<Action, SyntaxError> {
    action(call, known, ports).map(|kind| Action { kind: Some(kind) })
}

/// `name`, `name:argument`, `name(argument)` or `name=argument`.
pub(super) struct Call<'a> {
    pub(super) piece: Token<'a>,
    pub(super) name: Token<'a>,
    pub(super) argument: Option<Token<'a>>,
}

impl<'a> Call<'a> {
    pub(super) fn new(piece: Token<'a>) -> Call<'a> {
        let Some(separator) = piece.text.chars().find(|c| matches!(c, ':' | '(' | '=')) else {
            return Call { piece, name: piece, argument: None };
        };
        match piece.split_once(separator) {
            Some((name, mut argument)) => {
                if separator == '(' {
                    argument.text = argument.text.strip_suffix(')').unwrap_or(argument.text);
                }
                Call { piece, name, argument: Some(argument) }
            }
            None => Call { piece, name: piece, argument: None },
        }
    }

    pub(super) fn argument(&self, what: &'static str) -> Result<Token<'a>, SyntaxError> {
        self.argument
            .filter(|argument| !argument.text.is_empty())
            .ok_or_else(|| self.piece.error(Reason::NoValue(what)))
    }

    fn without_argument(&self, kind: Kind) -> Result<Kind, SyntaxError> {
        match self.argument {
            Some(_) => Err(self.piece.error(Reason::UnexpectedValue)),
            None => Ok(kind),
        }
    }
}

fn action(call: &Call<'_>, known: Known, ports: &PortNames<'_>) -> Result<Kind, SyntaxError> {
    let set =
        |name: &'static str, what: &'static str| set_named(call, name, call.argument(what)?, known, ports);
    match call.name.text {
        "output" => output(call.argument("a port, as output:1")?, ports),
        "normal" | "NORMAL" => call.without_argument(Kind::Normal(Default::default())),
        // Without ports that refuse floods, ALL is FLOOD.
        "flood" | "FLOOD" | "all" | "ALL" => call.without_argument(Kind::Flood(Default::default())),
        "in_port" | "IN_PORT" => call.without_argument(Kind::InPort(Default::default())),
        "drop" => call.without_argument(Kind::Drop(Default::default())),
        "controller" | "CONTROLLER" => controller(call),
        "set_field" => set_field(call, known, ports),
        "mod_dl_src" => set("eth_src", "a MAC address"),
        "mod_dl_dst" => set("eth_dst", "a MAC address"),
        "mod_nw_src" => set("ip_src", "an IPv4 address"),
        "mod_nw_dst" => set("ip_dst", "an IPv4 address"),
        "mod_nw_tos" => set("nw_tos", "a TOS byte"),
        "mod_nw_ecn" => set("nw_ecn", "a number from 0 to 3"),
        "mod_nw_ttl" => set("nw_ttl", "a number from 0 to 255"),
        "mod_tp_src" => set("tp_src", "a port from 0 to 65535"),
        "mod_tp_dst" => set("tp_dst", "a port from 0 to 65535"),
        "mod_vlan_vid" => {
            let vid = call.argument("a VLAN id from 0 to 4095")?;
            value::number(vid, 0, 0xfff)?;
            set_named(call, "dl_vlan", vid, known, ports)
        }
        "mod_vlan_pcp" => set("dl_vlan_pcp", "a priority from 0 to 7"),
        "push_vlan" => push_vlan(call.argument("0x8100 or 0x88a8")?),
        "pop_vlan" | "strip_vlan" => call.without_argument(Kind::PopVlan(Default::default())),
        "dec_ttl" if !Needs::Ip.met(known) => Err(call.piece.error(Reason::Needs(Needs::Ip.describe()))),
        "dec_ttl" => call.without_argument(Kind::DecTtl(Default::default())),
        "set_tunnel" | "set_tunnel64" => set_tunnel(call.argument("a VNI, as set_tunnel:100")?),
        "" => Err(call.piece.error(Reason::UnknownAction(None))),
        _ if call.argument.is_none() && is_port(call.name, ports) => output(call.name, ports),
        _ => Err(unknown(call)),
    }
}

fn is_port(token: Token<'_>, ports: &PortNames<'_>) -> bool {
    token.text.starts_with(|c: char| c.is_ascii_digit() || c == '"') || ports(token.text).is_some()
}

fn output(port: Token<'_>, ports: &PortNames<'_>) -> Result<Kind, SyntaxError> {
    Ok(match port.text {
        "in_port" | "IN_PORT" => Kind::InPort(Default::default()),
        "normal" | "NORMAL" => Kind::Normal(Default::default()),
        "flood" | "FLOOD" | "all" | "ALL" => Kind::Flood(Default::default()),
        "controller" | "CONTROLLER" => Kind::Controller(Punt::default()),
        _ => Kind::Output(Output { of_port: value::port(port, ports)? }),
    })
}

/// `controller`, `controller:128`, `controller(max_len=128)`.
fn controller(call: &Call<'_>) -> Result<Kind, SyntaxError> {
    let Some(argument) = call.argument else { return Ok(Kind::Controller(Punt::default())) };
    let length = match argument.split_once('=') {
        Some((key, length)) if key.text == "max_len" => length,
        Some((key, _)) => return Err(key.error(Reason::Expected("max_len"))),
        None => argument,
    };
    Ok(Kind::Controller(Punt { max_bytes: value::number32(length, 0, 0xffff)? }))
}

/// `set_field:VALUE[/MASK]->FIELD`.
fn set_field(call: &Call<'_>, known: Known, ports: &PortNames<'_>) -> Result<Kind, SyntaxError> {
    const FORM: &str = "a value and a field, as set_field:10.0.0.1->ip_dst";
    let argument = call.argument(FORM)?;
    let (value, target) =
        argument.split_once_str("->").ok_or_else(|| argument.error(Reason::Expected(FORM)))?;
    match target.text {
        "tun_id" | "tunnel_id" => set_tunnel(value),
        "tun_dst" => remote(value, value.text.parse::<Ipv4Addr>().map(IpAddr::from).ok()),
        "tun_ipv6_dst" => remote(value, value.text.parse::<Ipv6Addr>().map(IpAddr::from).ok()),
        name => match find(name) {
            Some(entry) if is_settable(entry) => set_named(call, entry.name, value, known, ports),
            _ => {
                let settable = NAMES.iter().filter(|entry| is_settable(entry)).map(|entry| entry.name);
                Err(target.error(Reason::UnknownTarget(nearest(name, settable))))
            }
        },
    }
}

fn is_settable(name: &Name) -> bool {
    match name.field {
        Field::InPort | Field::TunnelId | Field::TunnelSrc | Field::TunnelSrc6 => false,
        Field::EthType | Field::IpFrag | Field::TcpFlags => false,
        Field::IpProto => name.name == "arp_op",
        _ => true,
    }
}

fn set_named(
    call: &Call<'_>,
    name: &'static str,
    value: Token<'_>,
    known: Known,
    ports: &PortNames<'_>,
) -> Result<Kind, SyntaxError> {
    let Some(entry) = find(name) else { return Err(unknown(call)) };
    if !entry.needs.met(known) {
        return Err(call.piece.error(Reason::Needs(entry.needs.describe())));
    }
    let masked = match entry.format {
        // Setting an id or a priority leaves the rest of the tag alone, and there must be a tag in the end.
        Format::VlanVid => MaskedField::masked(
            entry.field,
            value::VLAN_PRESENT | value::parse(entry.field, entry.format, value, ports)?.value(),
            value::VLAN_VID_MASK,
        ),
        format => value::parse(entry.field, format, value, ports)?,
    };
    if masked.is_wildcard() {
        return Err(value.error(Reason::Expected("a mask that selects something")));
    }
    Ok(Kind::SetField(masked.into()))
}

fn push_vlan(tpid: Token<'_>) -> Result<Kind, SyntaxError> {
    match value::number32(tpid, 0, 0xffff) {
        Ok(number) if crate::canonical::VLAN_TPIDS.contains(&number) => {
            Ok(Kind::PushVlan(PushVlan { tpid: number }))
        }
        _ => Err(tpid.error(Reason::Expected("0x8100 or 0x88a8"))),
    }
}

/// `VNI` or `VNI@REMOTE`.
fn set_tunnel(argument: Token<'_>) -> Result<Kind, SyntaxError> {
    let (vni, remote) = match argument.split_once('@') {
        None => (argument, String::new()),
        Some((vni, remote)) => match remote.text.parse::<IpAddr>() {
            Ok(address) => (vni, address.to_string()),
            Err(_) => return Err(remote.error(Reason::Expected("the IP address of a VTEP"))),
        },
    };
    Ok(Kind::SetTunnel(SetTunnel { vni: Some(value::number32(vni, 1, 0xff_ffff)?), remote }))
}

fn remote(token: Token<'_>, address: Option<IpAddr>) -> Result<Kind, SyntaxError> {
    let address = address.ok_or_else(|| token.error(Reason::Expected("the IP address of a VTEP")))?;
    Ok(Kind::SetTunnel(SetTunnel { vni: None, remote: address.to_string() }))
}

fn unknown(call: &Call<'_>) -> SyntaxError {
    let name = call.name.text;
    let reason = match name {
        "resubmit" => Reason::Unsupported("write goto_table:N, which goes on in a later table"),
        "local" | "LOCAL" => Reason::Unsupported("bridges have no local port of the host"),
        "ct" | "ct_clear" => Reason::Unsupported("connection tracking comes with security groups"),
        "group" | "meter" | "learn" | "conjunction" | "move" | "load" | "push" | "pop" | "note" | "clone"
        | "enqueue" | "push_mpls" | "pop_mpls" | "multipath" | "bundle" | "sample" | "fin_timeout"
        | "exit" => Reason::Unsupported("Sluice has no such action"),
        _ => Reason::UnknownAction(nearest(name, ACTIONS.into_iter())),
    };
    call.name.error(reason)
}
