//! Rules and ports that a bridge does not take, with the reason it gives.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

mod world;

use sluice_packet::{Depth, Field, Rewrite, SetField, Tpid};
use sluice_pipeline::{
    Action, BridgeError, Match, MatchError, OfPort, Port, PortId, PortKind, Prerequisite, Rule,
    RuleErrorKind, RuleKey, RuleSlot, TableId,
};

fn matching(fields: &[(Field, u128)]) -> Match {
    let add = |builder: sluice_pipeline::MatchBuilder, &(field, value)| builder.exact(field, value).unwrap();
    fields.iter().fold(Match::builder(), add).build()
}

fn rule(matching: Match, actions: &[Action]) -> Rule {
    let key = RuleKey { table: TableId::FIRST, priority: 7, matching };
    Rule { actions: actions.into(), ..Rule::new(key, RuleSlot(0)) }
}

fn set(field: Field, value: u128) -> Action {
    Action::Rewrite(Rewrite::Set(SetField::new(field, value, field.full()).unwrap()))
}

fn refusal(rule: Rule) -> Option<RuleErrorKind> {
    let mut bridge = world::bridge();
    let stamp = bridge.stamp();
    let error = bridge.set_rule(rule).err();
    assert_eq!(error.is_some(), bridge.rule_count() == 0);
    assert_eq!(error.is_some(), bridge.stamp() == stamp, "a refused rule changes nothing");
    error.map(|error| error.kind)
}

const IPV4: (Field, u128) = (Field::EthType, 0x0800);
const IPV6: (Field, u128) = (Field::EthType, 0x86dd);
const ARP: (Field, u128) = (Field::EthType, 0x0806);

#[test]
fn fields_are_matched_only_with_what_they_take() {
    let cases: &[(&[(Field, u128)], Field, Prerequisite)] = &[
        (&[(Field::Ipv4Src, 1)], Field::Ipv4Src, Prerequisite::Ipv4OrArp),
        (&[IPV6, (Field::Ipv4Dst, 1)], Field::Ipv4Dst, Prerequisite::Ipv4OrArp),
        (&[IPV4, (Field::Ipv6Dst, 1)], Field::Ipv6Dst, Prerequisite::Ipv6),
        (&[IPV4, (Field::L4Dst, 80)], Field::L4Dst, Prerequisite::Transport),
        (&[IPV4, (Field::IpProto, 58), (Field::L4Dst, 0)], Field::L4Dst, Prerequisite::Transport),
        (&[IPV4, (Field::IpProto, 17), (Field::TcpFlags, 2)], Field::TcpFlags, Prerequisite::Tcp),
        (&[ARP, (Field::IpTtl, 1)], Field::IpTtl, Prerequisite::Ip),
        (&[IPV4, (Field::ArpSha, 1)], Field::ArpSha, Prerequisite::ArpOrSolicitation),
        (
            &[IPV6, (Field::IpProto, 58), (Field::NdTarget, 1)],
            Field::NdTarget,
            Prerequisite::NeighbourDiscovery,
        ),
        (&[(Field::IpProto, 6)], Field::IpProto, Prerequisite::IpOrArp),
    ];
    for (fields, field, needed) in cases {
        let expected = Some(RuleErrorKind::MatchPrerequisite(*field, *needed));
        assert_eq!(refusal(rule(matching(fields), &[])), expected);
    }
    let solicitation =
        [IPV6, (Field::IpProto, 58), (Field::L4Src, 135), (Field::NdTarget, 1), (Field::ArpSha, 1)];
    assert_eq!(refusal(rule(matching(&solicitation), &[])), None);
    assert_eq!(refusal(rule(matching(&[ARP, (Field::Ipv4Src, 1), (Field::IpProto, 1)]), &[])), None);
}

#[test]
fn a_prerequisite_that_is_masked_is_none() {
    let builder = Match::builder().field(Field::EthType, 0x0800, 0xff00).unwrap();
    let masked = builder.exact(Field::Ipv4Src, 1).unwrap().build();
    let expected = RuleErrorKind::MatchPrerequisite(Field::Ipv4Src, Prerequisite::Ipv4OrArp);
    assert_eq!(refusal(rule(masked, &[])), Some(expected));
}

