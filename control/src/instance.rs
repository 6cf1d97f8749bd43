//! What one control process has for itself: its directories, by locks that end with it, and its socket.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, Mode, OFlags};

/// Who may connect to the socket: the owner and the group.
const SOCKET_MODE: u32 = 0o660;

/// A runtime and a state directory that this process holds, for as long as the value lives. The kernel releases
/// them when the process ends in whatever way.
#[derive(Debug)]
pub struct Instance {
    rundir: PathBuf,
    statedir: PathBuf,
    _locks: [File; 2],
}

/// Why the directories cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// Another control process holds one.
    #[error(
        "{what} {path} is in use by another sluice-control{holder}; stop it, or give this one its own {option}"
    )]
    InUse {
        /// Which.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// " (pid 12)", if known.
        holder: String,
        /// The option to give another.
        option: &'static str,
    },
    /// One cannot be made or opened.
    #[error("{what} {path}: {source}; give a directory that this user may write with {option}")]
    Io {
        /// Which.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
        /// The option to give another.
        option: &'static str,
    },
}

impl Instance {
    /// Makes both directories if need be and takes their locks.
    pub fn open(rundir: &Path, statedir: &Path) -> Result<Instance, InstanceError> {
        let locks = [
            Directory { what: "runtime directory", path: rundir, option: "--rundir" }.lock()?,
            Directory { what: "state directory", path: statedir, option: "--statedir" }
                .lock_unless(rundir)?,
        ];
        Ok(Instance { rundir: rundir.to_owned(), statedir: statedir.to_owned(), _locks: locks })
    }

    /// The file of the store.
    pub fn store_path(&self) -> PathBuf {
        self.statedir.join("control.redb")
    }

    /// The socket's path.
    pub fn socket_path(&self) -> PathBuf {
        self.rundir.join("control.sock")
    }

    /// Listens on the socket. One that a killed process left is replaced: this process holds the directory.
    pub fn listen(&self) -> Result<Socket, InstanceError> {
        let path = self.socket_path();
        let listen = || {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let listener = UnixListener::bind(&path)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(SOCKET_MODE))?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        };
        match listen() {
            Ok(listener) => Ok(Socket { listener: Some(listener), path }),
            Err(source) => {
                Err(InstanceError::Io { what: "control socket", path, source, option: "--rundir" })
            }
        }
    }
}

/// A listening socket, which is removed when the value is dropped.
#[derive(Debug)]
pub struct Socket {
    listener: Option<UnixListener>,
    path: PathBuf,
}

impl Socket {
    /// The listener, once. It does not block.
    pub fn take(&mut self) -> Option<UnixListener> {
        self.listener.take()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Whoever removed it before us did our work.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[derive(Clone, Copy)]
struct Directory<'a> {
    what: &'static str,
    path: &'a Path,
    option: &'static str,
}

impl Directory<'_> {
    fn lock(self) -> Result<File, InstanceError> {
        self.lock_file("control.lock")
    }

    /// Someone may use one directory for both.
    fn lock_unless(self, other: &Path) -> Result<File, InstanceError> {
        let same = self.path == other
            || matches!((self.path.canonicalize(), other.canonicalize()), (Ok(a), Ok(b)) if a == b);
        self.lock_file(if same { "control-state.lock" } else { "control.lock" })
    }

    fn lock_file(self, name: &str) -> Result<File, InstanceError> {
        let Directory { what, path, option } = self;
        let io = |source| InstanceError::Io { what, path: path.to_owned(), source, option };
        std::fs::create_dir_all(path).map_err(io)?;
        let flags = OFlags::CREATE | OFlags::RDWR | OFlags::CLOEXEC;
        let file = rustix::fs::open(path.join(name), flags, Mode::from_raw_mode(0o640));
        let mut file = File::from(file.map_err(|error| io(error.into()))?);
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut pid = String::new();
                let _ = file.read_to_string(&mut pid);
                let holder = if pid.is_empty() { pid } else { format!(" (pid {})", pid.trim()) };
                return Err(InstanceError::InUse { what, path: path.to_owned(), holder, option });
            }
            Err(error) => return Err(io(error.into())),
        }
        // For the message above, in the process that is refused.
        let write_pid = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        write_pid(&mut file).map_err(io)?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_process() {
        let dir = tempfile::tempdir().unwrap();
        let (run, state, other) =
            (dir.path().join("run"), dir.path().join("state"), dir.path().join("other"));
        let held = Instance::open(&run, &state).unwrap();
        let message = Instance::open(&run, &other).unwrap_err().to_string();
        assert!(
            message.contains("runtime directory") && message.contains(&std::process::id().to_string()),
            "{message}"
        );
        let message = Instance::open(&other, &state).unwrap_err().to_string();
        assert!(message.contains("state directory") && message.contains("--statedir"), "{message}");
        drop(held);
        Instance::open(&run, &state).unwrap();
        Instance::open(&run, &run).unwrap();
    }

    #[test]
    fn a_stale_socket_is_replaced_and_ours_removed() {
        let dir = tempfile::tempdir().unwrap();
        let instance = Instance::open(dir.path(), dir.path()).unwrap();
        std::mem::drop(UnixListener::bind(instance.socket_path()).unwrap());
        assert!(instance.socket_path().exists());
        let socket = instance.listen().unwrap();
        let mode = std::fs::metadata(instance.socket_path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        drop(socket);
        assert!(!instance.socket_path().exists());
    }
}
