//! One packet in DPDK's memory.

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use sluice_dpdk_sys as sys;

use crate::MbufBurst;

/// Bytes in front of the data of a freshly allocated or received mbuf (`RTE_PKTMBUF_HEADROOM`).
pub const HEADROOM: usize = sys::RTE_PKTMBUF_HEADROOM as usize;

/// A packet, as its owner (an [`MbufBurst`] or an [`OwnedMbuf`]) lends it.
///
/// The accessors look at the first segment only. Pools whose data room holds a whole frame give mbufs of one
/// segment; see [`Mbuf::segments`].
#[repr(transparent)]
#[derive(Debug)]
pub struct Mbuf(NonNull<sys::sluice_mbuf>);

// SAFETY: an mbuf has one owner, and belongs to no thread; pools take mbufs back from any thread.
unsafe impl Send for Mbuf {}
// SAFETY: `&Mbuf` only reads.
unsafe impl Sync for Mbuf {}

impl Mbuf {
    /// The first segment's bytes.
    #[inline]
    pub fn data(&self) -> &[u8] {
        let len = usize::from(self.header().data_len);
        // SAFETY: `data_off + data_len <= buf_len` (kept by every method here, and by drivers), the buffer was
        // initialised when it was mapped, and is ours alone as long as `self` is borrowed.
        unsafe { std::slice::from_raw_parts(self.at(0), len) }
    }

    /// The first segment's bytes, to change.
    #[inline]
    pub fn data_mut(&mut self) -> &mut [u8] {
        let len = usize::from(self.header().data_len);
        // SAFETY: as in `data`, borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.at(0), len) }
    }

    /// Bytes of the whole packet, all segments together.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "a packet's length, not a container's")]
    pub fn len(&self) -> usize {
        self.header().pkt_len as usize
    }

    /// How many buffers the packet lies in; 1 unless a driver received a frame longer than its pool's data
    /// room.
    #[inline]
    pub fn segments(&self) -> u16 {
        self.header().nb_segs
    }

    /// The bytes of segment `index`; segment 0 is [`Mbuf::data`]. A walk: for the slow path.
    pub fn segment(&self, index: u16) -> Option<&[u8]> {
        // SAFETY: walks the chain of segments, which is ours and ends with NULL.
        let segment = unsafe { sys::sluice_mbuf_segment(self.0.as_ptr(), u32::from(index)) };
        // SAFETY: NULL, or a segment of ours, which lives as long as `self` is borrowed.
        let segment = unsafe { segment.as_ref() }?;
        let start = segment.buf_addr.cast::<u8>().wrapping_add(usize::from(segment.data_off));
        // SAFETY: as in `data`.
        Some(unsafe { std::slice::from_raw_parts(start, usize::from(segment.data_len)) })
    }

    /// Free bytes in front of the data.
    #[inline]
    pub fn headroom(&self) -> usize {
        usize::from(self.header().data_off)
    }

    /// Free bytes behind the first segment's data.
    #[inline]
    pub fn tailroom(&self) -> usize {
        let header = self.header();
        usize::from(header.buf_len)
            .saturating_sub(usize::from(header.data_off) + usize::from(header.data_len))
    }

    /// Grows the packet by `len` bytes in front, and gives these; they hold whatever was there before, so
    /// write all of them. `None`, and nothing changes, if the headroom is too small.
    #[inline]
    pub fn prepend(&mut self, len: usize) -> Option<&mut [u8]> {
        let added = u16::try_from(len).ok()?;
        let header = self.header_mut();
        // The headroom lies in the buffer, so that neither length can pass `buf_len`.
        header.data_off = header.data_off.checked_sub(added)?;
        header.data_len = header.data_len.wrapping_add(added);
        header.pkt_len = header.pkt_len.wrapping_add(u32::from(added));
        // SAFETY: the first `len` bytes of `data_mut`.
        Some(unsafe { std::slice::from_raw_parts_mut(self.at(0), len) })
    }

