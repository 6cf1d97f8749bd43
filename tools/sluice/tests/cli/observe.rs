//! What runs.

use sluice_api::v1::{DropCount, ListNeighboursReply, PortDrops};

use crate::fake::{Fakes, State, Who};
use crate::sample;

fn fakes() -> Fakes {
    Fakes::new(Who::Both, sample::state())
}

#[test]
fn workers_show_what_a_packet_costs() {
    let fakes = fakes();
    let json = fakes.run(&["worker", "list", "-o", "json"]).json();
    assert_eq!((&json[0]["cycles_per_packet"], &json[0]["busy_percent"]), (&46.0.into(), &46.0.into()));
    assert_eq!((&json[0]["session_hit_percent"], &json[0]["queues"][0]), (&99.0.into(), &"vm1:0".into()));
    let expected = "\
ID  CPU  NODE  BUSY %  BUSY CYCLES  RX PACKETS  TX PACKETS  CYCLES/PACKET  SESSIONS  HIT %  QUEUES
 0    1     0    46.0        46000        1000           0           46.0         3   99.0  vm1:0
";
    assert_eq!(fakes.run(&["worker", "list"]).ok(), expected);
    let still = fakes.run(&["worker", "list", "--interval", "0.01", "-o", "json"]).json();
    assert_eq!(
        (&still[0]["rx_packets"], &still[0]["cycles_per_packet"]),
        (&0.into(), &serde_json::Value::Null)
    );
}

#[test]
fn addresses_are_listed() {
    let fakes = fakes();
    let expected = "\
BRIDGE  MAC                VLAN  PORT       REMOTE VTEP  AGE S
red     52:54:00:00:00:02     0  red-vxlan  192.168.0.2      4
";
    assert_eq!(fakes.run(&["mac", "list"]).ok(), expected);
    let expected = "\
VTEP   ADDRESS      MAC  STATE
vtep0  192.168.0.2  -    incomplete
";
    assert_eq!(fakes.run(&["neighbour", "list"]).ok(), expected);
}

#[test]
fn a_bridge_that_is_not_there_is_not_an_empty_one() {
    let fakes = fakes();
    for noun in ["mac", "flow"] {
        let stderr = fakes.run(&[noun, "list", "br9"]).error(4);
        assert_eq!(stderr, "error: bridge br9: there is no such bridge\nhint: did you mean br0?\n");
    }
    assert_eq!(fakes.run(&["mac", "list", "br0", "-o", "json"]).ok(), "[]\n");
}

#[test]
fn drops_are_explained() {
    let fakes = fakes();
    let expected = "\
PORT  REASON       PACKETS  MEANING
vm1   ring_full          5  The guest offered no receive buffers in time.
-     vni_unknown        2  No tunnel port has that VNI on this VTEP.
";
    assert_eq!(fakes.run(&["drops"]).ok(), expected);
    assert_eq!(fakes.run(&["drops", "vm1", "-o", "name"]).ok(), "ring_full\n");
    assert_eq!(fakes.run(&["drops", "up0", "-o", "json"]).ok(), "[]\n");
}

fn grow(ports: &mut Vec<PortDrops>) {
    match ports.iter_mut().find(|drops| drops.port == "vm2") {
        Some(drops) => drops.drops[0].packets += 1,
        None => {
            let drops = vec![DropCount { reason: "runt".to_owned(), packets: 1 }];
            ports.push(PortDrops { port: "vm2".to_owned(), drops });
        }
    }
}

#[test]
fn a_watch_of_drops_shows_what_is_new() {
    let fakes = fakes();
    let mut child = fakes
        .command(&["drops", "--watch", "--interval", "0.05", "-o", "json"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // It goes on until it is shown something; what grew before its first look it does not show.
    let more = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let (state, going) = (fakes.state.clone(), more.clone());
    let growing = std::thread::spawn(move || {
        while going.load(std::sync::atomic::Ordering::Relaxed) {
            grow(&mut state.lock().unwrap().drops.ports);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    });
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line)
        .unwrap();
    more.store(false, std::sync::atomic::Ordering::Relaxed);
    growing.join().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let json: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&json["port"], &json["reason"]), (&"vm2".into(), &"runt".into()));
}

#[test]
fn status_shows_both_and_exits_with_3_if_one_is_away() {
    let json = fakes().run(&["status", "-o", "json"]).json();
    assert_eq!((&json["control"]["objects"], &json["datapath"]["ports_up"]), (&7.into(), &2.into()));
    let table = fakes().run(&["status"]).ok();
    let drops = table.lines().find_map(|line| line.strip_prefix("datapath.drop_packets"));
    assert_eq!(drops.map(str::trim), Some("5"), "{table}");
    let run = Fakes::new(Who::DatapathOnly, sample::state()).run(&["status", "-o", "json"]);
    assert_eq!(run.code, 3);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&json["control"]["reachable"], &json["datapath"]["pid"]), (&false.into(), &12.into()));
    assert!(run.stderr.contains("warning: sluice-control: cannot be reached"), "{}", run.stderr);
}

#[test]
fn the_doctor_names_what_is_wrong() {
    let run = fakes().run(&["doctor"]);
    for said in [
        "ok    control      answers; process 11",
        "ok    sync         control is connected, transaction 6 is confirmed",
        "warn  ports        red-a is down: no guest is connected",
        "warn  neighbours   192.168.0.2 does not answer vtep0",
    ] {
        assert!(run.stdout.contains(said), "{said}\n{}", run.stdout);
    }
    // Nothing here fails, whatever the host is like.
    assert_eq!(run.code, 0, "{}", run.stdout);
}

#[test]
fn the_doctor_fails_if_nobody_answers() {
    let fakes = Fakes::new(Who::Nobody, State::default());
    let run = fakes.run(&["doctor", "-o", "json"]);
    assert_eq!(run.code, 1);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&json[0]["check"], &json[0]["level"]), (&"control".into(), &"fail".into()));
    assert!(json[1]["hint"].as_str().unwrap().contains("start it with `sluice-datapath"));
}

#[test]
fn a_host_without_neighbours_is_well() {
    let state = State { neighbours: ListNeighboursReply::default(), ..sample::state() };
    let run = Fakes::new(Who::Both, state).run(&["doctor"]);
    assert!(run.stdout.contains("ok    neighbours   0 resolved"), "{}", run.stdout);
}
