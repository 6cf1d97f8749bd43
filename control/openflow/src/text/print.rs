//! Writing a flow, as `ovs-ofctl --no-stats dump-flows` does.

use std::fmt::{self, Display};
use std::net::IpAddr;

use sluice_api::field::MaskedField;
use sluice_api::key::FlowKey;
use sluice_api::v1::action::{Kind, SetTunnel};
use sluice_api::v1::{Action, Field, FieldMatch, Flow, WriteMetadata};

use super::names::{NAMES, Name, Shorthand};
use super::parse::DEFAULT_PRIORITY;
use super::value::{self, VLAN_PCP_MASK, VLAN_PRESENT, VLAN_VID_MASK};
use crate::needs::Known;

/// A whole flow: `cookie=0x1, table=1, priority=10,ip,nw_dst=10.0.0.0/8 actions=output:2`. A cookie or table of 0
/// and the default priority are left out. The text of a canonical flow is read as the same flow again.
#[derive(Clone, Copy, Debug)]
pub struct FlowText<'a>(pub &'a Flow);

/// What names a flow, beside its bridge: `table=1, priority=10,ip,nw_dst=10.0.0.0/8`.
#[derive(Clone, Copy, Debug)]
pub struct KeyText<'a>(pub &'a FlowKey);

/// Only the priority and matches: `priority=10,ip,nw_dst=10.0.0.0/8`.
#[derive(Clone, Copy, Debug)]
pub struct MatchText<'a>(pub &'a Flow);

/// Only the actions: `output:2`, without `actions=`.
#[derive(Clone, Copy, Debug)]
pub struct ActionsText<'a>(pub &'a Flow);

impl Display for FlowText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FlowText(flow) = self;
        if flow.cookie != 0 {
            write!(f, "cookie={:#x}, ", flow.cookie)?;
        }
        if flow.table != 0 {
            write!(f, "table={}, ", flow.table)?;
        }
        let matches = MatchText(flow).to_string();
        let space = if matches.is_empty() { "" } else { " " };
        write!(f, "{matches}{space}actions={}", ActionsText(flow))
    }
}

impl Display for KeyText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let KeyText(key) = self;
        if key.table() != 0 {
            write!(f, "table={}, ", key.table())?;
        }
        write!(f, "priority={}", key.priority())?;
        let matches = join(&matches(key.matches()));
        write!(f, "{}{matches}", if matches.is_empty() { "" } else { "," })
    }
}

impl Display for MatchText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.0.priority != DEFAULT_PRIORITY {
            parts.push(format!("priority={}", self.0.priority));
        }
        match FlowKey::try_from(self.0) {
            Ok(key) => parts.append(&mut matches(key.matches())),
            Err(error) => parts.push(format!("({error})")),
        }
        f.write_str(&join(&parts))
    }
}

impl Display for ActionsText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known =
            FlowKey::try_from(self.0).map(|key| Known::from_matches(key.matches())).unwrap_or_default();
        let texts =
            |actions: &[Action]| actions.iter().map(|action| action_text(action, known)).collect::<Vec<_>>();
        let mut parts = texts(&self.0.actions);
        if self.0.clear_actions {
            parts.push("clear_actions".to_owned());
        }
        if !self.0.write_actions.is_empty() {
            parts.push(format!("write_actions({})", join(&texts(&self.0.write_actions))));
        }
        parts.extend(self.0.write_metadata.as_ref().map(|WriteMetadata { value, mask }| match *mask {
            u64::MAX => format!("write_metadata:{value:#x}"),
            mask => format!("write_metadata:{value:#x}/{mask:#x}"),
        }));
        parts.extend(self.0.goto_table.map(|table| format!("goto_table:{table}")));
        if parts.is_empty() {
            parts.push("drop".to_owned());
        }
        f.write_str(&join(&parts))
    }
}

fn join(parts: &[String]) -> String {
    parts.join(",")
}

/// OVS's order: what stands for the protocol, then the tunnel, port, tag, addresses, and the rest as they lie in a
/// frame.
const ORDER: [Field; 25] = [
    Field::TunnelId,
    Field::TunnelSrc,
    Field::TunnelSrc6,
    Field::Metadata,
    Field::InPort,
    Field::VlanTci,
    Field::EthSrc,
    Field::EthDst,
    Field::EthType,
    Field::Ipv6Src,
    Field::Ipv6Dst,
    Field::Ipv6Flabel,
    Field::Ipv4Src,
    Field::Ipv4Dst,
    Field::IpProto,
    Field::ArpSha,
    Field::ArpTha,
    Field::IpDscp,
    Field::IpEcn,
    Field::IpTtl,
    Field::IpFrag,
    Field::L4Src,
    Field::L4Dst,
    Field::NdTarget,
    Field::TcpFlags,
];