    /// Grows the packet by `len` bytes at its end, and gives these; they hold whatever was there before, so
    /// write all of them. `None`, and nothing changes, if the tailroom is too small or there are several
    /// segments.
    #[inline]
    pub fn append(&mut self, len: usize) -> Option<&mut [u8]> {
        if len > self.tailroom() || self.segments() != 1 {
            return None;
        }
        let added = u16::try_from(len).ok()?;
        let header = self.header_mut();
        let end = usize::from(header.data_len);
        header.data_len = header.data_len.wrapping_add(added);
        header.pkt_len = header.pkt_len.wrapping_add(u32::from(added));
        // SAFETY: the last `len` bytes of `data_mut`.
        Some(unsafe { std::slice::from_raw_parts_mut(self.at(end), len) })
    }

    /// Cuts `len` bytes off the front. `None`, and nothing changes, if the first segment is shorter.
    #[inline]
    pub fn trim_front(&mut self, len: usize) -> Option<()> {
        let cut = u16::try_from(len).ok()?;
        let header = self.header_mut();
        header.data_len = header.data_len.checked_sub(cut)?;
        header.data_off = header.data_off.wrapping_add(cut);
        header.pkt_len = header.pkt_len.wrapping_sub(u32::from(cut));
        Some(())
    }

    /// Cuts the packet off after `len` bytes. `None`, and nothing changes, if it is shorter or has several
    /// segments.
    #[inline]
    pub fn truncate(&mut self, len: usize) -> Option<()> {
        let len = u16::try_from(len).ok()?;
        let header = self.header_mut();
        if len > header.data_len || header.nb_segs != 1 {
            return None;
        }
        header.data_len = len;
        header.pkt_len = u32::from(len);
        Some(())
    }

    /// Makes the packet empty, of one segment, with the default headroom and no offload flags.
    pub fn reset(&mut self) {
        // SAFETY: the mbuf is ours, and so are the segments it frees.
        unsafe { sys::sluice_mbuf_reset(self.0.as_ptr()) };
    }

    /// Asks for the first cache line of the data ahead of its use.
    #[inline]
    pub fn prefetch(&self) {
        #[cfg(target_arch = "x86_64")]
        {
            use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: a hint; any address is allowed.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(self.at(0).cast()) };
        }
    }

    #[inline]
    fn header(&self) -> &sys::sluice_mbuf {
        // SAFETY: points to an mbuf with a single owner, from which `self` is borrowed.
        unsafe { self.0.as_ref() }
    }

    #[inline]
    fn header_mut(&mut self) -> &mut sys::sluice_mbuf {
        // SAFETY: as in `header`, borrowed exclusively.
        unsafe { self.0.as_mut() }
    }

    /// The address of byte `offset` of the data.
    #[inline]
    fn at(&self, offset: usize) -> *mut u8 {
        let header = self.header();
        header.buf_addr.cast::<u8>().wrapping_add(usize::from(header.data_off) + offset)
    }
}

/// One packet on its way from one burst to another; freed at drop.
///
/// The lifetime is that of the burst it was taken from, which keeps the EAL, and with it the packet's memory,
/// alive.
#[repr(transparent)]
#[derive(Debug)]
pub struct OwnedMbuf<'from> {
    mbuf: Mbuf,
    from: PhantomData<&'from MbufBurst>,
}

impl OwnedMbuf<'_> {
    /// Takes over ownership.
    #[inline]
    pub(crate) fn new(mbuf: Mbuf) -> Self {
        Self { mbuf, from: PhantomData }
    }

    /// Gives up ownership.
    #[inline]
    pub(crate) fn into_mbuf(self) -> Mbuf {
        Mbuf(ManuallyDrop::new(self).mbuf.0)
    }
}

impl Deref for OwnedMbuf<'_> {
    type Target = Mbuf;

    #[inline]
    fn deref(&self) -> &Mbuf {
        &self.mbuf
    }
}

impl DerefMut for OwnedMbuf<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Mbuf {
        &mut self.mbuf
    }
}

impl Drop for OwnedMbuf<'_> {
    fn drop(&mut self) {
        let mut raw = self.mbuf.0.as_ptr();
        // SAFETY: frees the one mbuf that this owns.
        unsafe { sys::sluice_mbuf_free_bulk(&raw mut raw, 1) };
    }
}
