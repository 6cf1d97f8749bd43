//! Messages that were recorded from real clients and switches (`tests/golden/`).

use std::cell::Cell;
use std::path::PathBuf;

use crate::wire::*;

/// A recorded message.
struct Golden {
    place: String,
    bytes: Vec<u8>,
}

/// Every recorded message.
pub(super) fn messages() -> Vec<Vec<u8>> {
    all().into_iter().map(|golden| golden.bytes).collect()
}

fn all() -> Vec<Golden> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            if let Some(hex) = line.strip_prefix("> ").or_else(|| line.strip_prefix("< ")) {
                let place = format!("{}:{}", file.file_name().unwrap().display(), number + 1);
                all.push(Golden { place, bytes: from_hex(hex) });
            }
        }
    }
    all
}

pub(super) fn from_hex(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}

#[test]
fn recorded_messages_are_read_and_written_back() {
    let all = all();
    assert!(all.len() > 100, "{} messages", all.len());
    for Golden { place, bytes } in all {
        let loose = Cell::new(false);
        let (header, message) =
            Message::decode_noting(&bytes, &loose).unwrap_or_else(|error| panic!("{place}: {error}"));
        let mut again = Vec::new();
        message.encode(header.xid, &mut again).unwrap();
        if loose.get() {
            let decoded = Message::decode(&again).unwrap_or_else(|error| panic!("{place}: {error}"));
            assert_eq!(decoded.1, message, "{place}");
        } else {
            assert_eq!(again, bytes, "{place}: {message:?}");
        }
    }
}
