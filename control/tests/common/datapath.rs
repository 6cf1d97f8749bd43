//! A datapath of maps instead of packets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};

use sluice_api::key::Key;
use sluice_api::v1;
use sluice_api::v1::datapath_server::{Datapath as Service, DatapathServer};
use sluice_api::v1::sync_event::Kind as Event;
use sluice_api::v1::sync_request::Kind as Request;
use tokio::net::UnixListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_stream::Stream;
use tokio_stream::wrappers::{ReceiverStream, UnixListenerStream};
use tonic::{Response, Status, Streaming};

/// A transaction as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    pub number: u64,
    pub snapshot: bool,
    pub messages: usize,
    pub operations: Vec<v1::Operation>,
}

/// How it behaves.
#[derive(Clone, Default)]
pub struct Manner {
    /// Answers Hello with this version.
    pub welcome_version: Option<u32>,
    /// Refuses Hello as a datapath of another version does.
    pub refuse_hello: bool,
    /// Refuses transactions that set or delete an object of this name.
    pub refuse_name: Option<String>,
    /// Carries transactions out, and does not say so.
    pub silent: bool,
}

/// The process: what it has outlives its connections, and its server.
pub struct Datapath {
    inner: Arc<Inner>,
    server: JoinHandle<()>,
}

pub struct Inner {
    state: Mutex<State>,
    generation: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<Key, v1::Object>,
    manner: Manner,
    recorded: Vec<Recorded>,
    hellos: usize,
    last_transaction: u64,
}

impl Datapath {
    /// Serves on the socket of a directory's run directory.
    pub fn start(dir: &Path) -> Datapath {
        Datapath::start_as(dir, Manner::default())
    }

    pub fn start_as(dir: &Path, manner: Manner) -> Datapath {
        let state = Mutex::new(State { manner, ..State::default() });
        let inner = Arc::new(Inner { state, generation: watch::Sender::new(0) });
        let server = serve(dir, inner.clone());
        Datapath { inner, server }
    }

    /// Ends all connections; new ones are welcome.
    pub fn disconnect(&self) {
        self.inner.generation.send_modify(|generation| *generation += 1);
    }

    pub fn behave(&self, manner: Manner) {
        self.state().manner = manner;
    }

    /// What has come since the last time this was asked.
    pub fn take_recorded(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.state().recorded)
    }

    pub fn hellos(&self) -> usize {
        self.state().hellos
    }

    pub fn names(&self) -> Vec<String> {
        self.state().objects.keys().map(ToString::to_string).collect()
    }

    pub fn objects(&self) -> BTreeMap<Key, v1::Object> {
        self.state().objects.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap()
    }
}

impl Drop for Datapath {
    fn drop(&mut self) {
        self.disconnect();
        self.server.abort();
    }
}

fn serve(dir: &Path, inner: Arc<Inner>) -> JoinHandle<()> {
    let run = dir.join("run");
    std::fs::create_dir_all(&run).unwrap();
    let socket = run.join("datapath.sock");
    let _ = std::fs::remove_file(&socket);
    let listener = UnixListenerStream::new(UnixListener::bind(&socket).unwrap());
    let server = tonic::transport::Server::builder().add_service(DatapathServer::new(Served(inner)));
    tokio::spawn(async move { server.serve_with_incoming(listener).await.unwrap() })
}

impl State {
    fn transact(&mut self, transaction: &Recorded) -> Result<v1::Changes, v1::Error> {
        let keys: Vec<Key> =
            transaction.operations.iter().map(|operation| Key::try_from(operation).unwrap()).collect();
        if let Some(refused) = keys.iter().find(|key| self.manner.refuse_name.as_deref() == Some(key.name()))
        {
            let (object, message) = (refused.to_string(), "no such device".to_owned());
            return Err(v1::Error { code: 1, object, message, hint: "plug it in".to_owned() });
        }
        let mut changes = v1::Changes::default();
        if transaction.snapshot {
            let kept: BTreeSet<&Key> = keys.iter().collect();
            let before = self.objects.len();
            self.objects.retain(|key, _| kept.contains(key));
            changes.removed += (before - self.objects.len()) as u64;
        }
        for (key, operation) in keys.into_iter().zip(transaction.operations.clone()) {
            match operation.kind.unwrap() {
                v1::operation::Kind::Delete(_) => {
                    changes.removed += u64::from(self.objects.remove(&key).is_some());
                }
                v1::operation::Kind::Set(object) => match self.objects.insert(key, object.clone()) {
                    None => changes.added += 1,
                    Some(old) if old == object => changes.unchanged += 1,
                    Some(_) => changes.changed += 1,
                },
            }
        }
        Ok(changes)
    }
}

struct Served(Arc<Inner>);

type BoxStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;
type Events = mpsc::Sender<Result<v1::SyncEvent, Status>>;

