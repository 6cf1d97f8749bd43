//! What can go wrong with a port.

use crate::Errno;
use crate::eal::log::appended;

/// Why a device could not be attached, started or asked.
#[derive(Debug, thiserror::Error)]
pub enum EthDevError {
    /// Not a device name with arguments.
    #[error(
        "{devargs:?} is not a device: give a driver's name with a number (net_af_packet0,iface=eth1) or a PCI address (0000:3b:00.0)"
    )]
    Malformed {
        /// What was given.
        devargs: String,
    },
    /// It is attached to this process.
    #[error("device {device} is attached already; choose another number, or detach it first")]
    AlreadyAttached {
        /// Its name.
        device: String,
    },
    /// No driver of this DPDK knows the name.
    #[error(
        "device {device}: no DPDK driver has that name (is it spelt net_<driver><number>, and is its driver package installed?)"
    )]
    UnknownDriver {
        /// The name that was given.
        device: String,
    },
    /// The network interface that it would be bound to is not there.
    #[error("device {device}: there is no network interface {interface:?} in this network namespace")]
    NoSuchInterface {
        /// The device's name.
        device: String,
        /// The value of its argument `iface`.
        interface: String,
    },
    /// There is nothing at that PCI address.
    #[error("device {device}: there is no PCI device at that address")]
    NoSuchPciDevice {
        /// The address.
        device: String,
    },
    /// The driver made no port, or several.
    #[error("device {device} has {ports} ports; only devices with one are supported")]
    PortCount {
        /// The device's name.
        device: String,
        /// How many.
        ports: u16,
    },
    /// The driver did not take it.
    #[error("device {device} could not be attached: {reason}{}", appended(.log))]
    AttachRefused {
        /// The device's name.
        device: String,
        /// What DPDK's error number says.
        reason: Errno,
        /// The errors that DPDK logged meanwhile.
        log: Vec<String>,
    },
    /// It cannot be started anew while a queue of it is held.
    #[error("device {device} still has queues in use")]
    QueuesInUse {
        /// The device's name.
        device: String,
    },
    /// More (or fewer) of something than the device can have.
    #[error("device {device}: {what} = {wanted} is not possible, it takes {least} to {most}")]
    OutOfRange {
        /// The device's name.
        device: String,
        /// What is out of range.
        what: &'static str,
        /// What was asked for.
        wanted: u32,
        /// The smallest that is possible.
        least: u32,
        /// The largest that is possible.
        most: u32,
    },
    /// A frame does not fit an mbuf.
    #[error(
        "device {device}: an MTU of {mtu} needs mbufs with a data room of {needed} bytes, but mempool {mempool} has {data_room}"
    )]
    DataRoom {
        /// The device's name.
        device: String,
        /// The MTU that was asked for.
        mtu: u16,
        /// The pool's name.
        mempool: String,
        /// Bytes of the pool's data room, headroom included.
        data_room: u16,
        /// Bytes needed.
        needed: u32,
    },
    /// The driver refused one of the steps.
    #[error("device {device}: cannot {step}: {reason}{}", appended(.log))]
    Refused {
        /// The device's name.
        device: String,
        /// The step.
        step: &'static str,
        /// What DPDK's error number says.
        reason: Errno,
        /// The errors that DPDK logged meanwhile.
        log: Vec<String>,
    },
}
