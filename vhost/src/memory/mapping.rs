//! One mapped region of a guest's memory.

use std::os::fd::{AsFd, OwnedFd};
use std::ptr::NonNull;

use rustix::fs::{FileType, fstat};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use super::guard::Slot;
use super::{MemoryError, RegionLayout};

/// A region's pages, mapped shared with the guest; unmapped when dropped.
///
/// The bytes are the guest's too and may change at any time, so they are only read and written by raw pointers.
#[derive(Debug)]
pub(super) struct Mapping {
    /// Dropped, and so the guard ended, before the pages are unmapped: see `Drop`.
    guard: Option<Slot>,
    base: NonNull<u8>,
    len: usize,
    /// Where in the mapping the region starts: file offsets of a mapping are whole pages.
    lead: usize,
    file: OwnedFd,
}

// SAFETY: the pages belong to the process, not to a thread.
unsafe impl Send for Mapping {}
// SAFETY: no method touches the pages; whoever does by raw pointers answers for it.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps what `layout` says of `file`, which must be a regular file (a memfd, hugetlbfs or shared memory) that is
    /// long enough.
    pub(super) fn new(layout: &RegionLayout, file: OwnedFd) -> Result<Mapping, MemoryError> {
        let stat = fstat(&file).map_err(MemoryError::Map)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(MemoryError::NotAFile);
        }
        let end = layout.file_offset.checked_add(layout.size).ok_or(MemoryError::RangeOverflow(*layout))?;
        let file_len = u64::try_from(stat.st_size).unwrap_or(0);
        if end > file_len {
            return Err(MemoryError::FileTooShort { layout: *layout, file_len });
        }
        // hugetlbfs tells its page size here; elsewhere it is the system's.
        let page = usize::try_from(stat.st_blksize).unwrap_or(0);
        let page = page.max(rustix::param::page_size());
        if !page.is_power_of_two() {
            return Err(MemoryError::NotAFile);
        }
        let offset = layout.file_offset & !(page as u64 - 1);
        let overflow = |_| MemoryError::RangeOverflow(*layout);
        let lead = usize::try_from(layout.file_offset - offset).map_err(overflow)?;
        let size = usize::try_from(layout.size).map_err(overflow)?;
        let len = size.checked_add(lead).and_then(|len| len.checked_next_multiple_of(page));
        let len = len.ok_or(MemoryError::RangeOverflow(*layout))?;
        // SAFETY: a fresh mapping at an address of the kernel's choosing touches nothing that exists.
        let base = unsafe {
            mmap(
                std::ptr::null_mut(),
                len,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED | MapFlags::NORESERVE,
                file.as_fd(),
                offset,
            )
        };
        let base = NonNull::new(base.map_err(MemoryError::Map)?.cast::<u8>()).ok_or(MemoryError::NotAFile)?;
        let mut mapping = Mapping { guard: None, base, len, lead, file };
        let start = base.addr().get();
        mapping.guard = Slot::take(start..start + len, page).map_err(MemoryError::Guard)?;
        match mapping.guard {
            Some(_) => Ok(mapping),
            None => Err(MemoryError::TooManyMappings),
        }
    }

    /// Where the region's first byte is mapped.
    pub(super) fn start(&self) -> NonNull<u8> {
        // SAFETY: `lead` is less than the mapping's length.
        unsafe { self.base.add(self.lead) }
    }

    /// Whether the file was cut short under the mapping.
    pub(super) fn broken(&self) -> bool {
        self.guard.as_ref().is_some_and(Slot::broken)
    }

    /// Whether `file` is the one behind the mapping, by whatever descriptor.
    pub(super) fn is_of(&self, file: &OwnedFd) -> bool {
        match (fstat(&self.file), fstat(file)) {
            (Ok(ours), Ok(other)) => (ours.st_dev, ours.st_ino) == (other.st_dev, other.st_ino),
            _ => false,
        }
    }

    /// The file behind the mapping, for a successor process.
    pub(super) fn file(&self) -> &OwnedFd {
        &self.file
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        self.guard = None;
        // SAFETY: the mapping is ours alone, and whoever walks it holds it alive.
        let unmapped = unsafe { munmap(self.base.as_ptr().cast(), self.len) };
        debug_assert!(unmapped.is_ok());
    }
}
