//! Why a request is refused, as operators read it.

use std::net::IpAddr;

use sluice_api::key::{Key, KeyError};
use sluice_api::v1;
use sluice_api::v1::error::Code;
use sluice_openflow::FlowError;
use sluice_openflow::text::KeyText;

use super::index::Claim;
use super::value::{Name, ValueError};

/// Why a request is refused: the object at fault, and the reason. Nothing of the request was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{object}: {reason}")]
pub struct Refusal {
    /// What is at fault: "port vm1".
    pub object: String,
    /// Why.
    pub reason: Reason,
}

/// The reason of a [`Refusal`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The object has no kind.
    #[error("it has no kind")]
    NoKind,
    /// The object or key is malformed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A field's value is illegal.
    #[error("{field}: {error}")]
    Value {
        /// The field.
        field: &'static str,
        /// Why.
        error: ValueError,
    },
    /// A flow means nothing.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// A port has nothing behind it.
    #[error("it is neither vhost_user nor dpdk nor vxlan")]
    NoPortKind,
    /// A port that only works on a bridge has none.
    #[error("it has no bridge; only a dpdk port may be an uplink without one")]
    NoBridge,
    /// An uplink without bridge has a number.
    #[error("it has an of_port and no bridge")]
    NumberWithoutBridge,
    /// A NIC has no socket.
    #[error("it has no vhost_user")]
    NoVhostUser,
    /// One request names an object twice.
    #[error("it is given twice")]
    GivenTwice,
    /// A request that is the whole wanted state deletes something.
    #[error("a request that replaces the whole wanted state cannot delete")]
    ReplaceDeletes,
    /// It must not exist and does.
    #[error("it exists already")]
    Exists,
    /// It must exist and does not.
    #[error("it does not exist")]
    NotFound,
    /// Another object has what this one needs for itself.
    #[error("{claim} is {by}'s")]
    Taken {
        /// What.
        claim: Claim,
        /// Who has it.
        by: Key,
    },
    /// An object that it refers to does not exist.
    #[error("{target} does not exist")]
    NoSuch {
        /// What it refers to.
        target: Key,
    },
    /// It would be deleted and another object refers to it.
    #[error("{} refers to it", name(.referrer))]
    NeededBy {
        /// Who.
        referrer: Key,
    },
    /// A VTEP's uplink is no dpdk port.
    #[error("its uplink port {uplink} is not a dpdk port")]
    NotAnUplink {
        /// The port.
        uplink: Name,
    },
    /// The bridge belongs to a network.
    #[error("bridge {network} belongs to network {network}, whose ports and flows follow from its NICs")]
    OfNetwork {
        /// The network.
        network: Name,
    },
    /// There are several VTEPs and the network names none.
    #[error("it names no vtep, and there are several: {first}, {second}")]
    WhichVtep {
        /// One of them.
        first: Name,
        /// Another.
        second: Name,
    },
    /// Remotes without a VTEP.
    #[error("it has remotes, and there is no VTEP to reach them from")]
    RemotesWithoutVtep,
    /// A remote of a family in which the VTEP has no address.
    #[error("remote {remote} cannot be reached: vtep {vtep} has no address of its family")]
    FamilyMissing {
        /// The remote.
        remote: IpAddr,
        /// The VTEP.
        vtep: Name,
    },
    /// A remote is the VTEP itself.
    #[error("remote {remote} is vtep {vtep} itself")]
    RemoteIsLocal {
        /// The remote.
        remote: IpAddr,
        /// The VTEP.
        vtep: Name,
    },
    /// All OpenFlow ports of a bridge are taken.
    #[error("bridge {bridge} has no free OpenFlow port left")]
    PortsExhausted {
        /// The bridge.
        bridge: Name,
    },
}

impl Refusal {
    pub(crate) fn new(object: impl Into<String>, reason: Reason) -> Refusal {
        Refusal { object: object.into(), reason }
    }

    pub(crate) fn of(key: &Key, reason: Reason) -> Refusal {
        Refusal::new(name(key), reason)
    }
}

/// An object's name, a flow's in the syntax in which it was given.
pub(crate) fn name(key: &Key) -> String {
    match key {
        Key::Flow(flow) => format!("flow {} {}", flow.bridge(), KeyText(flow)),
        named => named.to_string(),
    }
}

impl Reason {
    fn code(&self) -> Code {
        match self {
            Reason::NoKind
            | Reason::Key(_)
            | Reason::Value { .. }
            | Reason::Flow(_)
            | Reason::NoPortKind
            | Reason::NoBridge
            | Reason::NumberWithoutBridge
            | Reason::NoVhostUser
            | Reason::ReplaceDeletes
            | Reason::NotAnUplink { .. }
            | Reason::WhichVtep { .. }
            | Reason::RemotesWithoutVtep
            | Reason::FamilyMissing { .. }
            | Reason::RemoteIsLocal { .. } => Code::Invalid,
            Reason::NotFound | Reason::NoSuch { .. } => Code::NotFound,
            Reason::GivenTwice
            | Reason::Exists
            | Reason::Taken { .. }
            | Reason::NeededBy { .. }
            | Reason::OfNetwork { .. }
            | Reason::PortsExhausted { .. } => Code::Conflict,
        }
    }

    fn hint(&self) -> String {
        match self {
            Reason::NoKind | Reason::Key(_) | Reason::Value { .. } | Reason::Flow(_) => String::new(),
            Reason::NoPortKind => "give the port a vhost-user socket, a DPDK device or a VNI".to_owned(),
            Reason::NoBridge => "name the bridge that the port belongs to".to_owned(),
            Reason::NumberWithoutBridge => "name a bridge, or leave out of_port".to_owned(),
            Reason::NoVhostUser => "give the NIC its vhost-user socket".to_owned(),
            Reason::GivenTwice => "name each object once in a request".to_owned(),
            Reason::ReplaceDeletes => "leave out what shall not be there".to_owned(),
            Reason::Exists => "change it with set, or choose another name".to_owned(),
            Reason::NotFound => "list shows what there is; create makes it".to_owned(),
            Reason::Taken { claim: Claim::OfPort(..), .. } => {
                "choose another number, or none to be given a free one".to_owned()
            }
            Reason::Taken { by, .. } => format!("choose another, or change or delete {} first", name(by)),
            Reason::NoSuch { target } => format!("create {target} first, or in the same request"),
            Reason::NeededBy { referrer } => {
                format!("delete {} first, or in the same request", name(referrer))
            }
            Reason::NotAnUplink { .. } => "name a port of kind dpdk as the VTEP's uplink".to_owned(),
            Reason::OfNetwork { .. } => "add a NIC to the network, or create a bridge of your own".to_owned(),
            Reason::WhichVtep { .. } => "name the network's vtep".to_owned(),
            Reason::RemotesWithoutVtep => "create a VTEP first, or in the same request".to_owned(),
            Reason::FamilyMissing { .. } => "give the VTEP an address of that family".to_owned(),
            Reason::RemoteIsLocal { .. } => "list the other hosts' VTEPs only".to_owned(),
            Reason::PortsExhausted { .. } => "delete ports of the bridge that are no longer used".to_owned(),
        }
    }
}

impl From<&Refusal> for v1::Error {
    fn from(refusal: &Refusal) -> v1::Error {
        v1::Error {
            code: refusal.reason.code().into(),
            object: refusal.object.clone(),
            message: refusal.reason.to_string(),
            hint: refusal.reason.hint(),
        }
    }
}
