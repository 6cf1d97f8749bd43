//! What is told of a case: a table for people, a line of JSON a mode for programs. Ratios above 1 mean that Sluice is better.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use serde::Serialize;

use crate::measure::{Measured, Window};
use crate::mode::Mode;
use crate::peer::Rival;
use crate::stats::{median, median_ratio};

/// A switch that is busy for less than this share of its time could do more: the generator is the limit.
const SATURATED_SHARE: f64 = 0.95;
/// A guest that receives less than this of what the switch took does not keep up.
const LOSSLESS_SHARE: f64 = 0.97;

/// A case in one mode: one line of JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// The case's name.
    pub case: &'static str,
    /// Near or far.
    pub mode: Mode,
    /// The median round trip of a cache line between the cores, in TSC cycles.
    pub round_trip_cycles: f64,
    /// This switch; `null` if it was not measured.
    pub sluice: Option<Figures>,
    /// The peers by their names.
    pub peers: BTreeMap<&'static str, Peer>,
}

/// Medians of a rival's windows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Millions of packets a second.
    pub mpps: f64,
    /// Busy TSC cycles a packet.
    pub cycles_per_packet: f64,
    /// Whether the switch could do more than the generator offers.
    pub generator_bound: bool,
    /// The share of its time that it was busy.
    pub busy_share: f64,
    /// The share of its packets that reached their guest or, where no guest receives them, that it handed to a port; `null` if
    /// nobody counts them.
    pub delivered_share: Option<f64>,
    /// How many windows this is of.
    pub windows: usize,
}

/// A peer's medians, and this switch in comparison.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Peer {
    /// Its own.
    #[serde(flatten)]
    pub figures: Figures,
    /// Sluice's packets a second ÷ the peer's; `null` without Sluice.
    pub ratio_mpps: Option<f64>,
    /// The peer's cycles a packet ÷ Sluice's; `null` without Sluice.
    pub ratio_cycles: Option<f64>,
}

/// A line for each mode that the cores were in.
pub fn lines(measured: &Measured) -> Vec<Line> {
    [Mode::Near, Mode::Far].into_iter().filter_map(|mode| line(measured, mode)).collect()
}

fn line(measured: &Measured, mode: Mode) -> Option<Line> {
    let of = |rival: Rival| -> Vec<&Window> {
        measured.windows.iter().filter(|window| window.mode == mode && window.rival == rival).collect()
    };
    let sluice = of(Rival::Sluice);
    let compare = |rival: Rival| {
        let theirs = of(rival);
        let ratio = |above: &[&Window], below: &[&Window], value: fn(&Window) -> f64| {
            let values = |windows: &[&Window]| windows.iter().map(|window| value(window)).collect::<Vec<_>>();
            median_ratio(&values(above), &values(below)).map(rounded)
        };
        let peer = Peer {
            figures: figures(&theirs)?,
            ratio_mpps: ratio(&sluice, &theirs, |window| window.mpps),
            ratio_cycles: ratio(&theirs, &sluice, |window| window.cycles_per_packet),
        };
        Some((rival.name(), peer))
    };
    let round_trips = measured.windows.iter().filter(|window| window.mode == mode);
    Some(Line {
        case: measured.case.name(),
        mode,
        round_trip_cycles: rounded(median(round_trips.map(|window| window.round_trip))?),
        sluice: figures(&sluice),
        peers: Rival::PEERS.into_iter().filter_map(compare).collect(),
    })
}

fn figures(windows: &[&Window]) -> Option<Figures> {
    let middle = |value: fn(&Window) -> f64| median(windows.iter().map(|window| value(window)));
    let busy_share = middle(|window| window.busy_share)?;
    Some(Figures {
        mpps: rounded(middle(|window| window.mpps)?),
        cycles_per_packet: rounded(middle(|window| window.cycles_per_packet)?),
        generator_bound: busy_share < SATURATED_SHARE,
        busy_share: rounded(busy_share),
        delivered_share: median(windows.iter().filter_map(|window| window.delivered)).map(rounded),
        windows: windows.len(),
    })
}

/// Two decimals: what is beyond them is noise.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// The table's heading.
pub const HEADING: &str = "\
case             mode  switch     Mpps  cycles/packet  busy  windows  Mpps ratio  cycles ratio";

