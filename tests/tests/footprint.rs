//! What a datapath takes of the machine.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]

use std::time::Duration;

use sluice_tests::{Result, Stage, scenario};

/// The CPU time is a figure, for `cargo xtask measure idle`; here it only has to be less than a poller's.
const POLLING_PERCENT: f64 = 50.0;

#[test]
fn two_ports_take_at_most_256_mb_and_no_core() -> Result<()> {
    Stage::run(|stage| {
        let footprint = scenario::measure_footprint(stage, Duration::from_secs(5))?;
        assert!(footprint.memory_bytes <= 256_000_000, "{footprint:?}");
        assert!(footprint.cpu_percent < POLLING_PERCENT, "{footprint:?}");
        Ok(())
    })
}
