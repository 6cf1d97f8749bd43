//! The naive evaluator: all rules in a list, tried one by one; the frame itself is rewritten and parsed again for every
//! table.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use sluice_overlay::Vni;
use sluice_packet::{Depth, DropReason, Field, FlowKey, Head, Layout, Rewrite, extract};
use sluice_pipeline::{
    Action, Ingress, Port, PortKind, RemoteId, Rule, RuleKey, RuleSlot, Station, Step, TableId, TunnelTarget,
    Verdict,
};

/// What became of a frame.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Where to, and the frame as it was then. Rewrites are left out.
    pub deliveries: Vec<(Step, Vec<u8>)>,
    /// Where it counts.
    pub rules: Vec<RuleSlot>,
    pub drop: Option<DropReason>,
    /// A rewrite failed on the way: nobody says what then counts.
    pub failed: Option<DropReason>,
}

/// A frame on its way.
struct Run {
    frame: Frame,
    ingress: Ingress,
    vni: Option<Vni>,
    remote: Option<RemoteId>,
    metadata: u128,
    reason: DropReason,
    outcome: Outcome,
}

/// A rewrite failed.
struct Failed;

impl Run {
    /// What tables see of the frame as it is by now.
    fn key(&self) -> FlowKey {
        let mut key = FlowKey::EMPTY;
        self.ingress.write_to(&mut key);
        let bytes = self.frame.head.bytes();
        extract(Depth::L4, bytes, bytes.len(), &mut key).expect("rewrites leave a frame valid");
        key.set(Field::Metadata, self.metadata);
        key
    }
}

/// Which place of the action set an action takes, in the order of carrying out (OpenFlow 1.3.5 §5.10).
fn kind(action: &Action) -> (u8, u8) {
    match action {
        Action::Rewrite(Rewrite::PopVlan) => (0, 0),
        Action::Rewrite(Rewrite::PushVlan(_)) => (1, 0),
        Action::Rewrite(Rewrite::DecTtl) => (2, 0),
        Action::Rewrite(Rewrite::Set(set)) => (3, set.field() as u8),
        Action::SetTunnel { vni: Some(_), remote: None } => (4, 0),
        Action::SetTunnel { .. } => (4, 1),
        _ => (5, 0),
    }
}

pub struct Oracle {
    pub rules: Vec<Rule>,
    pub ports: Vec<Port>,
    pub macs: HashMap<(u128, u128), Station>,
}

/// A frame that was parsed.
#[derive(Clone)]
pub struct Frame {
    pub head: Head,
    pub layout: Layout,
    pub key: FlowKey,
}

impl Frame {
    pub fn parse(bytes: &[u8], ingress: &Ingress) -> Option<Frame> {
        let mut head = Head::default();
        assert_eq!(head.fill(bytes), bytes.len(), "frames of this world fit into a head");
        let mut key = FlowKey::EMPTY;
        ingress.write_to(&mut key);
        let layout = extract(Depth::L4, bytes, bytes.len(), &mut key).ok()?;
        Some(Frame { head, layout, key })
    }
}

impl Oracle {
    pub fn set(&mut self, rule: Rule) {
        self.delete(&rule.key);
        self.rules.push(rule);
    }

    pub fn delete(&mut self, key: &RuleKey) {
        self.rules.retain(|rule| rule.key != *key);
    }

    pub fn run(&mut self, frame: Frame, ingress: &Ingress) -> Outcome {
        let mut run = Run {
            frame,
            ingress: *ingress,
            vni: None,
            remote: None,
            metadata: 0,
            reason: DropReason::RuleDrop,
            outcome: Outcome::default(),
        };
        if self.tables(&mut run).is_err() {
            return run.outcome;
        }
        run.outcome.drop = run.outcome.deliveries.is_empty().then_some(run.reason);
        run.outcome
    }

    fn tables(&mut self, run: &mut Run) -> Result<(), Failed> {
        let mut next = Some(TableId::FIRST);
        let mut written: Vec<(Action, TableId, u64)> = vec![];
        while let Some(table) = next {
            let key = run.key();
            let Some(rule) = self.best(table, &key).cloned() else {
                run.reason = DropReason::TableMiss;
                return Ok(());
            };
            run.outcome.rules.push(rule.slot);
            for action in &rule.actions {
                self.act(action, table, rule.cookie, run)?;
            }
            if rule.clear {
                written.clear();
            }
            for action in &rule.write {
                written.retain(|(other, ..)| kind(other) != kind(action));
                written.push((*action, table, rule.cookie));
            }
            if let Some(write) = rule.metadata {
                run.metadata = run.metadata & !u128::from(write.mask) | u128::from(write.value);
            }
            next = rule.goto;
        }
        written.sort_by_key(|(action, ..)| kind(action));
        for (action, table, cookie) in written {
            self.act(&action, table, cookie, run)?;
        }
        Ok(())
    }

