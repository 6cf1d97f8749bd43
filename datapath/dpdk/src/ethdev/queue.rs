//! The packet's path: receive and send in bursts.

use sluice_dpdk_sys as sys;

use super::QueueHandle;
use crate::MbufBurst;

/// A receive queue of a started port; whoever has it is the only one who polls it.
#[derive(Debug)]
pub struct RxQueue(QueueHandle);

/// A transmit queue of a started port; whoever has it is the only one who sends with it.
#[derive(Debug)]
pub struct TxQueue(QueueHandle);

impl RxQueue {
    pub(super) fn new(handle: QueueHandle) -> Self {
        Self(handle)
    }

    /// Adds received packets to `into`, as many as are there and fit, and says how many. Does not wait.
    ///
    /// Some drivers give nothing when there is room for fewer than 4 packets: pass an empty burst.
    #[inline]
    pub fn burst(&mut self, into: &mut MbufBurst) -> usize {
        let (slots, room) = into.room();
        let Ok(room) = u16::try_from(room) else { return 0 };
        // SAFETY: the port is started and has this queue, as long as the handle lives; `&mut self` makes this the
        // only user of the queue; `slots` has room for `room` pointers.
        let received =
            usize::from(unsafe { sys::sluice_rx_burst(self.0.port.id, self.0.queue, slots, room) });
        // SAFETY: the driver wrote that many mbufs there, and gave up their ownership.
        unsafe { into.grow(received) };
        received
    }

    /// The queue's number on its port.
    pub fn index(&self) -> u16 {
        self.0.queue
    }
}

impl TxQueue {
    pub(super) fn new(handle: QueueHandle) -> Self {
        Self(handle)
    }

    /// Sends packets from the front of `from`, as many as the queue takes, and says how many. The others stay
    /// in `from`, in order. Does not wait.
    #[inline]
    pub fn send(&mut self, from: &mut MbufBurst) -> usize {
        let Ok(count @ 1..) = u16::try_from(from.len()) else { return 0 };
        // SAFETY: the port is started and has this queue, as long as the handle lives; `&mut self` makes this the
        // only user of the queue; `from` holds `count` mbufs.
        let sent =
            usize::from(unsafe { sys::sluice_tx_burst(self.0.port.id, self.0.queue, from.raw_mut(), count) });
        // SAFETY: the driver took over the first `sent`, at most `count`.
        unsafe { from.shrink_front(sent) };
        sent
    }

    /// The queue's number on its port.
    pub fn index(&self) -> u16 {
        self.0.queue
    }
}
