//! From the API's flows to the pipeline's rules.

use std::fmt::Display;
use std::net::IpAddr;

use sluice_api::field::MaskedField;
use sluice_api::v1;
use sluice_api::v1::action::Kind as Api;
use sluice_overlay::Vni;
use sluice_packet::{Field, Rewrite, SetField, Tpid};
use sluice_pipeline::{Action, Match, PortId, RemoteId, Rule, RuleKey, RuleSlot, TableId, WriteMetadata};

use super::model::flow_name;
use super::refusal::Refusal;

/// What a bridge's rules may name.
pub(crate) trait Names {
    /// The port with this OpenFlow number.
    fn port(&self, of_port: u32) -> Option<PortId>;
    /// The VTEP with this address, as seen from this bridge's tunnels.
    fn remote(&mut self, address: IpAddr) -> Option<RemoteId>;
}

/// The name of the rule that `flow` is.
pub(crate) fn rule_key(flow: &v1::Flow) -> Result<RuleKey, Refusal> {
    let refused = |message: &dyn Display, hint: &str| Refusal::invalid(flow_name(flow), message, hint);
    let priority = u16::try_from(flow.priority)
        .map_err(|_| refused(&format!("priority {} is out of range", flow.priority), "give 0 to 65535"))?;
    let mut builder = Match::builder();
    for field_match in &flow.matches {
        let (field, masked) = masked_field(flow, field_match)?;
        builder = builder
            .field(field, masked.value(), masked.mask())
            .map_err(|error| refused(&error, "give each field once"))?;
    }
    Ok(RuleKey { table: table(flow, flow.table)?, priority, matching: builder.build() })
}

/// The rule that `flow` is, counting in `slot`.
pub(crate) fn rule(flow: &v1::Flow, slot: RuleSlot, names: &mut impl Names) -> Result<Rule, Refusal> {
    let key = rule_key(flow)?;
    let mut convert_all = |actions: &[v1::Action]| {
        actions.iter().map(|action| convert(flow, action, names)).collect::<Result<Box<[_]>, Refusal>>()
    };
    let metadata = flow.write_metadata.as_ref();
    Ok(Rule {
        cookie: flow.cookie,
        actions: convert_all(&flow.actions)?,
        clear: flow.clear_actions,
        write: convert_all(&flow.write_actions)?,
        metadata: metadata.map(|write| WriteMetadata { value: write.value & write.mask, mask: write.mask }),
        goto: flow.goto_table.map(|number| table(flow, number)).transpose()?,
        ..Rule::new(key, slot)
    })
}

fn convert(flow: &v1::Flow, action: &v1::Action, names: &mut impl Names) -> Result<Action, Refusal> {
    let refused = |message: String, hint: &str| Refusal::invalid(flow_name(flow), message, hint);
    Ok(match &action.kind {
        Some(Api::Output(output)) => {
            let port = names.port(output.of_port).ok_or_else(|| {
                let message =
                    format!("outputs to OpenFlow port {}, which the bridge does not have", output.of_port);
                Refusal::not_found(flow_name(flow), message, "create the port first, or name another")
            })?;
            Action::Output(port)
        }
        Some(Api::Normal(_)) => Action::Normal,
        Some(Api::Flood(_)) => Action::Flood,
        Some(Api::InPort(_)) => Action::InPort,
        Some(Api::Controller(punt)) => {
            // What is longer than a frame can be means all of it.
            let max_bytes = u16::try_from(punt.max_bytes).ok().filter(|&bytes| bytes > 0);
            Action::Punt { max_bytes }
        }
        Some(Api::Drop(_)) => Action::Drop,
        Some(Api::SetField(field_match)) => {
            let (field, masked) = masked_field(flow, field_match)?;
            let set = SetField::new(field, masked.value(), masked.mask())
                .map_err(|error| refused(error.to_string(), "set a field that frames carry"))?;
            Action::Rewrite(Rewrite::Set(set))
        }
        Some(Api::PushVlan(push)) => {
            let tpid = Tpid::new(push.tpid).ok_or_else(|| {
                refused(format!("cannot push TPID {:#x}", push.tpid), "give 0x8100 or 0x88a8")
            })?;
            Action::Rewrite(Rewrite::PushVlan(tpid))
        }
        Some(Api::PopVlan(_)) => Action::Rewrite(Rewrite::PopVlan),
        Some(Api::DecTtl(_)) => Action::Rewrite(Rewrite::DecTtl),
        Some(Api::SetTunnel(set)) => set_tunnel(flow, set, names)?,
        None => return Err(refused("an action is empty".to_owned(), "give each action a kind")),
    })
}

fn set_tunnel(
    flow: &v1::Flow,
    set: &v1::action::SetTunnel,
    names: &mut impl Names,
) -> Result<Action, Refusal> {
    let refused = |message: String, hint: &str| Refusal::invalid(flow_name(flow), message, hint);
    let vni = set
        .vni
        .map(|vni| Vni::new(vni).map_err(|error| refused(error.to_string(), "give a VNI from 1 to 16777215")))
        .transpose()?;
    let remote = match set.remote.as_str() {
        "" => None,
        text => {
            let address: IpAddr = text
                .parse()
                .map_err(|_| refused(format!("{text:?} is no IP address"), "give the address of a VTEP"))?;
            let message = || format!("no tunnel port of the bridge reaches {address}");
            let remote = names.remote(address).ok_or_else(|| {
                refused(message(), "give the bridge a vxlan port whose VTEP has an address of that family")
            })?;
            Some(remote)
        }
    };
    Ok(Action::SetTunnel { vni, remote })
}

fn table(flow: &v1::Flow, number: u32) -> Result<TableId, Refusal> {
    u8::try_from(number).ok().and_then(TableId::new).ok_or_else(|| {
        Refusal::invalid(flow_name(flow), format!("table {number} is out of range"), "give 0 to 253")
    })
}

/// A field with its value and mask, canonical.
fn masked_field(flow: &v1::Flow, field_match: &v1::FieldMatch) -> Result<(Field, MaskedField), Refusal> {
    let refused = |message: &dyn Display, hint: &str| Refusal::invalid(flow_name(flow), message, hint);
    let masked = MaskedField::try_from(field_match)
        .map_err(|error| refused(&error, "give value and mask as wide as the field, big-endian"))?;
    let field = Field::from_number(masked.field().into()).ok_or_else(|| {
        refused(&format!("field {} is not known", field_match.field), "use a field of the API")
    })?;
    Ok((field, masked))
}
