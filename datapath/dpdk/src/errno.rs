//! DPDK's error numbers.

use std::ffi::{CStr, c_int};
use std::fmt;

use sluice_dpdk_sys as sys;

/// An error number as DPDK gives it: an `errno` of the C library, or one of DPDK's own (`E_RTE_…`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(i32);

impl Errno {
    /// The number, positive.
    pub fn number(self) -> i32 {
        self.0
    }

    /// From a negative return value.
    pub(crate) fn from_result(result: c_int) -> Self {
        Self(result.saturating_abs())
    }

    /// The calling thread's `rte_errno`.
    pub(crate) fn last() -> Self {
        // SAFETY: reads a thread-local of libdpdk.
        Self(unsafe { sys::sluice_errno() })
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: takes any number and gives a string.
        let text = unsafe { sys::rte_strerror(self.0) };
        if text.is_null() {
            return write!(f, "error {}", self.0);
        }
        // SAFETY: NUL-terminated, and valid until this thread's next call of rte_strerror.
        let text = unsafe { CStr::from_ptr(text) };
        f.write_str(&text.to_string_lossy())
    }
}

/// `Ok` for 0 and above.
pub(crate) fn check(result: c_int) -> Result<(), Errno> {
    if result < 0 { Err(Errno::from_result(result)) } else { Ok(()) }
}
