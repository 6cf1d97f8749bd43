use std::sync::Arc;

use super::*;
use crate::driver::ram::Ram;

fn layout(ram: &Ram) -> RegionLayout {
    RegionLayout { guest: ram.guest, size: ram.len() as u64, user: ram.user, file_offset: 0 }
}

#[test]
fn whole_buffers_are_checked_also_those_without_bytes() {
    let ram = Ram::new(0x2000, 0x10_0000);
    let memory = GuestMemory::default().with(layout(&ram), ram.file()).unwrap();
    let mut translator = Translator::new(Arc::new(memory));
    assert!(translator.whole(0x10_0000, 0x2000).is_some());
    assert!(translator.whole(0x10_1fff, 1).is_some());
    assert!(translator.whole(0x10_1fff, 0).is_some());
    assert!(translator.whole(0x10_1fff, 2).is_none());
    assert!(translator.whole(0x10_2000, 0).is_none());
    assert!(translator.whole(0x0f_ffff, 1).is_none());
    assert!(translator.whole(u64::MAX, 2).is_none());
    assert_eq!(translator.prefix(0x10_1fff, 9).map(|(_, len)| len), Some(1));
}

#[test]
fn an_offset_into_the_file_is_where_the_region_starts() {
    let ram = Ram::new(0x4000, 0x10_0000);
    ram.write(0x2345, b"here");
    let shifted = RegionLayout { size: 0x1000, file_offset: 0x2345, ..layout(&ram) };
    let memory = GuestMemory::default().with(shifted, ram.file()).unwrap();
    let at = Translator::new(Arc::new(memory.clone())).whole(0x10_0000, 4).unwrap();
    let mut bytes = [0; 4];
    // SAFETY: four bytes were found in the memory, which still lives.
    let segment = unsafe { Segment::new(at, 4) };
    assert_eq!(gather(&[segment], &mut bytes), 4);
    assert_eq!(&bytes, b"here");
    assert_eq!(memory.host_of_user(ram.user, 4).map(std::ptr::NonNull::as_ptr), Some(at));
    assert_eq!(memory.host_of_user(ram.user + 0xfff, 2), None);
    assert_eq!(memory.host_of_user(ram.user + 0x1000, 0), None);
}

#[test]
fn removed_memory_stays_mapped_for_those_who_hold_it() {
    let ram = Ram::new(0x1000, 0x10_0000);
    let memory = GuestMemory::default().with(layout(&ram), ram.file()).unwrap();
    let mut translator = Translator::new(Arc::new(memory.clone()));
    let memory = memory.without(&layout(&ram)).unwrap();
    assert!(memory.without(&layout(&ram)).is_err());
    assert!(memory.host_of_user(ram.user, 1).is_none());
    ram.write(0, b"x");
    let at = translator.whole(0x10_0000, 1).unwrap();
    // SAFETY: the translator holds the mapping.
    assert_eq!(unsafe { at.read_volatile() }, b'x');
}

#[test]
fn a_region_told_again_is_known_by_its_place_and_file() {
    let (ram, other) = (Ram::new(0x1000, 0x10_0000), Ram::new(0x1000, 0x10_0000));
    let memory = GuestMemory::default().with(layout(&ram), ram.file()).unwrap();
    assert!(memory.has(&layout(&ram), &ram.file()));
    assert!(!memory.has(&layout(&ram), &other.file()));
    assert!(!memory.has(&RegionLayout { size: 0x800, ..layout(&ram) }, &ram.file()));
    assert!(matches!(memory.with(layout(&ram), other.file()), Err(MemoryError::Overlap(..))));
}

#[test]
fn scattering_fills_piece_after_piece() {
    let ram = Ram::new(0x1000, 0);
    let memory = GuestMemory::default().with(layout(&ram), ram.file()).unwrap();
    let mut translator = Translator::new(Arc::new(memory));
    let mut piece = |at: u64, len: u32| {
        let host = translator.whole(at, len).unwrap();
        // SAFETY: the bytes were found in the memory, which the translator holds.
        unsafe { Segment::new(host, len) }
    };
    let pieces = [piece(0, 3), piece(100, 0), piece(200, 5)];
    let mut scatter = Scatter::new(&pieces);
    scatter.bytes(b"ab");
    scatter.bytes(b"cdefghij");
    assert_eq!(ram.read(0, 4), b"abc\0");
    assert_eq!(ram.read(200, 6), b"defgh\0");
    let mut all = [0; 8];
    assert_eq!(gather(&pieces, &mut all), 8);
    assert_eq!(&all, b"abcdefgh");
}
