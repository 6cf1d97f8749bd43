//! Asking the two processes: connections over their Unix sockets, deadlines, and errors that say what to do.

use std::error::Error as _;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sluice_api::v1::control_client::ControlClient;
use sluice_api::v1::datapath_client::DatapathClient;
use sluice_api::v1::error::Code;
use sluice_api::v1::object_key::Kind;
use sluice_api::v1::{
    Applied, ApplyRequest, ControlStatusReply, ControlStatusRequest, DatapathStatus, FlowStats,
    ListDropsRequest, ListFlowsRequest, ListMacsRequest, ListNeighboursRequest, ListPortsRequest,
    ListRequest, MacEntry, Neighbour, Object, Operation, PortDrops, PortState, StatusRequest, apply_reply,
};
use sluice_api::{MAX_CONTROL_MESSAGE_BYTES, MAX_DATAPATH_MESSAGE_BYTES};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status, Streaming};

use crate::error::{Report, ReportCode};

/// The processes that answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Process {
    /// `sluice-control`: the wanted state.
    Control,
    /// `sluice-datapath`: what runs.
    Datapath,
}

impl Process {
    /// Its binary, which is also what it is called to operators.
    pub(crate) fn binary(self) -> &'static str {
        match self {
            Self::Control => "sluice-control",
            Self::Datapath => "sluice-datapath",
        }
    }

    fn socket(self) -> &'static str {
        match self {
            Self::Control => "control.sock",
            Self::Datapath => "datapath.sock",
        }
    }
}

/// Why a process did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// Nobody answers on the socket.
    #[error("cannot be reached on {}", socket.display())]
    Unreachable {
        /// Who should answer.
        process: Process,
        /// Where.
        socket: PathBuf,
        /// The runtime directory, for the hint.
        rundir: PathBuf,
        /// What the system says.
        cause: Cause,
    },
    /// No answer in time.
    #[error("no answer within {} s", timeout.as_secs_f64())]
    Timeout {
        /// Who should have answered.
        process: Process,
        /// `--timeout`.
        timeout: Duration,
        /// The request would change something, and may have.
        changes: bool,
    },
    /// The call failed.
    #[error("the request failed")]
    Call {
        /// Who was asked.
        process: Process,
        /// gRPC's status.
        status: Box<Status>,
    },
    /// The request was understood and refused.
    #[error("{}", .0.message)]
    Refused(sluice_api::v1::Error),
    /// The answer is not one that this version's protocol knows.
    #[error("the answer is empty")]
    Empty(Process),
}

/// What lies beneath an unreachable socket.
#[derive(Debug)]
pub(crate) enum Cause {
    /// The connection could not be made.
    Io(io::Error),
    /// It broke.
    Other(String),
}

impl ClientError {
    /// Nobody answers, as opposed to refusing or failing.
    pub(crate) fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    /// The report that is shown.
    pub(crate) fn report(&self) -> Report {
        let report = Report { message: self.to_string(), ..Report::default() };
        match self {
            Self::Unreachable { process, rundir, cause, .. } => Report {
                code: ReportCode(Code::Unreachable),
                object: process.binary().to_owned(),
                cause: cause.text(),
                hint: cause.hint(*process, rundir),
                ..report
            },
            Self::Timeout { process, changes, .. } => Report {
                code: ReportCode(Code::Timeout),
                object: process.binary().to_owned(),
                hint: if *changes {
                    "the change may still be carried out: look with `show` or `diff` before repeating it, \
                     or wait longer with --timeout"
                } else {
                    "wait longer with --timeout, and see `sluice doctor`"
                }
                .to_owned(),
                ..report
            },
            Self::Call { process, status } => Report {
                code: ReportCode(call_code(status.code())),
                object: process.binary().to_owned(),
                cause: status.message().to_owned(),
                hint: if status.code() == tonic::Code::Unimplemented {
                    format!("{} is of another version: `sluice doctor` shows both", process.binary())
                } else {
                    String::new()
                },
                ..report
            },
            Self::Refused(error) => Report {
                code: ReportCode(if error.code() == Code::Ok { Code::Failed } else { error.code() }),
                object: error.object.clone(),
                hint: error.hint.clone(),
                ..report
            },
            Self::Empty(process) => Report {
                object: process.binary().to_owned(),
                hint: format!("{} is of another version: `sluice doctor` shows both", process.binary()),
                ..report
            },
        }
    }
}

impl Cause {
    fn text(&self) -> String {
        match self {
            Self::Io(error) => error.to_string(),
            Self::Other(text) => text.clone(),
        }
    }

    fn hint(&self, process: Process, rundir: &Path) -> String {
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                "run this as root, or as a user who may write to the socket".to_owned()
            }
            _ => format!(
                "start it with `{} --rundir {}`, or name another instance's directory with --rundir",
                process.binary(),
                rundir.display()
            ),
        }
    }
}

