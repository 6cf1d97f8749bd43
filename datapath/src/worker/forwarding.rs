//! The snapshot that workers judge by. Immutable; replaced as a whole.

use std::sync::Arc;

use sluice_overlay::DecapTable;
use sluice_overlay::answer::Own;
use sluice_overlay::vxlan::EncapTemplate;
use sluice_pipeline::{Bridge, BridgeId, Ingress, PortId, RemoteId};

/// All that a worker needs to judge a frame and to send it on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forwarding {
    /// By [`BridgeId`].
    pub(crate) bridges: Vec<Option<Arc<Bridge>>>,
    /// What changes with ports and neighbours, and not with rules.
    pub(crate) topology: Arc<Topology>,
}

/// Where ports belong and what the underlay looks like.
#[derive(Debug, Default)]
pub(crate) struct Topology {
    /// By [`PortId`].
    pub(crate) memberships: Vec<Option<Membership>>,
    /// By [`PortId`]: the VTEPs of an uplink.
    pub(crate) uplinks: Vec<Option<Arc<UplinkVteps>>>,
    /// By [`RemoteId`].
    pub(crate) remotes: Vec<Option<RemotePath>>,
}

/// A port's place on its bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) bridge: BridgeId,
    /// How frames enter by it, unless it is a tunnel port.
    pub(crate) ingress: Ingress,
}

/// The VTEPs that live on one uplink.
#[derive(Debug)]
pub(crate) struct UplinkVteps {
    pub(crate) vteps: Vec<Own>,
    /// Who may send what to whom, and how their frames enter.
    pub(crate) decap: DecapTable<Ingress>,
}

/// How a remote VTEP is reached.
#[derive(Clone, Debug)]
pub(crate) struct RemotePath {
    pub(crate) uplink: PortId,
    /// `None` while the next hop's link-layer address is not known.
    pub(crate) template: Option<EncapTemplate>,
}

impl Forwarding {
    #[inline(always)]
    pub(crate) fn membership(&self, port: PortId) -> Option<&Membership> {
        self.topology.memberships.get(usize::from(port.0))?.as_ref()
    }

    /// The bridge that a port belongs to.
    #[inline(always)]
    pub(crate) fn bridge_of(&self, port: PortId) -> Option<&Bridge> {
        let bridge = self.membership(port)?.bridge;
        self.bridges.get(usize::from(bridge.0))?.as_deref()
    }

    #[inline(always)]
    pub(crate) fn uplink(&self, port: PortId) -> Option<&UplinkVteps> {
        self.topology.uplinks.get(usize::from(port.0))?.as_deref()
    }

    #[inline(always)]
    pub(crate) fn remote(&self, remote: RemoteId) -> Option<&RemotePath> {
        self.topology.remotes.get(remote.index())?.as_ref()
    }
}
