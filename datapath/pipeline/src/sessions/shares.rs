//! Which bridge has how many sessions, and how many it may have.

use crate::BridgeId;

/// How many sessions each bridge has. Grows with the largest number of a bridge, when it gets its first session.
#[derive(Debug, Default)]
pub(super) struct Shares {
    counts: Vec<u32>,
    /// Bridges with sessions.
    bridges: u32,
}

impl Shares {
    pub(super) fn of(&self, bridge: BridgeId) -> u32 {
        self.counts.get(usize::from(bridge.0)).copied().unwrap_or(0)
    }

    /// What a bridge may have when the table is full: an even part among those that have any and this one.
    pub(super) fn fair(&self, limit: u32, bridge: BridgeId) -> u32 {
        limit / (self.bridges + u32::from(self.of(bridge) == 0)).max(1)
    }

    pub(super) fn add(&mut self, bridge: BridgeId) {
        let index = usize::from(bridge.0);
        if index >= self.counts.len() {
            self.counts.resize(index + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(index) {
            self.bridges += u32::from(*count == 0);
            *count += 1;
        }
    }

    pub(super) fn take(&mut self, bridge: BridgeId) {
        if let Some(count) = self.counts.get_mut(usize::from(bridge.0)).filter(|count| **count > 0) {
            *count -= 1;
            self.bridges -= u32::from(*count == 0);
        }
    }
}
