//! The driver's side that the integration tests use too: a guest's memory and its rings.
#![allow(dead_code, unreachable_pub, reason = "the tests here use a part of it")]
#![allow(clippy::cast_possible_truncation, missing_docs)]

#[path = "../tests/driver/ram.rs"]
pub(crate) mod ram;
#[path = "../tests/driver/ring.rs"]
pub(crate) mod ring;
