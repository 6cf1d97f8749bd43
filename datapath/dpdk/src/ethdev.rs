//! Ports: attach, start, and their queues.

mod attach;
mod error;
mod queue;
mod start;
mod status;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sluice_dpdk_sys as sys;

use crate::{Eal, Mempool};
pub use error::EthDevError;
pub use queue::{RxQueue, TxQueue};
pub use status::{Link, MacAddress, PortStats};

/// An attached device with one port.
///
/// The device is stopped, closed and detached when this *and* all its queues have been dropped. That is slow
/// (milliseconds): hand the queues back from a worker and drop them elsewhere.
#[derive(Debug)]
pub struct EthDev(Arc<Port>);

impl EthDev {
    /// Attaches the device that `devargs` describes: a virtual one (`net_af_packet0,iface=eth1`) or a PCI address
    /// (`0000:3b:00.0`), with the driver's arguments after a comma.
    ///
    /// # Errors
    /// Names the device and the reason: malformed, attached already, unknown driver, no such interface, no
    /// such PCI device, not exactly one port, or refused by the driver.
    pub fn attach(eal: &Eal, devargs: &str) -> Result<Self, EthDevError> {
        attach::attach(eal, devargs).map(|port| Self(Arc::new(port)))
    }

    /// Configures the device for frames that carry up to `mtu` bytes behind the Ethernet header, starts it and
    /// switches promiscuous mode on. Received packets are placed in `mempool`.
    ///
    /// May be called again, with other numbers, after all queues were dropped. MAC addresses of several receive
    /// queues' packets are not looked at: they are spread by IP addresses and ports, if the device can.
    ///
    /// # Errors
    /// When queues are still held, a number is beyond the device's limits (it is said), `mempool`'s data room
    /// is too small for `mtu`, or the driver refuses.
    pub fn start(
        &mut self,
        rx_queues: u16,
        tx_queues: u16,
        mempool: &Mempool,
        mtu: u16,
    ) -> Result<(Vec<RxQueue>, Vec<TxQueue>), EthDevError> {
        if self.0.queues.load(Ordering::Acquire) > 0 {
            return Err(EthDevError::QueuesInUse { device: self.0.name.clone() });
        }
        start::start(&self.0, rx_queues, tx_queues, mempool, mtu)?;
        let rx = (0..rx_queues).map(|queue| RxQueue::new(QueueHandle::new(&self.0, queue))).collect();
        let tx = (0..tx_queues).map(|queue| TxQueue::new(QueueHandle::new(&self.0, queue))).collect();
        Ok((rx, tx))
    }

    /// The device's name, without arguments (`net_af_packet0`).
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// DPDK's number for the port.
    pub fn port_id(&self) -> u16 {
        self.0.id
    }
}

/// A port of ours in DPDK, from probe to removal.
#[derive(Debug)]
struct Port {
    id: u16,
    name: String,
    eal: Eal,
    state: Mutex<State>,
    /// How many [`QueueHandle`]s there are.
    queues: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    running: bool,
    /// Held for the device's receive queues until they are set up anew or closed.
    mempool: Option<Mempool>,
}

impl Port {
    fn new(eal: &Eal, id: u16, name: String) -> Self {
        Self { id, name, eal: eal.clone(), state: Mutex::default(), queues: AtomicUsize::new(0) }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        let mut attached = self.eal.attached();
        let device = status::device_info(self.id).map(|info| info.device);
        if self.state.get_mut().unwrap_or_else(PoisonError::into_inner).running {
            // SAFETY: the port is ours, and no queue of it is in use: each holds this `Port`.
            unsafe { sys::rte_eth_dev_stop(self.id) };
        }
        // SAFETY: as above, and nothing uses the port's id from here on.
        unsafe { sys::rte_eth_dev_close(self.id) };
        if let Some(device) = device {
            // SAFETY: the device that this port was probed from; removed once, here.
            unsafe { sys::rte_dev_remove(device) };
        }
        attached.remove(&self.name);
    }
}

/// One queue's share of its port.
#[derive(Debug)]
struct QueueHandle {
    port: Arc<Port>,
    queue: u16,
}

impl QueueHandle {
    fn new(port: &Arc<Port>, queue: u16) -> Self {
        port.queues.fetch_add(1, Ordering::Relaxed);
        Self { port: Arc::clone(port), queue }
    }
}

impl Drop for QueueHandle {
    fn drop(&mut self) {
        // Release: what the queue's thread did comes before a new start of the port.
        self.port.queues.fetch_sub(1, Ordering::Release);
    }
}
