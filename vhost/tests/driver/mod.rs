//! The other side of vhost-user for tests and benches, written apart from the crate it tests: a guest's memory, a
//! driver's rings, a frontend, and a host that keeps the rings it is lent.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
#![allow(clippy::cast_possible_truncation, clippy::indexing_slicing, clippy::unwrap_used, clippy::panic)]
#![allow(missing_docs)]

pub mod frontend;
pub mod host;
pub mod ram;
pub mod ring;

use std::time::{Duration, Instant};

/// Waits for a condition, at most ten seconds.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}
