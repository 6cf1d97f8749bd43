//! The control process may die and come back: no guest notices.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]

use std::time::Duration;

use sluice_tests::{Result, Stage, scenario};

const OUTAGE: Duration = Duration::from_secs(30);

#[test]
fn killed_under_load_it_loses_no_frame_and_re_installs_nothing() -> Result<()> {
    Stage::run(|stage| {
        let outcome = scenario::kill_control(stage, OUTAGE)?;
        assert!(outcome.sent_meanwhile > 0, "{outcome:?}");
        assert_eq!((outcome.lost, outcome.reinstalled), (0, 0), "{outcome:?}");
        // A bridge, two ports, two rules.
        assert_eq!(outcome.unchanged, 5, "{outcome:?}");
        Ok(())
    })
}
