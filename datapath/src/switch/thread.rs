//! The switch's thread, and how others speak to it.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, select};
use tokio::sync::oneshot;

use super::state::Switch;
use super::{Query, Setup};

/// Queries that wait; a client beyond that waits in its own task.
const QUEUED: usize = 256;
/// How often neighbours and learned addresses are looked after.
const TICK: Duration = Duration::from_millis(100);

/// Speaks to the switch from the service's tasks.
#[derive(Clone)]
pub(crate) struct SwitchHandle(Sender<Query>);

/// The switch is stopping and answers nothing any more.
#[derive(Debug)]
pub(crate) struct Stopping;

impl SwitchHandle {
    /// Asks and waits for the answer.
    pub(crate) async fn ask<T>(
        &self,
        query: impl FnOnce(oneshot::Sender<T>) -> Query,
    ) -> Result<T, Stopping> {
        let (reply, answer) = oneshot::channel();
        self.tell(query(reply)).await;
        answer.await.map_err(|_| Stopping)
    }

    /// Says something that has no answer.
    pub(crate) async fn tell(&self, query: Query) {
        let sender = self.0.clone();
        // The channel may be full while a long transaction runs; that must not hold up the service's other tasks.
        if let Err(crossbeam_channel::TrySendError::Full(query)) = sender.try_send(query) {
            let _ = tokio::task::spawn_blocking(move || sender.send(query)).await;
        }
    }
}

/// The running thread.
pub(crate) struct SwitchThread {
    queries: Sender<Query>,
    thread: JoinHandle<()>,
}

impl SwitchThread {
    /// Starts the switch.
    pub(crate) fn spawn(setup: Setup) -> std::io::Result<(SwitchThread, SwitchHandle)> {
        let (queries, inbox) = bounded(QUEUED);
        let thread = std::thread::Builder::new().name("switch".into()).spawn(move || run(setup, &inbox))?;
        let handle = SwitchHandle(queries.clone());
        Ok((SwitchThread { queries, thread }, handle))
    }

    /// Stops every port and ends the thread. Workers must still be running: they give the queues back.
    pub(crate) fn stop(self) {
        let _ = self.queries.send(Query::Stop);
        let _ = self.thread.join();
    }
}

fn run(setup: Setup, queries: &Receiver<Query>) {
    let events = setup.heard.events.clone();
    let mut switch = Switch::new(setup);
    let mut next_tick = Instant::now() + TICK;
    loop {
        select! {
            recv(queries) -> query => match query {
                Ok(Query::Stop) | Err(_) => break,
                Ok(query) => switch.answer(query),
            },
            recv(events) -> event => {
                if let Ok(event) = event {
                    switch.note(event);
                }
            }
            default(next_tick.saturating_duration_since(Instant::now())) => {}
        }
        if Instant::now() >= next_tick {
            switch.tick();
            next_tick = Instant::now() + TICK;
        }
    }
    switch.stop();
}
