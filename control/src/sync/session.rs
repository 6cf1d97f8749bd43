//! One connection to the datapath.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sluice_api::v1;
use sluice_api::v1::datapath_client::DatapathClient;
use sluice_api::v1::sync_event::Kind as Event;
use sluice_api::v1::sync_request::Kind as Request;
use sluice_api::{MAX_DATAPATH_MESSAGE_BYTES, PROTOCOL_VERSION};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Endpoint;
use tonic::{Code, Streaming};

use super::chunk::Chunks;

/// How long the datapath may take to answer Hello.
const WELCOME_TIMEOUT: Duration = Duration::from_secs(5);
/// Messages that wait for the socket before the sender does.
const REQUESTS_QUEUED: usize = 4;

/// Why there is no connection.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LinkError {
    /// Nobody answers on the socket.
    #[error("the datapath cannot be reached on {}: {reason}", socket.display())]
    Unreachable {
        /// The socket.
        socket: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The datapath speaks another version of the protocol.
    #[error(
        "the datapath speaks another protocol version than this sluice-control ({PROTOCOL_VERSION}): {0}; \
         run sluice-control and sluice-datapath of the same release"
    )]
    Protocol(String),
    /// The datapath does not answer Hello.
    #[error("the datapath does not answer: no Welcome within {} s", WELCOME_TIMEOUT.as_secs())]
    NoWelcome,
    /// The datapath ended the stream.
    #[error("the datapath ended the stream")]
    Ended,
    /// The stream broke.
    #[error("the stream to the datapath broke: {0}")]
    Broken(String),
    /// The datapath answered what was not asked.
    #[error("the datapath answered out of turn: {0}")]
    OutOfTurn(&'static str),
}

impl LinkError {
    /// Whether trying again soon is in vain: someone has to replace a program first.
    pub fn is_lasting(&self) -> bool {
        matches!(self, LinkError::Protocol(_))
    }
}

impl From<tonic::Status> for LinkError {
    fn from(status: tonic::Status) -> LinkError {
        match status.code() {
            // How a datapath says that it does not take our Hello.
            Code::FailedPrecondition => LinkError::Protocol(status.message().to_owned()),
            _ => LinkError::Broken(status.message().to_owned()),
        }
    }
}

/// Why a transaction was not carried out.
#[derive(Debug)]
pub enum TransactError {
    /// The datapath refused it whole. The session goes on.
    Refused(v1::Error),
    /// The connection is lost; what the datapath has is unknown.
    Lost(LinkError),
}

/// An open stream that has been welcomed.
pub struct Session {
    requests: mpsc::Sender<v1::SyncRequest>,
    answers: mpsc::Receiver<Result<Answer, LinkError>>,
    reader: JoinHandle<()>,
    last_transaction: u64,
    datapath_version: String,
}

enum Answer {
    Ack(v1::Ack),
    Refusal(v1::Refusal),
}

impl Session {
    /// Connects and exchanges Hello and Welcome.
    pub async fn open(socket: &Path) -> Result<Session, LinkError> {
        let unreachable = |error: tonic::transport::Error| LinkError::Unreachable {
            socket: socket.to_owned(),
            reason: innermost(&error),
        };
        let endpoint = Endpoint::from_shared(format!("unix:{}", socket.display())).map_err(unreachable)?;
        let channel = endpoint.connect().await.map_err(unreachable)?;
        let mut client = DatapathClient::new(channel).max_decoding_message_size(MAX_DATAPATH_MESSAGE_BYTES);

        let (requests, outgoing) = mpsc::channel(REQUESTS_QUEUED);
        let client_name = concat!("sluice-control ", env!("CARGO_PKG_VERSION")).to_owned();
        let hello = v1::Hello { protocol_version: PROTOCOL_VERSION, client: client_name };
        let _ = requests.send(request(Request::Hello(hello))).await;
        let welcomed = async {
            let mut events = client.sync(ReceiverStream::new(outgoing)).await?.into_inner();
            let welcome = welcome(&mut events).await?;
            Ok::<_, LinkError>((events, welcome))
        };
        let (events, welcome) =
            tokio::time::timeout(WELCOME_TIMEOUT, welcomed).await.map_err(|_| LinkError::NoWelcome)??;
        if welcome.protocol_version != PROTOCOL_VERSION {
            return Err(LinkError::Protocol(format!(
                "sluice-datapath {} has version {}",
                welcome.version, welcome.protocol_version
            )));
        }
        let (answered, answers) = mpsc::channel(1);
        let reader = tokio::spawn(read(events, answered));
        let (last_transaction, datapath_version) = (welcome.last_transaction, welcome.version);
        Ok(Session { requests, answers, reader, last_transaction, datapath_version })
    }

