//! `docs/openflow.md` names everything, and its column of recorded fields is true.

use std::path::PathBuf;

use super::golden;
use crate::wire::*;

fn document() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/openflow.md");
    std::fs::read_to_string(path).unwrap()
}

/// The cells of the row that starts with this one.
fn row<'a>(document: &'a str, first: &str) -> Vec<&'a str> {
    let row = document.lines().find(|line| line.starts_with(&format!("| {first} |")));
    row.unwrap_or_else(|| panic!("{first} is not in docs/openflow.md")).split('|').map(str::trim).collect()
}

/// `FlowMod` → `FLOW_MOD`.
fn upper(name: &str) -> String {
    name.char_indices()
        .flat_map(|(at, c)| {
            let underscore = (at > 0 && c.is_uppercase()).then_some('_');
            underscore.into_iter().chain([c.to_ascii_uppercase()])
        })
        .collect()
}

#[test]
fn every_message_and_error_has_a_row() {
    let document = document();
    for kind in MessageType::ALL {
        row(&document, &format!("`OFPT_{}`", upper(&format!("{kind:?}"))));
    }
    for code in ErrorCode::all() {
        let (kind, number) = code.numbers();
        let numbers = if code.experimenter().is_some() {
            format!("ONF, {number}")
        } else {
            format!("{kind}, {number}")
        };
        let is_there =
            document.lines().any(|line| line.starts_with(&format!("| `{}` | {numbers} |", code.name())));
        assert!(is_there, "{code} ({numbers}) is not in docs/openflow.md");
    }
}

#[test]
fn every_field_has_a_row_that_says_whether_it_was_recorded() {
    let document = document();
    // Tables' features list fields as numbers, so they do not count.
    let recorded: String =
        golden::messages().iter().map(|bytes| format!("{:?}", Message::decode(bytes).unwrap().1)).collect();
    for field in Field::ALL {
        let cells = row(&document, &format!("`{}` (`{field:?}`)", field.name()));
        assert_eq!(cells[3], field.width_bits().to_string(), "{field:?}");
        let mask = match field.maskable() {
            Maskable::Yes => "yes",
            Maskable::Extended => "+",
            Maskable::No => "no",
        };
        assert_eq!(cells[4], mask, "{field:?}");
        let was_recorded = recorded.contains(&format!("field: {field:?},"));
        assert_eq!(cells[6], if was_recorded { "yes" } else { "" }, "{field:?}: recorded");
    }
}
