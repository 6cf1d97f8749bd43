//! A safe wrapper over the parts of DPDK that Sluice uses.
//!
//! Ownership is what makes it safe; no call here asks its caller for a promise:
//!
//! ```text
//! Eal ◄── Mempool            its memory stays mapped as long as the EAL lives
//!  ▲ ▲                       (a dropped pool is retired, and reused for the next of the same shape)
//!  │ └──── MbufBurst         owns its mbufs; frees them in bulk at drop
//!  │          └─ OwnedMbuf<'_>   one on its way from burst to burst
//!  │             Mbuf            what a burst lends: the bytes of one packet
//!  └── EthDev ◄── RxQueue, TxQueue   one owner each, `Send`; the device closes after the last of them
//! ```
//!
//! An mbuf is always in a pool, in a driver, in a burst, or between two bursts; all of these keep the EAL
//! alive. So there is no reference count to touch per packet, and `rte_eal_cleanup` cannot unmap a packet that
//! somebody still holds.
//!
//! The packet's path is [`RxQueue::burst`], [`TxQueue::send`], [`Mempool::fill`] and the drop of a burst: one
//! call into C each, for up to 32 packets. The fields of an mbuf are read and written from Rust.

// SAFETY policy: this crate is where DPDK's contracts are turned into types; each block says how.
#![allow(unsafe_code)]

mod burst;
mod clock;
mod eal;
mod errno;
mod ethdev;
mod mbuf;
mod mempool;
mod thread;

pub use burst::{BURST_SIZE, Drain, MbufBurst};
pub use clock::{tsc, tsc_hz};
pub use eal::{
    Eal, EalConfig, EalError, FilePrefix, FilePrefixError, HugepageInventory, HugepageShortage, LogLevel,
    LogSink, PciAccess,
};
pub use errno::Errno;
pub use ethdev::{EthDev, EthDevError, Link, MacAddress, PortStats, RxQueue, TxQueue};
pub use mbuf::{HEADROOM, Mbuf, OwnedMbuf};
pub use mempool::{DEFAULT_DATA_ROOM, Mempool, MempoolError};
pub use thread::{ThreadError, ThreadRegistration};
