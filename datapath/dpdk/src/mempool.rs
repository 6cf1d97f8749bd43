//! Pools of mbufs.

use std::ffi::CString;
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sluice_dpdk_sys as sys;

use crate::{Eal, Errno, HEADROOM, MbufBurst};

/// A data room for frames of the usual MTU with room to spare: [`HEADROOM`] + 2048 bytes.
pub const DEFAULT_DATA_ROOM: u16 = 2048 + 128;
const _: () = assert!(DEFAULT_DATA_ROOM as usize == 2048 + HEADROOM);

/// A pool of mbufs; a cheap handle. Any thread may allocate; registered threads
/// ([`ThreadRegistration`](crate::ThreadRegistration)) do so from a cache of their own.
///
/// After the last handle is dropped (devices hold one for each of their receive queues), the pool is
/// *retired*: mbufs that are still on their way return to it, and the next pool of the same shape takes it over.
/// Its memory goes back to the system with the EAL.
#[derive(Clone)]
pub struct Mempool(Arc<Inner>);

/// Why a pool could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MempoolError {
    /// No mbufs, or more than DPDK can count.
    #[error("mempool {name}: {mbufs} mbufs are not possible")]
    Count {
        /// The pool's name.
        name: String,
        /// What was asked for.
        mbufs: u32,
    },
    /// The cache of one thread is too large.
    #[error(
        "mempool {name}: a cache of {cache} mbufs a thread is too large; with {mbufs} mbufs at most {limit}"
    )]
    Cache {
        /// The pool's name.
        name: String,
        /// What was asked for.
        cache: u32,
        /// The pool's size.
        mbufs: u32,
        /// The largest that is possible.
        limit: u32,
    },
    /// The data room has no space for data behind the headroom.
    #[error(
        "mempool {name}: a data room of {data_room} bytes does not hold more than the headroom, {HEADROOM} bytes"
    )]
    DataRoom {
        /// The pool's name.
        name: String,
        /// What was asked for.
        data_room: u16,
    },
    /// DPDK has no memory for it.
    #[error(
        "mempool {name}: {mbufs} mbufs of {data_room} bytes: {reason} (raise the memory limit, or reserve more hugepages)"
    )]
    Refused {
        /// The pool's name.
        name: String,
        /// What was asked for.
        mbufs: u32,
        /// What was asked for.
        data_room: u16,
        /// What DPDK's error number says.
        reason: Errno,
    },
}

impl Mempool {
    /// Makes a pool of `mbufs` mbufs with `data_room` bytes each, [`HEADROOM`] included, and a cache of `cache`
    /// mbufs for each registered thread, in the memory of NUMA node `socket` (`None`: any).
    ///
    /// `mbufs` costs least memory as 2^n - 1.
    ///
    /// # Errors
    /// When the numbers do not fit each other, or there is not enough memory.
    pub fn new(
        eal: &Eal,
        name: &str,
        mbufs: u32,
        cache: u32,
        data_room: u16,
        socket: Option<u32>,
    ) -> Result<Self, MempoolError> {
        let shape = Shape { mbufs, cache, data_room, socket };
        shape.check(name)?;
        let pool = match take_retired(eal, shape) {
            Some(pool) => pool,
            None => RawPool::create(name, shape)?,
        };
        Ok(Self(Arc::new(Inner { pool, name: name.to_owned(), eal: eal.clone() })))
    }

    /// A new burst of `count` mbufs, each empty with [`HEADROOM`] in front; `None` if the pool has not as many,
    /// or `count` is more than a burst holds. [`Mempool::fill`] does the same into a burst that is there already.
    pub fn alloc(&self, count: usize) -> Option<MbufBurst> {
        let mut burst = MbufBurst::new(&self.0.eal);
        self.fill(&mut burst, count).then_some(burst)
    }

    /// Adds `count` mbufs to `burst`, each empty with [`HEADROOM`] in front. `false`, and nothing changes, if the
    /// pool has not as many, or they do not fit.
    #[inline]
    pub fn fill(&self, burst: &mut MbufBurst, count: usize) -> bool {
        let (slots, room) = burst.room();
        let Ok(wanted) = u32::try_from(count) else { return false };
        // DPDK's ring reports nothing taken as a failure, also when nothing was asked for.
        if count > room || count == 0 {
            return count == 0;
        }
        // SAFETY: the pool is alive, and `slots` has room for `count` pointers.
        if unsafe { sys::sluice_mbuf_alloc_bulk(self.as_ptr(), slots, wanted) } != 0 {
            return false;
        }
        // SAFETY: `count` mbufs have been written there, fresh from the pool.
        unsafe { burst.grow(count) };
        true
    }

