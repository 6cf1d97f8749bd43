//! OpenFlow for Sluice's flows ([`sluice_api::v1::Flow`]).
//!
//! - [`text`]: the syntax of ovs-ofctl(8) and ovs-fields(7), which operators know: parsed with errors that point
//!   at the column, printed as `ovs-ofctl dump-flows` spells it.
//! - [`canonical`]: which flows mean something (prerequisites, ranges, where actions may stand), and the one form
//!   of each.
//! - [`needs`]: what a frame must be for a field to exist (OpenFlow 1.3.5 §7.2.3.8).
//! - [`wire`]: OpenFlow 1.3.5 on the wire (§7): messages ⇄ bytes.
#![forbid(unsafe_code)]

mod canonical;
pub mod needs;
pub mod text;
pub mod wire;

pub use canonical::{FlowError, canonical};

#[cfg(test)]
mod strategies;
