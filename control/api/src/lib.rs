//! Sluice's public API: the types and services of `proto/sluice/v1/*.proto`, generated.
//!
//! Two services share one model of objects ([`v1::Object`]): the control process serves the wanted state
//! ([`v1::control_server::Control`]), the datapath process takes it over one stream and reports what runs
//! ([`v1::datapath_server::Datapath`]).
#![forbid(unsafe_code)]

/// Version of the stream between control and datapath. Both refuse another.
pub const PROTOCOL_VERSION: u32 = 1;

/// Generated from `proto/sluice/v1/*.proto`; the `.proto` files are the documentation.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, clippy::indexing_slicing)]
pub mod v1 {
    tonic::include_proto!("sluice.v1");
}
