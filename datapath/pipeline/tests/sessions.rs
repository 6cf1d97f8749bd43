//! Full session tables: what stays, what gives way, and that one bridge cannot take another's place.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

use std::sync::Arc;

use sluice_packet::{BURST, Field, FlowKey};
use sluice_pipeline::{
    Action, Bridge, BridgeId, Ingress, MacTable, Match, OfPort, Port, PortId, PortKind, Rule, RuleKey,
    RuleSlot, SessionConfig, Sessions, TableId, Tick,
};

const INGRESS: Ingress = Ingress::local(PortId(1), OfPort(1));

/// A bridge that tells flows apart by one field.
fn bridge(id: u16, field: Field) -> Bridge {
    let mut bridge = Bridge::new(BridgeId(id), Arc::new(MacTable::new(8, 300)));
    for id in [1, 2] {
        let (id, of_port) = (PortId(id), OfPort(id.into()));
        bridge.set_port(Port { id, of_port, kind: PortKind::Local, flood: true }).unwrap();
    }
    let ipv6 = Match::builder().exact(Field::EthType, 0x86dd).unwrap();
    let special = if field == Field::EthDst { Match::builder() } else { ipv6 };
    bridge.set_rule(rule(2, special.exact(field, 0).unwrap().build(), Action::Drop)).unwrap();
    bridge.set_rule(rule(1, Match::any(), Action::Output(PortId(2)))).unwrap();
    bridge
}

fn rule(priority: u16, matching: Match, action: Action) -> Rule {
    let key = RuleKey { table: TableId::FIRST, priority, matching };
    Rule { actions: Box::new([action]), ..Rule::new(key, RuleSlot(priority.into())) }
}

/// Sends flows through; returns how many had the rules run.
fn send(
    sessions: &mut Sessions,
    bridge: &Bridge,
    field: Field,
    flows: impl IntoIterator<Item = u32>,
    now: u32,
) -> usize {
    let flows: Vec<_> = flows.into_iter().collect();
    let mut batch = sessions.batch();
    let mut judged = 0;
    for burst in flows.chunks(BURST) {
        batch.clear();
        let keys: Vec<_> = burst
            .iter()
            .map(|&flow| {
                let mut key = FlowKey::EMPTY;
                INGRESS.write_to(&mut key);
                key.set(Field::EthType, 0x86dd);
                key.set(field, u128::from(flow) + 1);
                key
            })
            .collect();
        keys.iter().for_each(|key| {
            batch.push(bridge.plan(), bridge.stamp(), key).unwrap();
        });
        sessions.lookup(&mut batch, Tick(now));
        sessions.resolve(&mut batch, Tick(now), |index| {
            judged += 1;
            bridge.evaluate(&keys[index], &INGRESS, Tick(now))
        });
        for index in 0..burst.len() {
            let verdict = sessions.verdicts().get(batch.verdict(index).unwrap()).unwrap();
            assert_eq!(
                verdict.rules(),
                [RuleSlot(1)],
                "every frame gets its verdict, with or without a session"
            );
        }
    }
    judged
}

#[test]
fn sessions_up_to_the_limit_are_found_again() {
    let bridge = bridge(1, Field::EthDst);
    let mut sessions = Sessions::new(SessionConfig { limit: 1 << 17, idle_s: 30 });
    let flows = 0..(1 << 17) * 9 / 10;
    send(&mut sessions, &bridge, Field::EthDst, flows.clone(), 1);
    let held = sessions.len();
    let missing = flows.len() - held;
    assert!(missing * 1000 < flows.len(), "{missing} found no place in a table that has room");
    assert_eq!(send(&mut sessions, &bridge, Field::EthDst, flows, 1), missing);
}

#[test]
fn long_keys_that_differ_only_behind_the_first_line_are_told_apart() {
    let bridge = bridge(1, Field::Ipv6Dst);
    let mut sessions = Sessions::new(SessionConfig { limit: 4096, idle_s: 30 });
    assert_eq!(send(&mut sessions, &bridge, Field::Ipv6Dst, 0..1000, 1), 1000);
    assert_eq!(send(&mut sessions, &bridge, Field::Ipv6Dst, 0..1000, 2), 0);
    assert_eq!(sessions.len(), 1000);
}

