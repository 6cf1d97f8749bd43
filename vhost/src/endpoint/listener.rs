//! The server's socket: never another's, always removed.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use super::EndpointError;

/// A listening socket; its file is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Listener {
    socket: UnixListener,
    path: PathBuf,
    /// Device and inode of the file, so that a successor's is not removed.
    file: Option<(u64, u64)>,
}

impl Listener {
    /// Listens at `path`, in place of a socket that a killed process left there.
    pub(super) fn bind(path: &Path) -> Result<Listener, EndpointError> {
        let failed = |source| EndpointError::Listen { path: path.to_owned(), source };
        make_way(path)?;
        let socket = UnixListener::bind(path).map_err(failed)?;
        let file = identity(path);
        let listener = Listener { socket, path: path.to_owned(), file };
        listener.socket.set_nonblocking(true).map_err(failed)?;
        Ok(listener)
    }

    /// A frontend that has connected; `None` if there is none after all.
    pub(super) fn accept(&self) -> Option<UnixStream> {
        self.socket.accept().ok().map(|(stream, _)| stream)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if self.file.is_some() && identity(&self.path) == self.file {
            // It is gone, or stays until the next bind makes way: nothing better can be done here.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::symlink_metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Removes a socket that nobody listens on; refuses if there is anything else.
fn make_way(path: &Path) -> Result<(), EndpointError> {
    let metadata = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(EndpointError::Listen { path: path.to_owned(), source }),
    };
    if !metadata.file_type().is_socket() {
        return Err(EndpointError::NotASocket { path: path.to_owned() });
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path)
            .map_err(|source| EndpointError::Listen { path: path.to_owned(), source }),
        Ok(_) => Err(EndpointError::PathTaken { path: path.to_owned() }),
        Err(_) => Err(EndpointError::PathTaken { path: path.to_owned() }),
    }
}
