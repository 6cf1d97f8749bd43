//! The gRPC service on `<rundir>/datapath.sock`. It holds nothing: every call is a message to the switch's thread.

mod sync;

use std::os::unix::net::UnixListener;
use std::pin::Pin;

use sluice_api::v1;
use sluice_api::v1::datapath_server::{Datapath, DatapathServer};
use tokio_stream::wrappers::UnixListenerStream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use crate::switch::{Query, SwitchHandle};

type Reply<T> = Result<Response<T>, Status>;
type BoxStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Serves until `stop` resolves.
pub(crate) async fn serve(
    listener: UnixListener,
    switch: SwitchHandle,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let listener = tokio::net::UnixListener::from_std(listener)?;
    let service = Service { switch, streams: sync::Streams::default() };
    tonic::transport::Server::builder()
        .add_service(DatapathServer::new(service))
        .serve_with_incoming_shutdown(UnixListenerStream::new(listener), stop)
        .await?;
    Ok(())
}

/// Why the service ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error("cannot serve the datapath's socket: {0}")]
    Io(#[from] std::io::Error),
    #[error("the gRPC server failed: {0}")]
    Transport(#[from] tonic::transport::Error),
}

struct Service {
    switch: SwitchHandle,
    streams: sync::Streams,
}

impl Service {
    async fn ask<T>(
        &self,
        query: impl FnOnce(tokio::sync::oneshot::Sender<T>) -> Query,
    ) -> Result<T, Status> {
        self.switch.ask(query).await.map_err(|_| Status::unavailable("the switch is stopping"))
    }

    /// A list as a stream. It was taken at one moment; only its way to the client is gradual.
    async fn list<T: Send + 'static>(
        &self,
        query: impl FnOnce(tokio::sync::oneshot::Sender<Vec<T>>) -> Query,
    ) -> Reply<BoxStream<T>> {
        let items = self.ask(query).await?;
        Ok(Response::new(Box::pin(tokio_stream::iter(items).map(Ok))))
    }
}

#[tonic::async_trait]
impl Datapath for Service {
    type SyncStream = BoxStream<v1::SyncEvent>;
    type ListFlowsStream = BoxStream<v1::FlowStats>;
    type ListMacsStream = BoxStream<v1::MacEntry>;

    async fn sync(&self, request: Request<Streaming<v1::SyncRequest>>) -> Reply<Self::SyncStream> {
        let events = self.streams.open(request.into_inner(), self.switch.clone());
        Ok(Response::new(Box::pin(events)))
    }

    async fn status(&self, _: Request<v1::StatusRequest>) -> Reply<v1::DatapathStatus> {
        self.ask(Query::Status).await.map(Response::new)
    }

    async fn list_ports(&self, request: Request<v1::ListPortsRequest>) -> Reply<v1::ListPortsReply> {
        let name = request.into_inner().name;
        let ports = self.ask(|reply| Query::Ports { name, reply }).await?;
        Ok(Response::new(v1::ListPortsReply { ports }))
    }

    async fn list_flows(&self, request: Request<v1::ListFlowsRequest>) -> Reply<Self::ListFlowsStream> {
        let bridge = request.into_inner().bridge;
        self.list(|reply| Query::Flows { bridge, reply }).await
    }

    async fn list_macs(&self, request: Request<v1::ListMacsRequest>) -> Reply<Self::ListMacsStream> {
        let bridge = request.into_inner().bridge;
        self.list(|reply| Query::Macs { bridge, reply }).await
    }

    async fn list_drops(&self, _: Request<v1::ListDropsRequest>) -> Reply<v1::ListDropsReply> {
        let ports = self.ask(Query::Drops).await?;
        Ok(Response::new(v1::ListDropsReply { ports }))
    }

    async fn list_neighbours(&self, _: Request<v1::ListNeighboursRequest>) -> Reply<v1::ListNeighboursReply> {
        let neighbours = self.ask(Query::Neighbours).await?;
        Ok(Response::new(v1::ListNeighboursReply { neighbours }))
    }
}
