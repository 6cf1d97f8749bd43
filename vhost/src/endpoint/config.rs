//! What an endpoint is told.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::index::QueuePairs;

/// Which side opens the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The frontend listens, the switch connects, again and again: the switch may restart without the guest.
    Client,
    /// The switch listens.
    Server,
}

/// What is wrong with a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// An address of a Unix socket holds 107 bytes.
    #[error("the socket's path has {0} bytes; choose one of at most 107")]
    PathTooLong(usize),
    /// The path is empty.
    #[error("the socket's path is empty")]
    NoPath,
    /// The number of queue pairs is out of range.
    #[error("{0} queue pairs are not possible; choose 1 to 128")]
    QueuePairs(usize),
    /// The MTU is out of range.
    #[error("the MTU {0} is not possible; choose 68 to 65535")]
    Mtu(u16),
}

/// One vhost-user port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointConfig {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) role: Role,
    pub(super) queue_pairs: QueuePairs,
    pub(super) mtu: u16,
}

impl EndpointConfig {
    /// A port with one queue pair and an MTU of 1500 bytes. `name` is for the thread and for messages.
    pub fn new(name: impl Into<String>, path: impl Into<PathBuf>, role: Role) -> Result<Self, ConfigError> {
        let (name, path) = (name.into(), path.into());
        match path.as_os_str().len() {
            0 => Err(ConfigError::NoPath),
            1..=107 => Ok(EndpointConfig { name, path, role, queue_pairs: QueuePairs::ONE, mtu: 1500 }),
            len => Err(ConfigError::PathTooLong(len)),
        }
    }

    /// With another number of queue pairs.
    pub fn with_queue_pairs(self, pairs: usize) -> Result<Self, ConfigError> {
        let queue_pairs = u8::try_from(pairs).ok().and_then(QueuePairs::new);
        Ok(EndpointConfig { queue_pairs: queue_pairs.ok_or(ConfigError::QueuePairs(pairs))?, ..self })
    }

    /// With another MTU, in bytes behind the Ethernet header.
    pub fn with_mtu(self, mtu: u16) -> Result<Self, ConfigError> {
        if mtu < 68 { Err(ConfigError::Mtu(mtu)) } else { Ok(EndpointConfig { mtu, ..self }) }
    }

    /// The port's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The socket's path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
