//! Calling the guest without ever waiting for it.
//!
//! A `write` to an eventfd whose counter is full waits, unless the descriptor is non-blocking, and whether it is
//! belongs to the open file description, which the frontend shares: it can fill the counter and clear the flag between
//! any check and the write. The kernel's own signal on an eventfd never waits, and the completion of an asynchronous
//! request is one (`IOCB_FLAG_RESFD` of io_submit(2)). So a call is a request that is complete at once.

use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr;
use std::sync::Arc;

use rustix::io::Errno;

const IOCB_CMD_POLL: u16 = 5;
const IOCB_FLAG_RESFD: u32 = 1;

/// Completions that are taken off the context at a time, when it has room for no more.
const REAPED: usize = 64;

/// Attempts to find room in the context: one is enough, unless other workers take all the room just then.
const ATTEMPTS: usize = 4;

/// `struct iocb` of Linux's `aio_abi.h`, for little-endian machines; the other order swaps two fields that are zero.
#[repr(C)]
#[derive(Default)]
struct Iocb {
    data: u64,
    key: u32,
    rw_flags: u32,
    opcode: u16,
    priority: i16,
    fd: u32,
    /// For `IOCB_CMD_POLL`, the events to wait for.
    buf: u64,
    bytes: u64,
    offset: i64,
    reserved: u64,
    flags: u32,
    result_fd: u32,
}

/// `struct io_event` of the same.
#[repr(C)]
struct IoEvent([u64; 4]);

/// Makes the calls of one device: a context for asynchronous requests. It counts as one towards `fs.aio-max-nr`.
#[derive(Debug)]
pub(crate) struct Caller(libc::c_ulong);

impl Caller {
    /// Takes a context from the system.
    pub(crate) fn new() -> Result<Caller, Errno> {
        let mut context: libc::c_ulong = 0;
        // SAFETY: the kernel writes the context's id to a variable that outlives the call.
        let done = unsafe { libc::syscall(libc::SYS_io_setup, 1u32, &raw mut context) };
        if done == 0 { Ok(Caller(context)) } else { Err(last_errno()) }
    }

    /// Signals an eventfd; what it is not, the kernel refuses.
    fn signal(&self, fd: &OwnedFd) {
        let Ok(number) = u32::try_from(fd.as_raw_fd()) else { return };
        // A counter is always readable or writable, so the request never waits.
        let events = u64::from((libc::POLLIN | libc::POLLOUT).unsigned_abs());
        for _ in 0..ATTEMPTS {
            let mut request = Iocb {
                opcode: IOCB_CMD_POLL,
                fd: number,
                buf: events,
                flags: IOCB_FLAG_RESFD,
                result_fd: number,
                ..Iocb::default()
            };
            let mut requests = [&raw mut request];
            // SAFETY: the request and the list of it outlive the call, nothing of them is kept by the kernel, and it
            // writes to the request's key alone.
            let taken = unsafe {
                libc::syscall(libc::SYS_io_submit, self.0, 1 as libc::c_long, requests.as_mut_ptr())
            };
            if taken == 1 || last_errno() != Errno::AGAIN {
                return;
            }
            self.reap();
        }
    }

    /// Makes room; never waits.
    fn reap(&self) {
        let mut events = [const { MaybeUninit::<IoEvent>::uninit() }; REAPED];
        // SAFETY: the kernel writes at most as many events as there is room for. None are waited for (the 0).
        unsafe {
            libc::syscall(
                libc::SYS_io_getevents,
                self.0,
                0 as libc::c_long,
                REAPED as libc::c_long,
                events.as_mut_ptr(),
                ptr::null_mut::<libc::timespec>(),
            );
        }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        // SAFETY: the context is ours, and nobody uses it any more.
        unsafe { libc::syscall(libc::SYS_io_destroy, self.0) };
    }
}

/// An eventfd by which a guest wants to be called.
#[derive(Debug)]
pub(crate) struct Call {
    caller: Arc<Caller>,
    fd: OwnedFd,
}

impl Call {
    pub(crate) fn new(caller: Arc<Caller>, fd: OwnedFd) -> Call {
        Call { caller, fd }
    }

    /// Calls. A counter that is full has called already.
    #[cold]
    pub(super) fn signal(&self) {
        self.caller.signal(&self.fd);
    }
}

fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::INVAL)
}

#[cfg(test)]
mod tests {
    use rustix::event::{EventfdFlags, eventfd};
    use rustix::io::{read, write};

    use super::*;

    fn count(call: &Call) -> u64 {
        let mut bytes = [0; 8];
        read(&call.fd, &mut bytes).map_or(0, |_| u64::from_ne_bytes(bytes))
    }

    #[test]
    fn every_call_is_counted_also_beyond_the_contexts_room() {
        let fd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap();
        let call = Call::new(Arc::new(Caller::new().unwrap()), fd);
        for _ in 0..10_000 {
            call.signal();
        }
        assert_eq!(count(&call), 10_000);
    }

    #[test]
    fn what_is_no_eventfd_is_not_written() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let call = Call::new(Arc::new(Caller::new().unwrap()), writer);
        call.signal();
        drop(call);
        assert_eq!(read(&reader, &mut [0; 8]), Ok(0));
    }

    #[test]
    fn a_full_blocking_counter_is_not_waited_for() {
        let fd = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
        write(&fd, &(u64::MAX - 1).to_ne_bytes()).unwrap();
        let call = Call::new(Arc::new(Caller::new().unwrap()), fd);
        call.signal();
        call.signal();
        assert!(count(&call) >= u64::MAX - 1);
    }
}
