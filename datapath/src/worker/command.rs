//! What the control side of the process says to a worker, and how.
//!
//! Every change goes as a message; a worker takes messages between two rounds, when it holds nothing of a guest's
//! or a snapshot's. Its answer is therefore the quiescent state: once every worker has answered, nobody uses what was
//! withdrawn. What a worker gives up travels back in the answer, so that a worker never frees anything.

use std::sync::{Arc, Mutex};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use sluice_dpdk::RxQueue;
use sluice_pipeline::PortId;
use sluice_vhost::{QueueIndex, TransmitQueue};

use super::counters::WorkerCounters;
use super::forwarding::Forwarding;
use super::idle::Bell;
use super::port::{Receivers, WorkerPort};
use crate::placement::Site;

/// Commands a worker can have waiting. Senders wait for the answer, so this is about how many threads command at
/// once, not about how much.
const QUEUED: usize = 64;

/// One thing to do between two rounds.
#[derive(Debug)]
pub(crate) enum Command {
    /// Take up a port: from now on it can be an output.
    AddPort(Box<WorkerPort>),
    /// Give up a port.
    RemovePort(PortId),
    /// Poll a guest's transmit queue.
    AddTransmit(PortId, Box<TransmitQueue>),
    /// Give up a guest's transmit queue. Answer: [`Done::Transmit`].
    RemoveTransmit(PortId, QueueIndex),
    /// Deliver to these receive queues of a guest, and no others.
    SetReceivers(PortId, Receivers),
    /// Poll a device's receive queue.
    AddRx(PortId, Box<RxQueue>),
    /// Give up a device's receive queue. Answer: [`Done::Rx`].
    RemoveRx(PortId),
    /// Judge by this snapshot from the next burst on.
    Publish(Arc<Forwarding>),
    /// Send this frame out of a device or to a guest as it is.
    Inject(PortId, Box<[u8]>),
    /// End the thread.
    Stop,
}

/// A worker's answer to a command.
#[derive(Debug)]
pub(crate) enum Done {
    /// Done. What the worker gave up, if anything, is dropped with this, by whoever asked.
    Retired(#[expect(dead_code, reason = "held to be dropped")] Option<Retired>),
    Transmit(Option<Box<TransmitQueue>>),
    Rx(Option<Box<RxQueue>>),
}

/// What a worker has given up.
#[derive(Debug)]
#[expect(dead_code, reason = "held to be dropped")]
pub(crate) enum Retired {
    Port(Box<WorkerPort>),
    Receivers(Receivers),
    Forwarding(Arc<Forwarding>),
    Frame(Box<[u8]>),
}

#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) command: Command,
    pub(crate) answer: Sender<Done>,
}

/// The worker has ended; nothing can be said to it.
#[derive(Debug, thiserror::Error)]
#[error("worker {0} has ended")]
pub(crate) struct WorkerGone(pub(crate) usize);

/// One worker, as the rest of the process sees it.
#[derive(Clone, Debug)]
pub(crate) struct WorkerHandle {
    pub(crate) number: usize,
    pub(crate) site: Site,
    pub(crate) counters: Arc<WorkerCounters>,
    /// What it polls: ports and their queues. Written by the worker when that changes.
    pub(crate) queues: Arc<Mutex<Vec<(PortId, u16)>>>,
    requests: Sender<Request>,
    bell: Arc<Bell>,
}

/// The worker's end of a [`WorkerHandle`].
pub(crate) struct Inbox {
    pub(crate) requests: Receiver<Request>,
    pub(crate) bell: Arc<Bell>,
}

impl WorkerHandle {
    /// A handle and the inbox to start a worker with.
    pub(crate) fn new(number: usize, site: Site) -> Result<(WorkerHandle, Inbox), rustix::io::Errno> {
        let (requests, inbox) = bounded(QUEUED);
        let bell = Arc::new(Bell::new()?);
        let counters = Arc::new(WorkerCounters::default());
        let queues = Arc::default();
        let handle = WorkerHandle { number, site, counters, queues, requests, bell: Arc::clone(&bell) };
        Ok((handle, Inbox { requests: inbox, bell }))
    }

    /// Hands over a command; the answer comes by the channel.
    pub(crate) fn send(&self, command: Command) -> Result<Receiver<Done>, WorkerGone> {
        let (answer, done) = bounded(1);
        self.requests.send(Request { command, answer }).map_err(|_| WorkerGone(self.number))?;
        self.bell.ring();
        Ok(done)
    }

    /// Hands over a command and waits for the worker's quiescent state.
    pub(crate) fn call(&self, command: Command) -> Result<Done, WorkerGone> {
        self.send(command)?.recv().map_err(|_| WorkerGone(self.number))
    }

    /// Hands over a command that nobody waits for; drops it if the worker has too many waiting.
    pub(crate) fn post(&self, command: Command) {
        let (answer, _) = bounded(1);
        match self.requests.try_send(Request { command, answer }) {
            Ok(()) => self.bell.ring(),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }
}

/// All workers.
#[derive(Clone, Debug)]
pub(crate) struct Workers(pub(crate) Arc<[WorkerHandle]>);

impl Workers {
    /// Says the same to all and waits until all have passed a quiescent state. Their answers, in order.
    pub(crate) fn all(&self, mut command: impl FnMut(usize) -> Command) -> Result<Vec<Done>, WorkerGone> {
        let waiting: Vec<_> =
            self.0.iter().map(|worker| worker.send(command(worker.number))).collect::<Result<_, _>>()?;
        waiting
            .into_iter()
            .zip(self.0.iter())
            .map(|(done, worker)| done.recv().map_err(|_| WorkerGone(worker.number)))
            .collect()
    }

    /// The worker of that number.
    pub(crate) fn get(&self, number: usize) -> Option<&WorkerHandle> {
        self.0.get(number)
    }
}
