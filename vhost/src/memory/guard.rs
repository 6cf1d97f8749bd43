//! The SIGBUS guard: a guest that cuts its memory file short must not kill the switch.
//!
//! Touching a mapped page beyond the end of its file raises SIGBUS. The handler recognises addresses within guest
//! mappings, puts an anonymous zero page there, marks the mapping as broken and lets the access go on. The rings see
//! the mark ([`faults`], [`Slot::broken`]) and answer with a fault. All other SIGBUS go to the handler that was
//! installed before.

use std::io;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Mappings that can be guarded at once, in all devices of the process.
const SLOTS: usize = 4096;

/// One guarded mapping; taken while `start` is not zero.
struct Entry {
    start: AtomicUsize,
    end: AtomicUsize,
    page: AtomicUsize,
    broken: AtomicBool,
}

static TABLE: [Entry; SLOTS] = [const {
    Entry {
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        page: AtomicUsize::new(0),
        broken: AtomicBool::new(false),
    }
}; SLOTS];

/// Held while a slot is taken, so that two threads never take the same.
static TAKING: Mutex<()> = Mutex::new(());

/// How often a guest mapping was touched beyond its file's end, in the whole process.
static FAULTS: AtomicU32 = AtomicU32::new(0);

static PREVIOUS: OnceLock<Result<libc::sigaction, i32>> = OnceLock::new();

/// Counts every repaired access, so that rings need to look at their own mappings only when it has changed.
#[inline(always)]
pub(crate) fn faults() -> u32 {
    FAULTS.load(Ordering::Relaxed)
}

/// A guarded range of addresses; the guard ends when this is dropped.
#[derive(Debug)]
pub(super) struct Slot(usize);

impl Slot {
    /// Guards `range`, a mapping with pages of `page` bytes. `Ok(None)` if all slots are taken.
    pub(super) fn take(range: Range<usize>, page: usize) -> io::Result<Option<Slot>> {
        install()?;
        let _taking = TAKING.lock().unwrap_or_else(PoisonError::into_inner);
        let free = TABLE.iter().enumerate().find(|(_, entry)| entry.start.load(Ordering::Relaxed) == 0);
        let Some((index, entry)) = free else { return Ok(None) };
        entry.end.store(range.end, Ordering::Relaxed);
        entry.page.store(page, Ordering::Relaxed);
        entry.broken.store(false, Ordering::Relaxed);
        entry.start.store(range.start, Ordering::Release);
        Ok(Some(Slot(index)))
    }

    /// Whether a page of the mapping was lost.
    pub(super) fn broken(&self) -> bool {
        TABLE.get(self.0).is_some_and(|entry| entry.broken.load(Ordering::Relaxed))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(entry) = TABLE.get(self.0) {
            entry.start.store(0, Ordering::Release);
        }
    }
}

/// Installs the handler once.
fn install() -> io::Result<()> {
    let previous = PREVIOUS.get_or_init(|| {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        let mut previous = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: an all-zero sigaction is a valid value: no flags, an empty mask, the default handler.
        let action = unsafe { action.assume_init_mut() };
        action.sa_sigaction = handle as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: both point to sigaction structs; the handler only does what is allowed in a handler.
        let done = unsafe { libc::sigaction(libc::SIGBUS, action, previous.as_mut_ptr()) };
        match done {
            // SAFETY: sigaction succeeded and has written it.
            0 => Ok(unsafe { previous.assume_init() }),
            _ => Err(io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL)),
        }
    });
    previous.as_ref().map(drop).map_err(|&errno| io::Error::from_raw_os_error(errno))
}

extern "C" fn handle(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel hands a valid siginfo to an SA_SIGINFO handler.
    let info_ref = unsafe { &*info };
    // SAFETY: SIGBUS has an address.
    let address = unsafe { info_ref.si_addr() }.addr();
    if !repair(address) {
        chain(signal, info, context);
    }
}

/// Puts a zero page where the guest took one away; false if the address is in no guest mapping.
fn repair(address: usize) -> bool {
    let within = |entry: &&Entry| {
        let start = entry.start.load(Ordering::Acquire);
        start != 0 && (start..entry.end.load(Ordering::Relaxed)).contains(&address)
    };
    let Some(entry) = TABLE.iter().find(within) else { return false };
    let page = entry.page.load(Ordering::Relaxed);
    let at = address & !(page - 1);
    entry.broken.store(true, Ordering::Relaxed);
    FAULTS.fetch_add(1, Ordering::Relaxed);
    // SAFETY: it always points to this thread's errno.
    let errno_at = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    let errno = unsafe { errno_at.read() };
    // SAFETY: the page lies within a guest mapping of this process, which nothing but rings touch by raw pointers,
    // and replacing it keeps all its addresses mapped. mmap is a plain system call here, safe in a handler.
    let mapped = unsafe {
        libc::mmap(
            ptr::without_provenance_mut(at),
            page,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    // SAFETY: as above.
    unsafe { errno_at.write(errno) };
    mapped != libc::MAP_FAILED
}

/// Hands the signal to the handler that was there before.
fn chain(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let previous = PREVIOUS.get().and_then(|previous| previous.as_ref().ok());
    match previous {
        Some(action) if action.sa_sigaction != libc::SIG_DFL && action.sa_sigaction != libc::SIG_IGN => {
            if action.sa_flags & libc::SA_SIGINFO != 0 {
                // SAFETY: with SA_SIGINFO the stored address is a function of this signature.
                let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) =
                    unsafe { std::mem::transmute(action.sa_sigaction) };
                handler(signal, info, context);
            } else {
                // SAFETY: without SA_SIGINFO the stored address is a function of this signature.
                let handler: extern "C" fn(i32) = unsafe { std::mem::transmute(action.sa_sigaction) };
                handler(signal);
            }
        }
        // The access is repeated on return, and then ends the process as it would have without this handler.
        // SAFETY: resetting a signal to its default is allowed in a handler.
        _ => unsafe {
            libc::signal(signal, libc::SIG_DFL);
        },
    }
}
