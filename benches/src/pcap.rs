//! Files of frames in libpcap's format, and the order in which a case's flows follow each other.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

const MAGIC: u32 = 0xa1b2_c3d4; // microseconds; the byte order is the writer's
const VERSION: [u16; 2] = [2, 4];
const SNAP_LENGTH: u32 = 65_535;
const ETHERNET: u32 = 1;

/// Writes frames to `path`, little-endian, all of time 0.
pub fn write(path: &Path, frames: impl IntoIterator<Item = Vec<u8>>) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(&MAGIC.to_le_bytes())?;
    for number in VERSION {
        file.write_all(&number.to_le_bytes())?;
    }
    for number in [0, 0, SNAP_LENGTH, ETHERNET] {
        file.write_all(&number.to_le_bytes())?;
    }
    for frame in frames {
        let length = u32::try_from(frame.len()).map_err(io::Error::other)?;
        for number in [0, 0, length, length] {
            file.write_all(&number.to_le_bytes())?;
        }
        file.write_all(&frame)?;
    }
    file.flush()
}

/// `frames` numbers of `flows` flows: each flow equally often (give or take one), in an order that looks random
/// and is the same every time.
pub fn order(flows: u32, frames: u32) -> Vec<u32> {
    let mut numbers: Vec<u32> = (0..frames).map(|frame| frame % flows.max(1)).collect();
    let mut state = 1_u64;
    for last in (1..numbers.len()).rev() {
        let random = split_mix(&mut state) % (last as u64 + 1);
        numbers.swap(last, usize::try_from(random).unwrap_or(last));
    }
    numbers
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_the_format_says() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("two.pcap");
        write(&path, [vec![1, 2, 3], vec![4]]).unwrap();
        let expected = [
            &[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0][..],
            &[0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0],
            &[0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0, 1, 2, 3],
            &[0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4],
        ]
        .concat();
        assert_eq!(std::fs::read(&path).unwrap(), expected);
    }

    #[test]
    fn every_flow_has_its_share_and_the_order_is_not_the_numbers() {
        let order = order(10, 1000);
        for flow in 0..10 {
            assert_eq!(order.iter().filter(|number| **number == flow).count(), 100);
        }
        let ascending = order.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((300..700).contains(&ascending), "{ascending} of 999 ascend");
    }

    #[test]
    fn the_order_is_the_same_every_time() {
        assert_eq!(order(1000, 1000), order(1000, 1000));
    }
}