    /// How many mbufs it has in all.
    pub fn size(&self) -> u32 {
        self.0.pool.shape.mbufs
    }

    /// How many mbufs are not in use, in the pool or in a thread's cache. Slow (it asks every cache), and only
    /// exact while no thread allocates or frees.
    pub fn available(&self) -> u32 {
        self.0.pool.available()
    }

    /// How many mbufs are in use; see [`Mempool::available`].
    pub fn in_use(&self) -> u32 {
        self.size().saturating_sub(self.available())
    }

    /// Bytes in an mbuf's buffer, [`HEADROOM`] included.
    pub fn data_room(&self) -> u16 {
        self.0.pool.shape.data_room
    }

    /// The name it was made with.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut sys::rte_mempool {
        self.0.pool.raw.as_ptr()
    }
}

impl fmt::Debug for Mempool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mempool")
            .field("name", &self.0.name)
            .field("shape", &self.0.pool.shape)
            .finish_non_exhaustive()
    }
}

struct Inner {
    pool: RawPool,
    name: String,
    eal: Eal,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Never freed here: an mbuf of it may be in any burst or driver, and a thread may be in the middle of
        // giving one back. The memory stays mapped until nobody has a handle of the EAL.
        let RawPool { raw, shape } = self.pool;
        self.eal.retired_pools().push(RawPool { raw, shape });
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    mbufs: u32,
    cache: u32,
    data_room: u16,
    socket: Option<u32>,
}

impl Shape {
    fn check(self, name: &str) -> Result<(), MempoolError> {
        let name = || name.to_owned();
        let Self { mbufs, cache, data_room, .. } = self;
        if mbufs == 0 || mbufs > MAX_MBUFS {
            return Err(MempoolError::Count { name: name(), mbufs });
        }
        // DPDK flushes a cache at one and a half times its size, and wants that to be in the pool.
        let limit = MAX_CACHE.min(mbufs / 3 * 2);
        if cache > limit {
            return Err(MempoolError::Cache { name: name(), cache, mbufs, limit });
        }
        if usize::from(data_room) <= HEADROOM {
            return Err(MempoolError::DataRoom { name: name(), data_room });
        }
        Ok(())
    }
}

/// `RTE_RING_SZ_MASK`, the most that a pool's ring can hold.
const MAX_MBUFS: u32 = 0x7fff_ffff;
/// `RTE_MEMPOOL_CACHE_MAX_SIZE`.
const MAX_CACHE: u32 = 512;

/// A pool in DPDK. There is no drop: its memory belongs to the EAL.
#[derive(Debug)]
pub(crate) struct RawPool {
    raw: NonNull<sys::rte_mempool>,
    shape: Shape,
}

// SAFETY: DPDK's pools may be used from all threads at once: the ring is for many producers and consumers, and
// the caches belong to one registered thread each.
unsafe impl Send for RawPool {}
// SAFETY: as above.
unsafe impl Sync for RawPool {}

impl RawPool {
    fn create(name: &str, shape: Shape) -> Result<Self, MempoolError> {
        let Shape { mbufs, cache, data_room, socket } = shape;
        let socket = socket.and_then(|node| i32::try_from(node).ok()).unwrap_or(sys::SOCKET_ID_ANY);
        let dpdk_name = unique_name(name);
        // SAFETY: the EAL is up, as the caller has a handle; DPDK copies the name.
        let raw =
            unsafe { sys::rte_pktmbuf_pool_create(dpdk_name.as_ptr(), mbufs, cache, 0, data_room, socket) };
        match NonNull::new(raw) {
            Some(raw) => Ok(Self { raw, shape }),
            None => {
                Err(MempoolError::Refused { name: name.to_owned(), mbufs, data_room, reason: Errno::last() })
            }
        }
    }

    fn available(&self) -> u32 {
        // SAFETY: the pool is never freed while the EAL lives.
        unsafe { sys::rte_mempool_avail_count(self.raw.as_ptr()) }
    }
}

/// A retired pool of that shape to which all mbufs have returned.
fn take_retired(eal: &Eal, shape: Shape) -> Option<RawPool> {
    let mut retired = eal.retired_pools();
    let index = retired.iter().position(|pool| pool.shape == shape && pool.available() == shape.mbufs)?;
    Some(retired.swap_remove(index))
}

/// DPDK's names are unique and short (24 bytes with its own prefixes taken off); retired pools keep theirs.
fn unique_name(name: &str) -> CString {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let readable: String = name.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
    let text = format!("{readable}_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    // Neither letters nor digits are NUL.
    CString::new(text).unwrap_or_default()
}
