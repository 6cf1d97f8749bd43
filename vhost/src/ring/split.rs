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

/// A chain read ahead: its head's index and, of a simple chain, its buffer.
///
/// A chain is simple if it has only one buffer, not empty, in the right direction and in one piece. The descriptors of
/// other chains are read when their turn comes; their buffer is empty here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ahead {
    at: *mut u8,
    len: u32,
    id: u16,
}

impl Ahead {
    const NONE: Ahead = Ahead::other(0);

    /// A chain that is not simple.
    const fn other(id: u16) -> Ahead {
        Ahead { at: ptr::null_mut(), len: 0, id }
    }

    /// The buffer of a simple chain; of others, an empty one.
    #[inline(always)]
    pub(crate) fn buffer(&self) -> Segment {
        // SAFETY: a simple chain's buffer was found within one region, which the ring's translator holds; and no bytes
        // are at the others' null.
        unsafe { Segment::new(self.at, self.len) }
    }

    /// The index of the chain's head, which the used ring names.
    #[inline(always)]
    pub(crate) fn id(&self) -> u16 {
        self.id
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
        // What was used before this ring had its call, or by a predecessor that was killed, may never have been told.
        self.call();
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
    // Not inlined: once a burst is rare enough for a call, and the loops around it keep their registers.
    #[inline(never)]
    pub(crate) fn read_ahead(&mut self, want: u16, touch: impl Fn(*mut u8, u32)) {
        let missing = want.min(LOOKAHEAD).saturating_sub(self.held());
        if missing == 0 || self.fault.is_some() {
            return;
        }
        if self.available_index.wrapping_sub(self.parsed) < missing && !self.read_available_index() {
            return;
        }
        let fresh = self.available_index.wrapping_sub(self.parsed).min(missing);
        self.parse(fresh, touch);
        self.prefetch_descriptors();
    }

    /// Parses the next `fresh` available chains; everything that the loop needs is in registers.
    #[inline(always)]
    fn parse(&mut self, fresh: u16, touch: impl Fn(*mut u8, u32)) {
        let (mask, available, table) = (self.mask, self.available.as_ptr(), self.descriptors.as_ptr());
        let mut window = self.translator.window();
        let expected = if WRITES { F_WRITE } else { 0 };
        // Wider than the ring counts, for the processor's sake: only the low bits are ever looked at.
        let mut position = usize::from(self.parsed);
        for _ in 0..usize::from(fresh) {
            // SAFETY: the entry is masked by the ring's length, and the ring is mapped as a whole.
            let id = unsafe { available.wrapping_add(2 + (position & usize::from(mask))).read_volatile() };
            let id = u16::from_le(id);
            if id > mask {
                self.fail(RingFault::DescriptorIndex { index: id, size: self.size() });
                break;
            }
            // SAFETY: the index is in the table, which is mapped as a whole and aligned to 16 bytes.
            let Descriptor { address, len, flags, .. } = unsafe { read_descriptor(table, id) };
            let plain = flags & (F_NEXT | F_WRITE | F_INDIRECT) == expected;
            let slot = position % usize::from(LOOKAHEAD);
            match window.whole(address, len) {
                Some(at) if plain => {
                    touch(at, len);
                    if let Some(ahead) = self.ahead.get_mut(slot) {
                        // Field by field: a whole value would take a detour over the stack.
                        ahead.at = at;
                        ahead.len = len;
                        ahead.id = id;
                    }
                }
                _ => {
                    self.parse_other(slot, id, address, if plain { len } else { 0 });
                    window = self.translator.window();
                }
            }
            position += 1;
        }
        self.parsed = low(position);
    }

    /// A buffer in another region than the last one, or a chain that is not simple, with a length of 0.
    #[cold]
    #[inline(never)]
    fn parse_other(&mut self, slot: usize, id: u16, address: u64, len: u32) {
        let at = if len > 0 { self.translator.whole(address, len) } else { None };
        if let Some(ahead) = self.ahead.get_mut(slot) {
            *ahead = at.map_or(Ahead::other(id), |at| Ahead { at, len, id });
        }
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
    pub(super) fn descriptor(&self, id: u16) -> Descriptor {
        // SAFETY: the index is masked by the table's length; the table is mapped as a whole and aligned to 16 bytes.
        unsafe { read_descriptor(self.descriptors.as_ptr(), id & self.mask) }
    }

    /// Hands the held chains' buffers to `fill`, in order, as long as it says how many bytes it wrote, and takes those
    /// chains off the ring. Returns how many, and the sum of what was written.
    #[inline(always)]
    pub(crate) fn fill(&mut self, mut fill: impl FnMut(Segment) -> Option<u32>) -> (u16, usize) {
        let used = self.used_entries();
        let held = usize::from(self.held());
        let start = usize::from(self.next);
        // From a position in the available ring to the one in the used ring, modulo the ring.
        let to_used = usize::from(self.used_index.wrapping_sub(self.next));
        let (mut position, mut sum) = (start, 0);
        while position < start + held {
            let Some(ahead) = self.ahead.get(position % usize::from(LOOKAHEAD)) else { break };
            let Some(written) = fill(ahead.buffer()) else { break };
            used.write(position + to_used, ahead.id, written);
            sum += written as usize;
            position += 1;
        }
        let chains = low(position - start);
        self.advance(chains);
        (chains, sum)
    }

    /// Gives the next `chains` held chains back, nothing having been written, and takes them off the ring.
    #[inline(always)]
    pub(crate) fn give_back(&mut self, chains: u16) {
        let used = self.used_entries();
        if self.features.contains(Features::IN_ORDER) {
            // One entry, of the last chain, stands for the whole batch (virtio 1.2 §2.7.9).
            if let Some(last) = chains.checked_sub(1) {
                used.write(self.used_index.into(), self.ahead(last).id, 0);
            }
        } else {
            let (next, index) = (usize::from(self.next), usize::from(self.used_index));
            for n in 0..usize::from(chains) {
                if let Some(ahead) = self.ahead.get((next + n) % usize::from(LOOKAHEAD)) {
                    used.write(index + n, ahead.id, 0);
                }
            }
        }
        self.advance(chains);
    }

    /// Writes the used entry `n` places behind those of chains taken off the ring: chain `id`, of which `len` bytes
    /// were written.
    pub(crate) fn write_used(&mut self, n: u16, id: u16, len: u32) {
        self.used_entries().write(self.used_index.wrapping_add(n).into(), id, len);
    }

    #[inline(always)]
    fn used_entries(&self) -> UsedEntries {
        UsedEntries { ring: self.used.as_ptr().cast(), mask: self.mask.into() }
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

    /// The NUMA node that the guest's memory is on, as far as the ring tells; `None` if the system does not say.
    pub(crate) fn numa_node(&self) -> Option<u32> {
        /// `MPOL_F_NODE | MPOL_F_ADDR` of get_mempolicy(2): the node of the page at this address.
        const NODE_OF_ADDRESS: libc::c_ulong = 1 << 0 | 1 << 1;
        let mut node: libc::c_int = -1;
        // SAFETY: writes one int to `node`, as no mask is asked for; the address is only looked up.
        let result = unsafe {
            libc::syscall(
                libc::SYS_get_mempolicy,
                &raw mut node,
                ptr::null_mut::<libc::c_ulong>(),
                0_usize,
                self.descriptors.as_ptr(),
                NODE_OF_ADDRESS,
            )
        };
        if result == 0 { u32::try_from(node).ok() } else { None }
    }

    /// The eventfd on which the guest announces new buffers.
    pub(crate) fn kick_fd(&self) -> Option<BorrowedFd<'_>> {
        self.events.kick.as_ref().map(|fd| fd.as_fd())
    }
}

/// The entries of the used ring, to be kept in registers over a loop; never outlives the ring's method that made it.
#[derive(Clone, Copy)]
struct UsedEntries {
    ring: *mut u8,
    mask: usize,
}

impl UsedEntries {
    /// Only the low bits of `index` are looked at.
    #[inline(always)]
    fn write(self, index: usize, id: u16, len: u32) {
        let at = self.ring.wrapping_add(4 + 8 * (index & self.mask)).cast::<u64>();
        let value = u64::from(id) | u64::from(len) << 32;
        // SAFETY: the entry is masked by the ring's length, and the ring is mapped as a whole.
        unsafe { at.write_unaligned(value.to_le()) };
    }
}

/// A position as the ring counts: modulo 65536.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "that is what is wanted")]
fn low(position: usize) -> u16 {
    position as u16
}

/// Reads descriptor `id` of a table, once.
///
/// # Safety
/// `id` must be in the table, which must be mapped and aligned to 16 bytes.
#[inline(always)]
unsafe fn read_descriptor(table: *const [u64; 2], id: u16) -> Descriptor {
    let at = table.wrapping_add(usize::from(id)).cast::<u64>();
    // SAFETY: as the caller promises.
    let low = unsafe { at.read_volatile() };
    // SAFETY: as the caller promises.
    let high = unsafe { at.wrapping_add(1).read_volatile() };
    Descriptor::parse(low, high)
}

/// Keeps the compiler from reading guest memory again in place of the copy that was made of it.
#[inline(always)]
pub(crate) fn copied() {
    compiler_fence(Ordering::SeqCst);
}
