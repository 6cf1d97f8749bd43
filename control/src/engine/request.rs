//! Asking the engine, and not waiting for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sluice_api::v1;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::state::State;
use super::{COMMANDS_QUEUED, CommandSender};
use crate::intent::{Intent, Mode, Plan, Refusal};
use crate::sync::LinkError;

/// What a change did.
#[derive(Clone, Debug)]
pub struct Applied {
    /// How many objects.
    pub changes: v1::Changes,
    /// Which.
    pub operations: Arc<[v1::Operation]>,
    /// The datapath's transaction.
    pub transaction: u64,
}

/// Why a change was not carried out. Nothing of it is stored.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ApplyError {
    /// The wanted state cannot be so.
    #[error(transparent)]
    Invalid(#[from] Refusal),
    /// The datapath refused it.
    #[error("the datapath refuses: {}", .0.message)]
    Refused(v1::Error),
    /// There is no datapath to carry it out.
    #[error("{0}")]
    Unreachable(LinkError),
    /// The datapath went away before it confirmed.
    #[error("the connection was lost before the datapath confirmed: {0}")]
    Lost(LinkError),
    /// The deadline passed before the datapath confirmed.
    #[error("the datapath did not confirm in time")]
    Timeout,
    /// The store failed.
    #[error("the change could not be stored: {0}")]
    Store(String),
    /// The process is going down.
    #[error("sluice-control is stopping")]
    Stopping,
}

/// The engine, from outside. Clones are of the same engine.
#[derive(Clone)]
pub struct Handle {
    commands: CommandSender,
    state: Arc<State>,
}

impl Handle {
    /// What is stored, and how the datapath is.
    pub fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Changes the wanted state, and answers when the datapath has confirmed and it is stored; or when the deadline
    /// has passed, and then it is not stored.
    pub async fn apply(
        &self,
        operations: Vec<v1::Operation>,
        mode: Mode,
        deadline: Instant,
    ) -> Result<Applied, ApplyError> {
        let (answer, mut answered) = oneshot::channel();
        let claim = Arc::new(AtomicBool::new(false));
        let command = Command { operations, mode, deadline, answer, claim: claim.clone() };
        match timeout_at(deadline, self.commands.send(command)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(ApplyError::Stopping),
            Err(_) => return Err(ApplyError::Timeout),
        }
        if let Ok(answer) = timeout_at(deadline, &mut answered).await {
            return answer.unwrap_or(Err(ApplyError::Stopping));
        }
        match claim.swap(true, Ordering::AcqRel) {
            // It is ours again: the engine will not begin it.
            false => Err(ApplyError::Timeout),
            // The engine is at it, keeps the deadline itself, and knows how it ends.
            true => answered.await.unwrap_or(Err(ApplyError::Stopping)),
        }
    }

    /// What a change would do. The datapath is not asked.
    pub async fn dry_run(&self, operations: Vec<v1::Operation>, mode: Mode) -> Result<Applied, ApplyError> {
        let transaction = self.state.link().last_transaction;
        let plan = plan(self.state.intent(), operations, mode).await?;
        let operations = plan.changes.iter().map(crate::intent::Change::operation).collect();
        Ok(Applied { changes: plan.counts, operations, transaction })
    }
}

pub(super) type Queue = mpsc::Receiver<Command>;

pub(super) fn queue(state: Arc<State>) -> (Handle, Queue) {
    let (commands, queue) = mpsc::channel(COMMANDS_QUEUED);
    (Handle { commands, state }, queue)
}

/// A change that someone waits for.
pub(super) struct Command {
    operations: Vec<v1::Operation>,
    mode: Mode,
    deadline: Instant,
    answer: oneshot::Sender<Result<Applied, ApplyError>>,
    /// Set by whoever comes first: the engine that begins it, or the waiting caller who gives it up.
    claim: Arc<AtomicBool>,
}

impl Command {
    /// Begins it, unless the caller has given it up.
    pub(super) fn claim(self) -> Option<Command> {
        (!self.claim.swap(true, Ordering::AcqRel)).then_some(self)
    }

    /// When the caller wants to know at the latest.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Plans it. The operations are gone afterwards.
    pub(super) async fn plan(&mut self, current: &Intent) -> Result<Plan, ApplyError> {
        plan(current.clone(), std::mem::take(&mut self.operations), self.mode).await
    }

    /// Tells the caller, if it still listens.
    pub(super) fn answer(self, answer: Result<Applied, ApplyError>) {
        let _ = self.answer.send(answer);
    }
}

/// Planning hundreds of thousands of flows takes longer than other tasks should wait.
async fn plan(intent: Intent, operations: Vec<v1::Operation>, mode: Mode) -> Result<Plan, ApplyError> {
    match tokio::task::spawn_blocking(move || intent.plan(operations, mode)).await {
        Ok(planned) => Ok(planned?),
        Err(_) => Err(ApplyError::Stopping),
    }
}
