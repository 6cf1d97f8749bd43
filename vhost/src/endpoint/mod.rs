//! A vhost-user port: its thread, its socket, one connection after another.

mod config;
mod listener;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::Errno;
use rustix::time::Timespec;
use thiserror::Error;

pub use config::{ConfigError, EndpointConfig, Role};
use listener::Listener;

use crate::connection::{Connection, ConnectionError, Message};
use crate::device::{Answer, Device, DeviceError, Offer};
use crate::host::RingHost;
use crate::protocol::{ProtocolError, Reply};

/// How long a client waits before it tries to connect again.
const RETRY: Duration = Duration::from_millis(100);
/// The longest pause before a client tries a server again whose frontend it had to send away.
const RETRY_LIMIT: Duration = Duration::from_secs(5);

/// Why a port cannot be opened.
#[derive(Debug, Error)]
pub enum EndpointError {
    /// Another process listens there.
    #[error(
        "{} is taken: another process listens on it; choose another path, or stop that process",
        path.display()
    )]
    PathTaken {
        /// The socket's path.
        path: PathBuf,
    },
    /// There is a file which is no socket.
    #[error("{} exists and is not a socket; choose another path, or remove the file", path.display())]
    NotASocket {
        /// The socket's path.
        path: PathBuf,
    },
    /// The system refuses to listen.
    #[error("cannot listen on {}: {source}; check that the directory exists and may be written", path.display())]
    Listen {
        /// The socket's path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The system refuses a thread or an eventfd.
    #[error("cannot start the port's thread: {0}")]
    Thread(#[source] io::Error),
}

/// Why a connection ended.
#[derive(Debug, Error)]
pub enum Disconnect {
    /// The frontend closed the connection: the guest was shut down, or killed.
    #[error("the frontend closed the connection")]
    Closed,
    /// The port was closed on this side.
    #[error("the port was closed")]
    Stopped,
    /// The frontend broke the protocol.
    #[error("the frontend broke the protocol: {0}")]
    Protocol(#[source] ProtocolError),
    /// A request could not be carried out and the frontend had not asked to be told.
    #[error("request {request} was refused: {error}")]
    Refused {
        /// The request's number in the protocol.
        request: u32,
        /// Why.
        #[source]
        error: DeviceError,
    },
    /// The socket failed.
    #[error("the socket failed: {0}")]
    Socket(#[source] io::Error),
}

impl From<ConnectionError> for Disconnect {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::Closed => Disconnect::Closed,
            ConnectionError::Protocol(error) => Disconnect::Protocol(error),
            ConnectionError::Socket(errno) => Disconnect::Socket(errno.into()),
        }
    }
}

/// A port that is not served yet: as a server its socket exists, and frontends wait.
#[derive(Debug)]
pub struct Endpoint {
    config: EndpointConfig,
    listener: Option<Listener>,
    stop: Arc<OwnedFd>,
}

impl Endpoint {
    /// Opens a port. Dropping it closes it again.
    ///
    /// # Errors
    /// As a server, the path must be free; nothing has changed then. As a client nothing is tried before the port is
    /// served: the frontend may come later.
    pub fn open(config: EndpointConfig) -> Result<Endpoint, EndpointError> {
        let listener = match config.role {
            Role::Server => Some(Listener::bind(&config.path)?),
            Role::Client => None,
        };
        let stop = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let stop = Arc::new(stop.map_err(|errno| EndpointError::Thread(errno.into()))?);
        Ok(Endpoint { config, listener, stop })
    }

    /// Serves the port on a thread of its own, until the handle is stopped or dropped.
    ///
    /// # Errors
    /// When the system has no thread for it; the port is closed then.
    pub fn serve(self, host: impl RingHost + 'static) -> Result<EndpointHandle, EndpointError> {
        let Endpoint { config, listener, stop } = self;
        let thread = std::thread::Builder::new().name(format!("vhost-{}", config.name));
        let offer = Offer { queue_pairs: config.queue_pairs, mtu: config.mtu };
        let server = Server { path: config.path, listener, offer, host, stop: Arc::clone(&stop) };
        let thread = thread.spawn(move || server.run()).map_err(EndpointError::Thread)?;
        Ok(EndpointHandle { stop, thread: Some(thread) })
    }

    /// Opens and serves a port.
    ///
    /// # Errors
    /// As [`open`](Self::open) and [`serve`](Self::serve).
    pub fn spawn(
        config: EndpointConfig,
        host: impl RingHost + 'static,
    ) -> Result<EndpointHandle, EndpointError> {
        Endpoint::open(config)?.serve(host)
    }
}

/// An open port. Dropping it closes the port as [`stop`](Self::stop) does.
#[derive(Debug)]
pub struct EndpointHandle {
    stop: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl EndpointHandle {
    /// Closes the port: takes its rings back, tells the host, removes the server's socket, and returns when that is
    /// done.
    pub fn stop(mut self) {
        self.join();
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // Only a full counter can refuse, and that is as good.
            let _ = rustix::io::write(&*self.stop, &1u64.to_ne_bytes());
            // A host that panicked has said so already.
            let _ = thread.join();
        }
    }
}

impl Drop for EndpointHandle {
    fn drop(&mut self) {
        self.join();
    }
}

/// What woke the thread.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wake {
    Stop,
    Ready,
    Timeout,
}

