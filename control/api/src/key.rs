//! What names an object: [`Key`], the checked and ordered form of [`ObjectKey`].

use std::cmp::Reverse;
use std::fmt;

use crate::field::{FieldMatchError, MaskedField};
use crate::v1::object_key::Kind;
use crate::v1::{Flow, Object, ObjectKey, Operation, object, operation};

/// An object's kind and name. Orders as `List` answers: kinds as they depend on each other, then names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A bridge by its name.
    Bridge(String),
    /// A port by its name.
    Port(String),
    /// A VTEP by its name.
    Vtep(String),
    /// A network by its name.
    Network(String),
    /// A NIC by its name.
    Nic(String),
    /// A flow by its bridge, table, priority and matches.
    Flow(FlowKey),
}

/// What names a flow. Two spellings of the same match (a full mask or none, another order, bits that the mask
/// ignores) are the same key. Orders by bridge, table, falling priority, then matches.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowKey {
    bridge: String,
    table: u32,
    priority: Reverse<u32>,
    matches: Vec<MaskedField>,
}

/// Why something has no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// An object or operation without content, or of a kind newer than this version.
    #[error("an object without a kind")]
    NoKind,
    /// The key says it is of a flow and has none.
    #[error("a flow's key without the flow")]
    NoFlow,
    /// A match means nothing.
    #[error(transparent)]
    Match(#[from] FieldMatchError),
    /// A field is matched twice.
    #[error("{0} is matched twice")]
    Twice(&'static str),
}

impl Key {
    /// The key's kind.
    pub fn kind(&self) -> Kind {
        match self {
            Key::Bridge(_) => Kind::Bridge,
            Key::Port(_) => Kind::Port,
            Key::Vtep(_) => Kind::Vtep,
            Key::Network(_) => Kind::Network,
            Key::Nic(_) => Kind::Nic,
            Key::Flow(_) => Kind::Flow,
        }
    }

    /// The kind's name as users write it: `bridge`, `port`, `vtep`, `network`, `nic`, `flow`.
    pub fn kind_name(&self) -> &'static str {
        self.kind().name()
    }

    /// The object's name; for a flow its bridge's.
    pub fn name(&self) -> &str {
        match self {
            Key::Bridge(name) | Key::Port(name) | Key::Vtep(name) | Key::Network(name) | Key::Nic(name) => {
                name
            }
            Key::Flow(flow) => flow.bridge(),
        }
    }
}

impl Kind {
    /// The kind's name as users write it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Unspecified => "object",
            Kind::Bridge => "bridge",
            Kind::Port => "port",
            Kind::Vtep => "vtep",
            Kind::Flow => "flow",
            Kind::Network => "network",
            Kind::Nic => "nic",
        }
    }
}

impl FlowKey {
    /// The key that orders before all flows of a bridge.
    pub fn first_of(bridge: &str) -> FlowKey {
        FlowKey { bridge: bridge.to_owned(), table: 0, priority: Reverse(u32::MAX), matches: Vec::new() }
    }

    /// The bridge's name.
    pub fn bridge(&self) -> &str {
        &self.bridge
    }

    /// The table's number.
    pub fn table(&self) -> u32 {
        self.table
    }

    /// The priority.
    pub fn priority(&self) -> u32 {
        self.priority.0
    }

    /// What the flow matches, in the order of [`crate::v1::Field`], each field once, without wildcards.
    pub fn matches(&self) -> &[MaskedField] {
        &self.matches
    }
}

impl TryFrom<&Flow> for FlowKey {
    type Error = KeyError;

    fn try_from(flow: &Flow) -> Result<FlowKey, KeyError> {
        let mut matches = Vec::with_capacity(flow.matches.len());
        for field_match in &flow.matches {
            let masked = MaskedField::try_from(field_match)?;
            if !masked.is_wildcard() {
                matches.push(masked);
            }
        }
        matches.sort_by_key(|masked| masked.field());
        if let Some(twice) =
            matches.array_windows().find(|[a, b]| a.field() == b.field()).map(|[a, _]| a.field())
        {
            return Err(KeyError::Twice(twice.as_str_name()));
        }
        let (bridge, table, priority) = (flow.bridge.clone(), flow.table, Reverse(flow.priority));
        Ok(FlowKey { bridge, table, priority, matches })
    }
}

impl From<&FlowKey> for Flow {
    /// The flow without cookie and actions.
    fn from(key: &FlowKey) -> Flow {
        let matches = key.matches.iter().map(|masked| (*masked).into()).collect();
        let (bridge, table, priority) = (key.bridge.clone(), key.table, key.priority.0);
        Flow { bridge, table, priority, matches, ..Flow::default() }
    }
}

impl TryFrom<&Object> for Key {
    type Error = KeyError;

    fn try_from(object: &Object) -> Result<Key, KeyError> {
        Ok(match object.kind.as_ref().ok_or(KeyError::NoKind)? {
            object::Kind::Bridge(bridge) => Key::Bridge(bridge.name.clone()),
            object::Kind::Port(port) => Key::Port(port.name.clone()),
            object::Kind::Vtep(vtep) => Key::Vtep(vtep.name.clone()),
            object::Kind::Flow(flow) => Key::Flow(flow.try_into()?),
            object::Kind::Network(network) => Key::Network(network.name.clone()),
            object::Kind::Nic(nic) => Key::Nic(nic.name.clone()),
        })
    }
}

