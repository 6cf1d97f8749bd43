//! Threads that DPDK did not start.

use std::marker::PhantomData;

use sluice_dpdk_sys as sys;

use crate::{Eal, Errno};

/// The calling thread's membership in DPDK: an lcore id, and with it a cache in every mempool.
///
/// An unregistered thread may call everything in this crate, but each of its allocations goes to the pool's
/// shared ring. The guard belongs to its thread; dropping it gives the lcore id back (mbufs cached under the id
/// serve the next thread that gets it). Does not touch the thread's affinity.
#[derive(Debug)]
pub struct ThreadRegistration {
    // After `drop`, in case this is the last handle.
    _eal: Eal,
    not_send: PhantomData<*mut ()>,
}

/// Why a thread could not be registered.
#[derive(Debug, thiserror::Error)]
pub enum ThreadError {
    /// It has an lcore id.
    #[error("this thread is registered with DPDK already")]
    AlreadyRegistered,
    /// All lcore ids are taken, or a secondary DPDK process is attached.
    #[error("DPDK refused to register the thread: {0}")]
    Refused(Errno),
}

impl ThreadRegistration {
    /// Registers the calling thread.
    ///
    /// # Errors
    /// When it is registered already, or DPDK has no lcore id left.
    pub fn new(eal: &Eal) -> Result<Self, ThreadError> {
        // SAFETY: reads a thread-local.
        if unsafe { sys::sluice_thread_is_registered() } != 0 {
            return Err(ThreadError::AlreadyRegistered);
        }
        // SAFETY: the EAL is up (`eal`), and this thread has no lcore id yet.
        if unsafe { sys::rte_thread_register() } != 0 {
            return Err(ThreadError::Refused(Errno::last()));
        }
        Ok(Self { _eal: eal.clone(), not_send: PhantomData })
    }
}

impl Drop for ThreadRegistration {
    fn drop(&mut self) {
        // SAFETY: this thread registered itself in `new`; the guard cannot have moved to another (!Send).
        unsafe { sys::rte_thread_unregister() };
    }
}
