//! A control process and a datapath that are not there: both services on Unix sockets of a temporary runtime
//! directory, with answers that each test sets, and the real `sluice` run against them.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sluice_api::key::Key;
use sluice_api::v1::control_server::{Control, ControlServer};
use sluice_api::v1::datapath_server::{Datapath, DatapathServer};
use sluice_api::v1::object_key::Kind;
use sluice_api::v1::{
    Applied, ApplyReply, ApplyRequest, Changes, ControlStatusReply, ControlStatusRequest, DatapathStatus,
    Error, FlowStats, ListDropsReply, ListDropsRequest, ListFlowsRequest, ListMacsRequest,
    ListNeighboursReply, ListNeighboursRequest, ListPortsReply, ListPortsRequest, ListRequest, MacEntry,
    Object, Operation, StatusRequest, SyncEvent, SyncRequest, apply_reply, operation,
};
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio_stream::Stream;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::{Request, Response, Status, Streaming};

type BoxStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What the fakes hold and how they behave.
#[derive(Default)]
pub(crate) struct State {
    /// The wanted state.
    pub(crate) objects: Vec<Object>,
    /// Every request to change it.
    pub(crate) requests: Vec<ApplyRequest>,
    /// Refuse changes with this.
    pub(crate) refusal: Option<Error>,
    /// Do not answer changes.
    pub(crate) hang: bool,
    /// Fail changes with this status.
    pub(crate) status: Option<Status>,
    /// What the processes say of themselves.
    pub(crate) control: ControlStatusReply,
    pub(crate) datapath: DatapathStatus,
    pub(crate) ports: ListPortsReply,
    pub(crate) flows: Vec<FlowStats>,
    pub(crate) macs: Vec<MacEntry>,
    pub(crate) drops: ListDropsReply,
    pub(crate) neighbours: ListNeighboursReply,
}

type Shared = Arc<Mutex<State>>;

/// Both fakes, for as long as it lives.
pub(crate) struct Fakes {
    pub(crate) state: Shared,
    dir: TempDir,
    _runtime: tokio::runtime::Runtime,
}

/// Which processes there are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Both,
    ControlOnly,
    DatapathOnly,
    Nobody,
}

/// What the real program did.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Fakes {
    pub(crate) fn new(who: Who, state: State) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let state = Arc::new(Mutex::new(state));
        let fake = Fake(state.clone());
        let _guard = runtime.enter();
        let listen = |name: &str| UnixListenerStream::new(UnixListener::bind(dir.path().join(name)).unwrap());
        if matches!(who, Who::Both | Who::ControlOnly) {
            let server = tonic::transport::Server::builder().add_service(ControlServer::new(fake.clone()));
            runtime.spawn(server.serve_with_incoming(listen("control.sock")));
        }
        if matches!(who, Who::Both | Who::DatapathOnly) {
            let server = tonic::transport::Server::builder().add_service(DatapathServer::new(fake));
            runtime.spawn(server.serve_with_incoming(listen("datapath.sock")));
        }
        Self { state, dir, _runtime: runtime }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file into the runtime directory.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The program, with the runtime directory in its environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sluice"));
        command.args(arguments).env("SLUICE_RUNDIR", self.dir());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.run_with_input(arguments, "")
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Run {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // The program may end without reading all of it.
        let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes());
        Run::from(child.wait_with_output().unwrap())
    }

    /// The operations of the last change.
    pub(crate) fn last_request(&self) -> ApplyRequest {
        self.state.lock().unwrap().requests.last().cloned().expect("no change was asked for")
    }

    pub(crate) fn requests(&self) -> usize {
        self.state.lock().unwrap().requests.len()
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code().expect("killed by a signal"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Run {
    /// Asserts success and gives the output.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self.stdout
    }

    #[track_caller]
    pub(crate) fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.ok()).unwrap()
    }

    /// Asserts failure with this code and gives what was said.
    #[track_caller]
    pub(crate) fn error(self, code: i32) -> String {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self.stderr
    }
}

#[derive(Clone)]
struct Fake(Shared);

impl Fake {
    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> Result<Response<T>, Status> {
        Ok(Response::new(read(&self.0.lock().unwrap())))
    }

    fn stream<T: Send + 'static>(
        &self,
        read: impl FnOnce(&State) -> Vec<T>,
    ) -> Result<Response<BoxStream<T>>, Status> {
        let all = read(&self.0.lock().unwrap());
        Ok(Response::new(Box::pin(tokio_stream::iter(all.into_iter().map(Ok)))))
    }
}

/// The objects that a request is about, as the real control process picks them.
fn listed(state: &State, request: &ListRequest) -> Vec<Object> {
    let kinds: Vec<Kind> = request.kinds().collect();
    let listed = state.objects.iter().filter(|object| {
        let key = Key::try_from(*object).unwrap();
        (kinds.is_empty() || kinds.contains(&key.kind()))
            && (request.name.is_empty() || request.name == key.name())
    });
    listed.cloned().collect()
}

