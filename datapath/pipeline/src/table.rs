//! [`Table`]: rules by mask and priority.

mod subtable;

use std::sync::Arc;

use sluice_packet::{Depth, FieldMask, FlowKey, Rewrite};
pub(crate) use subtable::Subtable;

use crate::{Action, Rule, RuleKey, TableId};

/// A rule table: a tuple space. Rules with the same mask are one subtable, a hash table of masked keys; the subtables
/// stand in the order of their highest priority, so that a search ends where nothing better can come. A table in which
/// all rules have one mask is one hash look-up.
///
/// Of two rules of one priority that a key matches, the one in the earlier subtable wins: the subtable with the higher
/// top priority, and between equals the one with the lesser mask.
///
/// A value: a clone shares everything and costs a pointer a subtable.
#[derive(Clone, Debug, Default)]
pub struct Table {
    subtables: Vec<Arc<Subtable>>,
    len: usize,
    needs: Needs,
}

/// What the rules of a table depend on, beyond what they match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// All bits that any rule matches.
    pub(crate) mask: FieldMask,
    /// How many rules lead on to which tables.
    gotos: Vec<(TableId, u32)>,
    normal: u32,
    in_port: u32,
    vlan: u32,
    dec_ttl: u32,
    l3: u32,
    l4: u32,
}

impl Table {
    /// How many rules.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The rule that decides on this key.
    #[inline]
    pub fn lookup(&self, key: &FlowKey) -> Option<&Arc<Rule>> {
        let mut best: Option<&Arc<Rule>> = None;
        for subtable in &self.subtables {
            if best.is_some_and(|best| best.key.priority >= subtable.top()) {
                break;
            }
            if let Some(rule) = subtable.lookup(key)
                && best.is_none_or(|best| rule.key.priority > best.key.priority)
            {
                best = Some(rule);
            }
        }
        best
    }

    /// The rule of this name.
    pub fn rule(&self, key: &RuleKey) -> Option<&Arc<Rule>> {
        self.subtables.get(self.position(key)?)?.rule(key)
    }

    /// All rules, in no particular order.
    pub fn rules(&self) -> impl Iterator<Item = &Arc<Rule>> {
        self.subtables.iter().flat_map(|subtable| subtable.rules())
    }

    pub(crate) fn needs(&self) -> &Needs {
        &self.needs
    }

    /// Adds a rule; returns the one of the same name that it replaced.
    pub(crate) fn insert(&mut self, rule: Arc<Rule>) -> Option<Arc<Rule>> {
        self.needs.count(&rule, |count| *count += 1);
        let mut subtable = match self.position(&rule.key) {
            Some(position) => self.subtables.remove(position),
            None => {
                self.needs.mask.unite(&rule.key.matching.mask());
                Arc::new(Subtable::new(&rule.key.matching))
            }
        };
        let replaced = Arc::make_mut(&mut subtable).insert(rule);
        self.place(subtable);
        match &replaced {
            Some(replaced) => self.needs.count(replaced, |count| *count -= 1),
            None => self.len += 1,
        }
        replaced
    }

    /// Takes a rule out.
    pub(crate) fn remove(&mut self, key: &RuleKey) -> Option<Arc<Rule>> {
        let position = self.position(key)?;
        let removed = Arc::make_mut(self.subtables.get_mut(position)?).remove(key)?;
        let subtable = self.subtables.remove(position);
        if subtable.is_empty() {
            self.needs.mask = self.subtables.iter().fold(FieldMask::EMPTY, |mut all, subtable| {
                all.unite(&subtable.mask());
                all
            });
        } else {
            self.place(subtable);
        }
        self.needs.count(&removed, |count| *count -= 1);
        self.len -= 1;
        Some(removed)
    }

    fn position(&self, key: &RuleKey) -> Option<usize> {
        self.subtables.iter().position(|subtable| subtable.has_mask_of(&key.matching))
    }

    /// Puts a subtable where its rank says.
    fn place(&mut self, subtable: Arc<Subtable>) {
        let position = self.subtables.partition_point(|other| other.rank() < subtable.rank());
        self.subtables.insert(position, subtable);
    }
}

impl Needs {
    /// The tables that rules lead on to.
    pub(crate) fn gotos(&self) -> impl Iterator<Item = TableId> + '_ {
        self.gotos.iter().map(|&(table, _)| table)
    }

    /// Whether a rule forwards as an Ethernet switch.
    pub(crate) fn normal(&self) -> bool {
        self.normal > 0
    }

    /// Whether a rule sends back out of the port of entry.
    pub(crate) fn in_port(&self) -> bool {
        self.in_port > 0
    }

    /// Whether a rule pushes or pops VLAN tags.
    pub(crate) fn vlan(&self) -> bool {
        self.vlan > 0
    }

    /// Whether a rule decrements the TTL.
    pub(crate) fn dec_ttl(&self) -> bool {
        self.dec_ttl > 0
    }

    /// How deep a frame must be parsed for what the rules write.
    pub(crate) fn depth(&self) -> Depth {
        match self {
            Needs { l4: 1.., .. } => Depth::L4,
            Needs { l3: 1.., .. } => Depth::L3,
            Needs { vlan: 1.., .. } => Depth::L2,
            _ => Depth::Port,
        }
    }

    fn count(&mut self, rule: &Rule, change: impl Fn(&mut u32)) {
        for action in rule.all_actions() {
            match action {
                Action::Normal => change(&mut self.normal),
                Action::InPort => change(&mut self.in_port),
                Action::Rewrite(rewrite) => {
                    match rewrite.depth() {
                        Depth::Port => {}
                        Depth::L2 => change(&mut self.vlan),
                        Depth::L3 => change(&mut self.l3),
                        Depth::L4 => change(&mut self.l4),
                    }
                    if matches!(rewrite, Rewrite::DecTtl) {
                        change(&mut self.dec_ttl);
                    }
                }
                Action::Output(_)
                | Action::Flood
                | Action::Punt { .. }
                | Action::Drop
                | Action::SetTunnel { .. } => {}
            }
        }
        if let Some(goto) = rule.goto {
            if !self.gotos.iter().any(|&(table, _)| table == goto) {
                self.gotos.push((goto, 0));
            }
            self.gotos.iter_mut().filter(|(table, _)| *table == goto).for_each(|(_, count)| change(count));
            self.gotos.retain(|&(_, count)| count > 0);
        }
    }
}
