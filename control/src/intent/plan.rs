//! How the wanted state changes: a request becomes a new [`Intent`], or is refused and leaves no trace.
//!
//! References and claims are judged by what stands at the request's end, so its order does not matter.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use sluice_api::key::Key;
use sluice_api::v1;
use sluice_api::v1::operation;

use super::index::{Claim, Target};
use super::refusal::{Reason, Refusal};
use super::spec::Spec;
use super::value::{Name, OfPort};
use super::{Entry, Intent, TUNNEL_OF_PORT};

/// What a request takes for granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mode {
    /// An object that exists is a conflict.
    pub create_only: bool,
    /// An object that does not exist is not found.
    pub must_exist: bool,
    /// The request is the whole wanted state.
    pub replace: bool,
}

/// A request that can be carried out.
pub struct Plan {
    /// The wanted state afterwards.
    pub next: Intent,
    /// What differs, in the order of the request; then, for `replace`, what it leaves out.
    pub changes: Vec<Change>,
    /// How many objects.
    pub counts: v1::Changes,
}

/// An object that differs.
#[derive(Clone, Debug)]
pub struct Change {
    /// Which.
    pub key: Arc<Key>,
    /// What it was, if it was.
    pub old: Option<Entry>,
    /// What it is, if it is.
    pub new: Option<Entry>,
}

impl Change {
    /// The change as an operation on the wanted state.
    pub fn operation(&self) -> v1::Operation {
        let kind = match &self.new {
            Some(entry) => operation::Kind::Set(entry.to_object(&self.key)),
            None => operation::Kind::Delete((&*self.key).into()),
        };
        v1::Operation { kind: Some(kind) }
    }
}

/// What an operation wants of the object of this name; `None`: that it is gone.
type Wish = (Arc<Key>, Option<Spec>);

impl Intent {
    /// What a request would make of the wanted state.
    pub fn plan(&self, operations: Vec<v1::Operation>, mode: Mode) -> Result<Plan, Refusal> {
        let wanted = self.wanted(operations, mode)?;
        let mut plan = Plan { next: self.clone(), changes: Vec::new(), counts: v1::Changes::default() };
        for (key, spec) in wanted {
            plan.stage(key, spec.map(Arc::new));
        }
        plan.settle()?;
        Ok(plan)
    }

    /// What a stored state was, with the numbers that objects had.
    pub fn restore(stored: impl IntoIterator<Item = (Key, Entry)>) -> Result<Intent, Refusal> {
        let mut plan = Plan { next: Intent::default(), changes: Vec::new(), counts: v1::Changes::default() };
        for (key, entry) in stored {
            plan.replace(Arc::new(key), Some(entry));
        }
        plan.settle()?;
        Ok(plan.next)
    }

    /// Every object that the request names, with what it shall be.
    fn wanted(&self, operations: Vec<v1::Operation>, mode: Mode) -> Result<Vec<Wish>, Refusal> {
        let mut wanted = Vec::with_capacity(operations.len());
        let mut named = std::collections::HashSet::with_capacity(operations.len());
        for operation in operations {
            let (key, spec) = parse(operation)?;
            let exists = self.get(&key).is_some();
            match &spec {
                None if mode.replace => return Err(Refusal::of(&key, Reason::ReplaceDeletes)),
                None if !exists && mode.must_exist => return Err(Refusal::of(&key, Reason::NotFound)),
                Some(_) if exists && mode.create_only => return Err(Refusal::of(&key, Reason::Exists)),
                Some(_) if !exists && mode.must_exist => return Err(Refusal::of(&key, Reason::NotFound)),
                _ => {}
            }
            let key = Arc::new(key);
            if !named.insert(key.clone()) {
                return Err(Refusal::of(&key, Reason::GivenTwice));
            }
            wanted.push((key, spec));
        }
        if mode.replace {
            wanted.extend(
                self.objects.keys().filter(|key| !named.contains(*key)).map(|key| (key.clone(), None)),
            );
        }
        Ok(wanted)
    }
}

fn parse(operation: v1::Operation) -> Result<(Key, Option<Spec>), Refusal> {
    match operation.kind {
        None => Err(Refusal::new("operation", Reason::NoKind)),
        Some(operation::Kind::Set(object)) => Spec::parse(object).map(|(key, spec)| (key, Some(spec))),
        Some(operation::Kind::Delete(key)) => match Key::try_from(&key) {
            Ok(key) => Ok((key, None)),
            Err(error) => Err(Refusal::new(format!("{} key", key.kind().name()), error.into())),
        },
    }
}

