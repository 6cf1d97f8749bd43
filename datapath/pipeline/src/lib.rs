//! Rules as data: bridges with ports and tables, the verdicts they come to, the sessions that remember these, and what
//! is learned and counted on the way.
//!
//! ```text
//! FlowKey ─ KeyPlan of the bridge ─► Sessions ─hit────────────────► Verdict ─► steps, counters
//!                                       └miss─► Bridge::evaluate ──┘
//! ```
//!
//! - [`Bridge`]: a value that control threads change and publish, workers read.
//! - [`KeyPlan`]: the bits of a key that a bridge's verdicts depend on.
//! - [`Sessions`], [`Batch`], [`Verdicts`]: one of each a worker, shared with nobody.
//! - [`MacTable`], [`RuleCounters`]: shared, written without locks.
//!
//! Pure: no I/O, no unsafe, no clock. The modules `group`, `meter` and `conntrack` will stand beside these.
#![forbid(unsafe_code)]

mod action;
mod action_set;
mod bridge;
mod counters;
mod hash;
mod id;
mod ingress;
mod mac;
mod matching;
mod plan;
mod port;
mod rule;
mod sessions;
mod stamp;
pub mod table;
mod verdict;
mod verdicts;

pub use action::Action;
pub use bridge::{Bridge, BridgeError};
pub use counters::{CounterWriter, CountersFull, RuleCounters, Totals};
pub use id::{BridgeId, OfPort, PortId, RemoteId, RuleSlot, TableId, Tick, TunnelTarget};
pub use ingress::{Ingress, TunnelIngress};
pub use mac::{Learned, MacEntry, MacTable, Station};
pub use matching::{Match, MatchBuilder, MatchError};
pub use plan::KeyPlan;
pub use port::{Port, PortKind};
pub use rule::{Prerequisite, Rule, RuleError, RuleErrorKind, RuleKey, WriteMetadata};
pub use sessions::{Batch, SessionConfig, Sessions};
pub use stamp::Stamp;
pub use verdict::{Step, Unicast, Verdict};
pub use verdicts::{VerdictId, Verdicts};