impl TryFrom<&ObjectKey> for Key {
    type Error = KeyError;

    fn try_from(key: &ObjectKey) -> Result<Key, KeyError> {
        let name = || key.name.clone();
        Ok(match key.kind() {
            Kind::Unspecified => return Err(KeyError::NoKind),
            Kind::Bridge => Key::Bridge(name()),
            Kind::Port => Key::Port(name()),
            Kind::Vtep => Key::Vtep(name()),
            Kind::Network => Key::Network(name()),
            Kind::Nic => Key::Nic(name()),
            Kind::Flow => Key::Flow(key.flow.as_ref().ok_or(KeyError::NoFlow)?.try_into()?),
        })
    }
}

impl TryFrom<&Operation> for Key {
    type Error = KeyError;

    fn try_from(operation: &Operation) -> Result<Key, KeyError> {
        match operation.kind.as_ref().ok_or(KeyError::NoKind)? {
            operation::Kind::Set(object) => object.try_into(),
            operation::Kind::Delete(key) => key.try_into(),
        }
    }
}

impl From<&Key> for ObjectKey {
    fn from(key: &Key) -> ObjectKey {
        let kind = key.kind().into();
        match key {
            Key::Flow(flow) => ObjectKey { kind, name: String::new(), flow: Some(flow.into()) },
            named => ObjectKey { kind, name: named.name().to_owned(), flow: None },
        }
    }
}

/// `port vm1`; `flow br0 table=0,priority=10,eth_type=0x0800,ipv4_dst=0x0a000000/0xff000000`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Flow(flow) => write!(f, "flow {flow}"),
            named => write!(f, "{} {}", named.kind_name(), named.name()),
        }
    }
}

impl fmt::Display for FlowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} table={},priority={}", self.bridge, self.table, self.priority.0)?;
        for masked in &self.matches {
            let digits = masked.field().width_bytes() * 2 + 2;
            write!(f, ",{}={:#0digits$x}", masked.field().as_str_name().to_lowercase(), masked.value())?;
            if !masked.is_exact() {
                write!(f, "/{:#0digits$x}", masked.mask())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::{Field, FieldMatch, Port};

    fn flow(matches: Vec<FieldMatch>) -> Flow {
        Flow { bridge: "br0".into(), priority: 10, matches, cookie: 7, ..Flow::default() }
    }

    fn field(field: Field, value: &[u8], mask: &[u8]) -> FieldMatch {
        FieldMatch { field: field.into(), value: value.to_vec(), mask: mask.to_vec() }
    }

    #[test]
    fn spellings_of_one_match_are_one_key() {
        let plain = flow(vec![
            field(Field::EthType, &[8, 0], &[]),
            field(Field::Ipv4Dst, &[10, 0, 0, 0], &[255, 0, 0, 0]),
        ]);
        let odd = flow(vec![
            field(Field::Ipv4Dst, &[10, 9, 9, 9], &[255, 0, 0, 0]),
            field(Field::EthType, &[8, 0], &[255, 255]),
            field(Field::IpTtl, &[9], &[0]),
        ]);
        assert_eq!(FlowKey::try_from(&plain), FlowKey::try_from(&odd));
        let key = FlowKey::try_from(&odd).unwrap();
        assert_eq!(
            Key::Flow(key.clone()).to_string(),
            "flow br0 table=0,priority=10,eth_type=0x0800,ipv4_dst=0x0a000000/0xff000000"
        );
        assert_eq!(Flow::from(&key), Flow { cookie: 0, ..plain });
    }

    #[test]
    fn a_field_matched_twice_has_no_key() {
        let twice = flow(vec![field(Field::IpTtl, &[1], &[]), field(Field::IpTtl, &[2], &[])]);
        assert_eq!(FlowKey::try_from(&twice), Err(KeyError::Twice("IP_TTL")));
    }

    #[test]
    fn object_keys_round_trip() {
        let keys = [
            Key::Bridge("br0".into()),
            Key::Port("vm1".into()),
            Key::Vtep("vtep0".into()),
            Key::Network("blue".into()),
            Key::Nic("vm1".into()),
            Key::Flow(FlowKey::try_from(&flow(vec![field(Field::InPort, &[0, 0, 0, 1], &[])])).unwrap()),
        ];
        assert!(keys.is_sorted());
        for key in keys {
            assert_eq!(Key::try_from(&ObjectKey::from(&key)), Ok(key));
        }
    }

    #[test]
    fn an_object_names_itself() {
        let port = Object { kind: Some(object::Kind::Port(Port { name: "vm1".into(), ..Port::default() })) };
        assert_eq!(Key::try_from(&port).unwrap().to_string(), "port vm1");
        assert_eq!(Key::try_from(&Object { kind: None }), Err(KeyError::NoKind));
    }
}