impl Plan {
    /// Notes what an object shall be, and counts it.
    fn stage(&mut self, key: Arc<Key>, spec: Option<Arc<Spec>>) {
        let old = self.next.get(&key);
        match (old, &spec) {
            (None, None) => return,
            (Some(old), Some(spec)) if old.spec == *spec => {
                self.counts.unchanged += 1;
                return;
            }
            (Some(_), Some(_)) => self.counts.changed += 1,
            (None, Some(_)) => self.counts.added += 1,
            (Some(_), None) => self.counts.removed += 1,
        }
        let entry = spec.map(|spec| Entry { number: number(&spec, old), spec });
        self.replace(key, entry);
    }

    /// Puts an entry in place of what was there, which gives up its claims.
    fn replace(&mut self, key: Arc<Key>, new: Option<Entry>) {
        let old = match &new {
            Some(entry) => self.next.objects.insert(key.clone(), entry.clone()),
            None => self.next.objects.remove(&*key),
        };
        if let Some(old) = &old {
            self.next.index.remove(&key, old);
        }
        self.changes.push(Change { key, old, new });
    }

    /// Checks all that changed against all that stands, and gives numbers to those that have none.
    fn settle(&mut self) -> Result<(), Refusal> {
        for change in &self.changes {
            let Some(entry) = &change.new else { continue };
            if let Err((claim, by)) = self.next.index.insert(&change.key, entry) {
                return Err(Refusal::of(&change.key, Reason::Taken { claim, by: by.as_ref().clone() }));
            }
        }
        self.assign_numbers()?;
        for change in &self.changes {
            if let Some(entry) = &change.new {
                self.next.check(&change.key, entry)?;
            }
        }
        self.check_referrers()
    }

    fn assign_numbers(&mut self) -> Result<(), Refusal> {
        let mut lowest: HashMap<Name, Option<OfPort>> = HashMap::new();
        for change in &mut self.changes {
            let Some(entry) = change.new.as_mut().filter(|entry| entry.number.is_none()) else { continue };
            let Some(bridge) = entry.spec.numbered_in() else { continue };
            let free = lowest.entry(bridge.clone()).or_insert(Some(OfPort::MIN));
            while let Some(number) = *free
                && self.next.index.owner(&Claim::OfPort(bridge.clone(), number)).is_some()
            {
                *free = number.next();
            }
            let is_nic = matches!(entry.spec.as_ref(), Spec::Nic(_));
            let Some(number) = free.filter(|number| !is_nic || *number < TUNNEL_OF_PORT) else {
                let bridge = bridge.clone();
                return Err(Refusal::of(&change.key, Reason::PortsExhausted { bridge }));
            };
            self.next.index.insert_number(&change.key, bridge.clone(), number);
            entry.number = Some(number);
            self.next.objects.insert(change.key.clone(), entry.clone());
        }
        Ok(())
    }

    /// Checks those that did not change themselves and depend on something that did.
    fn check_referrers(&self) -> Result<(), Refusal> {
        let mut dependants = BTreeMap::new();
        for change in self.changes.iter().filter(|change| !matches!(*change.key, Key::Flow(_))) {
            if change.new.is_none() {
                self.check_unneeded(&change.key)?;
            }
            let target = Target::Object(change.key.as_ref().clone());
            let is_vtep = matches!(*change.key, Key::Vtep(_));
            let any_vtep = is_vtep.then_some(Target::AnyVtep);
            for target in std::iter::once(target).chain(any_vtep) {
                dependants.extend(self.next.index.referrers(&target).map(|key| (key.clone(), ())));
            }
        }
        for key in dependants.keys() {
            if let Some(entry) = self.next.get(key) {
                self.next.check(key, entry)?;
            }
        }
        Ok(())
    }

    fn check_unneeded(&self, deleted: &Key) -> Result<(), Refusal> {
        let target = Target::Object(deleted.clone());
        let flow = match deleted {
            Key::Bridge(name) => self.next.flows_of(name).next().map(|(key, _)| key),
            _ => None,
        };
        match self.next.index.referrers(&target).next().or(flow) {
            Some(referrer) => {
                let referrer = referrer.as_ref().clone();
                Err(Refusal::of(deleted, Reason::NeededBy { referrer }))
            }
            None => Ok(()),
        }
    }
}

/// The number an object has: the one it asks for, or the one it has had in the same bridge.
fn number(spec: &Spec, old: Option<&Entry>) -> Option<OfPort> {
    let asked = match spec {
        Spec::Port(port) => port.of_port,
        _ => None,
    };
    asked
        .or_else(|| old.filter(|old| old.spec.numbered_in() == spec.numbered_in()).and_then(|old| old.number))
}