#[test]
fn fields_are_written_only_where_they_are() {
    let any = Match::any;
    let tcp = matching(&[IPV4, (Field::IpProto, 6)]);
    let sctp = matching(&[IPV4, (Field::IpProto, 132)]);
    let icmp = matching(&[IPV4, (Field::IpProto, 1)]);
    let cases = [
        (
            any(),
            set(Field::Ipv4Src, 1),
            RuleErrorKind::SetPrerequisite(Field::Ipv4Src, Prerequisite::Ipv4OrArp),
        ),
        (any(), set(Field::L4Dst, 1), RuleErrorKind::SetPrerequisite(Field::L4Dst, Prerequisite::Transport)),
        (tcp, set(Field::IpProto, 17), RuleErrorKind::SetPrerequisite(Field::IpProto, Prerequisite::Arp)),
        (sctp, set(Field::L4Dst, 1), RuleErrorKind::SctpPort(Field::L4Dst)),
        (icmp, set(Field::L4Src, 256), RuleErrorKind::IcmpByte(Field::L4Src)),
        (any(), set(Field::VlanTci, 0x1001), RuleErrorKind::NotTagged),
        (any(), Action::Rewrite(Rewrite::PopVlan), RuleErrorKind::NotTagged),
        (any(), Action::Rewrite(Rewrite::DecTtl), RuleErrorKind::TtlPrerequisite(Prerequisite::Ip)),
    ];
    for (matching, action, expected) in cases {
        assert_eq!(refusal(rule(matching, &[action])), Some(expected));
    }
    let push = Action::Rewrite(Rewrite::PushVlan(Tpid::Customer));
    let pop = Action::Rewrite(Rewrite::PopVlan);
    assert_eq!(refusal(rule(any(), &[push, set(Field::VlanTci, 0x1001), pop])), None);
    assert_eq!(refusal(rule(any(), &[push, pop, pop])), Some(RuleErrorKind::NotTagged));
    let tagged = Match::builder().field(Field::VlanTci, 0x1000, 0x1000).unwrap().build();
    assert_eq!(refusal(rule(tagged, &[pop])), None);
    assert_eq!(refusal(rule(matching(&[ARP]), &[set(Field::IpProto, 2)])), None);
}

#[test]
fn values_and_masks_fit_their_field() {
    let builder = Match::builder;
    assert_eq!(builder().exact(Field::IpEcn, 4).unwrap_err(), MatchError::TooWide(Field::IpEcn));
    assert_eq!(builder().field(Field::IpTtl, 3, 1).unwrap_err(), MatchError::OutsideMask(Field::IpTtl));
    let twice = builder().exact(Field::InPort, 1).unwrap().exact(Field::InPort, 2);
    assert_eq!(twice.unwrap_err(), MatchError::Duplicate(Field::InPort));
    assert_eq!(
        builder().exact(Field::TunnelRemote, 1).unwrap_err(),
        MatchError::Internal(Field::TunnelRemote)
    );
    assert_eq!(refusal(rule(matching(&[(Field::VlanTci, 5)]), &[])), Some(RuleErrorKind::VlanOfUntagged));
}

#[test]
fn actions_lead_somewhere() {
    let output = Action::Output(PortId(99));
    assert_eq!(refusal(rule(Match::any(), &[output])), Some(RuleErrorKind::UnknownPort(PortId(99))));
    assert_eq!(
        refusal(rule(Match::any(), &[Action::Drop, Action::Flood])),
        Some(RuleErrorKind::DropNotAlone)
    );
    for (from, to) in [(0, 0), (3, 2)] {
        let mut rule = rule(Match::any(), &[]);
        rule.key.table = TableId::new(from).unwrap();
        rule.goto = TableId::new(to);
        assert_eq!(refusal(rule), Some(RuleErrorKind::GotoNotForward(TableId::new(to).unwrap())));
    }
}

