//! The wanted state: what it may hold ([`spec`], [`value`]), how it changes ([`Intent::plan`]) and why not
//! ([`Refusal`]).
//!
//! An [`Intent`] is a value: a plan is a new one that shares what did not change, so a change that is refused
//! later costs nothing to forget.

mod check;
mod index;
mod plan;
pub mod refusal;
pub mod spec;
pub mod value;

use std::sync::Arc;

use imbl::OrdMap;
use sluice_api::key::{FlowKey, Key};
use sluice_api::v1;

pub use index::Claim;
pub use plan::{Change, Mode, Plan};
pub use refusal::{Reason, Refusal};

use index::{Index, Target};
use spec::{Network, Spec, Vtep};
use value::{Name, OfPort};

/// The number of a network's tunnel port in the network's bridge. NICs have those below.
pub const TUNNEL_OF_PORT: OfPort = OfPort::MAX;

/// The whole wanted state: every object is legal, and so is all of it together. Cloning it costs nothing.
#[derive(Clone, Default)]
pub struct Intent {
    objects: OrdMap<Arc<Key>, Entry>,
    index: Index,
}

/// An object and, for ports and NICs, the OpenFlow port that it was given for as long as it stays.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The object.
    pub spec: Arc<Spec>,
    /// Its OpenFlow port in the bridge it belongs to.
    pub number: Option<OfPort>,
}

impl Entry {
    /// The object as users set it.
    pub fn to_object(&self, key: &Key) -> v1::Object {
        self.spec.to_object(key)
    }
}

impl Intent {
    /// An object.
    pub fn get(&self, key: &Key) -> Option<&Entry> {
        self.objects.get(key)
    }

    /// All objects in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<Key>, &Entry)> {
        self.objects.iter()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The flows of a bridge in the order of their keys.
    pub fn flows_of<'a>(&'a self, bridge: &'a str) -> impl Iterator<Item = (&'a Arc<Key>, &'a Entry)> {
        let first = FlowKey::first_of(bridge);
        self.objects
            .range(Key::Flow(first)..)
            .take_while(move |(key, _)| matches!(&***key, Key::Flow(flow) if flow.bridge() == bridge))
    }

    /// The VTEP that a network's tunnel starts from: the one it names, or the only one there is.
    pub(crate) fn vtep_of(&self, network: &Network) -> Result<Option<&Vtep>, Reason> {
        if let Some(name) = &network.vtep {
            let target = Key::Vtep(name.to_string());
            return self.vtep(name).map(Some).ok_or(Reason::NoSuch { target });
        }
        let mut vteps = self.vteps();
        match (vteps.next(), vteps.next()) {
            (Some(first), Some(second)) => {
                Err(Reason::WhichVtep { first: first.name.clone(), second: second.name.clone() })
            }
            (None, _) if !network.remotes.addresses().is_empty() => Err(Reason::RemotesWithoutVtep),
            (only, _) => Ok(only),
        }
    }

    /// Who depends on which VTEPs there are.
    pub(crate) fn implicit_networks(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.index.referrers(&Target::AnyVtep)
    }

    fn vtep(&self, name: &Name) -> Option<&Vtep> {
        match self.get(&Key::Vtep(name.to_string()))?.spec.as_ref() {
            Spec::Vtep(vtep) => Some(vtep),
            _ => None,
        }
    }

    fn vteps(&self) -> impl Iterator<Item = &Vtep> {
        self.objects.range(Key::Vtep(String::new())..).map_while(|(_, entry)| match entry.spec.as_ref() {
            Spec::Vtep(vtep) => Some(vtep),
            _ => None,
        })
    }
}

#[cfg(test)]
pub(crate) mod strategies;
#[cfg(test)]
mod tests;