fn is_deadline(code: tonic::Code) -> bool {
    matches!(code, tonic::Code::DeadlineExceeded | tonic::Code::Cancelled)
}

fn call_code(code: tonic::Code) -> Code {
    match code {
        tonic::Code::InvalidArgument | tonic::Code::OutOfRange => Code::Invalid,
        tonic::Code::NotFound => Code::NotFound,
        tonic::Code::AlreadyExists | tonic::Code::Aborted => Code::Conflict,
        _ => Code::Failed,
    }
}

/// Asks both processes of one instance. Each call connects anew: a command makes one or two.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    rundir: PathBuf,
    timeout: Duration,
    verbose: bool,
}

impl Client {
    /// `timeout` holds for each request, connecting included.
    pub(crate) fn new(rundir: PathBuf, timeout: Duration, verbose: bool) -> Self {
        Self { rundir, timeout, verbose }
    }

    /// The runtime directory of the instance.
    pub(crate) fn rundir(&self) -> &Path {
        &self.rundir
    }

    /// Changes the wanted state; returns when the datapath has confirmed.
    pub(crate) async fn apply(&self, request: ApplyRequest) -> Result<Applied, ClientError> {
        let process = Process::Control;
        self.note(process, &format!("Apply of {} operations", request.operations.len()));
        let changes = !request.dry_run;
        // The control process is told how long we wait, so that it does not do what nobody waits for.
        let mut request = Request::new(request);
        request.set_timeout(self.timeout);
        let call = async {
            let mut client = self.control().await?;
            client.apply(request).await.map_err(|status| self.failed(process, status))
        };
        let reply = self.in_time(process, changes, call).await?.into_inner();
        match reply.result {
            Some(apply_reply::Result::Applied(applied)) => Ok(applied),
            Some(apply_reply::Result::Error(error)) => Err(ClientError::Refused(error)),
            None => Err(ClientError::Empty(process)),
        }
    }

    /// The wanted objects of these kinds; with no kinds, all. `name` as in [`ListRequest`].
    pub(crate) async fn objects(&self, kinds: &[Kind], name: &str) -> Result<Vec<Object>, ClientError> {
        let process = Process::Control;
        self.note(process, "List");
        let request = list_request(kinds, name);
        let call = async {
            let mut client = self.control().await?;
            let answer = client.list(request).await.map_err(|status| self.failed(process, status))?;
            self.collect(process, answer.into_inner()).await
        };
        self.in_time(process, false, call).await
    }

    /// The wanted objects of one kind, then their changes, for as long as the caller reads.
    pub(crate) async fn watch(&self, kind: Kind, name: &str) -> Result<Streaming<Operation>, ClientError> {
        let process = Process::Control;
        self.note(process, "Watch");
        let call = async {
            let mut client = self.control().await?;
            client.watch(list_request(&[kind], name)).await.map_err(|status| self.failed(process, status))
        };
        Ok(self.in_time(process, false, call).await?.into_inner())
    }

    /// The next message of a watch; `None` when the process has ended it.
    pub(crate) async fn next<T>(
        &self,
        process: Process,
        stream: &mut Streaming<T>,
    ) -> Result<Option<T>, ClientError> {
        stream.message().await.map_err(|status| self.failed(process, status))
    }

    /// The error of a stream without an end that has ended: its process goes away.
    pub(crate) fn ended(&self, process: Process) -> ClientError {
        self.unreachable(process, Cause::Other("it has ended the stream".to_owned()))
    }

    /// How the control process fares.
    pub(crate) async fn control_status(&self) -> Result<ControlStatusReply, ClientError> {
        let process = Process::Control;
        self.note(process, "ControlStatus");
        let call = async {
            let mut client = self.control().await?;
            client
                .control_status(ControlStatusRequest {})
                .await
                .map_err(|status| self.failed(process, status))
        };
        Ok(self.in_time(process, false, call).await?.into_inner())
    }

    /// How the datapath fares.
    pub(crate) async fn datapath_status(&self) -> Result<DatapathStatus, ClientError> {
        self.datapath_call("Status", async |mut client| client.status(StatusRequest {}).await).await
    }

    /// The running ports.
    pub(crate) async fn ports(&self) -> Result<Vec<PortState>, ClientError> {
        let request = ListPortsRequest::default();
        let call = self.datapath_call("ListPorts", async |mut client| client.list_ports(request).await);
        Ok(call.await?.ports)
    }

    /// The drops of all ports, and those of no port.
    pub(crate) async fn drops(&self) -> Result<Vec<PortDrops>, ClientError> {
        let call =
            self.datapath_call("ListDrops", async |mut client| client.list_drops(ListDropsRequest {}).await);
        Ok(call.await?.ports)
    }

