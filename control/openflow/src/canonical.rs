//! Which flows mean something, and the one form of each.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use sluice_api::field::MaskedField;
use sluice_api::key::{FlowKey, KeyError};
use sluice_api::v1::action::{Kind, SetTunnel};
use sluice_api::v1::{Action, Field, FieldMatch, Flow, WriteMetadata};
use sluice_api::{MAX_OF_PORT, MAX_TABLE};

use crate::needs::{Known, Needs};

/// The tag protocol identifiers that `push_vlan` takes (OpenFlow 1.3.5 §5.12).
pub(crate) const VLAN_TPIDS: [u32; 2] = [0x8100, 0x88a8];

/// Bytes of a frame that `controller` sends at most; as `max_len` in OpenFlow it means the whole frame.
pub(crate) const MAX_PUNT_BYTES: u32 = 0xffff;

const MAX_VNI: u32 = 0xff_ffff;

/// Why a flow means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlowError {
    /// A match is malformed or a field is matched twice.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The table is out of range.
    #[error("table {0} does not exist: tables are 0 to {MAX_TABLE}")]
    Table(u32),
    /// The priority is out of range.
    #[error("priority {0} is above 65535")]
    Priority(u32),
    /// A field is matched or set without what it needs.
    #[error("{} needs {}", .0.as_str_name(), .1.describe())]
    Needs(Field, Needs),
    /// The field takes no mask.
    #[error("{} takes no mask", .0.as_str_name())]
    Mask(Field),
    /// The value is out of the field's range.
    #[error("{} cannot be {value}: it is {} to {}", .field.as_str_name(), .range.start(), .range.end())]
    Value {
        /// The field.
        field: Field,
        /// What was given.
        value: u128,
        /// What it can be.
        range: RangeInclusive<u128>,
    },
    /// An action without content, or of a kind newer than this version.
    #[error("an action without a kind")]
    NoKind,
    /// An output port is out of range.
    #[error("there is no port {0}: OpenFlow ports are 1 to {MAX_OF_PORT}")]
    OutputPort(u32),
    /// `drop` stands beside other actions.
    #[error("drop must be all that a flow does")]
    DropNotAlone,
    /// `goto_table` points backwards or nowhere.
    #[error("goto_table:{to} from table {from}: the next table must be {} to {MAX_TABLE}", .from + 1)]
    GotoTable {
        /// The flow's table.
        from: u32,
        /// The table that was given.
        to: u32,
    },
    /// The field cannot be set.
    #[error("{} cannot be set", .0.as_str_name())]
    NotSettable(Field),
    /// A mask selects no bit to set.
    #[error("setting {} sets no bit", .0.as_str_name())]
    SetsNothing(Field),
    /// The tag protocol identifier is unknown.
    #[error("push_vlan takes 0x8100 or 0x88a8, not {0:#06x}")]
    Tpid(u32),
    /// `dec_ttl` without IP.
    #[error("dec_ttl needs {}", Needs::Ip.describe())]
    DecTtlNeedsIp,
    /// The VNI is out of range.
    #[error("VNI {0} is out of range: 1 to {MAX_VNI}")]
    Vni(u32),
    /// The remote VTEP is no address.
    #[error("\"{0}\" is no IP address of a VTEP")]
    Remote(String),
    /// A set-tunnel action without VNI and remote.
    #[error("set_tunnel sets neither VNI nor remote")]
    EmptyTunnel,
}

/// Checks a flow and brings it into its canonical form: matches in the order of [`Field`], without wildcards and
/// ignored bits; `drop` explicit; addresses in their shortest text.
pub fn canonical(flow: Flow) -> Result<(FlowKey, Flow), FlowError> {
    if flow.table > MAX_TABLE {
        return Err(FlowError::Table(flow.table));
    }
    if flow.priority > 0xffff {
        return Err(FlowError::Priority(flow.priority));
    }
    let key = FlowKey::try_from(&flow)?;
    let known = Known::from_matches(key.matches());
    for masked in key.matches() {
        check_field(*masked, known, Needs::of(masked.field()))?;
    }
    if let Some(to) = flow.goto_table.filter(|to| *to <= flow.table || *to > MAX_TABLE) {
        return Err(FlowError::GotoTable { from: flow.table, to });
    }
    let matches = key.matches().iter().map(|masked| (*masked).into()).collect();
    let write_metadata = flow.write_metadata.filter(|write| write.mask != 0);
    let write_metadata =
        write_metadata.map(|WriteMetadata { value, mask }| WriteMetadata { value: value & mask, mask });
    let alone = flow.goto_table.is_none()
        && flow.write_actions.is_empty()
        && !flow.clear_actions
        && write_metadata.is_none();
    let actions = actions(flow.actions, alone, known)?;
    let write_actions = action_set(self::actions(flow.write_actions, false, known)?);
    Ok((key, Flow { matches, actions, write_actions, write_metadata, ..flow }))
}

fn check_field(masked: MaskedField, known: Known, needs: Needs) -> Result<(), FlowError> {
    let field = masked.field();
    if !needs.met(known) {
        return Err(FlowError::Needs(field, needs));
    }
    let is_icmp_byte = matches!(field, Field::L4Src | Field::L4Dst) && known.is_icmp();
    if !masked.is_exact() && (!is_maskable(field) || is_icmp_byte) {
        return Err(FlowError::Mask(field));
    }
    let range = match field {
        Field::InPort => 1..=u128::from(MAX_OF_PORT),
        _ if is_icmp_byte => 0..=0xff,
        _ => 0..=field.all_ones(),
    };
    let value = masked.value();
    if !range.contains(&value) {
        return Err(FlowError::Value { field, value, range });
    }
    Ok(())
}

