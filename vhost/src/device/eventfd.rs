//! The descriptors through which guest and switch notify each other.

use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::readlink;

use super::DeviceError;

/// Refuses what is no eventfd, so that a frontend's mistake is told.
///
/// Workers do not rely on it, nor on any flag of the descriptor: flags belong to the open file description, which the
/// frontend shares and may change at any time. They read and signal in ways that never wait.
pub(super) fn checked(fd: OwnedFd) -> Result<OwnedFd, DeviceError> {
    match readlink(format!("/proc/self/fd/{}", fd.as_raw_fd()), Vec::new()) {
        Ok(name) if name.as_bytes() != b"anon_inode:[eventfd]" => Err(DeviceError::NotAnEventfd),
        // Without /proc nothing can be told.
        _ => Ok(fd),
    }
}
