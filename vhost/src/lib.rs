//! vhost-user: the protocol server, guest memory, the split virtqueue and virtio-net's queues.
//!
//! ```text
//!  endpoint   one thread a port: the Unix socket, both roles, reconnection
//!     │ messages (connection, protocol)
//!  device     the state machine: features, memory, rings; tells the RingHost
//!     │ Ring::{Transmit, Receive}
//!  net        virtio-net: frames out of and into chains of buffers
//!     │ chains
//!  ring       the virtqueue: a batched walker over memory translated once
//!     │ host addresses
//!  memory     the guest's regions, mapped; a guard against files cut short
//! ```
//!
//! The rings belong to whoever got them from [`RingHost::start`]: every change of memory, address or ring state
//! first takes the ring back ([`RingHost::stop`]), so no lock is needed on a packet's path, and a ring holds the
//! mappings it walks, so nothing is unmapped under it.
//!
//! A guest is an attacker: what it writes is read once and checked; what it breaks is its own ring, which answers
//! with a [`RingFault`] from then on.
#![deny(unsafe_code)]

mod connection;
mod device;
#[cfg(test)]
mod driver;
mod endpoint;
mod features;
mod host;
mod index;
#[allow(unsafe_code)]
mod memory;
mod net;
mod protocol;
#[allow(unsafe_code)]
mod ring;

pub use device::DeviceError;
pub use endpoint::{ConfigError, Disconnect, Endpoint, EndpointConfig, EndpointError, EndpointHandle, Role};
pub use features::Features;
pub use host::{Negotiated, Peer, Ring, RingHost};
pub use index::{Direction, QueueIndex, QueuePairs};
pub use memory::MemoryError;
pub use net::{Burst, Delivered, Frame, GuestBytes, MAX_FRAME, Payload, ReceiveQueue, TransmitQueue};
pub use protocol::ProtocolError;
pub use ring::{RingError, RingFault};
