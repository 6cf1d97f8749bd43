//! A host that keeps the rings it is lent and lets a test use them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use sluice_vhost::{Disconnect, Negotiated, Peer, QueueIndex, ReceiveQueue, Ring, RingHost, TransmitQueue};

use super::eventually;

#[derive(Default)]
struct Kept {
    rings: HashMap<QueueIndex, Ring>,
    log: Vec<String>,
}

/// Cloned, one for the endpoint and one for the test.
#[derive(Clone, Default)]
pub struct KeepingHost(Arc<Mutex<Kept>>);

impl KeepingHost {
    pub fn log(&self) -> Vec<String> {
        self.0.lock().unwrap().log.clone()
    }

    pub fn logged(&self, line: &str) -> usize {
        self.0.lock().unwrap().log.iter().filter(|logged| logged.starts_with(line)).count()
    }

    pub fn has(&self, index: QueueIndex) -> bool {
        self.0.lock().unwrap().rings.contains_key(&index)
    }

    /// Waits until the ring runs.
    pub fn await_ring(&self, index: QueueIndex) {
        eventually(&format!("{index} runs"), || self.has(index));
    }

    /// Uses a transmit queue, while the endpoint waits; `None` if it does not run.
    pub fn transmit<R>(&self, pair: u8, f: impl FnOnce(&mut TransmitQueue) -> R) -> Option<R> {
        match self.0.lock().unwrap().rings.get_mut(&QueueIndex::transmit(pair)) {
            Some(Ring::Transmit(queue)) => Some(f(queue)),
            _ => None,
        }
    }

    /// Uses a receive queue, while the endpoint waits; `None` if it does not run.
    pub fn receive<R>(&self, pair: u8, f: impl FnOnce(&mut ReceiveQueue) -> R) -> Option<R> {
        match self.0.lock().unwrap().rings.get_mut(&QueueIndex::receive(pair)) {
            Some(Ring::Receive(queue)) => Some(f(queue)),
            _ => None,
        }
    }

    /// Takes a ring for good; the endpoint will not get it back.
    pub fn steal(&self, index: QueueIndex) -> Option<Ring> {
        self.0.lock().unwrap().rings.remove(&index)
    }
}

impl RingHost for KeepingHost {
    fn connected(&mut self, peer: Option<Peer>) {
        assert_eq!(peer.map(|peer| peer.pid), Some(std::process::id()));
        self.0.lock().unwrap().log.push("connected".into());
    }

    fn negotiated(&mut self, negotiated: Negotiated) {
        self.0.lock().unwrap().log.push(format!("negotiated {:#x}", negotiated.features));
    }

    fn start(&mut self, ring: Ring) {
        let mut kept = self.0.lock().unwrap();
        let index = ring.index();
        kept.log.push(format!("start {index}"));
        assert!(kept.rings.insert(index, ring).is_none(), "{index} was started twice");
    }

    fn stop(&mut self, index: QueueIndex) -> Option<Ring> {
        let mut kept = self.0.lock().unwrap();
        kept.log.push(format!("stop {index}"));
        kept.rings.remove(&index)
    }

    fn disconnected(&mut self, reason: &Disconnect) {
        let mut kept = self.0.lock().unwrap();
        assert!(kept.rings.is_empty(), "rings are left");
        kept.log.push(format!("disconnected: {reason}"));
    }
}
