//! One guest's port between its vhost-user endpoint and the workers: rings go to workers and come back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sluice_pipeline::PortId;
use sluice_vhost::{Disconnect, Features, Negotiated, Peer, QueueIndex, Ring, RingHost};

use super::event::{Event, EventSender};
use crate::placement;
use crate::worker::{Command, Done, Receivers, SharedReceiver, Workers};

/// What is known of a guest's port, for whoever asks. Shared by the endpoint's thread and the switch's; no worker.
#[derive(Clone, Debug, Default)]
pub(crate) struct GuestStatus {
    pub(crate) connected: bool,
    /// Rings in service.
    pub(crate) transmit: usize,
    pub(crate) receive: usize,
    /// The virtio features in force.
    pub(crate) features: Option<Features>,
    /// The NUMA node of the guest's rings.
    pub(crate) numa_node: Option<u32>,
    /// How often a guest has connected.
    pub(crate) generation: u64,
    /// Why the guest is not served, if it is not.
    pub(crate) trouble: Option<String>,
    /// Whether the trouble is the guest's breach of a ring, healed by its next start.
    pub(crate) quarantined: bool,
}

/// [`GuestStatus`], shared.
pub(crate) type SharedStatus = Arc<Mutex<GuestStatus>>;

/// How many queues each worker polls.
#[derive(Clone, Debug)]
pub(crate) struct Loads(Arc<Mutex<Vec<usize>>>);

impl Loads {
    pub(crate) fn new(workers: usize) -> Loads {
        Loads(Arc::new(Mutex::new(vec![0; workers])))
    }

    /// Chooses the worker for one more queue whose memory or device is on `node`.
    pub(crate) fn take(&self, workers: &Workers, node: Option<u32>) -> usize {
        let sites: Vec<_> = workers.0.iter().map(|worker| worker.site).collect();
        let mut loads = lock(&self.0);
        let chosen = placement::choose(&sites, &loads, node);
        if let Some(load) = loads.get_mut(chosen) {
            *load += 1;
        }
        chosen
    }

    pub(crate) fn give_back(&self, worker: usize) {
        if let Some(load) = lock(&self.0).get_mut(worker) {
            *load = load.saturating_sub(1);
        }
    }
}

/// The switch's side of an endpoint. All of it runs on the endpoint's thread: a guest that is slow or mad holds up
/// nobody else.
pub(crate) struct GuestHost {
    port: PortId,
    name: String,
    workers: Workers,
    loads: Loads,
    events: EventSender,
    status: SharedStatus,
    /// Which worker polls which transmit queue.
    transmit: BTreeMap<QueueIndex, usize>,
    receive: BTreeMap<QueueIndex, SharedReceiver>,
}

impl GuestHost {
    pub(crate) fn new(
        port: PortId,
        name: String,
        workers: Workers,
        loads: Loads,
        events: EventSender,
        status: SharedStatus,
    ) -> GuestHost {
        let (transmit, receive) = (BTreeMap::new(), BTreeMap::new());
        GuestHost { port, name, workers, loads, events, status, transmit, receive }
    }

    /// Tells every worker the receive queues there are now; when it returns, none uses another.
    fn publish_receivers(&self) {
        let receivers: Receivers = self.receive.values().cloned().collect();
        // A worker that has ended uses nothing.
        let _ = self.workers.all(|_| Command::SetReceivers(self.port, Arc::clone(&receivers)));
    }

    fn note(&self, change: impl FnOnce(&mut GuestStatus)) {
        let mut status = lock(&self.status);
        change(&mut status);
        status.transmit = self.transmit.len();
        status.receive = self.receive.len();
        drop(status);
        // The switch looks at the status when it gets to it; one such event waiting is as good as many.
        self.events.say(Event::GuestChanged(self.port));
    }
}

impl RingHost for GuestHost {
    fn start(&mut self, ring: Ring) {
        let mut node = None;
        match ring {
            Ring::Transmit(queue) => {
                let index = queue.index();
                node = queue.numa_node();
                let number = self.loads.take(&self.workers, node);
                if let Some(worker) = self.workers.get(number)
                    && worker.call(Command::AddTransmit(self.port, Box::new(queue))).is_ok()
                {
                    self.transmit.insert(index, number);
                } else {
                    self.loads.give_back(number);
                }
            }
            Ring::Receive(queue) => {
                self.receive.insert(queue.index(), Arc::new(Mutex::new(queue)));
                self.publish_receivers();
            }
        }
        self.note(|status| {
            status.trouble = None;
            status.quarantined = false;
            status.numa_node = node.or(status.numa_node);
        });
    }

    fn stop(&mut self, index: QueueIndex) -> Option<Ring> {
        let ring = if let Some(number) = self.transmit.remove(&index) {
            self.loads.give_back(number);
            match self.workers.get(number)?.call(Command::RemoveTransmit(self.port, index)) {
                Ok(Done::Transmit(Some(queue))) => Some(Ring::Transmit(*queue)),
                _ => None,
            }
        } else if let Some(receiver) = self.receive.remove(&index) {
            self.publish_receivers();
            // Every worker has given up its share, so this one is the last.
            Arc::into_inner(receiver)
                .map(|queue| Ring::Receive(queue.into_inner().unwrap_or_else(PoisonError::into_inner)))
        } else {
            None
        };
        self.note(|_| {});
        ring
    }

    fn connected(&mut self, peer: Option<Peer>) {
        tracing::info!(port = self.name, pid = peer.map(|peer| peer.pid), "guest connected");
        self.note(|status| {
            status.connected = true;
            status.generation += 1;
            status.trouble = None;
        });
    }

    fn negotiated(&mut self, negotiated: Negotiated) {
        tracing::debug!(
            port = self.name,
            features = format!("{:#x}", negotiated.features),
            "features negotiated"
        );
        self.note(|status| status.features = Some(negotiated.features));
    }

    fn disconnected(&mut self, reason: &Disconnect) {
        let trouble = match reason {
            Disconnect::Closed | Disconnect::Stopped => {
                tracing::info!(port = self.name, "guest disconnected");
                None
            }
            reason => {
                tracing::warn!(port = self.name, %reason, "guest disconnected");
                Some(reason.to_string())
            }
        };
        self.note(|status| {
            status.connected = false;
            status.features = None;
            status.trouble = trouble;
        });
    }
}

/// Locks what no thread holds across anything that can fail; a poisoned lock's value is as good as any.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
