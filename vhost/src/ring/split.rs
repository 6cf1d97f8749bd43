//! The split virtqueue: virtio 1.2 §2.7.
//!
//! The walker reads ahead: descriptors are parsed, translated and their buffers' lines asked for before the burst
//! that needs them, so that lines travel from the guest's core while the burst before is worked on. Each descriptor
//! and index is read from guest memory once.

use std::os::fd::{AsFd, BorrowedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU16, Ordering, compiler_fence};

use super::prefetch::prefetch_read;
use super::{RingError, RingEvents, RingFault, RingSetup};
use crate::features::Features;
use crate::memory::{Segment, Translator};

/// Chains that are parsed ahead of their use: the burst at hand and the next one.
pub(crate) const LOOKAHEAD: u16 = 64;

pub(super) const F_NEXT: u16 = 1;
pub(super) const F_WRITE: u16 = 2;
pub(super) const F_INDIRECT: u16 = 4;

/// A guest's address in a pointer's place: no bytes are reached by it.
#[expect(clippy::cast_possible_truncation, reason = "pointers have 64 bits where the switch runs")]
fn unmapped(address: u64) -> *mut u8 {
    ptr::without_provenance_mut(address as usize)
}

const _: () = assert!(size_of::<usize>() == size_of::<u64>());

/// A descriptor as it was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Descriptor {
    pub(super) address: u64,
    pub(super) len: u32,
    pub(super) flags: u16,
    pub(super) next: u16,
}

impl Descriptor {
    /// Takes apart the 16 bytes of virtio 1.2 §2.7.5, little-endian.
    #[inline(always)]
    pub(super) fn parse(low: u64, high: u64) -> Descriptor {
        let high = u64::from_le(high);
        Descriptor {
            address: u64::from_le(low),
            len: (high & 0xffff_ffff) as u32,
            flags: (high >> 32 & 0xffff) as u16,
            next: (high >> 48) as u16,
        }
    }
}

/// A chain read ahead: its head's index and its first descriptor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ahead {
    /// Where the buffer is mapped; of a chain that is not simple, the guest's address instead.
    at: *mut u8,
    len: u32,
    flags: u16,
    next: u16,
    id: u16,
    simple: bool,
}

impl Ahead {
    const NONE: Ahead = Ahead { at: ptr::null_mut(), len: 0, flags: 0, next: 0, id: 0, simple: false };

    /// The buffer of a chain that has only one, in the right direction and in one piece.
    #[inline(always)]
    pub(crate) fn single(&self) -> Option<Segment> {
        // SAFETY: a simple chain's buffer was found within one region, which the ring's translator holds.
        self.simple.then(|| unsafe { Segment::new(self.at, self.len) })
    }

    /// The index of the chain's head, which the used ring names.
    #[inline(always)]
    pub(crate) fn id(&self) -> u16 {
        self.id
    }

    /// The first descriptor of a chain that is not simple, as it was read.
    pub(super) fn descriptor(&self) -> Descriptor {
        Descriptor { address: self.at.addr() as u64, len: self.len, flags: self.flags, next: self.next }
    }
}

/// A split ring and the position in it.
///
/// `WRITES` says whether the device writes the buffers (a receive queue) or reads them (a transmit queue).
#[derive(Debug)]
pub(crate) struct SplitRing<const WRITES: bool> {
    descriptors: NonNull<[u64; 2]>,
    available: NonNull<u16>,
    pub(super) used: NonNull<u16>,
    mask: u16,
    /// Available entries before this one are used, or about to be.
    next: u16,
    /// Available entries from `next` to here are in `ahead`.
    parsed: u16,
    /// The guest's available index when it was last read.
    available_index: u16,
    /// The used index, with all chains that were taken off the ring.
    pub(super) used_index: u16,
    /// The used index that the guest sees.
    published: u16,
    pub(super) notify: super::notify::Notify,
    pub(super) features: Features,
    pub(super) translator: Translator,
    fault: Option<RingFault>,
    pub(super) events: RingEvents,
    ahead: [Ahead; LOOKAHEAD as usize],
}

