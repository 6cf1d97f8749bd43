//! The whole process, from its configuration to its end.

use sluice_api::MAX_CONTROL_MESSAGE_BYTES;
use sluice_api::v1::control_server::ControlServer;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::Server;

use crate::api::Service;
use crate::config::Config;
use crate::engine::Engine;
use crate::instance::{Instance, InstanceError};
use crate::store::{Store, StoreError};

/// Why the process ended that should not have, or did not start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A directory or the socket cannot be had.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// The stored state cannot be had.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The socket failed.
    #[error("the control socket failed: {0}")]
    Io(#[from] std::io::Error),
    /// The server failed.
    #[error("the gRPC server failed: {0}")]
    Server(#[from] tonic::transport::Error),
}

impl RunError {
    /// Whether another control process has what this one needs.
    pub fn is_conflict(&self) -> bool {
        matches!(self, RunError::Instance(InstanceError::InUse { .. }))
    }
}

/// Serves until `stop` resolves. Changes that are under way are given up then: nothing of them is stored.
pub async fn run(config: Config, stop: impl Future<Output = ()>) -> Result<(), RunError> {
    let instance = Instance::open(&config.rundir, &config.statedir)?;
    let store = Store::open(&instance.store_path())?;
    let intent = store.load()?;
    tracing::info!(objects = intent.len(), store = %instance.store_path().display(), "wanted state loaded");

    let (engine, handle) = Engine::new(store, intent, config.datapath_socket());
    let mut socket = instance.listen()?;
    let listener = socket.take().ok_or_else(|| std::io::Error::other("no listener"))?;
    let listener = tokio::net::UnixListener::from_std(listener)?;
    let service = ControlServer::new(Service::new(handle, config.apply_timeout()))
        .max_decoding_message_size(MAX_CONTROL_MESSAGE_BYTES);
    tracing::info!(socket = %instance.socket_path().display(), "serving");

    let serve = Server::builder().add_service(service).serve_with_incoming(UnixListenerStream::new(listener));
    // Watchers' streams never end by themselves, so the server is not waited for.
    tokio::select! {
        served = serve => served?,
        () = engine.run() => {}
        () = stop => tracing::info!("stopping"),
    }
    Ok(())
}
