//! A guest may die and come back, as often as it likes.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]

use sluice_tests::{Result, Stage, scenario};

/// Few, as each takes half a minute without KVM; `cargo xtask measure guest-restart` does twenty.
const RESTARTS: u32 = 4;

#[test]
fn killed_and_booted_again_and_again_it_works_others_lose_nothing_and_nothing_is_left() -> Result<()> {
    Stage::run(|stage| {
        let outcome = scenario::restart_guest(stage, RESTARTS)?;
        assert!(outcome.others_sent > 0, "{outcome:?}");
        assert_eq!(outcome.others_lost, 0, "{outcome:?}");
        assert_eq!(outcome.held_last.guest_mappings, 0, "{outcome:?}");
        assert_eq!(outcome.held_first.descriptors, outcome.held_last.descriptors, "{outcome:?}");
        Ok(())
    })
}
