//! What a port says of itself.

use std::fmt;
use std::mem::MaybeUninit;

use sluice_dpdk_sys as sys;

use super::EthDev;
use crate::errno::check;

/// A port's Ethernet address, in the order of transmission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MacAddress(pub [u8; 6]);

/// The state of a port's link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Whether it is up.
    pub up: bool,
    /// Its speed in Mbit/s; `None` if the driver cannot say.
    pub speed_mbps: Option<u32>,
    /// Whether both sides may send at once.
    pub full_duplex: bool,
}

/// A port's counters since it was started, as its driver keeps them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortStats {
    /// Packets received.
    pub rx_packets: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets that the device dropped, because nobody fetched those before.
    pub rx_missed: u64,
    /// Packets received with an error.
    pub rx_errors: u64,
    /// Packets that could not be sent.
    pub tx_errors: u64,
    /// Packets dropped because the mempool was empty.
    pub rx_no_mbuf: u64,
}

impl EthDev {
    /// The port's Ethernet address; all zero if the driver has none.
    pub fn mac(&self) -> MacAddress {
        let mut address = sys::rte_ether_addr { addr_bytes: [0; 6] };
        // SAFETY: the port is ours; writes the address, or nothing.
        unsafe { sys::rte_eth_macaddr_get(self.0.id, &raw mut address) };
        MacAddress(address.addr_bytes)
    }

    /// The NUMA node that the device is on; `None` for a virtual one, or if unknown.
    pub fn numa_node(&self) -> Option<u32> {
        // SAFETY: any port id may be asked.
        u32::try_from(unsafe { sys::rte_eth_dev_socket_id(self.0.id) }).ok()
    }

    /// The bytes that a frame may carry behind its Ethernet header.
    pub fn mtu(&self) -> Option<u16> {
        let mut mtu = 0;
        // SAFETY: the port is ours; writes the MTU, or nothing.
        check(unsafe { sys::rte_eth_dev_get_mtu(self.0.id, &raw mut mtu) }).ok().map(|()| mtu)
    }

    /// The driver's name (`net_af_packet`); `None` if it gives none.
    pub fn driver(&self) -> Option<String> {
        let name = device_info(self.0.id)?.driver_name;
        if name.is_null() {
            return None;
        }
        // SAFETY: a static string of the driver, NUL-terminated.
        Some(unsafe { std::ffi::CStr::from_ptr(name) }.to_string_lossy().into_owned())
    }

    /// The link's state, without waiting for a change that is under way.
    pub fn link(&self) -> Option<Link> {
        let mut link = sys::sluice_link { speed_mbps: 0, up: 0, full_duplex: 0 };
        // SAFETY: the port is ours; writes the state, or nothing.
        check(unsafe { sys::sluice_eth_link(self.0.id, &raw mut link) }).ok()?;
        Some(Link {
            up: link.up != 0,
            speed_mbps: Some(link.speed_mbps).filter(|speed| !matches!(*speed, 0 | u32::MAX)),
            full_duplex: link.full_duplex != 0,
        })
    }

    /// The port's counters; `None` if the driver keeps none.
    pub fn stats(&self) -> Option<PortStats> {
        let mut stats = MaybeUninit::<sys::rte_eth_stats>::zeroed();
        // SAFETY: the port is ours; writes the counters, or nothing.
        check(unsafe { sys::rte_eth_stats_get(self.0.id, stats.as_mut_ptr()) }).ok()?;
        // SAFETY: plain numbers, for which zero bytes are a value too.
        let stats = unsafe { stats.assume_init() };
        Some(PortStats {
            rx_packets: stats.ipackets,
            tx_packets: stats.opackets,
            rx_bytes: stats.ibytes,
            tx_bytes: stats.obytes,
            rx_missed: stats.imissed,
            rx_errors: stats.ierrors,
            tx_errors: stats.oerrors,
            rx_no_mbuf: stats.rx_nombuf,
        })
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// What the driver says of port `id`.
pub(super) fn device_info(id: u16) -> Option<sys::rte_eth_dev_info> {
    let mut info = MaybeUninit::<sys::rte_eth_dev_info>::zeroed();
    // SAFETY: any port id may be asked; writes all of the struct, or nothing.
    check(unsafe { sys::rte_eth_dev_info_get(id, info.as_mut_ptr()) }).ok()?;
    // SAFETY: written, and plain numbers and pointers to begin with.
    Some(unsafe { info.assume_init() })
}
