//! Configuring and starting a port.

use std::ffi::{CStr, c_int};
use std::mem::MaybeUninit;
use std::ptr;

use sluice_dpdk_sys as sys;

use super::{EthDevError, Port, status};
use crate::eal::log;
use crate::errno::check;
use crate::{Errno, Mempool};

/// Descriptors asked for a queue; drivers with other limits get the nearest.
const RX_DESCRIPTORS: u16 = 1024;
const TX_DESCRIPTORS: u16 = 1024;

/// Ethernet header, two VLAN tags and the frame check sequence, which some drivers leave in the buffer.
const FRAME_OVERHEAD: u32 = 14 + 2 * 4 + 4;

pub(super) fn start(
    port: &Port,
    rx_queues: u16,
    tx_queues: u16,
    mempool: &Mempool,
    mtu: u16,
) -> Result<(), EthDevError> {
    let id = port.id;
    let mut state = port.state();
    if state.running {
        // SAFETY: the port is ours, and none of its queues is held.
        port.step("stop", || unsafe { sys::rte_eth_dev_stop(id) })?;
        state.running = false;
    }
    let info = status::device_info(id).ok_or_else(|| port.refused("say its limits", libc::ENOTSUP))?;
    check_limits(port, &info, &Wanted { rx_queues, tx_queues, mtu, mempool })?;

    let conf = configuration(&info, rx_queues, mtu.min(said_mtu(&info)));
    // SAFETY: the port is stopped; the configuration is copied.
    port.step("be configured", || unsafe {
        sys::rte_eth_dev_configure(id, rx_queues, tx_queues, &raw const conf)
    })?;
    let (mut rx_size, mut tx_size) = (RX_DESCRIPTORS, TX_DESCRIPTORS);
    port.step("size its queues", || {
        // SAFETY: adjusts the two numbers to the driver's limits.
        unsafe { sys::rte_eth_dev_adjust_nb_rx_tx_desc(id, &raw mut rx_size, &raw mut tx_size) }
    })?;
    // SAFETY: any port id may be asked.
    let node = unsafe { sys::rte_eth_dev_socket_id(id) }.cast_unsigned();
    // The queues' old pool is only let go when the new one is in all of them.
    let old = state.mempool.replace(mempool.clone());
    for queue in 0..rx_queues {
        port.step("set up a receive queue", || {
            // SAFETY: the port is configured with that many queues; it holds the pool until it is closed.
            unsafe { sys::rte_eth_rx_queue_setup(id, queue, rx_size, node, ptr::null(), mempool.as_ptr()) }
        })?;
    }
    drop(old);
    for queue in 0..tx_queues {
        port.step("set up a transmit queue", || {
            // SAFETY: the port is configured with that many queues.
            unsafe { sys::rte_eth_tx_queue_setup(id, queue, tx_size, node, ptr::null()) }
        })?;
    }
    // SAFETY: all queues are set up.
    port.step("be started", || unsafe { sys::rte_eth_dev_start(id) })?;
    state.running = true;
    // SAFETY: the port is started.
    match port.step("be switched to promiscuous mode", || unsafe { sys::rte_eth_promiscuous_enable(id) }) {
        // Devices without a filter (rings, files) know no such mode.
        Err(EthDevError::Refused { reason, .. }) if reason.number() == libc::ENOTSUP => Ok(()),
        result => result,
    }
}

struct Wanted<'a> {
    rx_queues: u16,
    tx_queues: u16,
    mtu: u16,
    mempool: &'a Mempool,
}

fn check_limits(port: &Port, info: &sys::rte_eth_dev_info, wanted: &Wanted<'_>) -> Result<(), EthDevError> {
    let Wanted { rx_queues, tx_queues, mtu, mempool } = *wanted;
    port.within("receive queues", rx_queues, 1, info.max_rx_queues)?;
    port.within("transmit queues", tx_queues, 1, info.max_tx_queues)?;
    port.within("MTU", mtu, info.min_mtu, largest_mtu(info))?;
    let needed = u32::from(mtu).saturating_add(FRAME_OVERHEAD + sys::RTE_PKTMBUF_HEADROOM);
    if u32::from(mempool.data_room()) < needed {
        return Err(EthDevError::DataRoom {
            device: port.name.clone(),
            mtu,
            mempool: mempool.name().to_owned(),
            data_room: mempool.data_room(),
            needed,
        });
    }
    Ok(())
}

/// The longest that a frame may be behind its Ethernet header.
///
/// net_af_packet says 1500 and is configured with that, but knows no such limit: it takes what fits its ring's
/// frames, by default of 2048 bytes, from which the kernel takes up to 80 for its header and alignment.
fn largest_mtu(info: &sys::rte_eth_dev_info) -> u16 {
    const AF_PACKET_FRAME: u16 = 2048 - 80;
    // SAFETY: the driver's name is a constant string of the driver, or NULL.
    let is_af_packet =
        !info.driver_name.is_null() && unsafe { CStr::from_ptr(info.driver_name) } == c"net_af_packet";
    if is_af_packet { AF_PACKET_FRAME - 14 - 4 } else { said_mtu(info) }
}

/// The limit that `rte_eth_dev_configure` applies: a driver that does not give an MTU of its own gives a frame
/// length, with the Ethernet header and the frame check sequence in it.
fn said_mtu(info: &sys::rte_eth_dev_info) -> u16 {
    if info.max_mtu != u16::MAX {
        return info.max_mtu;
    }
    u16::try_from(info.max_rx_pktlen.saturating_sub(14 + 4)).unwrap_or(u16::MAX)
}

fn configuration(info: &sys::rte_eth_dev_info, rx_queues: u16, mtu: u16) -> sys::rte_eth_conf {
    // SAFETY: numbers, and pointers for which NULL is a value; zero is DPDK's default for all of them.
    let mut conf = unsafe { MaybeUninit::<sys::rte_eth_conf>::zeroed().assume_init() };
    conf.rxmode.mtu = u32::from(mtu);
    // SAFETY: a constant of the shim.
    let spread = info.flow_type_rss_offloads & unsafe { sys::sluice_rss_ip_ports };
    if rx_queues > 1 && spread != 0 {
        conf.rxmode.mq_mode = sys::RTE_ETH_MQ_RX_RSS;
        conf.rx_adv_conf.rss_conf.rss_hf = spread;
    }
    conf
}

impl Port {
    /// One step of the driver's.
    fn step(&self, step: &'static str, operation: impl FnOnce() -> c_int) -> Result<(), EthDevError> {
        // One at a time, so that the errors logged meanwhile are this one's.
        let _one_at_a_time = self.eal.attached();
        let (result, log) = log::errors_during(operation);
        check(result).map_err(|reason| EthDevError::Refused { device: self.name.clone(), step, reason, log })
    }

    fn refused(&self, step: &'static str, errno: c_int) -> EthDevError {
        let reason = Errno::from_result(-errno);
        EthDevError::Refused { device: self.name.clone(), step, reason, log: Vec::new() }
    }

    fn within(&self, what: &'static str, wanted: u16, least: u16, most: u16) -> Result<(), EthDevError> {
        if (least..=most).contains(&wanted) {
            return Ok(());
        }
        let [wanted, least, most] = [wanted, least, most].map(u32::from);
        Err(EthDevError::OutOfRange { device: self.name.clone(), what, wanted, least, most })
    }
}
