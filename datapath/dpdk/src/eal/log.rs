//! DPDK's log: to a function of the caller, and the errors of one operation into its error value.

use std::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, OnceLock, PoisonError};

use sluice_dpdk_sys as sys;

/// Receives one line of DPDK's log, without its line end, on the thread that logs.
pub type LogSink = fn(LogLevel, &str);

/// A severity of DPDK's log, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// The system is unusable.
    Emergency = 1,
    /// Action must be taken at once.
    Alert,
    /// A critical condition.
    Critical,
    /// An error.
    Error,
    /// A warning.
    Warning,
    /// Normal, but significant.
    Notice,
    /// For information.
    Info,
    /// For debugging.
    Debug,
}

impl LogLevel {
    pub(super) fn number(self) -> u32 {
        self as u32
    }

    fn from_number(number: u32) -> Self {
        match number {
            0 | 1 => Self::Emergency,
            2 => Self::Alert,
            3 => Self::Critical,
            4 => Self::Error,
            5 => Self::Warning,
            6 => Self::Notice,
            7 => Self::Info,
            _ => Self::Debug,
        }
    }
}

/// Sends DPDK's log to `sink` from now on. For use before `rte_eal_init`, once.
pub(super) fn install(level: LogLevel, sink: Option<LogSink>) {
    if SINK.set(Sink { level, sink }).is_ok() {
        // SAFETY: `receive` is safe to call from any thread, for ever. A failure leaves DPDK's log on stderr.
        unsafe { sys::sluice_log_capture(Some(receive)) };
    }
}

/// Runs `operation` and gives the errors that DPDK logged meanwhile, whatever the thread.
pub(crate) fn errors_during<T>(operation: impl FnOnce() -> T) -> (T, Vec<String>) {
    *errors() = Some(Vec::new());
    let result = operation();
    (result, errors().take().unwrap_or_default())
}

/// `": line; line"`, or nothing.
pub(crate) fn appended(lines: &[String]) -> String {
    if lines.is_empty() { String::new() } else { format!(" (DPDK: {})", lines.join("; ")) }
}

/// At most so many lines become part of an error value.
const MAX_LINES: usize = 8;

struct Sink {
    level: LogLevel,
    sink: Option<LogSink>,
}

static SINK: OnceLock<Sink> = OnceLock::new();
static ERRORS: Mutex<Option<Vec<String>>> = Mutex::new(None);

fn errors() -> std::sync::MutexGuard<'static, Option<Vec<String>>> {
    ERRORS.lock().unwrap_or_else(PoisonError::into_inner)
}

unsafe extern "C" fn receive(level: u32, text: *const c_char, len: usize) {
    // SAFETY: the shim passes a buffer of `len` bytes that lives through the call.
    let bytes = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), len) };
    // A panic in the caller's function must not unwind into C.
    let _ = catch_unwind(AssertUnwindSafe(|| dispatch(LogLevel::from_number(level), bytes)));
}

fn dispatch(level: LogLevel, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if level <= LogLevel::Error
            && let Some(lines) = errors().as_mut()
            && lines.len() < MAX_LINES
        {
            lines.push(line.to_owned());
        }
        if let Some(Sink { level: wanted, sink: Some(sink) }) = SINK.get()
            && level <= *wanted
        {
            sink(level, line);
        }
    }
}
