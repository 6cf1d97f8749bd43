//! What everyone may look at: the stored state, the link, and the changes as they come.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sluice_api::v1;
use tokio::sync::broadcast;

use crate::intent::Intent;

/// Changes that a watcher may fall behind before it is dropped.
const CHANGES_QUEUED: usize = 256;

/// The link to the datapath.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkState {
    /// Whether the datapath has what is stored.
    pub connected: bool,
    /// Why not.
    pub error: String,
    /// The last transaction that the datapath acknowledged.
    pub last_transaction: u64,
    /// What the last snapshot changed in the datapath.
    pub last_sync: Option<v1::Changes>,
}

/// See the module.
pub struct State {
    inner: Mutex<Inner>,
}

struct Inner {
    intent: Intent,
    link: LinkState,
    changes: broadcast::Sender<Arc<[v1::Operation]>>,
}

/// The state at a moment, and every change after it.
pub struct Subscription {
    /// The state.
    pub intent: Intent,
    /// The changes.
    pub changes: broadcast::Receiver<Arc<[v1::Operation]>>,
}

impl State {
    pub(super) fn new(intent: Intent, datapath: &Path) -> State {
        let error = format!("the datapath on {} has not been reached yet", datapath.display());
        let (changes, _) = broadcast::channel(CHANGES_QUEUED);
        State {
            inner: Mutex::new(Inner { intent, link: LinkState { error, ..LinkState::default() }, changes }),
        }
    }

    /// What is stored.
    pub fn intent(&self) -> Intent {
        self.lock().intent.clone()
    }

    /// How the datapath is.
    pub fn link(&self) -> LinkState {
        self.lock().link.clone()
    }

    /// What is stored, and what will be.
    pub fn subscribe(&self) -> Subscription {
        let inner = self.lock();
        Subscription { intent: inner.intent.clone(), changes: inner.changes.subscribe() }
    }

    pub(super) fn set_link(&self, link: LinkState) {
        self.lock().link = link;
    }

    pub(super) fn publish(&self, intent: Intent, operations: Arc<[v1::Operation]>) {
        let mut inner = self.lock();
        inner.intent = intent;
        // Nobody watching is no error.
        let _ = inner.changes.send(operations);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every critical section leaves a whole value behind.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
