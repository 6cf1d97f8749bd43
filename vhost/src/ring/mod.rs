//! Virtqueues: walking the guest's rings in batches. Split rings are here; packed ones will stand beside them.

mod call;
mod chain;
mod notify;
mod prefetch;
mod split;

use std::os::fd::OwnedFd;
use std::sync::Arc;

use thiserror::Error;

use crate::features::Features;
use crate::memory::GuestMemory;

pub(crate) use call::{Call, Caller};
pub(crate) use chain::Gathered;
pub(crate) use prefetch::{prefetch_read, prefetch_write};
pub(crate) use split::{LOOKAHEAD, SplitRing, copied};

/// Buffers that one chain may have. Linux needs at most 19, DPDK one for each mbuf segment.
pub(crate) const MAX_CHAIN: usize = 128;

/// What the guest did to its ring. The ring answers with it until it is started anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RingFault {
    /// The available index is further ahead than the ring is long.
    #[error("the guest's available index {index} is more than {size} ahead of {next}")]
    AvailableIndex {
        /// What the guest wrote.
        index: u16,
        /// The next position that the switch would take.
        next: u16,
        /// Length of the ring.
        size: u16,
    },
    /// A descriptor index is not in the table.
    #[error("the guest named descriptor {index} of a table of {size}")]
    DescriptorIndex {
        /// What the guest wrote.
        index: u16,
        /// Length of the table.
        size: u16,
    },
    /// A buffer does not lie in the guest's memory.
    #[error("the guest's buffer of {len} bytes at {address:#x} is outside of its memory")]
    BufferOutsideMemory {
        /// Guest-physical address.
        address: u64,
        /// Length in bytes.
        len: u32,
    },
    /// A transmit buffer that the device would write, or a receive buffer that it would read.
    #[error("the guest's buffer at {address:#x} has the wrong direction")]
    WrongDirection {
        /// Guest-physical address.
        address: u64,
    },
    /// An indirect table that is empty, no whole number of descriptors, too long, not in the guest's memory, within
    /// another table, chained on, or not negotiated.
    #[error("the guest's indirect table of {len} bytes at {address:#x} breaks the rules")]
    IndirectTable {
        /// Guest-physical address.
        address: u64,
        /// Length in bytes.
        len: u32,
    },
    /// A receive chain has more buffers than a frame can need, or loops.
    #[error("the guest's receive chain has more than {MAX_CHAIN} buffers")]
    ChainTooLong,
    /// The file behind the guest's memory was cut short.
    #[error("the guest's memory was taken away under the ring")]
    MemoryLost,
}

/// Why a ring cannot be set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RingError {
    /// The length of a split ring is a power of two, at most 32768 (virtio 1.2 §2.7).
    #[error("{0} is not a ring's length: it must be a power of two up to 32768")]
    Size(u32),
    /// An address is not aligned as virtio 1.2 §2.7 demands.
    #[error("the ring's address {0:#x} is not aligned")]
    Unaligned(u64),
    /// A part of the ring is not in the guest's memory.
    #[error("the ring's part at {0:#x} is not in the guest's memory")]
    Unmapped(u64),
}

/// Length of a ring: a power of two, at most 32768.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RingSize(u16);

impl RingSize {
    pub(crate) fn new(size: u32) -> Result<Self, RingError> {
        match u16::try_from(size) {
            Ok(short) if short.is_power_of_two() && short <= 32768 => Ok(RingSize(short)),
            _ => Err(RingError::Size(size)),
        }
    }

    pub(crate) fn value(self) -> u16 {
        self.0
    }
}

/// Where the three parts of a split ring lie, in the frontend's address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RingAddresses {
    pub(crate) descriptors: u64,
    pub(crate) available: u64,
    pub(crate) used: u64,
}

impl RingAddresses {
    /// Refuses addresses that virtio 1.2 §2.7 does not allow.
    pub(crate) fn check(&self) -> Result<(), RingError> {
        let aligned = [(self.descriptors, 16), (self.available, 2), (self.used, 4)];
        match aligned.into_iter().find(|(address, alignment)| address % alignment != 0) {
            Some((address, _)) => Err(RingError::Unaligned(address)),
            None => Ok(()),
        }
    }
}

/// The eventfds of a ring.
#[derive(Clone, Debug, Default)]
pub(crate) struct RingEvents {
    /// The guest writes it when it has made buffers available, if asked to.
    pub(crate) kick: Option<Arc<OwnedFd>>,
    /// The switch writes it when it has used buffers, if asked to.
    pub(crate) call: Option<Arc<Call>>,
}

/// Everything that is needed to walk a ring.
#[derive(Clone, Debug)]
pub(crate) struct RingSetup {
    pub(crate) size: RingSize,
    pub(crate) addresses: RingAddresses,
    /// The position in the available ring to go on from.
    pub(crate) base: u16,
    pub(crate) features: Features,
    pub(crate) memory: Arc<GuestMemory>,
    pub(crate) events: RingEvents,
}
