//! Guest-physical addresses to host pointers, with the last region at hand.

use std::sync::Arc;

use super::GuestMemory;

/// One region as the hot path needs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    guest: u64,
    size: u64,
    host: *mut u8,
}

impl Window {
    /// The host pointer and how many of `len` bytes from there lie in this window; `None` if the first does not.
    fn host(&self, guest: u64, len: u32) -> Option<(*mut u8, u32)> {
        let offset = guest.wrapping_sub(self.guest);
        if offset >= self.size {
            return None;
        }
        let room = u32::try_from(self.size - offset).map_or(len, |room| room.min(len));
        Some((self.at(offset), room))
    }

    /// The host address of `len` bytes at `guest`; `None` unless this window holds them all. A length of zero is
    /// checked like one byte.
    #[inline(always)]
    pub(crate) fn whole(&self, guest: u64, len: u32) -> Option<*mut u8> {
        let offset = guest.wrapping_sub(self.guest);
        let fits = offset < self.size && u64::from(len) <= self.size - offset;
        fits.then(|| self.at(offset))
    }

    /// The host pointer at an offset less than the size.
    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is mapped as a whole has a size that fits a pointer"
    )]
    fn at(&self, offset: u64) -> *mut u8 {
        self.host.wrapping_add(offset as usize)
    }
}

/// Translates for one ring. It holds the memory, so what it returns stays mapped as long as it lives.
#[derive(Debug)]
pub(crate) struct Translator {
    last: Window,
    windows: Box<[Window]>,
    memory: Arc<GuestMemory>,
    /// [`super::faults`] when the memory was last looked at.
    faults: u32,
}

// SAFETY: the pointers lead into mappings that the translator holds, and those belong to no thread.
unsafe impl Send for Translator {}

impl Translator {
    pub(crate) fn new(memory: Arc<GuestMemory>) -> Translator {
        let windows: Box<[Window]> = memory
            .regions
            .iter()
            .map(|region| Window {
                guest: region.layout.guest,
                size: region.layout.size,
                host: region.mapping.start().as_ptr(),
            })
            .collect();
        let empty = Window { guest: 0, size: 0, host: std::ptr::null_mut() };
        // One less than now: the first look is a real one.
        let faults = super::faults().wrapping_sub(1);
        Translator { last: windows.first().copied().unwrap_or(empty), windows, memory, faults }
    }

    /// The region that was hit last, to be kept in registers over a loop.
    #[inline(always)]
    pub(crate) fn window(&self) -> Window {
        self.last
    }

    /// The host address of `len` bytes at `guest`; `None` unless one region holds them all. A length of zero is
    /// checked like one byte.
    #[inline(never)]
    pub(crate) fn whole(&mut self, guest: u64, len: u32) -> Option<*mut u8> {
        let (host, room) = self.prefix(guest, len)?;
        (room == len).then_some(host)
    }

    /// The host address of `guest` and how many of `len` bytes from there lie side by side.
    pub(crate) fn prefix(&mut self, guest: u64, len: u32) -> Option<(*mut u8, u32)> {
        match self.last.host(guest, len) {
            Some(found) => Some(found),
            None => self.search(guest, len),
        }
    }

    fn search(&mut self, guest: u64, len: u32) -> Option<(*mut u8, u32)> {
        let (window, found) =
            self.windows.iter().find_map(|window| Some((*window, window.host(guest, len)?)))?;
        self.last = window;
        Some(found)
    }

    /// Whether a page of the memory was lost. One load, as long as no guest of the process does such a thing.
    #[inline(always)]
    pub(crate) fn broken(&mut self) -> bool {
        let faults = super::faults();
        if faults == self.faults {
            return false;
        }
        // A broken memory stays broken: the count is remembered only while all is well.
        let broken = self.memory.broken();
        if !broken {
            self.faults = faults;
        }
        broken
    }
}
