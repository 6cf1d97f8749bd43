//! One place for a learned address: two words that change without a lock.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Release, SeqCst};
use std::sync::atomic::{AtomicU64, Ordering};

use sluice_packet::MacAddr;

use super::Station;
use crate::{PortId, RemoteId, Tick};

/// An address and where it is.
///
/// `address` is [`FREE`], [`BUSY`], or an [`Address`]. Who wants to give the slot to another address, or to none, first
/// makes it `BUSY`; `entry` is written before `address` says whose it is. A reader reads `address` before and after
/// `entry`, and so never takes one address's entry for another's.
///
/// [`Slot::replace`] does not make it busy. If, between its look at the address and its write, the slot is given to
/// another address at the very same station in the same second, that address is at the wrong station until it is next
/// seen. Nothing else can go wrong.
#[derive(Debug, Default)]
pub(super) struct Slot {
    address: AtomicU64,
    entry: AtomicU64,
}

/// A VLAN and an address, never [`FREE`] or [`BUSY`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address(u64);

/// Where an address is and when it was seen there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) station: Station,
    pub(super) seen: Tick,
}

const FREE: u64 = 0;
const BUSY: u64 = 1;
const OCCUPIED: u64 = 1 << 63;

impl Slot {
    /// The entry, if the slot is this address's.
    #[inline]
    pub(super) fn read(&self, address: Address) -> Option<Entry> {
        if self.address.load(Acquire) != address.0 {
            return None;
        }
        let entry = self.entry.load(Acquire);
        (self.address.load(Ordering::Relaxed) == address.0).then(|| Entry::unpack(entry))
    }

    /// What is in the slot.
    pub(super) fn entry(&self) -> Option<(Address, Entry)> {
        let address = self.address.load(Acquire);
        if address & OCCUPIED == 0 {
            return None;
        }
        self.read(Address(address)).map(|entry| (Address(address), entry))
    }

    /// Whether the slot is this address's. All threads see these looks and [`Slot::claim`]s in one order.
    pub(super) fn holds(&self, address: Address) -> bool {
        self.address.load(SeqCst) == address.0
    }

    /// Takes the slot, if it is free.
    pub(super) fn claim(&self, address: Address, entry: Entry) -> bool {
        if self.address.compare_exchange(FREE, BUSY, Acquire, Ordering::Relaxed).is_err() {
            return false;
        }
        self.entry.store(entry.pack(), Release);
        self.address.store(address.0, SeqCst);
        true
    }

    /// Changes the entry, if it is still `old`.
    #[inline]
    pub(super) fn replace(&self, address: Address, old: Entry, new: Entry) -> bool {
        self.address.load(Acquire) == address.0
            && self.entry.compare_exchange(old.pack(), new.pack(), AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Frees the slot, if it is still this address's and the entry is such.
    pub(super) fn release_if(&self, address: Address, which: impl Fn(&Entry) -> bool) -> bool {
        if self.address.compare_exchange(address.0, BUSY, AcqRel, Ordering::Relaxed).is_err() {
            return false;
        }
        let mut entry = self.entry.load(Acquire);
        while which(&Entry::unpack(entry)) {
            // What a worker replaces meanwhile is looked at again.
            match self.entry.compare_exchange(entry, 0, AcqRel, Acquire) {
                Ok(_) => {
                    self.address.store(FREE, Release);
                    return true;
                }
                Err(now) => entry = now,
            }
        }
        self.address.store(address.0, Release);
        false
    }
}

impl Address {
    pub(super) fn new(vlan: u16, mac: MacAddr) -> Address {
        let [a, b, c, d, e, f] = mac.octets();
        let mac = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
        Address(OCCUPIED | u64::from(vlan & 0x0fff) << 48 | mac)
    }

    pub(super) fn vlan(self) -> u16 {
        let [high, low, ..] = self.0.to_be_bytes();
        u16::from_be_bytes([high & 0x0f, low])
    }

    pub(super) fn mac(self) -> MacAddr {
        let [_, _, a, b, c, d, e, f] = self.0.to_be_bytes();
        MacAddr::new([a, b, c, d, e, f])
    }
}

impl Entry {
    /// port(16) remote(16) seen(32).
    fn pack(self) -> u64 {
        let remote = self.station.remote.map_or(0, RemoteId::number);
        u64::from(self.station.port.0) << 48 | u64::from(remote) << 32 | u64::from(self.seen.0)
    }

    fn unpack(word: u64) -> Entry {
        let [port_high, port_low, remote_high, remote_low, seen @ ..] = word.to_be_bytes();
        let remote = RemoteId::from_number(u16::from_be_bytes([remote_high, remote_low]));
        let port = PortId(u16::from_be_bytes([port_high, port_low]));
        Entry { station: Station { port, remote }, seen: Tick(u32::from_be_bytes(seen)) }
    }
}
