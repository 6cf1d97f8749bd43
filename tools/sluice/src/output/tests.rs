//! Golden answers in each format.

use super::*;

#[derive(Serialize)]
struct Sample {
    name: &'static str,
    rx_packets: Option<u64>,
    share: f64,
    queues: Vec<&'static str>,
    detail: Detail,
    drops: Vec<Detail>,
}

#[derive(Serialize)]
struct Detail {
    reason: &'static str,
    up: bool,
}

impl Row for Sample {
    const COLUMNS: &'static [Column] = &[
        text("NAME", "name"),
        number("RX", "rx_packets"),
        number("SHARE", "share"),
        text("QUEUES", "queues"),
    ];

    fn name(&self) -> String {
        self.name.to_owned()
    }
}

fn samples() -> [Sample; 2] {
    [
        Sample {
            name: "vm1",
            rx_packets: Some(1234),
            share: 0.25,
            queues: vec!["vm1:0", "vm1:1"],
            detail: Detail { reason: "", up: true },
            drops: vec![Detail { reason: "runt", up: false }],
        },
        Sample {
            name: "ürgüp-long",
            rx_packets: None,
            share: 12.0,
            queues: vec![],
            detail: Detail { reason: "ring", up: false },
            drops: vec![],
        },
    ]
}

fn printed(format: Format, print: impl FnOnce(&mut Printer<&mut Vec<u8>>) -> Result<(), Error>) -> String {
    let mut out = Vec::new();
    print(&mut Printer::new(format, &mut out)).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn tables_are_aligned() {
    let expected = "\
NAME          RX  SHARE  QUEUES
vm1         1234    0.2  vm1:0,vm1:1
ürgüp-long     -   12.0  -
";
    assert_eq!(printed(Format::Table, |printer| printer.list(&samples())), expected);
}

#[test]
fn an_empty_table_has_its_header_and_an_empty_list_is_a_list() {
    assert_eq!(printed(Format::Table, |printer| printer.list::<Sample>(&[])), "NAME  RX  SHARE  QUEUES\n");
    assert_eq!(printed(Format::Json, |printer| printer.list::<Sample>(&[])), "[]\n");
    assert_eq!(printed(Format::Yaml, |printer| printer.list::<Sample>(&[])), "[]\n");
    assert_eq!(printed(Format::Name, |printer| printer.list::<Sample>(&[])), "");
}

#[test]
fn one_row_shows_every_field() {
    let expected = "\
name           vm1
rx_packets     1234
share          0.2
queues         vm1:0,vm1:1
detail.reason  -
detail.up      yes
drops[0]       reason=runt up=no
";
    let [first, _] = samples();
    assert_eq!(printed(Format::Table, |printer| printer.show(&first)), expected);
}

#[test]
fn json_keeps_the_order_of_fields() {
    let [first, _] = samples();
    let text = printed(Format::Json, |printer| printer.event(&first, ""));
    assert_eq!(
        text,
        r#"{"name":"vm1","rx_packets":1234,"share":0.25,"queues":["vm1:0","vm1:1"],"detail":{"reason":"","up":true},"drops":[{"reason":"runt","up":false}]}
"#
    );
}

#[test]
fn yaml_says_the_same_as_json() {
    let expected = r#"
name: vm1
rx_packets: 1234
share: 0.25
queues:
- vm1:0
- vm1:1
detail:
  reason: ""
  up: true
drops:
- reason: runt
  up: false
"#;
    let [first, _] = samples();
    assert_eq!(printed(Format::Yaml, |printer| printer.show(&first)), expected.trim_start());
}

#[test]
fn names_are_one_a_line() {
    assert_eq!(printed(Format::Name, |printer| printer.list(&samples())), "vm1\nürgüp-long\n");
}

#[test]
fn a_closed_pipe_is_told_from_other_errors() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for format in [Format::Table, Format::Json, Format::Yaml, Format::Name] {
        assert!(Printer::new(format, Closed).list(&samples()).unwrap_err().is_broken_pipe(), "{format:?}");
    }
}
