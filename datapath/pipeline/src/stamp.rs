//! [`Stamp`]: what a session's verdict was computed from.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::BridgeId;

/// A bridge, the state of its rules and ports, and the state of what it learned. A session with another stamp than its
/// bridge has now must have its rules run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp {
    pub(crate) bridge: BridgeId,
    pub(crate) state: u64,
}

impl Stamp {
    #[inline]
    pub(crate) fn new(bridge: BridgeId, epoch: Epoch, learned: u32) -> Stamp {
        Stamp { bridge, state: u64::from(epoch.0) << 32 | u64::from(learned) }
    }

    /// The bridge.
    #[inline]
    pub fn bridge(&self) -> BridgeId {
        self.bridge
    }
}

/// The state of a bridge's rules and ports. No two states of any bridges in this process share one (but for 2^32
/// changes between two looks at it), so that an identifier may be given to another bridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch(u32);

impl Epoch {
    pub(crate) fn next() -> Epoch {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        Epoch(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
