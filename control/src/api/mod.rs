//! The `Control` service on the control socket (control.proto).

mod deadline;

use std::pin::Pin;
use std::time::{Duration, Instant};

use sluice_api::key::Key;
use sluice_api::v1;
use sluice_api::v1::apply_reply::Result as Outcome;
use sluice_api::v1::control_server::Control;
use sluice_api::v1::object_key::Kind;
use tokio::sync::broadcast::error::RecvError;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::engine::{Applied, Handle, Subscription};
use crate::intent::{Intent, Mode};

/// Objects that wait for a slow client.
const OBJECTS_QUEUED: usize = 256;

type Reply<T> = Result<Response<T>, Status>;
type BoxStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// See the module.
pub struct Service {
    engine: Handle,
    started: Instant,
    apply_timeout: Duration,
}

impl Service {
    /// Serves an engine. `apply_timeout` limits changes whose callers set no deadline.
    pub fn new(engine: Handle, apply_timeout: Duration) -> Service {
        Service { engine, started: Instant::now(), apply_timeout }
    }
}

#[tonic::async_trait]
impl Control for Service {
    type ListStream = BoxStream<v1::Object>;
    type WatchStream = BoxStream<v1::Operation>;

    async fn apply(&self, request: Request<v1::ApplyRequest>) -> Reply<v1::ApplyReply> {
        let deadline = deadline::of(request.metadata(), self.apply_timeout);
        let v1::ApplyRequest { operations, create_only, must_exist, replace, dry_run } = request.into_inner();
        let mode = Mode { create_only, must_exist, replace };
        let applied = match dry_run {
            true => self.engine.dry_run(operations, mode).await,
            false => self.engine.apply(operations, mode, deadline).await,
        };
        let outcome = match applied {
            Ok(Applied { changes, operations, transaction }) => Outcome::Applied(v1::Applied {
                changes: Some(changes),
                operations: operations.to_vec(),
                transaction,
            }),
            Err(error) => Outcome::Error((&error).into()),
        };
        Ok(Response::new(v1::ApplyReply { result: Some(outcome) }))
    }

    async fn list(&self, request: Request<v1::ListRequest>) -> Reply<Self::ListStream> {
        let filter = Filter::new(request.into_inner());
        let intent = self.engine.state().intent();
        Ok(Response::new(stream(async move |objects| {
            for object in filter.objects(&intent) {
                objects.send(Ok(object)).await?;
            }
            Ok(())
        })))
    }

    async fn watch(&self, request: Request<v1::ListRequest>) -> Reply<Self::WatchStream> {
        let filter = Filter::new(request.into_inner());
        let Subscription { intent, mut changes } = self.engine.state().subscribe();
        Ok(Response::new(stream(async move |operations| {
            for object in filter.objects(&intent) {
                let kind = Some(v1::operation::Kind::Set(object));
                operations.send(Ok(v1::Operation { kind })).await?;
            }
            drop(intent);
            loop {
                let change = tokio::select! {
                    () = operations.closed() => return Ok(()),
                    change = changes.recv() => change,
                };
                match change {
                    Ok(change) => {
                        for operation in change.iter().filter(|operation| filter.takes_operation(operation)) {
                            operations.send(Ok(operation.clone())).await?;
                        }
                    }
                    Err(RecvError::Lagged(_)) => {
                        let status = Status::data_loss("the watcher fell behind; watch again");
                        return operations.send(Err(status)).await;
                    }
                    Err(RecvError::Closed) => return Ok(()),
                }
            }
        })))
    }

    async fn control_status(&self, _: Request<v1::ControlStatusRequest>) -> Reply<v1::ControlStatusReply> {
        let state = self.engine.state();
        let link = state.link();
        Ok(Response::new(v1::ControlStatusReply {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id().into(),
            uptime_s: self.started.elapsed().as_secs(),
            datapath_connected: link.connected,
            datapath_error: link.error,
            last_transaction: link.last_transaction,
            last_sync: link.last_sync,
            objects: u64::try_from(state.intent().len()).unwrap_or(u64::MAX),
        }))
    }
}

/// Runs a producer for as long as its stream is read.
fn stream<T, F>(producer: impl FnOnce(Sender<T>) -> F + Send + 'static) -> BoxStream<T>
where
    T: Send + 'static,
    F: Future<Output = Result<(), tokio::sync::mpsc::error::SendError<Result<T, Status>>>> + Send + 'static,
{
    let (sender, receiver) = tokio::sync::mpsc::channel(OBJECTS_QUEUED);
    // It ends when nobody reads any more: then every send fails.
    tokio::spawn(producer(sender));
    Box::pin(ReceiverStream::new(receiver))
}

type Sender<T> = tokio::sync::mpsc::Sender<Result<T, Status>>;

/// Which objects a request is about.
struct Filter {
    kinds: Vec<Kind>,
    name: String,
}

impl Filter {
    fn new(request: v1::ListRequest) -> Filter {
        Filter { kinds: request.kinds().collect(), name: request.name }
    }

    fn takes(&self, key: &Key) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&key.kind()))
            && (self.name.is_empty() || self.name == key.name())
    }

    fn takes_operation(&self, operation: &v1::Operation) -> bool {
        Key::try_from(operation).is_ok_and(|key| self.takes(&key))
    }

    fn objects(&self, intent: &Intent) -> impl Iterator<Item = v1::Object> {
        intent.iter().filter(|(key, _)| self.takes(key)).map(|(key, entry)| entry.to_object(key))
    }
}
