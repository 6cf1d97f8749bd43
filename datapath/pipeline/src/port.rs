//! [`Port`]: a bridge's way out.

use std::sync::Arc;

use sluice_overlay::Vni;

use crate::{OfPort, PortId, RemoteId};

/// A port of a bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its number in the datapath.
    pub id: PortId,
    /// Its number on the bridge.
    pub of_port: OfPort,
    /// What is behind it.
    pub kind: PortKind,
    /// Whether floods go out of it.
    pub flood: bool,
}

/// What is behind a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortKind {
    /// A guest or a device.
    Local,
    /// Other hosts, by VXLAN.
    Tunnel {
        /// The network.
        vni: Vni,
        /// All other VTEPs of the network: each gets a copy of what is flooded (head-end replication).
        remotes: Arc<[RemoteId]>,
    },
}

impl Port {
    /// Whether it is a tunnel port.
    #[inline]
    pub fn is_tunnel(&self) -> bool {
        matches!(self.kind, PortKind::Tunnel { .. })
    }
}
