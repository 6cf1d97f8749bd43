//! The one task that carries changes out: plan, datapath, store, publish; one after the other.
//!
//! It owns the connection. While there is one, the datapath has what is stored; whenever that is not certain (a
//! deadline passed in the midst of a transaction, the store failed after the datapath confirmed), the connection
//! is dropped, and the next one's snapshot restores it.

mod request;
mod state;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sluice_api::v1;
use sluice_api::v1::error::Code;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

pub use request::{Applied, ApplyError, Handle};
pub use state::{LinkState, State, Subscription};

use crate::compile;
use crate::intent::{Intent, Plan};
use crate::store::Store;
use crate::sync::{Backoff, LinkError, Session, TransactError};
use request::{Command, Queue, queue};

/// How long the datapath may take for a snapshot before it is given up, and connected to anew.
const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(300);
/// How long to wait before trying again what only a change by an operator can help.
const LASTING_DELAY: Duration = Duration::from_secs(10);

/// The parts of the control process that change.
pub struct Engine {
    store: Arc<Store>,
    state: Arc<State>,
    commands: Queue,
    datapath: PathBuf,
}

/// Why a session ended, and whether to hurry with the next.
enum Ended {
    /// All handles are gone.
    Stopped,
    /// The connection is lost or not to be trusted any more.
    Lost(LinkError),
}

impl Engine {
    /// Takes over a store with what was loaded from it, for the datapath on a socket. The engine works while
    /// [`run`](Engine::run) does.
    pub fn new(store: Store, intent: Intent, datapath: PathBuf) -> (Engine, Handle) {
        let state = Arc::new(State::new(intent, &datapath));
        let (handle, commands) = queue(state.clone());
        (Engine { store: Arc::new(store), state, commands, datapath }, handle)
    }

    /// Works until all handles are gone.
    pub async fn run(mut self) {
        let mut backoff = Backoff::new();
        loop {
            let error = match Session::open(&self.datapath).await {
                Ok(session) => {
                    backoff = Backoff::new();
                    match self.converse(session).await {
                        Ended::Stopped => return,
                        Ended::Lost(error) => error,
                    }
                }
                Err(error) => error,
            };
            self.report(&error);
            let delay = if error.is_lasting() { LASTING_DELAY } else { backoff.next_delay() };
            if self.refuse_until(Instant::now() + delay, &error).await.is_none() {
                return;
            }
        }
    }

    /// Says once why there is no connection.
    fn report(&self, error: &LinkError) {
        let message = error.to_string();
        if self.state.link().error != message {
            tracing::warn!(reason = message, "datapath not connected");
        }
        self.state.set_link(LinkState { connected: false, error: message, ..self.state.link() });
    }

    /// Answers everyone that there is no datapath. `None`: all handles are gone.
    async fn refuse_until(&mut self, until: Instant, error: &LinkError) -> Option<()> {
        loop {
            let command = tokio::select! {
                () = sleep_until(until) => return Some(()),
                command = self.commands.recv() => command?,
            };
            command.answer(Err(ApplyError::Unreachable(error.clone())));
        }
    }

    /// Everything on one connection.
    async fn converse(&mut self, mut session: Session) -> Ended {
        let refused = match self.snapshot(&mut session).await {
            Ok(refused) => refused,
            Err(error) => return Ended::Lost(error),
        };
        if let Some(refusal) = refused
            && let Some(ended) = self.mend(&mut session, refusal).await
        {
            return ended;
        }
        loop {
            let command = tokio::select! {
                error = session.lost() => return Ended::Lost(error),
                command = self.commands.recv() => command,
            };
            let Some(command) = command else { return Ended::Stopped };
            if let Err(error) = self.carry_out(&mut session, command, false).await {
                return Ended::Lost(error);
            }
        }
    }

    /// Brings the datapath to what is stored, or answers why it refuses that.
    async fn snapshot(&self, session: &mut Session) -> Result<Option<v1::Error>, LinkError> {
        let intent = self.state.intent();
        let sent = session.transact(true, compile::snapshot(&intent));
        match timeout(SNAPSHOT_TIMEOUT, sent).await {
            Ok(Ok(changes)) => {
                self.connected(session, changes);
                Ok(None)
            }
            Ok(Err(TransactError::Refused(error))) => Ok(Some(error)),
            Ok(Err(TransactError::Lost(error))) => Err(error),
            Err(_) => Err(LinkError::OutOfTurn("no answer to the snapshot in time")),
        }
    }

    fn connected(&self, session: &Session, changes: v1::Changes) {
        let version = session.datapath_version();
        let v1::Changes { added, changed, removed, unchanged } = changes;
        tracing::info!(version, added, changed, removed, unchanged, "datapath connected");
        let (error, last_transaction) = (String::new(), session.last_transaction());
        self.state.set_link(LinkState { connected: true, error, last_transaction, last_sync: Some(changes) });
    }