async fn converse(inner: Arc<Inner>, mut requests: Streaming<v1::SyncRequest>, events: Events) -> Option<()> {
    let hello = match requests.message().await.ok()??.kind? {
        Request::Hello(hello) => hello,
        Request::Transaction(_) => panic!("a transaction before Hello"),
    };
    assert_eq!(hello.protocol_version, sluice_api::PROTOCOL_VERSION);
    let (manner, last_transaction) = {
        let mut state = inner.state.lock().unwrap();
        state.hellos += 1;
        (state.manner.clone(), state.last_transaction)
    };
    if manner.refuse_hello {
        let status = Status::failed_precondition("this datapath speaks version 2");
        return events.send(Err(status)).await.ok();
    }
    let protocol_version = manner.welcome_version.unwrap_or(sluice_api::PROTOCOL_VERSION);
    let version = "fake 1".to_owned();
    send(&events, Event::Welcome(v1::Welcome { protocol_version, version, last_transaction })).await?;
    send(&events, Event::PortState(v1::PortState { name: "vm1".into(), ..v1::PortState::default() })).await?;
    let mut expects_snapshot = true;
    loop {
        let mut recorded = Recorded { number: 0, snapshot: false, messages: 0, operations: Vec::new() };
        loop {
            let Request::Transaction(part) = requests.message().await.ok()??.kind? else {
                panic!("a second Hello");
            };
            assert!(
                recorded.messages == 0
                    || (recorded.number, recorded.snapshot) == (part.number, part.snapshot)
            );
            (recorded.number, recorded.snapshot) = (part.number, part.snapshot);
            recorded.operations.extend(part.operations);
            recorded.messages += 1;
            if part.commit {
                break;
            }
        }
        assert!(!expects_snapshot || recorded.snapshot, "a stream begins with a snapshot");
        expects_snapshot = false;
        let answer = {
            let mut state = inner.state.lock().unwrap();
            assert!(recorded.number > state.last_transaction, "numbers rise");
            let answer = state.transact(&recorded);
            if answer.is_ok() {
                state.last_transaction = recorded.number;
            }
            let silent = state.manner.silent;
            state.recorded.push(recorded.clone());
            (!silent).then_some(answer)
        };
        let number = recorded.number;
        match answer {
            None => {}
            Some(Ok(changes)) => {
                send(&events, Event::Ack(v1::Ack { number, changes: Some(changes) })).await?;
            }
            Some(Err(error)) => {
                send(&events, Event::Refusal(v1::Refusal { number, error: Some(error) })).await?;
            }
        }
    }
}

async fn send(events: &Events, kind: Event) -> Option<()> {
    events.send(Ok(v1::SyncEvent { kind: Some(kind) })).await.ok()
}

#[tonic::async_trait]
impl Service for Served {
    type SyncStream = BoxStream<v1::SyncEvent>;
    type ListFlowsStream = BoxStream<v1::FlowStats>;
    type ListMacsStream = BoxStream<v1::MacEntry>;

    async fn sync(
        &self,
        request: tonic::Request<Streaming<v1::SyncRequest>>,
    ) -> Result<Response<Self::SyncStream>, Status> {
        let (events, answers) = mpsc::channel(16);
        let inner = self.0.clone();
        let mut generation = inner.generation.subscribe();
        generation.mark_unchanged();
        tokio::spawn(async move {
            tokio::select! {
                _ = converse(inner, request.into_inner(), events) => {}
                _ = generation.changed() => {}
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(answers))))
    }

    async fn status(
        &self,
        _: tonic::Request<v1::StatusRequest>,
    ) -> Result<Response<v1::DatapathStatus>, Status> {
        Err(Status::unimplemented(""))
    }
    async fn list_ports(
        &self,
        _: tonic::Request<v1::ListPortsRequest>,
    ) -> Result<Response<v1::ListPortsReply>, Status> {
        Err(Status::unimplemented(""))
    }
    async fn list_flows(
        &self,
        _: tonic::Request<v1::ListFlowsRequest>,
    ) -> Result<Response<Self::ListFlowsStream>, Status> {
        Err(Status::unimplemented(""))
    }
    async fn list_macs(
        &self,
        _: tonic::Request<v1::ListMacsRequest>,
    ) -> Result<Response<Self::ListMacsStream>, Status> {
        Err(Status::unimplemented(""))
    }
    async fn list_drops(
        &self,
        _: tonic::Request<v1::ListDropsRequest>,
    ) -> Result<Response<v1::ListDropsReply>, Status> {
        Err(Status::unimplemented(""))
    }
    async fn list_neighbours(
        &self,
        _: tonic::Request<v1::ListNeighboursRequest>,
    ) -> Result<Response<v1::ListNeighboursReply>, Status> {
        Err(Status::unimplemented(""))
    }
}
