//! Rules run on keys do what a naive evaluator does to frames; sessions, whatever happens meanwhile, do the same.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]
#![allow(missing_docs)]

mod world;

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use sluice_packet::{BURST, Depth, FlowKey, extract};
use sluice_pipeline::{
    Action, Bridge, Ingress, Rule, RuleCounters, RuleSlot, SessionConfig, Sessions, Station, Tick, Totals,
};
use world::frames::Spec;
use world::oracle::{Frame, Oracle, assert_same, carry_out};
use world::{bridge, frame, ingress, ports, retypes_icmp, rule};

fn cases(default: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(default);
    ProptestConfig::with_cases(cases)
}

/// A bridge with those of the rules that it takes, and the oracle with the same.
fn with_rules(rules: Vec<Rule>) -> (Bridge, Oracle) {
    let mut bridge = bridge();
    let mut oracle = Oracle { rules: vec![], ports: ports(), macs: HashMap::new() };
    for (slot, rule) in (0..).zip(rules) {
        set(&mut bridge, &mut oracle, Rule { slot: RuleSlot(slot), ..rule });
    }
    (bridge, oracle)
}

fn set(bridge: &mut Bridge, oracle: &mut Oracle, rule: Rule) {
    if !retypes_icmp(&rule) && bridge.set_rule(rule.clone()).is_ok() {
        oracle.set(rule);
    }
}

fn macs(bridge: &Bridge) -> HashMap<(u128, u128), Station> {
    let mac = |octets: [u8; 6]| octets.iter().fold(0, |value, &byte| value << 8 | u128::from(byte));
    bridge.macs().iter().map(|entry| ((entry.vlan.into(), mac(entry.mac.octets())), entry.station)).collect()
}

proptest! {
    #![proptest_config(cases(12_000))]

    #[test]
    fn rules_do_what_the_oracle_does(
        rules in vec(rule(), 1..30),
        frames in vec((frame(), ingress()), 1..40),
    ) {
        let (bridge, mut oracle) = with_rules(rules);
        for (spec, ingress) in frames {
            let Some(frame) = Frame::parse(&spec.bytes(), &ingress) else { continue };
            let verdict = bridge.evaluate(&frame.key, &ingress, Tick(1));
            let actual = carry_out(&verdict, frame.clone());
            let expected = oracle.run(frame, &ingress);
            if expected.failed.is_some() {
                // The oracle stopped learning there.
                oracle.macs = macs(&bridge);
            }
            assert_same(&actual, &expected).map_err(TestCaseError::fail)?;
            prop_assert_eq!(&macs(&bridge), &oracle.macs);
            prop_assert_eq!(verdict.drop_reason().is_some(), verdict.steps().is_empty());
        }
    }

    #[test]
    fn verdicts_depend_on_what_the_plan_names_and_nothing_else(
        rules in vec(rule(), 1..20),
        frames in vec((frame(), ingress()), 1..20),
    ) {
        let (bridge, _) = with_rules(rules);
        let plan = bridge.plan();
        for (spec, ingress) in frames {
            let bytes = spec.bytes();
            let Some(frame) = Frame::parse(&bytes, &ingress) else { continue };
            let verdict = bridge.evaluate(&frame.key, &ingress, Tick(1));
            // Once more, now that the source is known.
            let verdict = if verdict.valid_s().is_some() { bridge.evaluate(&frame.key, &ingress, Tick(1)) } else { verdict };
            prop_assert_eq!(&bridge.evaluate(&frame.key.masked(plan.mask()), &ingress, Tick(1)), &verdict);
            // Nor on anything deeper than the plan says.
            let mut shallow = FlowKey::EMPTY;
            ingress.write_to(&mut shallow);
            extract(plan.depth(), &bytes, bytes.len(), &mut shallow).unwrap();
            prop_assert_eq!(&bridge.evaluate(&shallow, &ingress, Tick(1)), &verdict);
        }
    }

    #[test]
    fn plans_and_tables_do_not_depend_on_history(rules in vec(rule(), 1..20), gone in vec((any::<Index>(), rule()), 0..20)) {
        let (mut bridge, mut oracle) = with_rules(rules);
        for (which, other) in gone {
            set(&mut bridge, &mut oracle, other);
            if !oracle.rules.is_empty() {
                let key = oracle.rules[which.index(oracle.rules.len())].key.clone();
                bridge.delete_rule(&key).unwrap();
                oracle.delete(&key);
            }
        }
        let (fresh, _) = with_rules(oracle.rules.clone());
        prop_assert_eq!(bridge.plan(), fresh.plan());
        prop_assert_eq!(bridge.rule_count(), oracle.rules.len());
        prop_assert_eq!(bridge.rules().count(), oracle.rules.len());
        for rule in &oracle.rules {
            prop_assert_eq!(bridge.rule(&rule.key).map(|rule| &**rule), Some(rule));
        }
        for port in ports() {
            let used = oracle.rules.iter().any(|rule| rule.all_actions().any(|action| *action == Action::Output(port.id)));
            prop_assert_eq!(bridge.delete_port(port.id).is_err(), used);
        }
    }
}

/// Something that happens while packets go through.
#[derive(Clone, Debug)]
enum Event {
    /// Frames: which of the world's, and where they come in.
    Burst(Vec<(Index, Ingress)>),
    Set(Rule),
    Delete(Index),
    Seconds(u32),
    Sweep(usize),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => vec((any::<Index>(), ingress()), 1..=BURST).prop_map(Event::Burst),
        1 => rule().prop_map(Event::Set),
        1 => any::<Index>().prop_map(Event::Delete),
        1 => (0_u32..4).prop_map(Event::Seconds),
        1 => (0_usize..50).prop_map(Event::Sweep),
    ]
}

