//! Up to 32 packets that travel together.

use std::fmt;
use std::marker::PhantomData;
use std::mem::{self, MaybeUninit};
use std::ptr;
use std::slice;

use sluice_dpdk_sys as sys;

use crate::{Eal, Mbuf, OwnedMbuf};

/// The most packets in an [`MbufBurst`].
pub const BURST_SIZE: usize = 32;

/// Up to [`BURST_SIZE`] packets, owned; what is left at drop is freed, in bulk, each to the pool it came from.
///
/// Make a few for each worker and use them again: making one counts a handle of the EAL, using one does not.
pub struct MbufBurst {
    // The first `len` are owned mbufs.
    mbufs: [MaybeUninit<Mbuf>; BURST_SIZE],
    len: usize,
    // Keeps the memory of all mbufs mapped. After `drop`, in case this is the last handle.
    _eal: Eal,
}

impl MbufBurst {
    /// An empty burst.
    pub fn new(eal: &Eal) -> Self {
        Self { mbufs: [const { MaybeUninit::uninit() }; BURST_SIZE], len: 0, _eal: eal.clone() }
    }

    /// How many packets it holds.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether it holds [`BURST_SIZE`].
    #[inline]
    pub fn is_full(&self) -> bool {
        self.len == BURST_SIZE
    }

    /// The packets.
    #[inline]
    pub fn as_slice(&self) -> &[Mbuf] {
        // SAFETY: the first `len` entries are initialised.
        unsafe { slice::from_raw_parts(self.mbufs.as_ptr().cast(), self.len) }
    }

    /// The packets, to change. Swapping entries is allowed: each stays owned by this burst.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [Mbuf] {
        // SAFETY: the first `len` entries are initialised.
        unsafe { slice::from_raw_parts_mut(self.mbufs.as_mut_ptr().cast(), self.len) }
    }

    /// Packet `index`.
    #[inline]
    pub fn get(&self, index: usize) -> Option<&Mbuf> {
        self.as_slice().get(index)
    }

    /// Packet `index`, to change.
    #[inline]
    pub fn get_mut(&mut self, index: usize) -> Option<&mut Mbuf> {
        self.as_mut_slice().get_mut(index)
    }

    /// The packets, in order.
    #[inline]
    pub fn iter(&self) -> slice::Iter<'_, Mbuf> {
        self.as_slice().iter()
    }

    /// The packets, in order, to change.
    #[inline]
    pub fn iter_mut(&mut self) -> slice::IterMut<'_, Mbuf> {
        self.as_mut_slice().iter_mut()
    }

    /// Adds a packet at the end.
    ///
    /// # Errors
    /// Gives the packet back if the burst is full.
    #[inline]
    pub fn push<'from>(&mut self, mbuf: OwnedMbuf<'from>) -> Result<(), OwnedMbuf<'from>> {
        let Some(slot) = self.mbufs.get_mut(self.len) else { return Err(mbuf) };
        slot.write(mbuf.into_mbuf());
        self.len += 1;
        Ok(())
    }

    /// Takes the last packet out.
    #[inline]
    pub fn pop(&mut self) -> Option<OwnedMbuf<'_>> {
        self.len = self.len.checked_sub(1)?;
        let last = self.mbufs.get(self.len)?;
        // SAFETY: it was among the first `len`, and no longer is.
        Some(OwnedMbuf::new(unsafe { last.assume_init_read() }))
    }

    /// Takes all packets out, in order; those not taken from the iterator are freed when it is dropped.
    #[inline]
    pub fn drain(&mut self) -> Drain<'_> {
        let end = mem::take(&mut self.len);
        Drain { mbufs: self.mbufs.as_mut_ptr().cast(), next: 0, end, burst: PhantomData }
    }

    /// Frees all packets.
    #[inline]
    pub fn clear(&mut self) {
        let len = mem::take(&mut self.len);
        free(self.mbufs.as_mut_ptr().cast(), len);
    }

    /// How many more packets fit, and where C may write their pointers.
    #[inline]
    pub(crate) fn room(&mut self) -> (*mut *mut sys::sluice_mbuf, usize) {
        (self.raw_mut().wrapping_add(self.len), BURST_SIZE - self.len)
    }

    /// Counts `added` more packets, whose pointers have been written to `room`.
    ///
    /// # Safety
    /// They are valid mbufs that nobody else owns, and fit.
    #[inline]
    pub(crate) unsafe fn grow(&mut self, added: usize) {
        debug_assert!(self.len + added <= BURST_SIZE);
        self.len += added;
    }

    /// The packets, as C sees them.
    #[inline]
    pub(crate) fn raw_mut(&mut self) -> *mut *mut sys::sluice_mbuf {
        self.mbufs.as_mut_ptr().cast()
    }

    /// Forgets the first `taken` packets, which somebody else owns now, and moves the others to the front.
    ///
    /// # Safety
    /// `taken <= len`, and they have indeed been taken over.
    #[inline]
    pub(crate) unsafe fn shrink_front(&mut self, taken: usize) {
        debug_assert!(taken <= self.len);
        self.len -= taken;
        if self.len > 0 {
            let front = self.mbufs.as_mut_ptr();
            // SAFETY: both ranges of `len` entries lie in the array, and may overlap.
            unsafe { ptr::copy(front.wrapping_add(taken), front, self.len) };
        }
    }
}

impl Drop for MbufBurst {
    fn drop(&mut self) {
        self.clear();
    }
}

impl fmt::Debug for MbufBurst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MbufBurst").field("len", &self.len).finish_non_exhaustive()
    }
}

impl<'a> IntoIterator for &'a MbufBurst {
    type Item = &'a Mbuf;
    type IntoIter = slice::Iter<'a, Mbuf>;

    #[inline]
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a mut MbufBurst {
    type Item = &'a mut Mbuf;
    type IntoIter = slice::IterMut<'a, Mbuf>;

    #[inline]
    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

/// The packets taken out of a burst; see [`MbufBurst::drain`].
#[derive(Debug)]
pub struct Drain<'a> {
    /// The burst's array, of which `next..end` are owned by this.
    mbufs: *mut Mbuf,
    next: usize,
    end: usize,
    burst: PhantomData<&'a mut MbufBurst>,
}

// SAFETY: like the `&mut MbufBurst` it stands for.
unsafe impl Send for Drain<'_> {}
// SAFETY: `&Drain` gives access to nothing.
unsafe impl Sync for Drain<'_> {}

impl<'a> Iterator for Drain<'a> {
    type Item = OwnedMbuf<'a>;

    #[inline]
    fn next(&mut self) -> Option<OwnedMbuf<'a>> {
        if self.next == self.end {
            return None;
        }
        let mbuf = self.mbufs.wrapping_add(self.next);
        self.next += 1;
        // SAFETY: it was among `next..end`, and no longer is.
        Some(OwnedMbuf::new(unsafe { mbuf.read() }))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.end - self.next, Some(self.end - self.next))
    }
}

impl ExactSizeIterator for Drain<'_> {}

impl Drop for Drain<'_> {
    #[inline]
    fn drop(&mut self) {
        free(self.mbufs.wrapping_add(self.next), self.end - self.next);
    }
}

/// Frees `count` owned mbufs in one call.
#[inline]
fn free(mbufs: *mut Mbuf, count: usize) {
    let Ok(count @ 1..) = u32::try_from(count) else { return };
    // SAFETY: only called with mbufs that a burst or a drain owned until now; `Mbuf` is a transparent pointer.
    unsafe { sys::sluice_mbuf_free_bulk(mbufs.cast(), count) };
}
