//! The descriptors through which guest and switch notify each other.

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl, readlink};

use super::DeviceError;

/// A worker reads and writes this descriptor, so it must be one that cannot make it wait: an eventfd, non-blocking.
pub(super) fn checked(fd: OwnedFd) -> Result<Arc<OwnedFd>, DeviceError> {
    // Without /proc nothing can be told, and the descriptor is taken as it is.
    if let Ok(name) = readlink(format!("/proc/self/fd/{}", fd.as_raw_fd()), Vec::new())
        && name.as_bytes() != b"anon_inode:[eventfd]"
    {
        return Err(DeviceError::NotAnEventfd);
    }
    let flags = fcntl_getfl(&fd).map_err(|_| DeviceError::NotAnEventfd)?;
    fcntl_setfl(&fd, flags | OFlags::NONBLOCK).map_err(|_| DeviceError::NotAnEventfd)?;
    Ok(Arc::new(fd))
}