/// What the thread works on.
struct Server<H> {
    path: PathBuf,
    listener: Option<Listener>,
    offer: Offer,
    host: H,
    stop: Arc<OwnedFd>,
}

impl<H: RingHost> Server<H> {
    fn run(mut self) {
        let mut pause = RETRY;
        while let Some(stream) = self.next_frontend() {
            let reason = match Connection::new(stream) {
                Ok(connection) => self.serve(connection),
                Err(_) => continue,
            };
            self.host.disconnected(&reason);
            // One that went may come back at once; one that was sent away would only be sent away again, and said so.
            pause = match reason {
                Disconnect::Stopped => return,
                Disconnect::Closed => RETRY,
                _ => (pause * 2).min(RETRY_LIMIT),
            };
            if self.listener.is_none() && self.wait(None, Some(pause)) == Wake::Stop {
                return;
            }
        }
    }

    /// Waits for a frontend; `None` if the port is closed meanwhile.
    fn next_frontend(&self) -> Option<UnixStream> {
        loop {
            let (stream, awaited, timeout) = match &self.listener {
                Some(listener) => (listener.accept(), Some(listener.as_fd()), None),
                None => (UnixStream::connect(&self.path).ok(), None, Some(RETRY)),
            };
            if stream.is_some() {
                return stream;
            }
            if self.wait(awaited, timeout) == Wake::Stop {
                return None;
            }
        }
    }

    /// Serves one frontend until it goes or is sent away. All rings are back when this returns.
    fn serve(&mut self, mut connection: Connection) -> Disconnect {
        self.host.connected(connection.peer());
        let stop = Arc::clone(&self.stop);
        let mut device = Device::new(&mut self.host, self.offer);
        loop {
            match connection.receive() {
                Ok(None) => {
                    if wait(&stop, Some(connection.as_fd()), None) == Wake::Stop {
                        return Disconnect::Stopped;
                    }
                }
                Ok(Some(message)) => {
                    if let Err(reason) = answer(&mut device, &mut connection, message) {
                        return reason;
                    }
                }
                Err(error) => return error.into(),
            }
        }
    }

    fn wait(&self, awaited: Option<BorrowedFd<'_>>, timeout: Option<Duration>) -> Wake {
        wait(&self.stop, awaited, timeout)
    }
}

/// Carries out one message and sends what the frontend expects in return.
fn answer<H: RingHost>(
    device: &mut Device<'_, H>,
    connection: &mut Connection,
    message: Message,
) -> Result<(), Disconnect> {
    let Message { number, need_reply, request } = message;
    // Decided before: the request may be the one that switches acknowledgements on.
    let acknowledge = need_reply && device.acknowledges();
    let reply = match device.handle(request) {
        Ok(Answer::Value(value)) => Some(Reply::value(number, value)),
        Ok(Answer::VringState { index, value }) => Some(Reply::vring_state(number, index, value)),
        Ok(Answer::Done) => acknowledge.then(|| Reply::done(number, true)),
        Err(_) if acknowledge => Some(Reply::done(number, false)),
        Err(error) => return Err(Disconnect::Refused { request: number, error }),
    };
    match reply {
        Some(reply) => Ok(connection.send(&reply)?),
        None => Ok(()),
    }
}

/// Waits until the port is to be closed, `awaited` can be read, or the time is over.
fn wait(stop: &OwnedFd, awaited: Option<BorrowedFd<'_>>, timeout: Option<Duration>) -> Wake {
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    let mut fds = [
        PollFd::new(stop, PollFlags::IN),
        PollFd::from_borrowed_fd(awaited.unwrap_or(stop.as_fd()), PollFlags::IN),
    ];
    match poll(&mut fds, timeout.as_ref()) {
        Ok(0) | Err(Errno::INTR) => Wake::Timeout,
        Ok(_) => {
            let [stopped, _] = &fds;
            if stopped.revents().is_empty() { Wake::Ready } else { Wake::Stop }
        }
        // Out of memory: nothing is known, so everything is tried again after a while.
        Err(_) => {
            std::thread::sleep(RETRY);
            Wake::Timeout
        }
    }
}
