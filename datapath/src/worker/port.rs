//! A port as one worker holds it.

use std::sync::{Arc, Mutex};

use sluice_dpdk::TxQueue;
use sluice_pipeline::PortId;
use sluice_vhost::ReceiveQueue;

use super::counters::PortCounters;
use super::device::DeviceEgress;

/// A guest's receive queue. Workers share it: each may have frames for any guest. Uncontended the lock costs a burst
/// some 40 cycles; control takes it never.
pub(crate) type SharedReceiver = Arc<Mutex<ReceiveQueue>>;

/// All of a guest's receive queues in service.
pub(crate) type Receivers = Arc<[SharedReceiver]>;

/// A device's transmit queue; workers share one only if the device has fewer than there are workers.
pub(crate) type SharedTx = Arc<Mutex<TxQueue>>;

/// What a worker needs of a port to send out of it and to count.
#[derive(Debug)]
pub(crate) struct WorkerPort {
    pub(crate) id: PortId,
    /// This worker's counters of the port.
    pub(crate) counters: Arc<PortCounters>,
    /// The longest frame that leaves by it, in bytes with the Ethernet header and two VLAN tags.
    pub(crate) longest_frame: usize,
    pub(crate) egress: Egress,
    /// Whether the guest broke a ring; until it starts anew nothing is delivered.
    pub(crate) quarantined: bool,
}

/// How frames leave.
#[derive(Debug)]
pub(crate) enum Egress {
    /// To a guest; without receivers the guest is not there.
    Guest(Receivers),
    /// To a device.
    Device(Box<DeviceEgress>),
    /// In VXLAN, by the uplink of the remote VTEP.
    Tunnel,
}

impl WorkerPort {
    pub(crate) fn new(
        id: PortId,
        counters: Arc<PortCounters>,
        longest_frame: usize,
        egress: Egress,
    ) -> WorkerPort {
        WorkerPort { id, counters, longest_frame, egress, quarantined: false }
    }

    /// The receive queue of a guest that the worker of this number delivers to; `None` while there is no guest.
    #[inline(always)]
    pub(crate) fn receiver(&self, worker: usize) -> Option<&SharedReceiver> {
        match &self.egress {
            Egress::Guest(receivers) if !self.quarantined => {
                receivers.get(worker.checked_rem(receivers.len())?)
            }
            _ => None,
        }
    }
}
