//! [`Bridge`]: a forwarding domain with its ports and tables.

mod evaluate;
mod ports;

use std::collections::BTreeSet;
use std::sync::Arc;

use imbl::OrdMap;

use crate::plan::KeyPlan;
use crate::rule::{RuleErrorKind, check};
use crate::stamp::Epoch;
use crate::table::Table;
use crate::{Action, BridgeId, MacTable, OfPort, Port, PortId, Rule, RuleError, RuleKey, Stamp, TableId};

/// A forwarding domain: its ports, its tables of rules, and the addresses it learned.
///
/// A value: a changed clone is published to workers while others still use the old one. A clone shares all tables with
/// its original; a change copies the way to what it changes and nothing else. Only what was learned is shared by all
/// clones.
#[derive(Clone, Debug)]
pub struct Bridge {
    id: BridgeId,
    epoch: Epoch,
    ports: OrdMap<PortId, Arc<Port>>,
    of_ports: OrdMap<OfPort, PortId>,
    /// How many actions name a port.
    uses: OrdMap<PortId, u32>,
    tables: OrdMap<TableId, Arc<Table>>,
    macs: Arc<MacTable>,
    plan: Arc<KeyPlan>,
}

/// Why a bridge was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BridgeError {
    /// A rule cannot be taken.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// Another port has that OpenFlow number.
    #[error("{of_port} is taken by {by}")]
    OfPortTaken {
        /// The number.
        of_port: OfPort,
        /// The port that has it.
        by: PortId,
    },
    /// The bridge does not have that port.
    #[error("the bridge has no {0}")]
    NoSuchPort(PortId),
    /// Rules output to the port.
    #[error("{port} is used by {rule}")]
    PortInUse {
        /// The port.
        port: PortId,
        /// One of those rules.
        rule: Box<RuleKey>,
    },
}

impl Bridge {
    /// A bridge without ports and rules: it drops everything.
    pub fn new(id: BridgeId, macs: Arc<MacTable>) -> Bridge {
        Bridge {
            id,
            epoch: Epoch::next(),
            ports: OrdMap::new(),
            of_ports: OrdMap::new(),
            uses: OrdMap::new(),
            tables: OrdMap::new(),
            macs,
            plan: Arc::new(KeyPlan::of(std::iter::empty())),
        }
    }

    /// Its number.
    #[inline]
    pub fn id(&self) -> BridgeId {
        self.id
    }

    /// What it learned; shared by all clones.
    #[inline]
    pub fn macs(&self) -> &Arc<MacTable> {
        &self.macs
    }

    /// Starts learning anew, in another table.
    pub fn replace_macs(&mut self, macs: Arc<MacTable>) {
        self.macs = macs;
        self.epoch = Epoch::next();
    }

    /// The part of a key that its verdicts depend on.
    #[inline]
    pub fn plan(&self) -> &KeyPlan {
        &self.plan
    }

    /// The state that verdicts depend on, besides keys. To be taken *before* sessions are looked up and rules are run.
    #[inline]
    pub fn stamp(&self) -> Stamp {
        Stamp::new(self.id, self.epoch, self.macs.generation())
    }

    /// The table of this number, if it has rules.
    pub fn table(&self, table: TableId) -> Option<&Table> {
        self.tables.get(&table).map(Arc::as_ref)
    }

    /// The rule of this name.
    pub fn rule(&self, key: &RuleKey) -> Option<&Arc<Rule>> {
        self.tables.get(&key.table)?.rule(key)
    }

    /// All rules, table by table.
    pub fn rules(&self) -> impl Iterator<Item = &Arc<Rule>> {
        self.tables.values().flat_map(|table| table.rules())
    }

    /// How many rules it has.
    pub fn rule_count(&self) -> usize {
        self.tables.values().map(|table| table.len()).sum()
    }

    /// Adds a rule, or replaces the one of the same name, which is returned.
    ///
    /// # Errors
    /// [`RuleError`], and nothing is changed.
    pub fn set_rule(&mut self, rule: Rule) -> Result<Option<Arc<Rule>>, RuleError> {
        check(&rule, |port| self.ports.contains_key(&port))?;
        let id = rule.key.table;
        let rule = Arc::new(rule);
        self.count_uses(&rule, |uses| uses + 1);
        let replaced = self.change_table(id, |table| table.insert(rule));
        if let Some(replaced) = &replaced {
            self.count_uses(replaced, |uses| uses - 1);
        }
        Ok(replaced)
    }

    /// Takes a rule out.
    ///
    /// # Errors
    /// [`RuleErrorKind::NotFound`].
    pub fn delete_rule(&mut self, key: &RuleKey) -> Result<Arc<Rule>, RuleError> {
        if self.rule(key).is_none() {
            return Err(RuleError { rule: Box::new(key.clone()), kind: RuleErrorKind::NotFound });
        }
        let removed = self.change_table(key.table, |table| table.remove(key));
        if let Some(removed) = &removed {
            self.count_uses(removed, |uses| uses - 1);
        }
        removed.ok_or_else(|| RuleError { rule: Box::new(key.clone()), kind: RuleErrorKind::NotFound })
    }

    /// Changes a table and, if its needs changed, the plan.
    fn change_table<T>(&mut self, id: TableId, change: impl FnOnce(&mut Table) -> T) -> T {
        let table = self.tables.entry(id).or_default();
        let table = Arc::make_mut(table);
        let before = table.needs().clone();
        let result = change(table);
        let replan = *table.needs() != before;
        if table.is_empty() {
            self.tables.remove(&id);
        }
        if replan {
            self.plan = Arc::new(self.plan_anew());
        }
        self.epoch = Epoch::next();
        result
    }

    /// The plan for all tables that can be reached from the first.
    fn plan_anew(&self) -> KeyPlan {
        let mut reached = BTreeSet::from([TableId::FIRST]);
        // In ascending order, since `goto` only leads forward.
        for (id, table) in &self.tables {
            if reached.contains(id) {
                reached.extend(table.needs().gotos());
            }
        }
        KeyPlan::of(reached.iter().filter_map(|id| self.tables.get(id)).map(|table| table.needs()))
    }

    fn count_uses(&mut self, rule: &Rule, change: impl Fn(u32) -> u32) {
        for port in rule.all_actions().filter_map(Action::port) {
            match change(self.uses.get(&port).copied().unwrap_or(0)) {
                0 => self.uses.remove(&port),
                uses => self.uses.insert(port, uses),
            };
        }
    }
}
