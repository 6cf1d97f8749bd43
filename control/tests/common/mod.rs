//! A datapath that records what it is told, and a control process within the test.
#![allow(dead_code, unreachable_pub, reason = "each test file uses some of it")]

pub mod datapath;
pub mod objects;
pub mod process;

use std::path::Path;
use std::time::Duration;

use sluice_api::v1;
use sluice_api::v1::apply_reply::Result as Outcome;
use sluice_api::v1::control_client::ControlClient;
use sluice_api::v1::error::Code;
use sluice_control::config::Config;
use sluice_control::run::run;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;
use tonic::transport::{Channel, Endpoint};

pub use datapath::Datapath;

/// How long anything may take before a test gives up; no test waits so long for what it expects.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so.
pub async fn eventually<T>(what: &str, mut check: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(result) = check().await {
            return result;
        }
        assert!(tokio::time::Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A control process that runs as a task.
pub struct Control {
    pub client: Client,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Control {
    pub async fn start(dir: &Path) -> Control {
        let config = Config { rundir: dir.join("run"), statedir: dir.join("state"), ..Config::default() };
        let (stop, stopped) = oneshot::channel();
        let socket = config.rundir.join("control.sock");
        let task = tokio::spawn(async move {
            run(config, async { stopped.await.unwrap_or(()) }).await.unwrap();
        });
        Control { client: Client::connect(&socket).await, stop, task }
    }

    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }
}

/// A client of the control service.
#[derive(Clone)]
pub struct Client(ControlClient<Channel>);

impl Client {
    pub async fn connect(socket: &Path) -> Client {
        let endpoint = Endpoint::from_shared(format!("unix:{}", socket.display())).unwrap();
        let channel = eventually("the control socket answers", async || endpoint.connect().await.ok()).await;
        Client(ControlClient::new(channel).max_decoding_message_size(sluice_api::MAX_CONTROL_MESSAGE_BYTES))
    }

    /// Whatever comes of it.
    pub async fn send(&self, request: v1::ApplyRequest) -> Result<Outcome, tonic::Status> {
        Ok(self.0.clone().apply(request).await?.into_inner().result.unwrap())
    }

    pub async fn request(&self, request: v1::ApplyRequest) -> Result<v1::Applied, v1::Error> {
        match self.send(request).await.unwrap() {
            Outcome::Applied(applied) => Ok(applied),
            Outcome::Error(error) => Err(error),
        }
    }

    pub async fn apply(&self, operations: Vec<v1::Operation>) -> Result<v1::Applied, v1::Error> {
        self.request(v1::ApplyRequest { operations, ..v1::ApplyRequest::default() }).await
    }

    pub async fn apply_within(
        &self,
        operations: Vec<v1::Operation>,
        timeout: Duration,
    ) -> Result<v1::Applied, v1::Error> {
        let request = v1::ApplyRequest { operations, ..v1::ApplyRequest::default() };
        let mut request = tonic::Request::new(request);
        request.set_timeout(timeout);
        match self.0.clone().apply(request).await.unwrap().into_inner().result.unwrap() {
            Outcome::Applied(applied) => Ok(applied),
            Outcome::Error(error) => Err(error),
        }
    }

    pub async fn refused(&self, operations: Vec<v1::Operation>, code: Code) -> v1::Error {
        let error = self.apply(operations).await.unwrap_err();
        assert_eq!(error.code(), code, "{error:?}");
        error
    }

    pub async fn list(&self) -> Vec<v1::Object> {
        let stream = self.0.clone().list(v1::ListRequest::default()).await.unwrap().into_inner();
        stream.map(Result::unwrap).collect().await
    }

    pub async fn watch(&self, request: v1::ListRequest) -> tonic::Streaming<v1::Operation> {
        self.0.clone().watch(request).await.unwrap().into_inner()
    }

    pub async fn status(&self) -> v1::ControlStatusReply {
        self.0.clone().control_status(v1::ControlStatusRequest {}).await.unwrap().into_inner()
    }

    /// Waits until the datapath has what is stored.
    pub async fn connected(&self) -> v1::ControlStatusReply {
        eventually("control is connected to the datapath", async || {
            Some(self.status().await).filter(|status| status.datapath_connected)
        })
        .await
    }

    /// Waits until it is said why there is no datapath.
    pub async fn disconnected(&self, why: &str) -> v1::ControlStatusReply {
        eventually(why, async || {
            Some(self.status().await)
                .filter(|status| !status.datapath_connected && status.datapath_error.contains(why))
        })
        .await
    }
}
