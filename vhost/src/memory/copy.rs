//! Moving bytes by raw pointers.
//!
//! The guest may write what is being read; what arrives is then any mix of old and new bytes, and nothing is decided
//! on it but on the copy.

use std::ptr;

/// Copies `len` bytes, which may overlap if one guest is wired to itself.
///
/// # Safety
/// `len` bytes must be readable at `from` and writable at `to`.
#[inline(always)]
pub(super) unsafe fn copy_bytes(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: as the caller promises.
    unsafe { ptr::copy(from, to, len) };
}

/// Copies a frame's head: wide moves instead of a call, the last one overlapping the one before.
///
/// # Safety
/// `len` bytes must be readable at `from` and writable at `to`, and must not overlap.
#[inline(always)]
pub(super) unsafe fn copy_short(from: *const u8, to: *mut u8, len: usize) {
    /// # Safety
    /// One `T` must be readable at `from + at` and writable at `to + at`.
    #[inline(always)]
    unsafe fn one<T>(from: *const u8, to: *mut u8, at: usize) {
        // SAFETY: as the caller promises; it need not be aligned.
        let value = unsafe { from.wrapping_add(at).cast::<T>().read_unaligned() };
        // SAFETY: as the caller promises; it need not be aligned.
        unsafe { to.wrapping_add(at).cast::<T>().write_unaligned(value) };
    }
    if len >= 16 {
        let last = len - 16;
        let mut at = 0;
        while at < last {
            // SAFETY: at + 16 < len.
            unsafe { one::<u128>(from, to, at) };
            at += 16;
        }
        // SAFETY: last + 16 = len.
        unsafe { one::<u128>(from, to, last) };
    } else if len >= 8 {
        // SAFETY: 8 <= len.
        unsafe { one::<u64>(from, to, 0) };
        // SAFETY: len - 8 + 8 = len.
        unsafe { one::<u64>(from, to, len - 8) };
    } else if len >= 4 {
        // SAFETY: 4 <= len.
        unsafe { one::<u32>(from, to, 0) };
        // SAFETY: len - 4 + 4 = len.
        unsafe { one::<u32>(from, to, len - 4) };
    } else {
        for at in 0..len {
            // SAFETY: at < len.
            unsafe { one::<u8>(from, to, at) };
        }
    }
}
