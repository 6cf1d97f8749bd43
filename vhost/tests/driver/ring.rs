//! A driver's side of a split ring.

use std::sync::Arc;

use super::ram::Ram;

pub const NEXT: u16 = 1;
pub const WRITE: u16 = 2;
pub const INDIRECT: u16 = 4;

/// A buffer: offset in the memory and length.
pub type Buffer = (usize, u32);

/// A split ring at an offset of the memory.
#[derive(Debug)]
pub struct DriverRing {
    pub ram: Arc<Ram>,
    pub size: u16,
    pub descriptors: usize,
    pub available: usize,
    pub used: usize,
    pub next_descriptor: u16,
    pub available_index: u16,
    pub used_seen: u16,
}

impl DriverRing {
    /// Bytes that a ring takes.
    pub fn bytes(size: u16) -> usize {
        (16 * usize::from(size) + 6 + 2 * usize::from(size) + 16 + 6 + 8 * usize::from(size))
            .next_multiple_of(4096)
    }

    pub fn new(ram: Arc<Ram>, at: usize, size: u16) -> DriverRing {
        let available = at + 16 * usize::from(size);
        let used = (available + 6 + 2 * usize::from(size)).next_multiple_of(8);
        DriverRing {
            ram,
            size,
            descriptors: at,
            available,
            used,
            next_descriptor: 0,
            available_index: 0,
            used_seen: 0,
        }
    }

    /// Writes a descriptor of the ring's table.
    pub fn descriptor(&self, index: u16, address: u64, len: u32, flags: u16, next: u16) {
        self.descriptor_at(self.descriptors + 16 * usize::from(index), address, len, flags, next);
    }

    pub fn descriptor_at(&self, at: usize, address: u64, len: u32, flags: u16, next: u16) {
        self.ram.write(at, &address.to_le_bytes());
        self.ram.write(at + 8, &len.to_le_bytes());
        self.ram.write(at + 12, &flags.to_le_bytes());
        self.ram.write(at + 14, &next.to_le_bytes());
    }

    /// Makes a chain of the buffers available, from the next free descriptors on; returns its head.
    pub fn offer(&mut self, buffers: &[Buffer], write: bool) -> u16 {
        let head = self.next_descriptor;
        let mask = self.size - 1;
        for (n, &(at, len)) in buffers.iter().enumerate() {
            let id = self.next_descriptor;
            self.next_descriptor = (id + 1) & mask;
            let more = if n + 1 < buffers.len() { NEXT } else { 0 };
            let flags = more | if write { WRITE } else { 0 };
            self.descriptor(id, self.ram.guest + at as u64, len, flags, self.next_descriptor);
        }
        self.push(head);
        head
    }

    /// Makes an indirect chain available, its table being written at `table`.
    pub fn offer_indirect(&mut self, table: usize, buffers: &[Buffer], write: bool) -> u16 {
        for (n, &(at, len)) in buffers.iter().enumerate() {
            let more = if n + 1 < buffers.len() { NEXT } else { 0 };
            let flags = more | if write { WRITE } else { 0 };
            self.descriptor_at(table + 16 * n, self.ram.guest + at as u64, len, flags, n as u16 + 1);
        }
        let head = self.next_descriptor;
        self.next_descriptor = (head + 1) & (self.size - 1);
        self.descriptor(head, self.ram.guest + table as u64, 16 * buffers.len() as u32, INDIRECT, 0);
        self.push(head);
        head
    }

    /// Puts a chain's head into the available ring, not published yet.
    pub fn push(&mut self, head: u16) {
        let entry = usize::from(self.available_index & (self.size - 1));
        self.ram.store(self.available + 4 + 2 * entry, head);
        self.available_index = self.available_index.wrapping_add(1);
    }

    pub fn publish(&self) {
        self.ram.store(self.available + 2, self.available_index);
    }

    pub fn used_index(&self) -> u16 {
        self.ram.load(self.used + 2)
    }

    /// The next used chain: its head and how many bytes were written.
    pub fn take_used(&mut self) -> Option<(u16, u32)> {
        if self.used_index() == self.used_seen {
            return None;
        }
        let at = self.used + 4 + 8 * usize::from(self.used_seen & (self.size - 1));
        self.used_seen = self.used_seen.wrapping_add(1);
        Some((self.ram.u32(at) as u16, self.ram.u32(at + 4)))
    }

    /// Takes a used chain without looking which; false if there is none.
    pub fn take_used_index(&mut self) -> bool {
        let taken = self.used_index() != self.used_seen;
        self.used_seen = self.used_seen.wrapping_add(u16::from(taken));
        taken
    }

    /// Whether the device asks not to be kicked (without EVENT_IDX).
    pub fn no_notify(&self) -> bool {
        self.ram.load(self.used) & 1 != 0
    }

    pub fn set_no_interrupt(&self, off: bool) {
        self.ram.store(self.available, u16::from(off));
    }

    pub fn set_used_event(&self, index: u16) {
        self.ram.store(self.available + 4 + 2 * usize::from(self.size), index);
    }

    pub fn available_event(&self) -> u16 {
        self.ram.load(self.used + 4 + 8 * usize::from(self.size))
    }
}
