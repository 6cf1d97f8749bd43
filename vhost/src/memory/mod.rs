//! A guest's memory: its regions, checked, mapped and translated.

mod copy;
mod guard;
mod mapping;
mod segment;
#[cfg(test)]
mod tests;
mod translate;

use std::fmt;
use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use std::sync::Arc;

use thiserror::Error;

pub(crate) use guard::faults;
use mapping::Mapping;
pub(crate) use segment::{Scatter, Segment, gather};
pub(crate) use translate::Translator;

/// Regions a guest may have at once: what `GET_MAX_MEM_SLOTS` answers.
pub(crate) const MAX_REGIONS: usize = 64;

/// Why guest memory is refused.
#[derive(Debug, Error)]
pub enum MemoryError {
    /// A region without bytes.
    #[error("memory region {0} is empty")]
    Empty(RegionLayout),
    /// An address, offset and size that do not add up.
    #[error("memory region {0} runs over the end of the address space")]
    RangeOverflow(RegionLayout),
    /// Two regions claim the same addresses.
    #[error("memory region {0} overlaps {1}")]
    Overlap(RegionLayout, RegionLayout),
    /// More regions than [`MAX_REGIONS`].
    #[error("more than {MAX_REGIONS} memory regions")]
    TooManyRegions,
    /// The region to be removed does not exist.
    #[error("there is no memory region {0}")]
    NoSuchRegion(RegionLayout),
    /// The descriptor is no regular file.
    #[error(
        "the memory's descriptor is not a regular file; share the guest's memory from a memfd or hugetlbfs"
    )]
    NotAFile,
    /// The file ends before the region does.
    #[error("memory region {layout} reaches beyond its file of {file_len} bytes")]
    FileTooShort {
        /// The region.
        layout: RegionLayout,
        /// The file's length in bytes.
        file_len: u64,
    },
    /// The system refused to map it.
    #[error("the memory cannot be mapped: {0}")]
    Map(#[source] rustix::io::Errno),
    /// The handler for SIGBUS cannot be installed.
    #[error("no handler for SIGBUS can be installed: {0}")]
    Guard(#[source] std::io::Error),
    /// The process holds too many guest mappings.
    #[error("too many memory regions are mapped in this process")]
    TooManyMappings,
}

/// Where a region lies for the guest, for the frontend and in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegionLayout {
    /// First guest-physical address.
    pub guest: u64,
    /// Length in bytes.
    pub size: u64,
    /// First address in the frontend's address space, in which ring addresses are told.
    pub user: u64,
    /// Offset in the file, in bytes.
    pub file_offset: u64,
}

impl RegionLayout {
    fn check(&self) -> Result<(), MemoryError> {
        if self.size == 0 {
            return Err(MemoryError::Empty(*self));
        }
        let fits = |start: u64| start.checked_add(self.size).is_some();
        // The kernel's file offsets are signed.
        let file_end = self.file_offset.checked_add(self.size);
        if !fits(self.guest) || !fits(self.user) || file_end.is_none_or(|end| i64::try_from(end).is_err()) {
            return Err(MemoryError::RangeOverflow(*self));
        }
        Ok(())
    }

    fn overlaps(&self, other: &RegionLayout) -> bool {
        let overlap = |a: u64, b: u64| a < b.saturating_add(other.size) && b < a.saturating_add(self.size);
        overlap(self.guest, other.guest) || overlap(self.user, other.user)
    }
}

impl fmt::Display for RegionLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:#x}+{:#x} (frontend {:#x}, file offset {:#x})",
            self.guest, self.size, self.user, self.file_offset
        )
    }
}

/// One region and its pages.
#[derive(Clone, Debug)]
struct Region {
    layout: RegionLayout,
    mapping: Arc<Mapping>,
}

/// The regions of a guest at one moment. Changing makes a new value; whoever holds the old one keeps its pages.
#[derive(Clone, Debug, Default)]
pub(crate) struct GuestMemory {
    regions: Vec<Region>,
}

impl GuestMemory {
    /// Maps a whole new set of regions.
    pub(crate) fn new(regions: Vec<(RegionLayout, OwnedFd)>) -> Result<GuestMemory, MemoryError> {
        regions
            .into_iter()
            .try_fold(GuestMemory::default(), |memory, (layout, file)| memory.with(layout, file))
    }

    /// The memory with one region more.
    pub(crate) fn with(&self, layout: RegionLayout, file: OwnedFd) -> Result<GuestMemory, MemoryError> {
        layout.check()?;
        if self.regions.len() >= MAX_REGIONS {
            return Err(MemoryError::TooManyRegions);
        }
        if let Some(other) = self.regions.iter().find(|region| region.layout.overlaps(&layout)) {
            return Err(MemoryError::Overlap(layout, other.layout));
        }
        let mut regions = self.regions.clone();
        regions.push(Region { layout, mapping: Arc::new(Mapping::new(&layout, file)?) });
        Ok(GuestMemory { regions })
    }

    /// Whether that region of that very file is here already: QEMU before 8.0 tells every region once for each queue
    /// pair.
    pub(crate) fn has(&self, layout: &RegionLayout, file: &OwnedFd) -> bool {
        let mut regions = self.regions.iter();
        regions.any(|region| region.layout == *layout && region.mapping.is_of(file))
    }

    /// The memory without the region of the same addresses and size; the file offset does not count.
    pub(crate) fn without(&self, layout: &RegionLayout) -> Result<GuestMemory, MemoryError> {
        let same = |region: &Region| {
            let RegionLayout { guest, size, user, .. } = region.layout;
            (guest, size, user) == (layout.guest, layout.size, layout.user)
        };
        if !self.regions.iter().any(same) {
            return Err(MemoryError::NoSuchRegion(*layout));
        }
        Ok(GuestMemory { regions: self.regions.iter().filter(|region| !same(region)).cloned().collect() })
    }

    /// Where `len` bytes at the frontend's address `user` are mapped; `None` unless one region holds them all.
    pub(crate) fn host_of_user(&self, user: u64, len: usize) -> Option<NonNull<u8>> {
        self.regions.iter().find_map(|region| {
            let offset = user.checked_sub(region.layout.user)?;
            let room = region.layout.size.checked_sub(offset)?;
            if room == 0 || len as u64 > room {
                return None;
            }
            // SAFETY: the offset is within the region, which is mapped as a whole.
            Some(unsafe { region.mapping.start().add(usize::try_from(offset).ok()?) })
        })
    }

    /// Whether a page of any region was lost because its file was cut short.
    pub(crate) fn broken(&self) -> bool {
        self.regions.iter().any(|region| region.mapping.broken())
    }

    /// What is mapped, with the files behind, for a successor process.
    #[expect(dead_code, reason = "read by the hand-over to a successor, which comes later")]
    pub(crate) fn regions(&self) -> impl Iterator<Item = (&RegionLayout, &OwnedFd)> {
        self.regions.iter().map(|region| (&region.layout, region.mapping.file()))
    }
}
