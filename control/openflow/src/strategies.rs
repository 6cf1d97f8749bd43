//! Any canonical flow, for property tests.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use sluice_api::field::MaskedField;
use sluice_api::v1::action::{Kind, Output, Punt, PushVlan, SetTunnel};
use sluice_api::v1::{Action, Field, Flow, WriteMetadata};

use crate::canonical;

/// Flows as anyone may send them; most have their prerequisites, some not.
pub(crate) fn any_flow() -> impl Strategy<Value = Flow> {
    (
        protocol(),
        vec(masked(), 0..6),
        vec(action(), 0..4),
        0..=253_u32,
        any::<u16>(),
        any::<u64>(),
        instructions(),
    )
        .prop_map(|(protocol, others, actions, table, priority, cookie, instructions)| {
            let mut matches: Vec<MaskedField> = Vec::new();
            for masked in protocol.into_iter().chain(others) {
                if !matches.iter().any(|old| old.field() == masked.field()) {
                    matches.push(masked);
                }
            }
            Flow {
                bridge: "br0".to_owned(),
                table,
                priority: priority.into(),
                matches: matches.into_iter().map(Into::into).collect(),
                cookie,
                actions,
                ..instructions
            }
        })
}

/// What a flow does beside its actions.
fn instructions() -> impl Strategy<Value = Flow> {
    let write_metadata = (any::<u64>(), prop_oneof![Just(u64::MAX), any::<u64>(), Just(0)])
        .prop_map(|(value, mask)| WriteMetadata { value, mask });
    (option::of(0..=254_u32), any::<bool>(), vec(action(), 0..4), option::of(write_metadata)).prop_map(
        |(goto_table, clear_actions, write_actions, write_metadata)| Flow {
            goto_table,
            clear_actions,
            write_actions,
            write_metadata,
            ..Flow::default()
        },
    )
}

/// Canonical flows. Parts of [`any_flow`] that mean nothing are left out one by one.
pub(crate) fn canonical_flow() -> impl Strategy<Value = Flow> {
    any_flow().prop_map(|flow| {
        let mut kept = Flow {
            bridge: flow.bridge.clone(),
            table: flow.table,
            priority: flow.priority,
            cookie: flow.cookie,
            ..Flow::default()
        };
        let keep = |kept: &mut Flow, change: &dyn Fn(&mut Flow)| {
            let mut tried = kept.clone();
            change(&mut tried);
            if canonical(tried.clone()).is_ok() {
                *kept = tried;
            }
        };
        for field_match in &flow.matches {
            keep(&mut kept, &|flow| flow.matches.push(field_match.clone()));
        }
        for action in &flow.actions {
            keep(&mut kept, &|flow| flow.actions.push(action.clone()));
        }
        for action in &flow.write_actions {
            keep(&mut kept, &|flow| flow.write_actions.push(action.clone()));
        }
        keep(&mut kept, &|kept| kept.clear_actions = flow.clear_actions);
        keep(&mut kept, &|kept| kept.write_metadata = flow.write_metadata);
        keep(&mut kept, &|kept| kept.goto_table = flow.goto_table);
        canonical(kept).unwrap().1
    })
}

fn protocol() -> impl Strategy<Value = Vec<MaskedField>> {
    let exact = |field, value: u32| MaskedField::exact(field, value.into());
    (
        prop::sample::select(vec![0x0800_u32, 0x86dd, 0x0806, 0x88cc]),
        prop::sample::select(vec![1_u32, 2, 6, 17, 58, 132]),
        prop::sample::select(vec![135_u32, 136, 8]),
        0..4_usize,
    )
        .prop_map(move |(eth_type, ip_proto, l4_src, depth)| {
            let all = [
                exact(Field::EthType, eth_type),
                exact(Field::IpProto, ip_proto),
                exact(Field::L4Src, l4_src),
            ];
            all.into_iter().take(depth).collect()
        })
}

fn masked() -> impl Strategy<Value = MaskedField> {
    let bits = prop_oneof![any::<u128>(), (0..=128_u32).prop_map(|n| u128::MAX.checked_shl(n).unwrap_or(0))];
    (prop::sample::select(Field::ALL.to_vec()), any::<u128>(), option::of(bits), 0..128_u32).prop_map(
        |(field, value, mask, shift)| MaskedField::masked(field, value >> shift, mask.unwrap_or(u128::MAX)),
    )
}

fn action() -> impl Strategy<Value = Action> {
    let remote = prop_oneof![
        Just(String::new()),
        any::<u32>().prop_map(|bits| Ipv4Addr::from(bits).to_string()),
        any::<u128>().prop_map(|bits| Ipv6Addr::from(bits).to_string()),
    ];
    let kind = prop_oneof![
        (0..0xff10_u32).prop_map(|of_port| Kind::Output(Output { of_port })),
        Just(Kind::Normal(Default::default())),
        Just(Kind::Flood(Default::default())),
        Just(Kind::InPort(Default::default())),
        any::<u16>().prop_map(|bytes| Kind::Controller(Punt { max_bytes: bytes.into() })),
        Just(Kind::Drop(Default::default())),
        masked().prop_map(|masked| Kind::SetField(masked.into())),
        prop::sample::select(vec![0x8100, 0x88a8, 0x9100]).prop_map(|tpid| Kind::PushVlan(PushVlan { tpid })),
        Just(Kind::PopVlan(Default::default())),
        Just(Kind::DecTtl(Default::default())),
        (option::of(0..0x100_0001_u32), remote)
            .prop_map(|(vni, remote)| Kind::SetTunnel(SetTunnel { vni, remote })),
    ];
    kind.prop_map(|kind| Action { kind: Some(kind) })
}