#[test]
fn an_error_names_the_rule_and_the_reason() {
    let error = world::bridge().set_rule(rule(matching(&[(Field::L4Dst, 80)]), &[])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "rule table 0, priority 7, l4_dst=0x50: l4_dst can only be matched together with ip_proto TCP, UDP, SCTP or ICMP"
    );
}

#[test]
fn ports_have_their_own_numbers_and_stay_while_rules_name_them() {
    let mut bridge = world::bridge();
    let port =
        |id, of_port| Port { id: PortId(id), of_port: OfPort(of_port), kind: PortKind::Local, flood: true };
    let taken = BridgeError::OfPortTaken { of_port: OfPort(1), by: PortId(11) };
    assert_eq!(bridge.set_port(port(77, 1)), Err(taken));
    bridge.set_port(port(11, 42)).unwrap();
    assert!(bridge.of_port(OfPort(1)).is_none());
    assert_eq!(bridge.of_port(OfPort(42)).unwrap().id, PortId(11));

    let rule = rule(Match::any(), &[Action::Output(PortId(12)), Action::Output(PortId(12))]);
    bridge.set_rule(rule.clone()).unwrap();
    let in_use = BridgeError::PortInUse { port: PortId(12), rule: Box::new(rule.key.clone()) };
    assert_eq!(bridge.delete_port(PortId(12)), Err(in_use));
    bridge.delete_rule(&rule.key).unwrap();
    assert_eq!(bridge.delete_rule(&rule.key).unwrap_err().kind, RuleErrorKind::NotFound);
    bridge.delete_port(PortId(12)).unwrap();
    assert_eq!(bridge.delete_port(PortId(12)), Err(BridgeError::NoSuchPort(PortId(12))));
}

#[test]
fn a_bridge_that_looks_at_ports_alone_never_parses() {
    let mut bridge = world::bridge();
    bridge.set_rule(rule(matching(&[(Field::InPort, 1)]), &[Action::Output(PortId(12))])).unwrap();
    assert_eq!(bridge.plan().depth(), Depth::Port);
    assert_eq!(bridge.plan().fields().collect::<Vec<_>>(), [Field::InPort]);

    // A rule in a table that nothing leads to changes nothing.
    let mut unreachable = rule(matching(&[IPV4, (Field::IpProto, 6), (Field::L4Dst, 80)]), &[]);
    unreachable.key.table = TableId::new(5).unwrap();
    bridge.set_rule(unreachable.clone()).unwrap();
    assert_eq!(bridge.plan().depth(), Depth::Port);
    let mut leads = rule(Match::any(), &[]);
    leads.goto = TableId::new(5);
    bridge.set_rule(leads.clone()).unwrap();
    assert_eq!(bridge.plan().depth(), Depth::L4);
    bridge.delete_rule(&leads.key).unwrap();
    assert_eq!(bridge.plan().depth(), Depth::Port);
}

#[test]
fn a_plan_names_what_rewrites_make_of_a_field() {
    let mut bridge = world::bridge();
    let mut first = rule(matching(&[IPV4]), &[Action::Rewrite(Rewrite::DecTtl)]);
    first.goto = TableId::new(1);
    bridge.set_rule(first).unwrap();
    assert_eq!(bridge.plan().mask().get(Field::IpTtl), 0);
    let upper_bit = Match::builder().exact(Field::EthType, 0x0800).unwrap();
    let mut second = rule(upper_bit.field(Field::IpTtl, 0x40, 0x40).unwrap().build(), &[Action::Flood]);
    second.key.table = TableId::new(1).unwrap();
    bridge.set_rule(second).unwrap();
    assert_eq!(bridge.plan().mask().get(Field::IpTtl), 0xff, "a decrement carries into every bit");

    let tagged = Match::builder().field(Field::VlanTci, 0x1005, 0x1fff).unwrap().build();
    bridge.set_rule(rule(tagged, &[Action::Rewrite(Rewrite::PopVlan), Action::Normal])).unwrap();
    assert_eq!(bridge.plan().mask().get(Field::VlanTciInner), 0x1fff, "a popped tag uncovers the inner one");
    assert_eq!(bridge.plan().mask().get(Field::TunnelRemote), 0xffff, "NORMAL learns where a station is");
}