// SAFETY: its pointers lead into mappings that its translator holds; those belong to no thread.
unsafe impl<const WRITES: bool> Send for SplitRing<WRITES> {}

impl<const WRITES: bool> SplitRing<WRITES> {
    /// Finds the ring in the guest's memory and takes it up where `setup.base` says.
    pub(crate) fn new(setup: RingSetup) -> Result<Self, RingError> {
        let RingSetup { size, addresses, base, features, memory, events } = setup;
        addresses.check()?;
        let size = size.value();
        let entries = usize::from(size);
        let part = |user: u64, len: usize, alignment: usize| {
            let host = memory.host_of_user(user, len).ok_or(RingError::Unmapped(user))?;
            if host.addr().get() % alignment == 0 { Ok(host) } else { Err(RingError::Unaligned(user)) }
        };
        // The last two bytes of either ring are there with EVENT_IDX only.
        let event = if features.contains(Features::EVENT_IDX) { 2 } else { 0 };
        let descriptors = part(addresses.descriptors, 16 * entries, 16)?.cast();
        let available = part(addresses.available, 4 + 2 * entries + event, 2)?.cast();
        let used = part(addresses.used, 4 + 8 * entries + event, 4)?.cast();
        let mut ring = SplitRing {
            descriptors,
            available,
            used,
            mask: size - 1,
            next: base,
            parsed: base,
            available_index: base,
            used_index: base,
            published: base,
            notify: super::notify::Notify::default(),
            features,
            translator: Translator::new(memory),
            fault: None,
            events,
            ahead: [Ahead::NONE; LOOKAHEAD as usize],
        };
        ring.resume();
        Ok(ring)
    }

    /// Buffers are used in the order in which they were made available, so the used index in the guest's memory tells
    /// how far this or an earlier switch came. If the frontend's base is ahead of that, the buffers between were never
    /// given back, and are taken again.
    fn resume(&mut self) {
        let used = self.used_index_shared().load(Ordering::Acquire);
        let used = u16::from_le(used);
        if self.next.wrapping_sub(used) <= self.size() {
            self.next = used;
            self.parsed = used;
            self.available_index = used;
            self.used_index = used;
            self.published = used;
        }
        self.notify.start(self.used_index);
        self.disable_notifications();
    }

    /// Length of the ring.
    #[inline(always)]
    pub(crate) fn size(&self) -> u16 {
        self.mask.wrapping_add(1)
    }

    /// The position in the available ring from which a successor goes on.
    pub(crate) fn base(&self) -> u16 {
        self.next
    }

    /// What the guest did wrong, if it did.
    #[inline(always)]
    pub(crate) fn fault(&self) -> Option<RingFault> {
        self.fault
    }

    /// Ends the ring's work until it is started anew. A fault that was met reading ahead is further along the ring
    /// than this one, and gives way to it.
    #[cold]
    pub(crate) fn fail(&mut self, fault: RingFault) -> RingFault {
        self.fault = Some(fault);
        fault
    }

    /// Fails if the guest took its memory away.
    #[inline(always)]
    pub(crate) fn check_memory(&mut self) -> Result<(), RingFault> {
        if self.translator.broken() { Err(self.fail(RingFault::MemoryLost)) } else { Ok(()) }
    }

    /// How many chains are read ahead.
    #[inline(always)]
    pub(crate) fn held(&self) -> u16 {
        self.parsed.wrapping_sub(self.next)
    }

    /// The chain `n` positions from the next; meaningful for `n < held()`.
    #[inline(always)]
    pub(crate) fn ahead(&self, n: u16) -> Ahead {
        let slot = usize::from(self.next.wrapping_add(n) % LOOKAHEAD);
        self.ahead.get(slot).copied().unwrap_or(Ahead::NONE)
    }