fn matches(matches: &[MaskedField]) -> Vec<String> {
    let known = Known::from_matches(matches);
    let shorthand = Shorthand::of(known);
    let said: Vec<MaskedField> = shorthand.iter().flat_map(|shorthand| shorthand.matches()).collect();
    let mut parts: Vec<String> = shorthand.iter().map(|shorthand| shorthand.name.to_owned()).collect();
    for field in ORDER {
        let Some(masked) = matches.iter().find(|masked| masked.field() == field) else { continue };
        if said.contains(masked) {
            continue;
        }
        match field {
            Field::VlanTci => parts.append(&mut vlan_parts(*masked)),
            _ => parts.extend(match_name(field, known).map(|name| assignment(name, *masked))),
        }
    }
    parts
}

/// A VLAN match by id and priority, where it is one.
fn vlan_parts(masked: MaskedField) -> Vec<String> {
    let (id_bits, priority_bits) = (VLAN_VID_MASK & !VLAN_PRESENT, VLAN_PCP_MASK & !VLAN_PRESENT);
    let is_tagged = masked.mask() & masked.value() & VLAN_PRESENT != 0;
    let part = |bits: u128| match masked.mask() & bits {
        0 => Some(false),
        all if all == bits => Some(true),
        _ => None,
    };
    let named = |name: &str| name_of(name).map(|name| assignment(name, masked));
    match (is_tagged, part(id_bits), part(priority_bits)) {
        (true, Some(id), Some(priority)) if id || priority => {
            let id = id.then(|| named("dl_vlan")).flatten();
            id.into_iter().chain(priority.then(|| named("dl_vlan_pcp")).flatten()).collect()
        }
        _ => named("vlan_tci").into_iter().collect(),
    }
}

fn assignment(name: &Name, masked: MaskedField) -> String {
    format!("{}={}", name.name, ValueText(name, masked))
}

struct ValueText<'a>(&'a Name, MaskedField);

impl Display for ValueText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        value::write(f, self.0.format, self.1)
    }
}

/// The name under which OVS prints a match: the oldest that fits what is known.
fn match_name(field: Field, known: Known) -> Option<&'static Name> {
    let arp_name = NAMES
        .iter()
        .find(|name| name.field == field && known.is_arp() && name.needs == crate::needs::Needs::Arp);
    arp_name.or_else(|| NAMES.iter().find(|name| name.field == field && name.needs.met(known)))
}

/// The name under which OVS prints a field that is set: OpenFlow's, the newest that fits what is known.
fn set_name(masked: MaskedField, known: Known) -> Option<&'static Name> {
    let (value, mask) = (masked.value(), masked.mask());
    match masked.field() {
        Field::VlanTci if mask == VLAN_VID_MASK && value & VLAN_PRESENT != 0 => name_of("vlan_vid"),
        Field::VlanTci if mask == VLAN_PCP_MASK && value & VLAN_PRESENT != 0 => name_of("vlan_pcp"),
        Field::VlanTci => name_of("vlan_tci"),
        Field::IpDscp => name_of("ip_dscp"),
        Field::IpTtl => name_of("nw_ttl"),
        field => NAMES.iter().rfind(|name| name.field == field && name.needs.met(known)),
    }
}

fn name_of(name: &str) -> Option<&'static Name> {
    super::names::find(name)
}

fn action_text(action: &Action, known: Known) -> String {
    match &action.kind {
        None => "(unknown)".to_owned(),
        Some(Kind::Output(output)) => format!("output:{}", output.of_port),
        Some(Kind::Normal(_)) => "NORMAL".to_owned(),
        Some(Kind::Flood(_)) => "FLOOD".to_owned(),
        Some(Kind::InPort(_)) => "IN_PORT".to_owned(),
        Some(Kind::Controller(punt)) => match punt.max_bytes {
            0 => "CONTROLLER:65535".to_owned(),
            bytes => format!("CONTROLLER:{bytes}"),
        },
        Some(Kind::Drop(_)) => "drop".to_owned(),
        Some(Kind::SetField(set)) => set_field_text(set, known),
        Some(Kind::PushVlan(push)) => format!("push_vlan:{:#06x}", push.tpid),
        Some(Kind::PopVlan(_)) => "pop_vlan".to_owned(),
        Some(Kind::DecTtl(_)) => "dec_ttl".to_owned(),
        Some(Kind::SetTunnel(tunnel)) => set_tunnel_text(tunnel),
    }
}

fn set_field_text(set: &FieldMatch, known: Known) -> String {
    let masked = match MaskedField::try_from(set) {
        Ok(masked) => masked,
        Err(error) => return format!("set_field:({error})"),
    };
    match set_name(masked, known) {
        Some(name) => format!("set_field:{}->{}", ValueText(name, masked), name.name),
        None => format!("set_field:{:#x}->{}", masked.value(), masked.field().as_str_name().to_lowercase()),
    }
}

fn set_tunnel_text(tunnel: &SetTunnel) -> String {
    match (tunnel.vni, tunnel.remote.as_str()) {
        (Some(vni), "") => format!("set_tunnel:{vni:#x}"),
        (Some(vni), remote) => format!("set_tunnel:{vni:#x}@{remote}"),
        (None, remote) => match remote.parse::<IpAddr>() {
            Ok(IpAddr::V6(_)) => format!("set_field:{remote}->tun_ipv6_dst"),
            _ => format!("set_field:{remote}->tun_dst"),
        },
    }
}