/// OpenFlow 1.3.5 §7.2.3.7, table 12, with what OVS adds to it.
const fn is_maskable(field: Field) -> bool {
    !matches!(
        field,
        Field::InPort | Field::EthType | Field::IpDscp | Field::IpEcn | Field::IpProto | Field::IpTtl
    )
}

/// A list of actions; `alone` if it is all that the flow does.
fn actions(actions: Vec<Action>, alone: bool, known: Known) -> Result<Vec<Action>, FlowError> {
    if actions.is_empty() && alone {
        return Ok(vec![Action { kind: Some(Kind::Drop(Default::default())) }]);
    }
    let drops = actions.iter().any(|action| matches!(action.kind, Some(Kind::Drop(_))));
    if drops && (actions.len() > 1 || !alone) {
        return Err(FlowError::DropNotAlone);
    }
    actions.into_iter().map(|action| Ok(Action { kind: Some(canonical_action(action, known)?) })).collect()
}

/// The action set that a list makes of an empty one (OpenFlow 1.3.5 §5.10): the last action of each kind, in the order in
/// which they are carried out.
fn action_set(actions: Vec<Action>) -> Vec<Action> {
    let mut set = BTreeMap::new();
    for action in actions {
        let Some(place) = action.kind.as_ref().and_then(place) else { continue };
        let former = set.insert(place, action);
        if let (
            Some(Action { kind: Some(Kind::SetTunnel(new)) }),
            Some(Action { kind: Some(Kind::SetTunnel(old)) }),
        ) = (set.get_mut(&place), former)
        {
            new.vni = new.vni.or(old.vni);
            if new.remote.is_empty() {
                new.remote = old.remote;
            }
        }
    }
    set.into_values().collect()
}

/// Where an action stands in a set: its kind, and the field that it sets.
fn place(kind: &Kind) -> Option<(u8, i32)> {
    Some(match kind {
        Kind::PopVlan(_) => (0, 0),
        Kind::PushVlan(_) => (1, 0),
        Kind::DecTtl(_) => (2, 0),
        Kind::SetField(set) => (3, set.field),
        Kind::SetTunnel(_) => (4, 0),
        Kind::Output(_) | Kind::Normal(_) | Kind::Flood(_) | Kind::InPort(_) | Kind::Controller(_) => (5, 0),
        Kind::Drop(_) => return None,
    })
}

fn canonical_action(action: Action, known: Known) -> Result<Kind, FlowError> {
    let mut kind = action.kind.ok_or(FlowError::NoKind)?;
    match &mut kind {
        Kind::Normal(_) | Kind::Flood(_) | Kind::InPort(_) | Kind::Drop(_) | Kind::PopVlan(_) => {}
        Kind::Output(output) if output.of_port == 0 || output.of_port > MAX_OF_PORT => {
            return Err(FlowError::OutputPort(output.of_port));
        }
        Kind::Output(_) => {}
        Kind::Controller(punt) if punt.max_bytes >= MAX_PUNT_BYTES => punt.max_bytes = 0,
        Kind::Controller(_) => {}
        Kind::SetField(set) => *set = set_field(set, known)?,
        Kind::PushVlan(push) if !VLAN_TPIDS.contains(&push.tpid) => return Err(FlowError::Tpid(push.tpid)),
        Kind::PushVlan(_) => {}
        Kind::DecTtl(_) if !Needs::Ip.met(known) => return Err(FlowError::DecTtlNeedsIp),
        Kind::DecTtl(_) => {}
        Kind::SetTunnel(tunnel) => set_tunnel(tunnel)?,
    }
    Ok(kind)
}

fn set_field(set: &FieldMatch, known: Known) -> Result<FieldMatch, FlowError> {
    let masked = MaskedField::try_from(set).map_err(KeyError::from)?;
    let field = masked.field();
    let needs = match field {
        Field::InPort
        | Field::TunnelId
        | Field::TunnelSrc
        | Field::TunnelSrc6
        | Field::EthType
        | Field::IpFrag
        | Field::TcpFlags => return Err(FlowError::NotSettable(field)),
        // The protocol of an IP packet cannot change; an ARP packet's opcode can.
        Field::IpProto => Needs::Arp,
        other => Needs::of(other),
    };
    if masked.is_wildcard() {
        return Err(FlowError::SetsNothing(field));
    }
    check_field(masked, known, needs)?;
    Ok(masked.into())
}

fn set_tunnel(tunnel: &mut SetTunnel) -> Result<(), FlowError> {
    if let Some(vni) = tunnel.vni.filter(|vni| *vni == 0 || *vni > MAX_VNI) {
        return Err(FlowError::Vni(vni));
    }
    if tunnel.remote.is_empty() {
        return if tunnel.vni.is_some() { Ok(()) } else { Err(FlowError::EmptyTunnel) };
    }
    match tunnel.remote.parse::<IpAddr>() {
        Ok(address) => {
            tunnel.remote = address.to_string();
            Ok(())
        }
        Err(_) => Err(FlowError::Remote(std::mem::take(&mut tunnel.remote))),
    }
}