    /// The datapath refuses what is stored, say because a device is gone. Changes are sent as snapshots of what
    /// they lead to until one is accepted; what is stored is tried again now and then.
    async fn mend(&mut self, session: &mut Session, mut refusal: v1::Error) -> Option<Ended> {
        loop {
            let message =
                format!("the datapath refuses the wanted state: {}: {}", refusal.object, refusal.message);
            tracing::error!(
                object = refusal.object,
                reason = refusal.message,
                hint = refusal.hint,
                "refused"
            );
            self.state.set_link(LinkState { connected: false, error: message, ..self.state.link() });
            let again = Instant::now() + LASTING_DELAY;
            loop {
                let command = tokio::select! {
                    error = session.lost() => return Some(Ended::Lost(error)),
                    () = sleep_until(again) => break,
                    command = self.commands.recv() => command,
                };
                let Some(command) = command else { return Some(Ended::Stopped) };
                match self.carry_out(session, command, true).await {
                    Err(error) => return Some(Ended::Lost(error)),
                    Ok(()) if self.state.link().connected => return None,
                    Ok(()) => {}
                }
            }
            refusal = match self.snapshot(session).await {
                Ok(None) => return None,
                Ok(Some(refusal)) => refusal,
                Err(error) => return Some(Ended::Lost(error)),
            };
        }
    }

    /// Carries one change out, or answers why not. An error means that the session is not to be trusted any more.
    async fn carry_out(&self, session: &mut Session, command: Command, whole: bool) -> Result<(), LinkError> {
        let Some(mut command) = command.claim() else { return Ok(()) };
        let current = self.state.intent();
        let plan = match command.plan(&current).await {
            Ok(plan) => plan,
            Err(error) => {
                command.answer(Err(error));
                return Ok(());
            }
        };
        let sent = send(session, &current, &plan, whole);
        let synced = match timeout_at(command.deadline(), sent).await {
            Ok(Ok(synced)) => synced,
            Ok(Err(TransactError::Refused(error))) => {
                tracing::info!(
                    object = error.object,
                    reason = error.message,
                    "the datapath refuses a change"
                );
                command.answer(Err(ApplyError::Refused(error)));
                return Ok(());
            }
            Ok(Err(TransactError::Lost(error))) => {
                command.answer(Err(ApplyError::Lost(error.clone())));
                return Err(error);
            }
            Err(_) => {
                command.answer(Err(ApplyError::Timeout));
                return Err(LinkError::OutOfTurn("no answer to a transaction in time"));
            }
        };
        let transaction = session.last_transaction();
        match self.finish(plan).await {
            Ok((changes, operations)) => {
                match synced.filter(|_| whole) {
                    Some(synced) => self.connected(session, synced),
                    None => {
                        self.state.set_link(LinkState { last_transaction: transaction, ..self.state.link() });
                    }
                }
                command.answer(Ok(Applied { changes, operations, transaction }));
                Ok(())
            }
            Err(message) => {
                tracing::error!(
                    reason = message,
                    "the store failed; the datapath goes back to what is stored"
                );
                command.answer(Err(ApplyError::Store(message)));
                Err(LinkError::OutOfTurn("a change that could not be stored"))
            }
        }
    }

    /// Stores what the datapath has confirmed, and publishes it.
    async fn finish(&self, plan: Plan) -> Result<(v1::Changes, Arc<[v1::Operation]>), String> {
        let (store, state) = (self.store.clone(), self.state.clone());
        let finished = tokio::task::spawn_blocking(move || {
            if !plan.changes.is_empty() {
                store.commit(&plan.changes)?;
            }
            let operations: Arc<[v1::Operation]> =
                plan.changes.iter().map(crate::intent::Change::operation).collect();
            if !operations.is_empty() {
                state.publish(plan.next, operations.clone());
            }
            Ok::<_, crate::store::StoreError>((plan.counts, operations))
        });
        match finished.await {
            Ok(Ok(finished)) => Ok(finished),
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Sends a plan: what differs, or with `whole` all of it. Answers what the datapath changed, if it was asked.
async fn send(
    session: &mut Session,
    current: &Intent,
    plan: &Plan,
    whole: bool,
) -> Result<Option<v1::Changes>, TransactError> {
    if whole {
        return session.transact(true, compile::snapshot(&plan.next)).await.map(Some);
    }
    let operations = compile::difference(current, &plan.next, &plan.changes);
    if operations.is_empty() {
        return Ok(None);
    }
    session.transact(false, operations.into_iter()).await.map(Some)
}

impl From<&ApplyError> for v1::Error {
    fn from(error: &ApplyError) -> v1::Error {
        let (code, hint) = match error {
            ApplyError::Invalid(refusal) => return refusal.into(),
            ApplyError::Refused(error) => return error.clone(),
            ApplyError::Unreachable(LinkError::Protocol(_)) => {
                (Code::Unreachable, "upgrade the older of the two")
            }
            ApplyError::Unreachable(_) => {
                (Code::Unreachable, "start sluice-datapath with the same --rundir; nothing was changed")
            }
            ApplyError::Lost(_) => {
                (Code::Unreachable, "nothing was stored; repeat it when the datapath is back")
            }
            ApplyError::Timeout => (Code::Timeout, "nothing was stored; repeat it, or allow more time"),
            ApplyError::Store(_) => (Code::Failed, "nothing was stored; free space in the state directory"),
            ApplyError::Stopping => (Code::Unreachable, "sluice-control is stopping"),
        };
        let object = if matches!(error, ApplyError::Store(_)) { "sluice-control" } else { "datapath" };
        v1::Error {
            code: code.into(),
            object: object.to_owned(),
            message: error.to_string(),
            hint: hint.to_owned(),
        }
    }
}

/// Commands that wait for the engine before callers do.
const COMMANDS_QUEUED: usize = 64;

type CommandSender = mpsc::Sender<Command>;
