//! The runtime directory: one datapath process each, and the socket it serves.

use std::fs::File;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags};

/// A runtime directory this process holds. Its lock lasts as long as the value, and the kernel releases it when the
/// process ends in whatever way.
#[derive(Debug)]
pub(crate) struct RunDir {
    path: PathBuf,
    _lock: File,
}

/// Why a runtime directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RunDirError {
    /// Another datapath holds it.
    #[error(
        "runtime directory {0} is in use by another sluice-datapath; stop it, or give this one its own --rundir"
    )]
    InUse(PathBuf),
    /// It cannot be made or opened.
    #[error("runtime directory {path}: {source}; give a directory this user may write with --rundir")]
    Io {
        /// The directory or a file in it.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl RunDir {
    /// Makes `path` if need be and takes its lock.
    pub(crate) fn open(path: &Path) -> Result<RunDir, RunDirError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| RunDirError::Io { path, source }
        };
        std::fs::create_dir_all(path).map_err(io(path))?;
        let lock_path = path.join("datapath.lock");
        let flags = OFlags::CREATE | OFlags::RDWR | OFlags::CLOEXEC;
        let lock = rustix::fs::open(&lock_path, flags, Mode::from_raw_mode(0o640))
            .map_err(|error| io(&lock_path)(error.into()))?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(RunDir { path: path.to_owned(), _lock: File::from(lock) }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(RunDirError::InUse(path.to_owned())),
            Err(error) => Err(io(&lock_path)(error.into())),
        }
    }

    /// The socket that control and the CLI connect to.
    pub(crate) fn socket_path(&self) -> PathBuf {
        self.path.join("datapath.sock")
    }

    /// Listens on [`RunDir::socket_path`] with mode 0660. A socket left by a killed process is replaced: holding the
    /// lock, nobody else can be serving it.
    pub(crate) fn listen(&self) -> Result<UnixListener, RunDirError> {
        let path = self.socket_path();
        let io = |source| RunDirError::Io { path: path.clone(), source };
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
        let listener = UnixListener::bind(&path).map_err(io)?;
        rustix::fs::chmod(&path, Mode::from_raw_mode(0o660)).map_err(|error| io(error.into()))?;
        listener.set_nonblocking(true).map_err(io)?;
        Ok(listener)
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        // Nothing to do about a failure: the next start replaces the socket.
        let _ = std::fs::remove_file(self.socket_path());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_held_by_one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let first = RunDir::open(dir.path()).unwrap();
        assert!(matches!(RunDir::open(dir.path()), Err(RunDirError::InUse(_))));
        drop(first);
        assert!(RunDir::open(dir.path()).is_ok());
    }

    #[test]
    fn a_stale_socket_is_replaced_and_removed_at_the_end() {
        let dir = tempfile::tempdir().unwrap();
        drop(UnixListener::bind(dir.path().join("datapath.sock")).unwrap());
        let rundir = RunDir::open(dir.path()).unwrap();
        rundir.listen().unwrap();
        let socket = rundir.socket_path();
        assert!(socket.exists());
        drop(rundir);
        assert!(!socket.exists());
    }
}
