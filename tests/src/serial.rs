//! One end-to-end test at a time: they share two cores, hugepages and the time of the machine.

use std::sync::{Mutex, MutexGuard, PoisonError};

static LOCK: Mutex<()> = Mutex::new(());

/// Held for the length of a test. A test that failed before does not matter to the next.
pub fn alone() -> MutexGuard<'static, ()> {
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}