    /// Reads ahead until `want` chains are held (at most [`LOOKAHEAD`]) or the guest has no more; `touch` is called
    /// with every simple chain's buffer as it is found. Stops at the first descriptor that breaks the rules: what was
    /// read before it is still good, and the fault shows when that is used up.
    #[inline(always)]
    pub(crate) fn read_ahead(&mut self, want: u16, touch: impl Fn(*mut u8, u32)) {
        let missing = want.min(LOOKAHEAD).saturating_sub(self.held());
        if missing == 0 || self.fault.is_some() {
            return;
        }
        if self.available_index.wrapping_sub(self.parsed) < missing && !self.read_available_index() {
            return;
        }
        let fresh = self.available_index.wrapping_sub(self.parsed).min(missing);
        for _ in 0..fresh {
            let entry = self.parsed & self.mask;
            // SAFETY: the entry is masked by the ring's length, and the ring is mapped as a whole.
            let id = unsafe { self.available.as_ptr().wrapping_add(2 + usize::from(entry)).read_volatile() };
            let id = u16::from_le(id);
            if id > self.mask {
                self.fail(RingFault::DescriptorIndex { index: id, size: self.size() });
                return;
            }
            let descriptor = self.descriptor(id);
            let expected = if WRITES { F_WRITE } else { 0 };
            let plain = descriptor.flags & (F_NEXT | F_WRITE | F_INDIRECT) == expected;
            let host = if plain { self.translator.whole(descriptor.address, descriptor.len) } else { None };
            let slot = usize::from(self.parsed % LOOKAHEAD);
            if let Some(ahead) = self.ahead.get_mut(slot) {
                let at = host.unwrap_or(unmapped(descriptor.address));
                let Descriptor { len, flags, next, .. } = descriptor;
                *ahead = Ahead { at, len, id, flags, next, simple: host.is_some() };
            }
            if let Some(host) = host {
                touch(host, descriptor.len);
            }
            self.parsed = self.parsed.wrapping_add(1);
        }
        self.prefetch_descriptors();
    }

    /// Asks for the descriptors after those read, if the guest has published them already: most guests make them
    /// available in the table's order.
    #[inline(always)]
    fn prefetch_descriptors(&self) {
        let published = self.available_index.wrapping_sub(self.parsed).min(32);
        let last = self.ahead.get(usize::from(self.parsed.wrapping_sub(1) % LOOKAHEAD));
        let Some(last) = last else { return };
        for n in (0..published).step_by(4) {
            let id = last.id.wrapping_add(1 + n) & self.mask;
            prefetch_read(self.descriptors.as_ptr().wrapping_add(usize::from(id)).cast());
        }
    }

    /// Reads the guest's available index; false if it cannot be true.
    #[inline(always)]
    fn read_available_index(&mut self) -> bool {
        // SAFETY: the available ring starts with flags and index, aligned to two bytes at least.
        let index = unsafe { AtomicU16::from_ptr(self.available.as_ptr().wrapping_add(1)) };
        let index = u16::from_le(index.load(Ordering::Acquire));
        if index.wrapping_sub(self.next) > self.size() {
            let (next, size) = (self.next, self.size());
            self.fail(RingFault::AvailableIndex { index, next, size });
            return false;
        }
        self.available_index = index;
        true
    }

    /// Whether the guest has made chains available that are not read yet.
    pub(super) fn more_available(&mut self) -> Result<bool, RingFault> {
        if !self.read_available_index() {
            return Err(self.fault.unwrap_or(RingFault::MemoryLost));
        }
        Ok(self.available_index != self.next)
    }

    /// Reads one descriptor of the table, once.
    #[inline(always)]
    pub(super) fn descriptor(&self, id: u16) -> Descriptor {
        let at = self.descriptors.as_ptr().cast::<u64>();
        let at = at.wrapping_add(2 * usize::from(id & self.mask));
        // SAFETY: the index is masked by the table's length; the table is mapped as a whole and aligned to 16 bytes.
        let low = unsafe { at.read_volatile() };
        // SAFETY: as above.
        let high = unsafe { at.wrapping_add(1).read_volatile() };
        Descriptor::parse(low, high)
    }

