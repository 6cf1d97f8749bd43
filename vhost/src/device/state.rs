//! What a device is made of between two messages: plain values, and the descriptors beside them. A successor process
//! that is handed both, and the regions of the memory, goes on where this one stopped.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::features::{Features, ProtocolFeatures};
use crate::index::QueuePairs;
use crate::ring::{RingAddresses, RingEvents, RingSize};

/// The negotiated and configured state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceState {
    /// `None` until the driver has chosen.
    pub(crate) features: Option<Features>,
    pub(crate) protocol_features: ProtocolFeatures,
    /// The driver's status, only echoed.
    pub(crate) status: u64,
    /// One for each queue, in the order of their indices.
    pub(crate) vrings: Vec<VringState>,
}

impl DeviceState {
    pub(crate) fn new(queue_pairs: QueuePairs) -> Self {
        let vrings = vec![VringState::default(); usize::from(queue_pairs.queues())];
        DeviceState { features: None, protocol_features: ProtocolFeatures::default(), status: 0, vrings }
    }
}

/// The state of one ring.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct VringState {
    pub(crate) size: Option<RingSize>,
    pub(crate) addresses: Option<RingAddresses>,
    /// Where in the available ring to go on, while the ring does not run.
    pub(crate) base: u16,
    /// `SET_VRING_ENABLE`. QEMU sends it before the features and never again, so it outlives all but a reset.
    pub(crate) enabled: bool,
    /// `SET_VRING_KICK` has come since the last `GET_VRING_BASE`, with or without a descriptor.
    pub(crate) started: bool,
}

/// The descriptors of one ring.
#[derive(Debug, Default)]
pub(crate) struct VringFds {
    pub(crate) events: RingEvents,
    /// The backend could tell errors here; kept for a successor only.
    pub(crate) err: Option<Arc<OwnedFd>>,
}