/// The table's rows of a case.
pub fn rows(measured: &Measured) -> String {
    let mut text = String::new();
    for line in lines(measured) {
        // Writing to a string does not fail.
        let _ = write_rows(&mut text, &line);
    }
    if measured.thrown_away > 0 {
        let Measured { case, thrown_away, .. } = measured;
        let _ = writeln!(
            text,
            "{case:<16} -     {thrown_away} windows thrown away: the cores were moved meanwhile"
        );
    }
    text
}

fn write_rows(text: &mut String, line: &Line) -> fmt::Result {
    let Line { case, mode, .. } = line;
    let mut row = |name: &str, figures: &Figures, ratios: String| {
        let Figures { mpps, cycles_per_packet, busy_share, windows, .. } = figures;
        let busy = format!("{:.0} %", busy_share * 100.0);
        write!(
            text,
            "{case:<16} {:<5} {name:<8} {mpps:>6.2} {cycles_per_packet:>14.1} {busy:>5} {windows:>8}",
            mode.name()
        )?;
        writeln!(text, "{ratios}{}", remarks(figures))
    };
    if let Some(figures) = &line.sluice {
        row(Rival::Sluice.name(), figures, " ".repeat(26))?;
    }
    for (name, peer) in &line.peers {
        let ratio = |ratio: Option<f64>| ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
        row(name, &peer.figures, format!("{:>12}{:>14}", ratio(peer.ratio_mpps), ratio(peer.ratio_cycles)))?;
    }
    Ok(())
}

fn remarks(figures: &Figures) -> String {
    let mut text = String::new();
    if figures.generator_bound {
        text.push_str("  generator-bound");
    }
    if let Some(share) = figures.delivered_share.filter(|share| *share < LOSSLESS_SHARE) {
        text.push_str(&format!("  {:.0} % delivered", share * 100.0));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn window(rival: Rival, mode: Mode, mpps: f64, cycles_per_packet: f64) -> Window {
        Window {
            rival,
            mode,
            round_trip: 120.0,
            mpps,
            cycles_per_packet,
            busy_share: if rival == Rival::Sluice { 0.4 } else { 1.0 },
            delivered: Some(1.0),
        }
    }

    fn measured() -> Measured {
        let windows = vec![
            window(Rival::Sluice, Mode::Near, 20.0, 50.0),
            window(Rival::Ovs, Mode::Near, 10.0, 160.0),
            window(Rival::Ovs, Mode::Near, 12.0, 170.0),
            window(Rival::Ovs, Mode::Near, 11.0, 150.0),
            window(Rival::Ovs, Mode::Far, 8.0, 250.0),
        ];
        Measured { case: "vm-vm-64".parse().unwrap(), windows, thrown_away: 1 }
    }

    #[test]
    fn a_line_a_mode_with_ratios_above_1_if_sluice_is_better() {
        let lines = lines(&measured());
        let near = json!({
            "case": "vm-vm-64", "mode": "near", "round_trip_cycles": 120.0,
            "sluice": {
                "mpps": 20.0, "cycles_per_packet": 50.0, "generator_bound": true, "busy_share": 0.4,
                "delivered_share": 1.0, "windows": 1
            },
            "peers": {"ovs": {
                "mpps": 11.0, "cycles_per_packet": 160.0, "generator_bound": false, "busy_share": 1.0,
                "delivered_share": 1.0, "windows": 3, "ratio_mpps": 1.82, "ratio_cycles": 3.2
            }}
        });
        assert_eq!(serde_json::to_value(&lines[0]).unwrap(), near);
        assert_eq!((lines.len(), lines[1].mode, lines[1].sluice), (2, Mode::Far, None));
        assert_eq!(lines[1].peers["ovs"].ratio_cycles, None);
    }

    #[test]
    fn the_table_says_who_was_not_at_its_limit() {
        let text = rows(&measured());
        let of = |name: &str| text.lines().find(|row| row.contains(name)).unwrap();
        assert!(of("sluice").contains("generator-bound"), "{text}");
        assert!(of("ovs").contains("3.20") && !of("ovs").contains("generator-bound"), "{text}");
    }

    #[test]
    fn a_case_without_a_steady_window_says_so() {
        let nothing = Measured { windows: Vec::new(), thrown_away: 30, ..measured() };
        assert!(rows(&nothing).contains("vm-vm-64") && rows(&nothing).contains("30 windows thrown away"));
    }
}