    /// Writes the used entry `n` places behind those of chains taken off the ring: chain `id`, of which `len` bytes were written.
    #[inline(always)]
    pub(crate) fn write_used(&mut self, n: u16, id: u16, len: u32) {
        let entry = usize::from(self.used_index.wrapping_add(n) & self.mask);
        let value = u64::from(id) | u64::from(len) << 32;
        let at = self.used.as_ptr().cast::<u8>().wrapping_add(4 + 8 * entry);
        // SAFETY: the entry is masked by the ring's length, and the ring is mapped as a whole.
        unsafe { at.cast::<u64>().write_unaligned(value.to_le()) };
    }

    /// Takes the next `chains` held chains off the ring, their used entries having been written.
    #[inline(always)]
    pub(crate) fn advance(&mut self, chains: u16) {
        self.next = self.next.wrapping_add(chains);
        self.used_index = self.used_index.wrapping_add(chains);
    }

    /// Gives the guest all chains that were taken off the ring, and calls it if it asked for that.
    #[inline(always)]
    pub(crate) fn publish(&mut self) {
        if self.published == self.used_index {
            return;
        }
        self.published = self.used_index;
        self.used_index_shared().store(self.used_index.to_le(), Ordering::Release);
        self.after_publish();
    }

    fn used_index_shared(&self) -> &AtomicU16 {
        // SAFETY: the used ring starts with flags and index, aligned to four bytes, mapped as long as `self` lives.
        unsafe { AtomicU16::from_ptr(self.used.as_ptr().wrapping_add(1)) }
    }

    /// The guest's wish, at the start of the available ring: 1 if it wants no calls.
    #[inline(always)]
    pub(super) fn available_flags(&self) -> u16 {
        // SAFETY: the available ring starts with its flags, aligned to two bytes.
        u16::from_le(unsafe { AtomicU16::from_ptr(self.available.as_ptr()) }.load(Ordering::Relaxed))
    }

    /// The used index at which the guest wants to be called: behind the available ring, with EVENT_IDX only.
    pub(super) fn used_event(&self) -> u16 {
        // SAFETY: with EVENT_IDX, which the caller has checked, the ring was mapped with these two bytes.
        let at = unsafe {
            AtomicU16::from_ptr(self.available.as_ptr().wrapping_add(2 + usize::from(self.size())))
        };
        u16::from_le(at.load(Ordering::Relaxed))
    }

    /// Tells the guest at which available index it shall kick: behind the used ring, with EVENT_IDX only.
    pub(super) fn set_available_event(&self, index: u16) {
        // SAFETY: with EVENT_IDX, which the caller has checked, the ring was mapped with these two bytes.
        let at =
            unsafe { AtomicU16::from_ptr(self.used.as_ptr().wrapping_add(2 + 4 * usize::from(self.size()))) };
        at.store(index.to_le(), Ordering::Relaxed);
    }

    /// Tells the guest at the start of the used ring whether to kick: 1 is no.
    pub(super) fn set_used_flags(&self, flags: u16) {
        // SAFETY: the used ring starts with its flags, aligned to four bytes.
        unsafe { AtomicU16::from_ptr(self.used.as_ptr()) }.store(flags.to_le(), Ordering::Relaxed);
    }

    /// The position in the available ring of the next chain.
    pub(super) fn next(&self) -> u16 {
        self.next
    }

    /// The eventfd on which the guest announces new buffers.
    pub(crate) fn kick_fd(&self) -> Option<BorrowedFd<'_>> {
        self.events.kick.as_ref().map(|fd| fd.as_fd())
    }
}

/// Keeps the compiler from reading guest memory again in place of the copy that was made of it.
#[inline(always)]
pub(crate) fn copied() {
    compiler_fence(Ordering::SeqCst);
}
