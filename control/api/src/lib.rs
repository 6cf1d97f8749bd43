//! Sluice's public API: the types and services of `proto/sluice/v1/*.proto`, generated.
//!
//! Two services share one model of objects ([`v1::Object`]): the control process serves the wanted state
//! ([`v1::control_server::Control`]), the datapath process takes it over one stream and reports what runs
//! ([`v1::datapath_server::Datapath`]).
//!
//! Beside the generated types stand what every user of them needs: an object's name ([`key::Key`]), the fields'
//! widths and canonical values ([`field`]), MAC addresses ([`mac`]) and the limits below.
#![forbid(unsafe_code)]

pub mod field;
pub mod key;
pub mod mac;

/// Version of the stream between control and datapath. Both refuse another.
pub const PROTOCOL_VERSION: u32 = 1;

/// The longest message, in bytes, that the control service takes and gives: one `Apply` carries hundreds of
/// thousands of flows. A client raises its decoding limit to this.
pub const MAX_CONTROL_MESSAGE_BYTES: usize = 512 << 20;

/// The longest message, in bytes, of the datapath's services. A transaction that is longer is spread over several.
pub const MAX_DATAPATH_MESSAGE_BYTES: usize = 4 << 20;

/// The highest OpenFlow port number that a port can have (OpenFlow 1.3.5 §7.2.1: above lie reserved ports).
pub const MAX_OF_PORT: u32 = 0xfeff;

/// The highest table of a bridge.
pub const MAX_TABLE: u32 = 253;

/// The OpenFlow datapath id of a bridge that was given none: 48 bits of the name's FNV-1a hash, with the bit of a
/// locally administered address, never 0.
pub fn datapath_id_of(bridge: &str) -> u64 {
    let hash = bridge
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    (hash ^ hash >> 48) & 0xfcff_ffff_ffff | 0x0200_0000_0000
}

/// Generated from `proto/sluice/v1/*.proto`; the `.proto` files are the documentation.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, clippy::indexing_slicing)]
pub mod v1 {
    tonic::include_proto!("sluice.v1");
}
