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

/// Copies a frame's head: wide moves instead of a call. The last ones overlap those before, so that lengths
/// of up to 64 bytes need no loop, and others one of a few turns.
///
/// # Safety
/// `len` bytes must be readable at `from` and writable at `to`, and must not overlap.
#[inline(always)]
pub(super) unsafe fn copy_short(from: *const u8, to: *mut u8, len: usize) {
    if len >= 64 {
        let mut at = 0;
        while at + 64 < len {
            // SAFETY: at + 64 < len.
            unsafe { piece::<[u128; 4]>(from, to, at) };
            at += 64;
        }
        // SAFETY: len - 64 + 64 = len.
        unsafe { piece::<[u128; 4]>(from, to, len - 64) };
    } else if len >= 32 {
        // SAFETY: 32 <= len.
        unsafe { ends::<[u128; 2]>(from, to, len) };
    } else if len >= 16 {
        // SAFETY: 16 <= len.
        unsafe { ends::<u128>(from, to, len) };
    } else if len >= 8 {
        // SAFETY: 8 <= len.
        unsafe { ends::<u64>(from, to, len) };
    } else if len >= 4 {
        // SAFETY: 4 <= len.
        unsafe { ends::<u32>(from, to, len) };
    } else {
        for at in 0..len {
            // SAFETY: at < len.
            unsafe { piece::<u8>(from, to, at) };
        }
    }
}

/// The first and the last `T` of `len` bytes, which may overlap.
///
/// # Safety
/// As [`copy_short`]; `len` must be at least the size of a `T` and at most twice that.
#[inline(always)]
unsafe fn ends<T>(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: a `T` has at most `len` bytes.
    unsafe { piece::<T>(from, to, 0) };
    // SAFETY: it ends at `len`.
    unsafe { piece::<T>(from, to, len - size_of::<T>()) };
}

/// One `T`, which need not be aligned.
///
/// # Safety
/// One `T` must be readable at `from + at` and writable at `to + at`.
#[inline(always)]
unsafe fn piece<T>(from: *const u8, to: *mut u8, at: usize) {
    // SAFETY: as the caller promises.
    let value = unsafe { from.wrapping_add(at).cast::<T>().read_unaligned() };
    // SAFETY: as the caller promises.
    unsafe { to.wrapping_add(at).cast::<T>().write_unaligned(value) };
}
