//! A guest's memory: a memfd, mapped here as the guest sees it.
#![allow(unsafe_code)]

use std::os::fd::{AsFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// Memory at a guest-physical address and another one in the frontend's address space.
#[derive(Debug)]
pub struct Ram {
    file: OwnedFd,
    base: NonNull<u8>,
    len: usize,
    pub guest: u64,
    pub user: u64,
}

// SAFETY: shared memory belongs to no thread; all access is by raw pointers.
unsafe impl Send for Ram {}
// SAFETY: as above; races are what a guest does.
unsafe impl Sync for Ram {}

impl Ram {
    pub fn new(len: usize, guest: u64) -> Ram {
        let file = memfd_create("guest", MemfdFlags::CLOEXEC).unwrap();
        ftruncate(&file, len as u64).unwrap();
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a fresh mapping.
        let base = unsafe { mmap(std::ptr::null_mut(), len, protection, MapFlags::SHARED, &file, 0) };
        let base = NonNull::new(base.unwrap().cast()).unwrap();
        Ram { file, base, len, guest, user: 0x7f00_0000_0000 + guest }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// A descriptor of the memory, to be sent.
    pub fn file(&self) -> OwnedFd {
        self.file.as_fd().try_clone_to_owned().unwrap()
    }

    /// Takes the memory away from everybody.
    pub fn cut(&self) {
        ftruncate(&self.file, 0).unwrap();
    }

    pub fn write(&self, at: usize, bytes: &[u8]) {
        assert!(at + bytes.len() <= self.len);
        // SAFETY: within the mapping, as checked.
        unsafe { self.base.as_ptr().wrapping_add(at).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }

    pub fn read(&self, at: usize, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.read_into(at, &mut bytes);
        bytes
    }

    pub fn read_into(&self, at: usize, bytes: &mut [u8]) {
        assert!(at + bytes.len() <= self.len);
        // SAFETY: within the mapping, as checked.
        unsafe {
            self.base.as_ptr().wrapping_add(at).copy_to_nonoverlapping(bytes.as_mut_ptr(), bytes.len());
        }
    }

    pub fn u16(&self, at: usize) -> &AtomicU16 {
        assert!(at + 2 <= self.len && at.is_multiple_of(2));
        // SAFETY: within the mapping and aligned, as checked.
        unsafe { AtomicU16::from_ptr(self.base.as_ptr().wrapping_add(at).cast()) }
    }

    pub fn u32(&self, at: usize) -> u32 {
        let mut bytes = [0; 4];
        self.read_into(at, &mut bytes);
        u32::from_le_bytes(bytes)
    }

    pub fn load(&self, at: usize) -> u16 {
        self.u16(at).load(Ordering::Acquire)
    }

    pub fn store(&self, at: usize, value: u16) {
        self.u16(at).store(value, Ordering::Release);
    }
}

impl Drop for Ram {
    fn drop(&mut self) {
        // SAFETY: nobody holds a reference into it any more.
        unsafe { munmap(self.base.as_ptr().cast(), self.len) }.unwrap();
    }
}
