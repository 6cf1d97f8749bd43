//! DPDK's Environment Abstraction Layer: memory, drivers, threads; once a process.

mod config;
mod hugepages;
pub(crate) mod log;

use std::collections::BTreeSet;
use std::ffi::{CStr, CString, OsStr, c_char, c_int};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;

use sluice_dpdk_sys as sys;

use crate::Errno;
use crate::mempool::RawPool;
pub use config::{EalConfig, FilePrefix, FilePrefixError, PciAccess};
pub use hugepages::{HugepageInventory, HugepageShortage};
pub use log::{LogLevel, LogSink};

/// The running EAL; a cheap handle.
///
/// Everything made with it holds a handle of its own. `rte_eal_cleanup` runs when the last one is dropped; the
/// EAL cannot be started again in that process.
#[derive(Clone, Debug)]
pub struct Eal(Arc<Inner>);

/// Why the EAL did not start.
#[derive(Debug, thiserror::Error)]
pub enum EalError {
    /// DPDK can be initialised once in the life of a process.
    #[error("DPDK's EAL was already started in this process; it can be started only once")]
    AlreadyStarted,
    /// Fewer free hugepages than [`EalConfig::memory_mb`] needs.
    #[error(transparent)]
    Hugepages(#[from] HugepageShortage),
    /// [`EalConfig::main_cpu`] is not among those that this process may run on.
    #[error("CPU {cpu} cannot be the EAL's main CPU: this process may run on {allowed} only")]
    MainCpu {
        /// What was asked for.
        cpu: u32,
        /// A list in the kernel's format.
        allowed: String,
    },
    /// An argument for the EAL has a NUL byte in it.
    #[error("the EAL argument {0:?} has a NUL byte in it")]
    Argument(String),
    /// The thread for it could not be started.
    #[error("cannot start a thread for DPDK's EAL: {0}")]
    Thread(#[from] std::io::Error),
    /// `rte_eal_init` failed.
    #[error("DPDK's EAL did not start: {reason}{}", log::appended(.log))]
    Init {
        /// What DPDK's error number says.
        reason: Errno,
        /// The errors that DPDK logged meanwhile.
        log: Vec<String>,
    },
}

impl Eal {
    /// Starts the EAL.
    ///
    /// `rte_eal_init` runs in a thread of its own, so the caller's affinity stays as it is. That thread then
    /// sleeps until the last handle is gone, and cleans up.
    ///
    /// # Errors
    /// See [`EalError`]. Anything found before `rte_eal_init` runs (too few hugepages, a bad argument) may be
    /// corrected and tried again; after [`EalError::Init`] the process cannot try again.
    pub fn start(config: &EalConfig) -> Result<Self, EalError> {
        if STARTED.load(Ordering::SeqCst) {
            return Err(EalError::AlreadyStarted);
        }
        if config.hugepages {
            HugepageInventory::of_this_host().require(config.memory_mb)?;
        }
        config.check_main_cpu()?;
        let arguments = config
            .arguments()
            .into_iter()
            .map(|argument| {
                CString::new(argument)
                    .map_err(|e| EalError::Argument(String::from_utf8_lossy(&e.into_vec()).into_owned()))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if STARTED.swap(true, Ordering::SeqCst) {
            return Err(EalError::AlreadyStarted);
        }
        log::install(config.log_level, config.log);
        let (stop, stopped) = mpsc::channel();
        let (report, started) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("dpdk-eal".into())
            .spawn(move || run(&arguments, &report, &stopped))
            .inspect_err(|_| STARTED.store(false, Ordering::SeqCst))?;
        match started.recv() {
            Ok(Ok(())) => Ok(Self(Arc::new(Inner {
                attached: Mutex::default(),
                retired: Mutex::default(),
                life: Some(Life { stop, thread }),
            }))),
            Ok(Err(error)) => Err(error),
            // The thread reports before it ends, unless it died.
            Err(mpsc::RecvError) => {
                Err(EalError::Init { reason: Errno::from_result(-libc::EFAULT), log: Vec::new() })
            }
        }
    }

    /// The names of the attached devices. Attach and detach hold the lock: DPDK's hot-plug is not
    /// reentrant.
    pub(crate) fn attached(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.attached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Pools without a handle, for reuse.
    pub(crate) fn retired_pools(&self) -> MutexGuard<'_, Vec<RawPool>> {
        self.0.retired.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static STARTED: AtomicBool = AtomicBool::new(false);

#[derive(Debug)]
struct Inner {
    attached: Mutex<BTreeSet<String>>,
    retired: Mutex<Vec<RawPool>>,
    /// `None` only while dropping.
    life: Option<Life>,
}

#[derive(Debug)]
struct Life {
    stop: mpsc::Sender<()>,
    thread: JoinHandle<()>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(Life { stop, thread }) = self.life.take() {
            drop(stop);
            // A panic there has been printed; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

/// The EAL's main thread.
fn run(arguments: &[CString], report: &mpsc::Sender<Result<(), EalError>>, stopped: &mpsc::Receiver<()>) {
    let result = init(arguments);
    let failed = result.is_err();
    if report.send(result).is_err() || failed {
        return;
    }
    // Nothing is ever sent: this returns when the last handle drops its sender.
    let _ = stopped.recv();
    // SAFETY: the last handle is gone, and with it all that could reach memory of the EAL. This is the thread
    // that initialised it.
    unsafe { sys::rte_eal_cleanup() };
}

fn init(arguments: &[CString]) -> Result<(), EalError> {
    // rte_eal_init reorders the array and keeps pointers into the strings; both outlive the EAL, as the caller
    // returns only after the clean-up.
    let mut argv: Vec<*mut c_char> = arguments.iter().map(|argument| argument.as_ptr().cast_mut()).collect();
    let argc = c_int::try_from(argv.len()).unwrap_or(c_int::MAX);
    argv.push(std::ptr::null_mut());
    // SAFETY: `argv` has `argc` strings and a terminating NULL; no argument is written to by getopt_long.
    let (result, log) = log::errors_during(|| unsafe { sys::rte_eal_init(argc, argv.as_mut_ptr()) });
    let reason = Errno::last();
    remove_runtime_dir();
    if result < 0 { Err(EalError::Init { reason, log }) } else { Ok(()) }
}

/// Removes DPDK's folder for this file prefix, which stays empty without shared configuration, right away: so
/// that nothing is left of a process that is killed.
fn remove_runtime_dir() {
    // SAFETY: gives a static string of libdpdk.
    let dir = unsafe { sys::rte_eal_get_runtime_dir() };
    if dir.is_null() {
        return;
    }
    // SAFETY: NUL-terminated and static.
    let dir = unsafe { CStr::from_ptr(dir) };
    if !dir.is_empty() {
        // Refused when it is not empty, or not there.
        let _ = std::fs::remove_dir(OsStr::from_bytes(dir.to_bytes()));
    }
}
