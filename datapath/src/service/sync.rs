//! The stream by which the wanted state comes: one at a time, a newer one ends the older.

use sluice_api::v1::sync_event::Kind as Event;
use sluice_api::v1::sync_request::Kind as Ask;
use sluice_api::{PROTOCOL_VERSION, v1};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use crate::switch::{Query, SwitchHandle, Transaction};

/// Events that wait for a slow client before further port states and punted frames are left out.
const EVENTS_QUEUED: usize = 1024;
/// Operations a transaction may have, over all its messages.
const MOST_OPERATIONS: usize = 8_000_000;

type Events = mpsc::Sender<Result<v1::SyncEvent, Status>>;

/// The streams there have been; only the newest is served.
#[derive(Default)]
pub(super) struct Streams {
    newest: watch::Sender<u64>,
}

impl Streams {
    /// Serves `requests` and answers on the stream that is returned.
    pub(super) fn open(
        &self,
        requests: Streaming<v1::SyncRequest>,
        switch: SwitchHandle,
    ) -> ReceiverStream<Result<v1::SyncEvent, Status>> {
        let (events, answers) = mpsc::channel(EVENTS_QUEUED);
        let mut number = 0;
        self.newest.send_modify(|newest| {
            *newest += 1;
            number = *newest;
        });
        tokio::spawn(run(requests, switch, events, number, self.newest.subscribe()));
        ReceiverStream::new(answers)
    }
}

async fn run(
    mut requests: Streaming<v1::SyncRequest>,
    switch: SwitchHandle,
    events: Events,
    number: u64,
    mut newest: watch::Receiver<u64>,
) {
    let ended = tokio::select! {
        ended = converse(&mut requests, &switch, &events, number) => ended,
        _ = newest.wait_for(|newest| *newest != number) => Err(Status::aborted("a newer control process has taken over")),
        () = events.closed() => Ok(()),
    };
    switch.tell(Query::ControlGone { stream: number }).await;
    match ended {
        Ok(()) => tracing::info!("control disconnected"),
        Err(status) => {
            tracing::warn!(reason = status.message(), "control's stream ends");
            // A client that does not read has nothing to be told.
            let _ = events.try_send(Err(status));
        }
    }
}

async fn converse(
    requests: &mut Streaming<v1::SyncRequest>,
    switch: &SwitchHandle,
    events: &Events,
    stream: u64,
) -> Result<(), Status> {
    greet(requests, switch, events, stream).await?;
    let mut assembled: Option<Transaction> = None;
    while let Some(request) = requests.message().await? {
        let Some(Ask::Transaction(part)) = request.kind else {
            return Err(Status::invalid_argument("after Hello come transactions"));
        };
        let commit = part.commit;
        let transaction = match assembled.take() {
            None => Transaction { number: part.number, snapshot: part.snapshot, operations: part.operations },
            Some(mut begun) if begun.number == part.number && begun.snapshot == part.snapshot => {
                begun.operations.extend(part.operations);
                begun
            }
            Some(begun) => {
                let message =
                    format!("transaction {} begins before {} is committed", part.number, begun.number);
                return Err(Status::invalid_argument(message));
            }
        };
        if transaction.operations.len() > MOST_OPERATIONS {
            let message = format!("transaction {} has over {MOST_OPERATIONS} operations", transaction.number);
            return Err(Status::resource_exhausted(message));
        }
        if !commit {
            assembled = Some(transaction);
            continue;
        }
        let number = transaction.number;
        let answer = match switch.ask(|reply| Query::Transaction { transaction, reply }).await {
            Ok(Ok(changes)) => Event::Ack(v1::Ack { number, changes: Some(changes) }),
            Ok(Err(refusal)) => {
                let error = refusal.into_api();
                tracing::warn!(number, object = error.object, reason = error.message, "transaction refused");
                Event::Refusal(v1::Refusal { number, error: Some(error) })
            }
            Err(_) => return Err(Status::unavailable("the switch is stopping")),
        };
        send(events, answer).await?;
    }
    Ok(())
}

async fn greet(
    requests: &mut Streaming<v1::SyncRequest>,
    switch: &SwitchHandle,
    events: &Events,
    stream: u64,
) -> Result<(), Status> {
    let hello = match requests.message().await?.and_then(|request| request.kind) {
        Some(Ask::Hello(hello)) => hello,
        _ => return Err(Status::invalid_argument("the stream begins with Hello")),
    };
    if hello.protocol_version != PROTOCOL_VERSION {
        let message = format!(
            "control ({}) speaks protocol version {}, this datapath version {PROTOCOL_VERSION}; \
             run sluice-control and sluice-datapath of the same release",
            hello.client, hello.protocol_version
        );
        return Err(Status::failed_precondition(message));
    }
    let listener = events.clone();
    let last_transaction = switch
        .ask(|reply| Query::ControlHere { stream, events: listener, reply })
        .await
        .map_err(|_| Status::unavailable("the switch is stopping"))?;
    tracing::info!(client = hello.client, "control connected");
    let version = env!("CARGO_PKG_VERSION").to_owned();
    send(
        events,
        Event::Welcome(v1::Welcome { protocol_version: PROTOCOL_VERSION, version, last_transaction }),
    )
    .await
}

async fn send(events: &Events, kind: Event) -> Result<(), Status> {
    let event = v1::SyncEvent { kind: Some(kind) };
    events.send(Ok(event)).await.map_err(|_| Status::cancelled("the client is gone"))
}
