//! The time stamp counter.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use sluice_dpdk_sys as sys;

/// The processor's time stamp counter, in cycles of [`tsc_hz`]. Not a serialising read.
#[inline]
pub fn tsc() -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: RDTSC is there on every x86-64.
        unsafe { core::arch::x86_64::_rdtsc() }
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        // SAFETY: reads a counter of the processor.
        unsafe { sys::sluice_tsc() }
    }
}

/// Cycles a second of [`tsc`], never 0: DPDK's figure once the EAL has been started, before that a
/// calibration of our own (10 ms, once).
pub fn tsc_hz() -> u64 {
    // SAFETY: reads a static of libdpdk; 0 until rte_eal_init has set it.
    let hz = unsafe { sys::rte_get_tsc_hz() };
    if hz != 0 {
        return hz;
    }
    static CALIBRATED: OnceLock<u64> = OnceLock::new();
    *CALIBRATED.get_or_init(calibrate)
}

fn calibrate() -> u64 {
    let (start, from) = (Instant::now(), tsc());
    std::thread::sleep(Duration::from_millis(10));
    let (elapsed, cycles) = (start.elapsed(), tsc().wrapping_sub(from));
    let hz = u128::from(cycles) * 1_000_000_000 / elapsed.as_nanos().max(1);
    u64::try_from(hz).unwrap_or(u64::MAX).max(1)
}