    /// The underlay's neighbours.
    pub(crate) async fn neighbours(&self) -> Result<Vec<Neighbour>, ClientError> {
        let request = ListNeighboursRequest {};
        let call =
            self.datapath_call("ListNeighbours", async |mut client| client.list_neighbours(request).await);
        Ok(call.await?.neighbours)
    }

    /// The running flows of a bridge, or of all if it is empty.
    pub(crate) async fn flows(&self, bridge: &str) -> Result<Vec<FlowStats>, ClientError> {
        let request = ListFlowsRequest { bridge: bridge.to_owned() };
        self.datapath_stream("ListFlows", async |mut client| client.list_flows(request).await).await
    }

    /// The learned MAC addresses of a bridge, or of all if it is empty.
    pub(crate) async fn macs(&self, bridge: &str) -> Result<Vec<MacEntry>, ClientError> {
        let request = ListMacsRequest { bridge: bridge.to_owned() };
        self.datapath_stream("ListMacs", async |mut client| client.list_macs(request).await).await
    }

    async fn datapath_call<T>(
        &self,
        what: &str,
        call: impl AsyncFnOnce(DatapathClient<Channel>) -> Result<tonic::Response<T>, Status>,
    ) -> Result<T, ClientError> {
        let process = Process::Datapath;
        self.note(process, what);
        let call = async {
            let client = self.datapath().await?;
            call(client).await.map_err(|status| self.failed(process, status))
        };
        Ok(self.in_time(process, false, call).await?.into_inner())
    }

    async fn datapath_stream<T>(
        &self,
        what: &str,
        call: impl AsyncFnOnce(DatapathClient<Channel>) -> Result<tonic::Response<Streaming<T>>, Status>,
    ) -> Result<Vec<T>, ClientError> {
        let process = Process::Datapath;
        self.note(process, what);
        let call = async {
            let client = self.datapath().await?;
            let answer = call(client).await.map_err(|status| self.failed(process, status))?;
            self.collect(process, answer.into_inner()).await
        };
        self.in_time(process, false, call).await
    }

    async fn collect<T>(&self, process: Process, mut stream: Streaming<T>) -> Result<Vec<T>, ClientError> {
        let mut all = Vec::new();
        while let Some(message) = self.next(process, &mut stream).await? {
            all.push(message);
        }
        Ok(all)
    }

    async fn control(&self) -> Result<ControlClient<Channel>, ClientError> {
        let channel = self.connect(Process::Control).await?;
        Ok(ControlClient::new(channel).max_decoding_message_size(MAX_CONTROL_MESSAGE_BYTES))
    }

    async fn datapath(&self) -> Result<DatapathClient<Channel>, ClientError> {
        let channel = self.connect(Process::Datapath).await?;
        Ok(DatapathClient::new(channel).max_decoding_message_size(MAX_DATAPATH_MESSAGE_BYTES))
    }

    async fn connect(&self, process: Process) -> Result<Channel, ClientError> {
        let socket = self.rundir.join(process.socket());
        let connected =
            async { Endpoint::from_shared(format!("unix:{}", socket.display()))?.connect().await };
        connected.await.map_err(|error| self.unreachable(process, beneath(&error)))
    }

    fn unreachable(&self, process: Process, cause: Cause) -> ClientError {
        let socket = self.rundir.join(process.socket());
        ClientError::Unreachable { process, socket, rundir: self.rundir.clone(), cause }
    }

    /// A process that dies while it is asked is unreachable too.
    fn failed(&self, process: Process, status: Status) -> ClientError {
        if status.code() == tonic::Code::Unavailable {
            return self.unreachable(process, Cause::Other(status.message().to_owned()));
        }
        ClientError::Call { process, status: Box::new(status) }
    }

    async fn in_time<T>(
        &self,
        process: Process,
        changes: bool,
        call: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        let late = ClientError::Timeout { process, timeout: self.timeout, changes };
        match tokio::time::timeout(self.timeout, call).await {
            Err(_) => Err(late),
            // tonic keeps the deadline too, on both sides.
            Ok(Err(ClientError::Call { status, .. })) if is_deadline(status.code()) => Err(late),
            Ok(answer) => answer,
        }
    }

    fn note(&self, process: Process, what: &str) {
        if self.verbose {
            eprintln!("{what} to {} on {}", process.binary(), self.rundir.join(process.socket()).display());
        }
    }
}

fn list_request(kinds: &[Kind], name: &str) -> ListRequest {
    ListRequest { kinds: kinds.iter().map(|kind| i32::from(*kind)).collect(), name: name.to_owned() }
}

/// The system's error at the bottom of a transport error.
fn beneath(error: &tonic::transport::Error) -> Cause {
    let mut source = error.source();
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref::<io::Error>()
            && let Some(number) = io.raw_os_error()
        {
            return Cause::Io(io::Error::from_raw_os_error(number));
        }
        source = error.source();
    }
    Cause::Other(error.to_string())
}