    /// The datapath's version.
    pub fn datapath_version(&self) -> &str {
        &self.datapath_version
    }

    /// The number of the last transaction that was sent, or that the datapath has from an earlier connection.
    pub fn last_transaction(&self) -> u64 {
        self.last_transaction
    }

    /// Sends a transaction and waits for its answer. Not to be used any more after it was cancelled.
    pub async fn transact(
        &mut self,
        snapshot: bool,
        operations: impl Iterator<Item = v1::Operation>,
    ) -> Result<v1::Changes, TransactError> {
        self.last_transaction += 1;
        let number = self.last_transaction;
        for chunk in Chunks::new(number, snapshot, operations) {
            if self.requests.send(request(Request::Transaction(chunk))).await.is_err() {
                // The reader knows why.
                break;
            }
            tokio::task::consume_budget().await;
        }
        match self.answers.recv().await {
            Some(Ok(Answer::Ack(ack))) if ack.number == number => Ok(ack.changes.unwrap_or_default()),
            Some(Ok(Answer::Refusal(refusal))) if refusal.number == number => {
                Err(TransactError::Refused(refusal.error.unwrap_or_default()))
            }
            Some(Ok(_)) => Err(TransactError::Lost(LinkError::OutOfTurn("another transaction's number"))),
            Some(Err(error)) => Err(TransactError::Lost(error)),
            None => Err(TransactError::Lost(LinkError::Ended)),
        }
    }

    /// Resolves when the connection is lost. Cancelling it is harmless.
    pub async fn lost(&mut self) -> LinkError {
        match self.answers.recv().await {
            Some(Ok(_)) => LinkError::OutOfTurn("an answer without a question"),
            Some(Err(error)) => error,
            None => LinkError::Ended,
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

fn request(kind: Request) -> v1::SyncRequest {
    v1::SyncRequest { kind: Some(kind) }
}

async fn welcome(events: &mut Streaming<v1::SyncEvent>) -> Result<v1::Welcome, LinkError> {
    match events.message().await?.ok_or(LinkError::Ended)?.kind {
        Some(Event::Welcome(welcome)) => Ok(welcome),
        _ => Err(LinkError::OutOfTurn("something else than Welcome")),
    }
}

/// Takes events off the stream for as long as it lasts, so that the datapath never waits for us.
async fn read(mut events: Streaming<v1::SyncEvent>, answered: mpsc::Sender<Result<Answer, LinkError>>) {
    loop {
        let event = match events.message().await {
            Ok(Some(event)) => event.kind,
            Ok(None) => break,
            Err(status) => {
                let _ = answered.send(Err(status.into())).await;
                break;
            }
        };
        let answer = match event {
            Some(Event::Ack(ack)) => Ok(Answer::Ack(ack)),
            Some(Event::Refusal(refusal)) => Ok(Answer::Refusal(refusal)),
            Some(Event::PortState(port)) => {
                tracing::info!(
                    port = port.name,
                    link = port.link().as_str_name(),
                    detail = port.detail,
                    "port"
                );
                continue;
            }
            Some(Event::Punted(frame)) => {
                tracing::debug!(
                    bridge = frame.bridge,
                    of_port = frame.of_port,
                    length = frame.length,
                    "punted"
                );
                continue;
            }
            Some(Event::Welcome(_)) => Err(LinkError::OutOfTurn("a second Welcome")),
            // A kind of event newer than this version.
            None => continue,
        };
        if answered.send(answer).await.is_err() {
            break;
        }
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
