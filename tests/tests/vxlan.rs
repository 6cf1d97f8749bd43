//! The kernel's VXLAN device as the other VTEP.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]

use sluice_tests::scenario::{Family, LocalSide, ping_kernel_vtep};
use sluice_tests::{Result, Stage};

fn pings(family: Family, local: LocalSide) -> Result<()> {
    Stage::run(|stage| ping_kernel_vtep(stage, family, local).map(drop))
}

#[test]
fn a_stack_pings_the_kernel_over_ipv4() -> Result<()> {
    pings(Family::Ipv4, LocalSide::Stack)
}

#[test]
fn a_stack_pings_the_kernel_over_ipv6() -> Result<()> {
    pings(Family::Ipv6, LocalSide::Stack)
}

#[test]
fn a_guest_pings_the_kernel_over_ipv4() -> Result<()> {
    pings(Family::Ipv4, LocalSide::Guest)
}

#[test]
fn a_guest_pings_the_kernel_over_ipv6() -> Result<()> {
    pings(Family::Ipv6, LocalSide::Guest)
}