    fn act(&mut self, action: &Action, table: TableId, cookie: u64, run: &mut Run) -> Result<(), Failed> {
        let key = run.key();
        let Run { frame, ingress, vni, remote, metadata, reason, outcome } = run;
        let (set_vni, set_remote) = (*vni, *remote);
        let mut deliver = |step| outcome.deliveries.push((step, frame.head.bytes().to_vec()));
        let mut send = |port: &Port, to: Option<_>| match &port.kind {
            PortKind::Local => deliver(Step::Output { port: port.id }),
            PortKind::Tunnel { vni: own, remotes } => {
                let one = set_remote.or(to).map(|one| vec![one]);
                for remote in one.unwrap_or(remotes.to_vec()) {
                    let target = TunnelTarget { vni: set_vni.unwrap_or(*own), remote };
                    deliver(Step::Tunnel { port: port.id, target });
                }
            }
        };
        let tunnel = ingress.tunnel.is_some();
        let mut flood = || {
            let others = self.ports.iter().filter(|port| port.flood && port.id != ingress.port);
            let others: Vec<_> = others.filter(|port| !tunnel || port.kind == PortKind::Local).collect();
            others.iter().for_each(|port| send(port, None));
            !others.is_empty()
        };
        match action {
            Action::Output(id) if *id == ingress.port => *reason = DropReason::SplitHorizon,
            Action::Output(id) => send(self.ports.iter().find(|port| port.id == *id).unwrap(), None),
            Action::Flood => {
                if !flood() {
                    *reason = DropReason::SplitHorizon;
                }
            }
            Action::InPort => deliver(match ingress.tunnel {
                None => Step::Output { port: ingress.port },
                Some(tunnel) => Step::Tunnel { port: ingress.port, target: tunnel.target },
            }),
            Action::Punt { max_bytes } => deliver(Step::Punt { max_bytes: *max_bytes, table, cookie }),
            Action::Drop => {}
            Action::SetTunnel { vni: new_vni, remote: new_remote } => {
                *vni = new_vni.or(*vni);
                *remote = new_remote.or(*remote);
            }
            Action::Normal => {
                let vlan = key.get(Field::VlanTci) & 0xfff;
                let (src, dst) = (key.get(Field::EthSrc), key.get(Field::EthDst));
                if dst & !0xf == 0x0180_c200_0000 {
                    *reason = DropReason::LinkLocal;
                    return Ok(());
                }
                let group = |mac: u128| mac >> 40 & 1 == 1;
                if !group(src) && src != 0 {
                    let remote = ingress.tunnel.map(|tunnel| tunnel.target.remote);
                    self.macs.insert((vlan, src), Station { port: ingress.port, remote });
                }
                let station = self.macs.get(&(vlan, dst)).filter(|_| !group(dst) && dst != 0);
                let port = station.and_then(|station| self.ports.iter().find(|port| port.id == station.port));
                match (station, port) {
                    (Some(station), Some(port)) => {
                        if port.id == ingress.port || (tunnel && port.kind != PortKind::Local) {
                            *reason = DropReason::SplitHorizon;
                        } else {
                            send(port, station.remote);
                        }
                    }
                    _ => {
                        if !flood() {
                            *reason = DropReason::SplitHorizon;
                        }
                    }
                }
            }
            Action::Rewrite(rewrite) => {
                if let Err(failure) = rewrite.apply(&mut frame.head, &mut frame.layout) {
                    outcome.failed = Some(failure);
                    return Err(Failed);
                }
                if let Rewrite::Set(set) = rewrite
                    && set.field() == Field::Metadata
                {
                    *metadata = *metadata & !set.mask() | set.value();
                }
            }
        }
        Ok(())
    }

    /// The matching rule of the highest priority. Between equals: of the mask whose best rule has the highest priority,
    /// then of the lesser mask.
    fn best(&self, table: TableId, key: &FlowKey) -> Option<&Rule> {
        let rules = || self.rules.iter().filter(|rule| rule.key.table == table);
        let mut tops = BTreeMap::new();
        for rule in rules() {
            let top = tops.entry(rule.key.matching.mask()).or_insert(0);
            *top = rule.key.priority.max(*top);
        }
        let matches = |rule: &Rule| {
            rule.key.matching.fields().all(|(field, value, mask)| key.get(field) & mask == value)
        };
        rules().filter(|rule| matches(rule)).min_by_key(|rule| {
            let mask = rule.key.matching.mask();
            (Reverse(rule.key.priority), Reverse(tops[&mask]), words(&mask))
        })
    }
}

/// The words of a mask that are not 0, as subtables are ordered by.
fn words(mask: &sluice_packet::FieldMask) -> Vec<(usize, u64)> {
    mask.words().iter().copied().enumerate().filter(|&(_, word)| word != 0).collect()
}

/// Carries a verdict out on a frame.
pub fn carry_out(verdict: &Verdict, mut frame: Frame) -> Outcome {
    let mut outcome =
        Outcome { rules: verdict.rules().to_vec(), drop: verdict.drop_reason(), ..Outcome::default() };
    for step in verdict.steps() {
        match step {
            Step::Rewrite(rewrite) => {
                if let Err(failure) = rewrite.apply(&mut frame.head, &mut frame.layout) {
                    outcome.failed = Some(failure);
                    return outcome;
                }
            }
            step => outcome.deliveries.push((*step, frame.head.bytes().to_vec())),
        }
    }
    outcome
}

/// Compares what the rules under test did with what they should have done.
pub fn assert_same(actual: &Outcome, expected: &Outcome) -> Result<(), String> {
    // Metadata is set by rules alone, and a failed rewrite behind the last delivery is never tried.
    let same = match expected.failed {
        None => actual == expected,
        Some(_) => actual.deliveries == expected.deliveries,
    };
    if same { Ok(()) } else { Err(format!("{actual:#?}\nshould be\n{expected:#?}")) }
}