/// Carries a change out, or finds the refusal.
fn apply(state: &mut State, request: ApplyRequest) -> Result<Applied, Error> {
    if let Some(refusal) = &state.refusal {
        return Err(refusal.clone());
    }
    let mut objects = if request.replace { Vec::new() } else { state.objects.clone() };
    let mut changes = Changes::default();
    let mut done = Vec::new();
    for operation in &request.operations {
        let key = Key::try_from(operation).unwrap();
        let before = state.objects.iter().find(|object| Key::try_from(*object).unwrap() == key).cloned();
        let error = |code: i32, message: &str| Error {
            code,
            object: key.to_string(),
            message: message.to_owned(),
            hint: "as the fake says".to_owned(),
        };
        objects.retain(|object| Key::try_from(object).unwrap() != key);
        match operation.kind.as_ref().unwrap() {
            operation::Kind::Set(_) if request.create_only && before.is_some() => {
                return Err(error(5, "it exists already"));
            }
            _ if request.must_exist && before.is_none() => return Err(error(4, "it does not exist")),
            operation::Kind::Set(object) => {
                objects.push(object.clone());
                match &before {
                    Some(before) if before == object => {
                        changes.unchanged += 1;
                        continue;
                    }
                    Some(_) => changes.changed += 1,
                    None => changes.added += 1,
                }
            }
            operation::Kind::Delete(_) => changes.removed += u64::from(before.is_some()),
        }
        done.push(operation.clone());
    }
    for object in &state.objects {
        let key = Key::try_from(object).unwrap();
        if request.replace && objects.iter().all(|kept| Key::try_from(kept).unwrap() != key) {
            changes.removed += 1;
            done.push(Operation { kind: Some(operation::Kind::Delete((&key).into())) });
        }
    }
    if !request.dry_run {
        state.objects = objects;
    }
    Ok(Applied { changes: Some(changes), operations: done, transaction: 7 })
}

#[tonic::async_trait]
impl Control for Fake {
    type ListStream = BoxStream<Object>;
    type WatchStream = BoxStream<Operation>;

    async fn apply(&self, request: Request<ApplyRequest>) -> Result<Response<ApplyReply>, Status> {
        if self.0.lock().unwrap().hang {
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
        let mut state = self.0.lock().unwrap();
        let request = request.into_inner();
        state.requests.push(request.clone());
        if let Some(status) = &state.status {
            return Err(status.clone());
        }
        let result = match apply(&mut state, request) {
            Ok(applied) => apply_reply::Result::Applied(applied),
            Err(error) => apply_reply::Result::Error(error),
        };
        Ok(Response::new(ApplyReply { result: Some(result) }))
    }

    async fn list(&self, request: Request<ListRequest>) -> Result<Response<Self::ListStream>, Status> {
        self.stream(|state| listed(state, request.get_ref()))
    }

    /// What there is, and then the end.
    async fn watch(&self, request: Request<ListRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let set = |object| Operation { kind: Some(operation::Kind::Set(object)) };
        self.stream(|state| listed(state, request.get_ref()).into_iter().map(set).collect())
    }

    async fn control_status(
        &self,
        _: Request<ControlStatusRequest>,
    ) -> Result<Response<ControlStatusReply>, Status> {
        self.read(|state| state.control.clone())
    }
}

#[tonic::async_trait]
impl Datapath for Fake {
    type SyncStream = BoxStream<SyncEvent>;
    type ListFlowsStream = BoxStream<FlowStats>;
    type ListMacsStream = BoxStream<MacEntry>;

    async fn sync(&self, _: Request<Streaming<SyncRequest>>) -> Result<Response<Self::SyncStream>, Status> {
        Err(Status::unimplemented("the CLI never asks for this"))
    }

    async fn status(&self, _: Request<StatusRequest>) -> Result<Response<DatapathStatus>, Status> {
        self.read(|state| state.datapath.clone())
    }

    async fn list_ports(&self, _: Request<ListPortsRequest>) -> Result<Response<ListPortsReply>, Status> {
        self.read(|state| state.ports.clone())
    }

    async fn list_flows(
        &self,
        request: Request<ListFlowsRequest>,
    ) -> Result<Response<Self::ListFlowsStream>, Status> {
        let bridge = request.into_inner().bridge;
        let of_bridge = |stats: &FlowStats| {
            bridge.is_empty() || stats.flow.as_ref().is_some_and(|flow| flow.bridge == bridge)
        };
        self.stream(|state| state.flows.iter().filter(|stats| of_bridge(stats)).cloned().collect())
    }

    async fn list_macs(
        &self,
        request: Request<ListMacsRequest>,
    ) -> Result<Response<Self::ListMacsStream>, Status> {
        let bridge = request.into_inner().bridge;
        let of_bridge = |entry: &&MacEntry| bridge.is_empty() || entry.bridge == bridge;
        self.stream(|state| state.macs.iter().filter(of_bridge).cloned().collect())
    }

    async fn list_drops(&self, _: Request<ListDropsRequest>) -> Result<Response<ListDropsReply>, Status> {
        self.read(|state| state.drops.clone())
    }

    async fn list_neighbours(
        &self,
        _: Request<ListNeighboursRequest>,
    ) -> Result<Response<ListNeighboursReply>, Status> {
        self.read(|state| state.neighbours.clone())
    }
}
