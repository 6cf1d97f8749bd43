//! Random matches, instructions and flow-mods.

use super::action::actions;
use super::{any_port, buffer, meter, table, tables};
use crate::wire::action::{check_consistency, check_set_consistency};
use crate::wire::tests::entropy::Entropy;
use crate::wire::*;

/// Some value and mask of a field that it can have, or none.
pub(in crate::wire::tests) fn oxm(field: Field, e: &mut Entropy<'_>) -> Option<Oxm> {
    let ones = field.all_ones();
    let value = if e.flag() { e.u128() & ones } else { u128::from(e.u8()) & ones };
    let mask = if field.maskable() != Maskable::No && e.flag() { e.u128() & ones } else { ones };
    Oxm::masked(field, value & mask, mask).ok().filter(|oxm| !oxm.is_wildcard())
}

/// A match of some protocol and whatever else it allows.
pub(in crate::wire::tests) fn matching(e: &mut Entropy<'_>) -> Match {
    let exact = |field, value: u32| Oxm::exact(field, value.into()).unwrap();
    let mut fields = Vec::new();
    if e.flag() {
        fields.push(exact(Field::InPort, 1));
    }
    if e.flag() {
        fields.push(exact(Field::VlanVid, 0x1000 | u32::from(e.u16() & 0xfff)));
    }
    let eth_type = e.pick(&[0x0800, 0x86dd, 0x0806, 0x8847, 0x88e7, 0x88cc]);
    let depth = e.below(4);
    let protocol = [
        exact(Field::EthType, eth_type),
        exact(Field::IpProto, e.pick(&[1, 6, 17, 58, 132])),
        exact(Field::Icmpv6Type, e.pick(&[135, 136, 1])),
    ];
    fields.extend(protocol.into_iter().take(depth));
    for _ in 0..e.below(8) {
        let field = e.pick(Field::ALL);
        fields.extend(oxm(field, e));
    }
    let mut kept: Vec<Oxm> = Vec::new();
    for field in fields {
        let tried: Vec<Oxm> = kept.iter().copied().chain([field]).collect();
        if Match::new(tried.iter().copied()).is_ok() {
            kept = tried;
        }
    }
    Match::new(kept).unwrap()
}

pub(in crate::wire::tests) fn instructions(e: &mut Entropy<'_>) -> Instructions {
    Instructions {
        meter: e.option(meter),
        apply_actions: e.option(|e| actions(e, false)),
        clear_actions: e.flag(),
        write_actions: e.option(|e| actions(e, false)),
        write_metadata: e.option(|e| Metadata { value: e.u64(), mask: e.u64() }),
        goto_table: e.option(table),
    }
}

pub(in crate::wire::tests) fn flow_mod(e: &mut Entropy<'_>) -> FlowMod {
    let command = match e.below(3) {
        0 => FlowCommand::Add { table: table(e) },
        1 => FlowCommand::Modify { table: table(e), strict: e.flag() },
        _ => FlowCommand::Delete {
            tables: tables(e),
            strict: e.flag(),
            out_port: any_port(e),
            out_group: e.pick(&[GroupId::ANY, GroupId::new(3).unwrap()]),
        },
    };
    let mut flow_mod = FlowMod {
        cookie: Cookie(e.u64()),
        cookie_mask: CookieMask(e.u64()),
        command,
        idle_timeout_s: e.u16(),
        hard_timeout_s: e.u16(),
        priority: e.u16(),
        buffer: buffer(e),
        flags: FlowFlags::from_bits(e.u16() & FlowFlags::ALL.bits()).unwrap(),
        matching: matching(e),
        instructions: instructions(e),
    };
    keep_consistent(&mut flow_mod);
    flow_mod
}

/// Leaves out what cannot apply to the match.
fn keep_consistent(flow_mod: &mut FlowMod) {
    let mut facts = flow_mod.matching.facts();
    if let Some(actions) = &mut flow_mod.instructions.apply_actions {
        actions.retain(|action| {
            let mut tried = facts;
            let kept = check_consistency(std::slice::from_ref(action), &mut tried).is_ok();
            if kept {
                facts = tried;
            }
            kept
        });
    }
    while let Some(actions) = &mut flow_mod.instructions.write_actions
        && check_set_consistency(actions, facts).is_err()
    {
        actions.pop();
    }
    if flow_mod.check().is_err() {
        flow_mod.instructions.goto_table = None;
    }
}
