//! [`MacTable`]: which address is behind which port, learned by all workers together.

mod slot;

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use slot::{Address, Entry, Slot};
use sluice_packet::MacAddr;

use crate::{PortId, RemoteId, Tick};

/// Where an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Station {
    /// The port.
    pub port: PortId,
    /// The VTEP, if that is a tunnel port.
    pub remote: Option<RemoteId>,
}

/// What learning did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learned {
    /// It was known.
    Nothing,
    /// It is new.
    New,
    /// It was behind another port or VTEP.
    Moved,
    /// There is no room; it stays unknown.
    Full,
    /// It is not the address of one station.
    Ignored,
}

/// A learned address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacEntry {
    /// The VLAN, 0 for untagged frames.
    pub vlan: u16,
    /// The address.
    pub mac: MacAddr,
    /// Where it is.
    pub station: Station,
    /// When it was last seen, within the time that workers need to look again: an eighth of the ageing time.
    pub seen: Tick,
}

/// The learning table of a bridge, of a fixed size, shared by all workers without locks.
///
/// An address hashes to [`WINDOW`] neighbouring slots and is in one of them or not there. A slot is two atomic words,
/// see [`Slot`] for how they change. Workers never wait for each other: who loses a race tries again, and there is a
/// race only while an address moves.
///
/// When there is no room, known addresses stay and new ones are not learned (their frames are flooded): a flood of
/// made-up addresses cannot drive out real ones.
#[derive(Debug)]
pub struct MacTable {
    slots: Box<[Slot]>,
    hasher: RandomState,
    len: AtomicUsize,
    limit: usize,
    ageing_s: u32,
    generation: AtomicU32,
}

/// Slots in which an address can be.
const WINDOW: usize = 16;

impl MacTable {
    /// A table for `limit` addresses (at least one) that forgets those not seen for `ageing_s` seconds.
    pub fn new(limit: usize, ageing_s: u32) -> MacTable {
        let limit = limit.max(1);
        // At most half full, so that a window is hardly ever.
        let slots = (2 * limit).next_power_of_two().max(2 * WINDOW);
        MacTable {
            slots: (0..slots).map(|_| Slot::default()).collect(),
            hasher: RandomState::new(),
            len: AtomicUsize::new(0),
            limit,
            ageing_s: ageing_s.max(1),
            generation: AtomicU32::new(0),
        }
    }

    /// Changes whenever an address appears, moves or is forgotten.
    #[inline]
    pub fn generation(&self) -> u32 {
        self.generation.load(Ordering::Acquire)
    }

    /// How many addresses are known.
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Whether no address is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Seconds after which an address has to be learned again so that it does not age: an eighth of the ageing time.
    pub(crate) fn refresh_s(&self) -> u16 {
        u16::try_from(self.ageing_s / 8).unwrap_or(REFRESH_LIMIT_S).clamp(1, REFRESH_LIMIT_S)
    }

    /// Where an address is.
    pub fn lookup(&self, vlan: u16, mac: MacAddr) -> Option<Station> {
        let address = Address::new(vlan, mac);
        self.window(address).find_map(|slot| slot.read(address)).map(|entry| entry.station)
    }

    /// Notes that an address was seen at a station.
    pub fn learn(&self, vlan: u16, mac: MacAddr, station: Station, now: Tick) -> Learned {
        if !mac.is_unicast() {
            return Learned::Ignored;
        }
        let address = Address::new(vlan, mac);
        let entry = Entry { station, seen: now };
        loop {
            let found = self.window(address).find_map(|slot| Some((slot, slot.read(address)?)));
            let learned = match found {
                Some((_, known)) if known == entry => return Learned::Nothing,
                Some((slot, known)) if !slot.replace(address, known, entry) => continue,
                Some((_, known)) if known.station == station => return Learned::Nothing,
                Some(_) => Learned::Moved,
                None if !self.insert(address, entry) => return Learned::Full,
                None => Learned::New,
            };
            self.changed();
            return learned;
        }
    }

    /// Forgets addresses that were not seen for the ageing time; returns how many. To be called every second or so, by
    /// no worker.
    pub fn expire(&self, now: Tick) -> usize {
        self.forget(|entry| now.since(entry.seen) > self.ageing_s)
    }

    /// Forgets the addresses behind a port; returns how many.
    pub fn forget_port(&self, port: PortId) -> usize {
        self.forget(|entry| entry.station.port == port)
    }

    /// All known addresses, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = MacEntry> + '_ {
        self.slots.iter().filter_map(|slot| {
            let (address, entry) = slot.entry()?;
            Some(MacEntry {
                vlan: address.vlan(),
                mac: address.mac(),
                station: entry.station,
                seen: entry.seen,
            })
        })
    }

    fn insert(&self, address: Address, entry: Entry) -> bool {
        if self.len.fetch_add(1, Ordering::Relaxed) >= self.limit {
            self.len.fetch_sub(1, Ordering::Relaxed);
            return false;
        }
        if !self.window(address).any(|slot| slot.claim(address, entry)) {
            self.len.fetch_sub(1, Ordering::Relaxed);
            return false;
        }
        // Another worker may have inserted the same address elsewhere in the window. Both look for the other's after
        // they published their own, so at least one sees it, and the first in the window stays.
        for double in self.window(address).filter(|slot| slot.holds(address)).skip(1) {
            if double.release_if(address, |_| true) {
                self.len.fetch_sub(1, Ordering::Relaxed);
            }
        }
        true
    }

    fn forget(&self, which: impl Fn(&Entry) -> bool) -> usize {
        let mut forgotten = 0;
        for slot in &self.slots {
            if let Some((address, entry)) = slot.entry()
                && which(&entry)
                && slot.release_if(address, &which)
            {
                self.len.fetch_sub(1, Ordering::Relaxed);
                forgotten += 1;
            }
        }
        if forgotten > 0 {
            self.changed();
        }
        forgotten
    }

    fn changed(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }

    #[inline]
    fn window(&self, address: Address) -> impl Iterator<Item = &Slot> {
        // The number of slots is a power of two.
        let hash = usize::try_from(self.hasher.hash_one(address) >> 32).unwrap_or(0);
        let start = hash & (self.slots.len() - 1);
        let (front, back) = self.slots.split_at_checked(start).unwrap_or((&[], &self.slots));
        back.iter().chain(front).take(WINDOW)
    }
}

/// Sessions count seconds in 15 bits; half an hour is far below.
const REFRESH_LIMIT_S: u16 = 1800;
