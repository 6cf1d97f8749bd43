//! A control process of another protocol version is refused by the datapath, in words.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]

use std::path::PathBuf;

use sluice_api::PROTOCOL_VERSION;
use sluice_api::v1::datapath_client::DatapathClient;
use sluice_api::v1::{Hello, SyncRequest, sync_event, sync_request};
use sluice_tests::host::HostOptions;
use sluice_tests::{Host, Result, Stage};
use tonic::transport::Endpoint;

#[test]
fn another_version_is_refused_and_nothing_changes() -> Result<()> {
    Stage::run(|stage| {
        let mut host = Host::prepare(stage, "host", &HostOptions::default())?;
        host.start_datapath()?;
        let refusal = hello(host.rundir().join("datapath.sock"), PROTOCOL_VERSION + 1);
        for word in ["version", &PROTOCOL_VERSION.to_string(), &(PROTOCOL_VERSION + 1).to_string()] {
            assert!(refusal.contains(word), "expected {word:?} in: {refusal}");
        }
        // One of our version is welcome afterwards.
        host.start_control()?;
        host.wait_connected()
    })
}

/// Greets the datapath with that version and answers what it says, as text.
fn hello(socket: PathBuf, protocol_version: u32) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let greeting = async move {
        let endpoint = Endpoint::from_shared(format!("unix:{}", socket.display()));
        let channel = endpoint.map_err(|error| error.to_string())?.connect().await;
        let mut client = DatapathClient::new(channel.map_err(|error| error.to_string())?);
        let hello = Hello { protocol_version, client: "a test".to_owned() };
        let request = SyncRequest { kind: Some(sync_request::Kind::Hello(hello)) };
        let answer = client.sync(tokio_stream::iter([request])).await.map_err(|status| status.to_string())?;
        let event = answer.into_inner().message().await.map_err(|status| status.to_string())?;
        match event.and_then(|event| event.kind) {
            Some(sync_event::Kind::Welcome(welcome)) => Ok(format!("welcomed: {welcome:?}")),
            other => Ok::<_, String>(format!("{other:?}")),
        }
    };
    match runtime {
        Ok(runtime) => runtime.block_on(greeting).unwrap_or_else(|refusal| refusal),
        Err(error) => error.to_string(),
    }
}