/// Sessions in front of a bridge, and the counters.
struct Switch {
    bridge: Bridge,
    sessions: Sessions,
    counters: RuleCounters,
    writer: sluice_pipeline::CounterWriter,
    now: Tick,
}

impl Switch {
    /// What happens to the frames of a burst, as a worker does it.
    fn forward(&mut self, frames: &[(Spec, Ingress)]) -> Vec<(Frame, Ingress, world::oracle::Outcome)> {
        let (plan, stamp) = (self.bridge.plan(), self.bridge.stamp());
        let mut batch = self.sessions.batch();
        let mut parsed = vec![];
        for (spec, ingress) in frames {
            let bytes = spec.bytes();
            let Some(frame) = Frame::parse(&bytes, ingress) else { continue };
            let mut base = FlowKey::EMPTY;
            ingress.write_to(&mut base);
            batch.push_frame(plan, stamp, &base, &bytes, bytes.len()).unwrap();
            parsed.push((frame, *ingress));
        }
        let missing = self.sessions.lookup(&mut batch, self.now);
        assert_eq!(missing, (0..batch.len()).filter(|&index| batch.verdict(index).is_none()).count());
        self.sessions.resolve(&mut batch, self.now, |index| {
            let (frame, ingress) = &parsed[index];
            let mut key = FlowKey::EMPTY;
            ingress.write_to(&mut key);
            extract(plan.depth().max(Depth::L2), frame.head.bytes(), frame.head.len(), &mut key).unwrap();
            self.bridge.evaluate(&key, ingress, self.now)
        });
        let outcomes = (0..).zip(parsed).map(|(index, (frame, ingress))| {
            let verdict = self.sessions.verdicts().get(batch.verdict(index).unwrap()).unwrap();
            for &slot in verdict.rules() {
                self.writer.count(slot, 1, frame.head.len() as u64);
            }
            let outcome = carry_out(verdict, frame.clone());
            (frame, ingress, outcome)
        });
        outcomes.collect()
    }
}

proptest! {
    #![proptest_config(cases(2_500))]

    #[test]
    fn sessions_do_what_the_oracle_does_whatever_happens(
        rules in vec(rule(), 1..15),
        frames in vec(frame(), 1..25),
        events in vec(event(), 1..30),
        limit in 1_u32..60,
        learns in any::<bool>(),
    ) {
        // Within a burst, sessions do not see what the burst itself teaches: with NORMAL, one frame at a time.
        let learns_not = |rule: &Rule| !rule.all_actions().any(|action| *action == Action::Normal);
        let taken: Vec<_> = rules.into_iter().filter(|rule| learns || learns_not(rule)).collect();
        let (bridge, mut oracle) = with_rules(vec![]);
        let (counters, mut writers) = RuleCounters::new(1);
        let mut switch = Switch {
            bridge,
            sessions: Sessions::new(SessionConfig { limit, idle_s: 5 }),
            counters,
            writer: writers.pop().unwrap(),
            now: Tick(1000),
        };
        for rule in taken {
            let slot = switch.counters.allocate().unwrap();
            set(&mut switch.bridge, &mut oracle, Rule { slot, ..rule });
        }
        let mut totals: HashMap<RuleSlot, Totals> = HashMap::new();
        for event in events {
            match event {
                Event::Seconds(seconds) => switch.now = Tick(switch.now.0 + seconds),
                Event::Sweep(budget) => switch.sessions.sweep(budget, switch.now),
                Event::Set(rule) if learns || learns_not(&rule) => {
                    let slot = switch.counters.allocate().unwrap();
                    set(&mut switch.bridge, &mut oracle, Rule { slot, ..rule });
                }
                Event::Set(_) => {}
                Event::Delete(which) if !oracle.rules.is_empty() => {
                    let key = oracle.rules[which.index(oracle.rules.len())].key.clone();
                    switch.bridge.delete_rule(&key).unwrap();
                    oracle.delete(&key);
                }
                Event::Delete(_) => {}
                Event::Burst(burst) => {
                    let burst: Vec<_> =
                        burst.into_iter().map(|(which, ingress)| (frames[which.index(frames.len())].clone(), ingress)).collect();
                    let learns = oracle.rules.iter().any(|rule| !learns_not(rule));
                    for part in burst.chunks(if learns { 1 } else { BURST }) {
                        for (frame, ingress, actual) in switch.forward(part) {
                            let len = frame.head.len() as u64;
                            let mut expected = oracle.run(frame, &ingress);
                            if expected.failed.is_some() {
                                expected.rules = actual.rules.clone();
                                oracle.macs = macs(&switch.bridge);
                            }
                            assert_same(&actual, &expected).map_err(TestCaseError::fail)?;
                            prop_assert_eq!(&macs(&switch.bridge), &oracle.macs);
                            for slot in expected.rules {
                                let total = totals.entry(slot).or_default();
                                total.packets += 1;
                                total.bytes += len;
                            }
                        }
                    }
                    prop_assert!(switch.sessions.len() <= limit as usize);
                    prop_assert_eq!(switch.sessions.len(), switch.sessions.len_of(switch.bridge.id()));
                }
            }
        }
        for (slot, total) in totals {
            prop_assert_eq!(switch.counters.read(slot), total);
        }
        // All of it goes when it is not used.
        switch.now = Tick(switch.now.0 + 10);
        switch.sessions.sweep(limit as usize, switch.now);
        prop_assert!(switch.sessions.is_empty());
        prop_assert!(switch.sessions.verdicts().is_empty());
    }
}
