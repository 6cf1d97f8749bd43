//! The real `sluice` against a control process and a datapath that are faked in this process.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]

mod declare;
mod errors;
mod fake;
mod generate;
mod nouns;
mod observe;
mod sample;
