//! The whole wanted state, declaratively.

pub(crate) mod apply;
pub(crate) mod diff;
pub(crate) mod export;
