//! The switch: one thread that owns the wanted state and what runs of it.
//!
//! ```text
//! transaction → model (draft, difference) → ports made ready → bridges rebuilt → published → old ports stopped
//!                    └ refused: nothing was changed ┘
//! ```
//!
//! Nothing here is on a packet's path, and nothing on a packet's path waits for it.

mod event;
mod flow;
mod guest;
mod ids;
mod model;
mod port;
mod refusal;
mod report;
mod spec;
mod state;
mod thread;
mod transact;
mod underlay;

use sluice_api::v1;
use sluice_dpdk::Eal;
use sluice_pipeline::RuleCounters;
use tokio::sync::{mpsc, oneshot};

pub(crate) use event::{Event, EventReceiver, EventSender, channel};
pub(crate) use guest::lock;
pub(crate) use refusal::Refusal;
pub(crate) use thread::{SwitchHandle, SwitchThread};

use crate::config::Config;
use crate::worker::Workers;

/// What a switch is made of.
pub(crate) struct Setup {
    pub(crate) config: Config,
    pub(crate) eal: Eal,
    pub(crate) workers: Workers,
    pub(crate) counters: RuleCounters,
    /// What ports tell the switch by, and what it hears.
    pub(crate) events: EventSender,
    pub(crate) heard: EventReceiver,
}

/// A transaction with all its messages put together.
#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) number: u64,
    pub(crate) snapshot: bool,
    pub(crate) operations: Vec<v1::Operation>,
}

/// Where events for the control process go.
pub(crate) type ControlEvents = mpsc::Sender<Result<v1::SyncEvent, tonic::Status>>;

/// What is asked of the switch.
pub(crate) enum Query {
    Transaction {
        transaction: Transaction,
        reply: oneshot::Sender<Result<v1::Changes, Refusal>>,
    },
    /// A stream of control's begins; answered with the last transaction that was acknowledged.
    ControlHere {
        stream: u64,
        events: ControlEvents,
        reply: oneshot::Sender<u64>,
    },
    ControlGone {
        stream: u64,
    },
    Status(oneshot::Sender<v1::DatapathStatus>),
    Ports {
        name: String,
        reply: oneshot::Sender<Vec<v1::PortState>>,
    },
    Flows {
        bridge: String,
        reply: oneshot::Sender<Vec<v1::FlowStats>>,
    },
    Macs {
        bridge: String,
        reply: oneshot::Sender<Vec<v1::MacEntry>>,
    },
    Drops(oneshot::Sender<Vec<v1::PortDrops>>),
    Neighbours(oneshot::Sender<Vec<v1::Neighbour>>),
    Stop,
}