#[test]
fn a_full_table_keeps_busy_sessions_and_forwards_the_rest() {
    let bridge = bridge(1, Field::EthDst);
    let mut sessions = Sessions::new(SessionConfig { limit: 256, idle_s: 30 });
    send(&mut sessions, &bridge, Field::EthDst, 0..256, 100);
    let held = sessions.len();
    // Too many, all at once: none of them drives out a busy one.
    assert_eq!(send(&mut sessions, &bridge, Field::EthDst, 1000..9000, 100), 8000);
    assert!(send(&mut sessions, &bridge, Field::EthDst, 0..256, 100) <= 256 - held);
    // Unused for a while, they give way to others.
    send(&mut sessions, &bridge, Field::EthDst, 1000..1256, 104);
    assert!(send(&mut sessions, &bridge, Field::EthDst, 1000..1256, 104) < 64);
    assert!(sessions.len() <= 256);
}

#[test]
fn no_bridge_takes_what_is_anothers_fair_share() {
    let (busy, small) = (bridge(1, Field::EthDst), bridge(2, Field::EthDst));
    let mut sessions = Sessions::new(SessionConfig { limit: 1024, idle_s: 30 });
    send(&mut sessions, &busy, Field::EthDst, 0..20_000, 100);
    assert!(sessions.len_of(BridgeId(1)) > 1000, "who is alone may have all");
    // The second bridge gets its half while the first is as busy as ever.
    for _ in 0..20 {
        send(&mut sessions, &small, Field::EthDst, 0..300, 100);
        send(&mut sessions, &busy, Field::EthDst, 0..20_000, 100);
    }
    assert!(sessions.len_of(BridgeId(2)) >= 290, "{}", sessions.len_of(BridgeId(2)));
    assert!(send(&mut sessions, &small, Field::EthDst, 0..300, 100) <= 10);
    assert!(sessions.len() <= 1024);
}

#[test]
fn one_bridges_changes_leave_anothers_sessions_alone() {
    let (mut changing, steady) = (bridge(1, Field::EthDst), bridge(2, Field::EthDst));
    let mut sessions = Sessions::new(SessionConfig::default());
    send(&mut sessions, &changing, Field::EthDst, 0..50, 1);
    send(&mut sessions, &steady, Field::EthDst, 0..50, 1);
    changing.set_rule(rule(0, Match::any(), Action::Drop)).unwrap();
    assert_eq!(send(&mut sessions, &steady, Field::EthDst, 0..50, 1), 0);
    assert_eq!(send(&mut sessions, &changing, Field::EthDst, 0..50, 1), 50);
    assert_eq!(send(&mut sessions, &changing, Field::EthDst, 0..50, 1), 0);
    assert_eq!(sessions.len(), 100, "sessions are judged again in place");
}

#[test]
fn idle_sessions_are_swept_a_few_at_a_time() {
    let bridge = bridge(1, Field::EthDst);
    let mut sessions = Sessions::new(SessionConfig { limit: 4096, idle_s: 10 });
    send(&mut sessions, &bridge, Field::EthDst, 0..1000, 100);
    send(&mut sessions, &bridge, Field::EthDst, 0..100, 110);
    sessions.sweep(5000, Tick(110));
    assert_eq!(sessions.len(), 1000);
    sessions.sweep(500, Tick(111));
    assert!((500..600).contains(&sessions.len()), "{}", sessions.len());
    sessions.sweep(500, Tick(111));
    assert_eq!(sessions.len(), 100);
    assert_eq!(send(&mut sessions, &bridge, Field::EthDst, 0..100, 111), 0);
}

#[test]
fn a_station_that_sends_through_sessions_does_not_age() {
    let macs = Arc::new(MacTable::new(8, 40));
    let mut bridge = Bridge::new(BridgeId(1), macs.clone());
    for id in [1, 2] {
        let (id, of_port) = (PortId(id), OfPort(id.into()));
        bridge.set_port(Port { id, of_port, kind: PortKind::Local, flood: true }).unwrap();
    }
    bridge.set_rule(rule(1, Match::any(), Action::Normal)).unwrap();
    let mut sessions = Sessions::new(SessionConfig { limit: 64, idle_s: 10 });
    let judged: usize = (0..1000)
        .map(|now| {
            let judged = send(&mut sessions, &bridge, Field::EthSrc, [0x0200_0000], now);
            assert_eq!(macs.expire(Tick(now)), 0);
            judged
        })
        .sum();
    assert!(
        (150..250).contains(&judged),
        "about once in five seconds, an eighth of the ageing time: {judged}"
    );
    assert_eq!(macs.expire(Tick(1100)), 1);
}
