//! The design's commands, and what they ask of the control process.

use sluice_api::v1::vhost_user::Role;
use sluice_api::v1::{Bridge, Network, Nic, Object, Port, Vtep, object, operation, port};

use crate::fake::{Fakes, State, Who};
use crate::sample;

fn fakes() -> Fakes {
    Fakes::new(Who::Both, sample::state())
}

/// The only object of the last change.
#[track_caller]
fn set(fakes: &Fakes) -> object::Kind {
    let request = fakes.last_request();
    match request.operations.as_slice() {
        [operation] => match operation.kind.clone() {
            Some(operation::Kind::Set(Object { kind: Some(kind) })) => kind,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn set_port(fakes: &Fakes) -> Port {
    match set(fakes) {
        object::Kind::Port(port) => port,
        other => panic!("{other:?}"),
    }
}

#[test]
fn bridges_are_created() {
    let fakes = Fakes::new(Who::Both, State::default());
    assert_eq!(fakes.run(&["bridge", "create", "br0", "--dpid", "1"]).ok(), "bridge br0 created\n");
    let expected = Bridge { name: "br0".into(), datapath_id: 1, ..Bridge::default() };
    assert_eq!(set(&fakes), object::Kind::Bridge(expected));
    assert!(fakes.last_request().create_only);
}

#[test]
fn ports_of_every_kind_are_created() {
    let fakes = Fakes::new(Who::Both, State::default());
    let create = |line: &str| {
        let words: Vec<&str> = ["port", "create"].into_iter().chain(line.split(' ')).collect();
        fakes.run(&words).ok();
        set_port(&fakes)
    };
    let vm1 = create("vm1 --bridge br0 --of-port 1 --vhost-user /run/vm1.sock");
    let Some(port::Kind::VhostUser(socket)) = &vm1.kind else { panic!("{vm1:?}") };
    assert_eq!((vm1.bridge.as_str(), vm1.of_port, socket.role()), ("br0", 1, Role::Client));
    let vm2 = create("vm2 --bridge br0 --vhost-user /run/vm2.sock --server --queues 2");
    let Some(port::Kind::VhostUser(socket)) = &vm2.kind else { panic!("{vm2:?}") };
    assert_eq!((socket.path.as_str(), socket.role(), socket.queue_pairs), ("/run/vm2.sock", Role::Server, 2));
    let up0 = create("up0 --dpdk net_af_packet0,iface=eth1");
    let Some(port::Kind::Dpdk(device)) = &up0.kind else { panic!("{up0:?}") };
    assert_eq!((up0.bridge.as_str(), device.device.as_str()), ("", "net_af_packet0,iface=eth1"));
    let vx0 = create("vx0 --bridge br0 --vxlan 100 --vtep vtep0 --remote 192.168.0.2 --remote fd00::2");
    let Some(port::Kind::Vxlan(tunnel)) = &vx0.kind else { panic!("{vx0:?}") };
    assert_eq!((tunnel.vni, tunnel.vtep.as_str()), (100, "vtep0"));
    assert_eq!(tunnel.remotes, ["192.168.0.2", "fd00::2"]);
}

#[test]
fn vteps_networks_and_nics_are_created() {
    let fakes = Fakes::new(Who::Both, State::default());
    fakes.run(&["vtep", "create", "vtep0", "--uplink", "up0", "--address", "192.168.0.1/24,fd00::1/64"]).ok();
    let expected = Vtep {
        name: "vtep0".into(),
        uplink: "up0".into(),
        addresses: vec!["192.168.0.1/24".into(), "fd00::1/64".into()],
        ..Vtep::default()
    };
    assert_eq!(set(&fakes), object::Kind::Vtep(expected));
    fakes
        .run(&["network", "create", "red", "--vni", "100", "--vtep", "vtep0", "--remote", "192.168.0.2"])
        .ok();
    let expected =
        Network { name: "red".into(), vni: 100, vtep: "vtep0".into(), remotes: vec!["192.168.0.2".into()] };
    assert_eq!(set(&fakes), object::Kind::Network(expected));
    let line = "nic create red-a --network red --mac 52:54:00:00:00:0A --vhost-user /run/red-a.sock";
    fakes.run(&line.split(' ').collect::<Vec<_>>()).ok();
    match set(&fakes) {
        object::Kind::Nic(Nic { mac, network, .. }) => {
            assert_eq!((mac.as_str(), network.as_str()), ("52:54:00:00:00:0a", "red"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn set_keeps_what_it_does_not_name() {
    let fakes = fakes();
    assert_eq!(fakes.run(&["port", "set", "vm1", "--mtu", "9000", "--server"]).ok(), "port vm1 changed\n");
    let vm1 = set_port(&fakes);
    let Some(port::Kind::VhostUser(socket)) = &vm1.kind else { panic!("{vm1:?}") };
    assert_eq!((vm1.mtu, vm1.of_port, vm1.bridge.as_str()), (9000, 1, "br0"));
    assert_eq!((socket.path.as_str(), socket.role()), ("/run/vm1.sock", Role::Server));
    assert!(fakes.last_request().must_exist);
    assert_eq!(fakes.run(&["port", "set", "vm1", "--mtu", "9000"]).ok(), "port vm1 is so already\n");
    fakes.run(&["nic", "set", "red-a", "--mac", ""]).ok();
    assert!(matches!(set(&fakes), object::Kind::Nic(nic) if nic.mac.is_empty() && nic.mtu == 1450));
}

#[test]
fn options_must_fit_the_kind_of_port() {
    let fakes = fakes();
    for (line, said) in [
        ("port create p --bridge br0", "error: port p: has no kind\nhint: give one of --vhost-user"),
        ("port create p --vhost-user /run/p.sock", "error: port p: belongs to no bridge\nhint: name it with"),
        ("port create p --bridge br0 --vxlan 1", "error: port p: names no VTEP\nhint: name the local"),
        ("port create p --dpdk x --vtep v", "error: port p: is no tunnel\nhint: --vtep and --remote"),
        ("port set up0 --server", "error: port up0: has no vhost-user socket\nhint: name it with"),
        ("vtep create v --uplink up0", "error: vtep v: has no address\nhint: give one with"),
        ("network create n", "error: network n: has no VNI\nhint: give one with"),
        ("nic create n --network red", "error: nic n: has no vhost-user socket\nhint: name it with"),
    ] {
        let stderr = fakes.run(&line.split(' ').collect::<Vec<_>>()).error(2);
        assert!(stderr.starts_with(said), "{line}: {stderr}");
    }
    assert_eq!(fakes.requests(), 0);
}

#[test]
fn several_are_deleted_at_once_or_not_at_all() {
    let fakes = fakes();
    assert_eq!(fakes.run(&["port", "delete", "vm1", "up0"]).ok(), "port vm1 deleted\nport up0 deleted\n");
    assert_eq!(fakes.last_request().operations.len(), 2);
    let stderr = fakes.run(&["bridge", "delete", "br0", "br9"]).error(4);
    assert_eq!(stderr, "error: bridge br9: it does not exist\nhint: as the fake says\n");
    assert!(fakes.run(&["bridge", "list", "-o", "name"]).ok().contains("br0"));
}

#[test]
fn ports_are_listed_wanted_and_running() {
    let fakes = fakes();
    let expected = "\
NAME   BRIDGE  OF PORT  KIND        LINK  RX PACKETS  TX PACKETS  DROPS  ADDRESS                    DETAIL
vm1    br0           1  vhost-user  up          1000         900      5  /run/vm1.sock              -
up0    -             -  dpdk        up             0           0      0  net_af_packet0,iface=eth1  -
red-a  red           1  vhost-user  down           0           0      0  /run/red-a.sock            no guest is connected
";
    assert_eq!(fakes.run(&["port", "list"]).ok(), expected);
    assert_eq!(fakes.run(&["port", "list", "-o", "name"]).ok(), "vm1\nup0\nred-a\n");
    let json = fakes.run(&["port", "list", "-o", "json"]).json();
    assert_eq!(json[0]["wanted"]["vhost_user"]["path"], "/run/vm1.sock");
    assert_eq!(json[0]["drops"][0]["reason"], "ring_full");
    assert_eq!(json[2]["wanted_by"], "nic red-a");
    assert_eq!(json[2]["wanted"], serde_json::Value::Null);
    let one = fakes.run(&["port", "show", "vm1", "-o", "json"]).json();
    assert_eq!(one, json[0]);
    let yaml = fakes.run(&["port", "show", "vm1", "-o", "yaml"]).ok();
    assert!(yaml.starts_with("name: vm1\nbridge: br0\nof_port: 1\n"), "{yaml}");
    assert!(fakes.run(&["port", "show", "vm1"]).ok().contains("wanted.vhost_user.path  /run/vm1.sock\n"));
}

#[test]
fn every_noun_lists_in_every_format() {
    let fakes = fakes();
    for noun in ["bridge", "port", "vtep", "network", "nic"] {
        for format in ["table", "json", "yaml", "name"] {
            let listed = fakes.run(&[noun, "list", "-o", format]).ok();
            assert!(!listed.is_empty(), "{noun} {format}");
        }
    }
    let bridges = fakes.run(&["bridge", "list", "-o", "json"]).json();
    assert_eq!((&bridges[0]["datapath_id"], &bridges[0]["flows"]), (&"0x0000000000000001".into(), &1.into()));
    assert_eq!(bridges[1]["wanted_by"], "network red");
    let networks = fakes.run(&["network", "list", "-o", "json"]).json();
    assert_eq!((&networks[0]["nics"], &networks[0]["running"]), (&1.into(), &true.into()));
    assert_eq!(fakes.run(&["vtep", "list", "-o", "json"]).json()[0]["uplink_link"], "up");
    assert_eq!(fakes.run(&["nic", "list", "-o", "json"]).json()[0]["link"], "down");
}

#[test]
fn one_process_alone_shows_its_half() {
    let control = Fakes::new(Who::ControlOnly, sample::state());
    let run = control.run(&["port", "list", "-o", "json"]);
    assert!(run.stderr.contains("sluice-datapath: cannot be reached: only what is wanted"), "{}", run.stderr);
    let json = run.json();
    assert_eq!((&json[0]["link"], &json[0]["rx_packets"]), (&"unknown".into(), &serde_json::Value::Null));
    assert_eq!(json.as_array().unwrap().len(), 2);

    let datapath = Fakes::new(Who::DatapathOnly, sample::state());
    let run = datapath.run(&["port", "list", "-o", "json"]);
    assert!(run.stderr.contains("sluice-control: cannot be reached: only what runs"), "{}", run.stderr);
    assert_eq!(run.json().as_array().unwrap().len(), 3);
    datapath.run(&["nic", "list"]).error(3);
}

#[test]
fn a_watch_prints_events_and_says_when_it_is_over() {
    let fakes = fakes();
    let run = fakes.run(&["port", "watch", "vm1", "-o", "json"]);
    let event: serde_json::Value = serde_json::from_str(run.stdout.trim_end()).unwrap();
    assert_eq!((&event["event"], &event["name"]), (&"set".into(), &"vm1".into()));
    assert_eq!(event["object"]["of_port"], 1);
    assert!(run.error(3).contains("it has ended the stream"));
    let text = fakes.run(&["flow", "watch"]).stdout;
    assert!(text.starts_with("set     flow br0 priority=10,in_port=1  {"), "{text}");
}

#[test]
fn flows_are_added_from_arguments_and_lines() {
    let fakes = fakes();
    let flow = "priority=10,ip,nw_dst=10.0.0.0/8,actions=output:2";
    assert_eq!(fakes.run(&["flow", "add", "br0", flow]).ok(), "1 added on bridge br0\n");
    let lines = "# comment\n\n  in_port=3,actions=output:4\nin_port=4 actions=output:3\n";
    assert_eq!(fakes.run_with_input(&["flow", "add", "br0", "-"], lines).ok(), "2 added on bridge br0\n");
    assert_eq!(fakes.last_request().operations.len(), 2);
    // A port's name is the number that the datapath gave it.
    fakes.run(&["flow", "add", "br0", "in_port=vm1,actions=drop"]).ok();
    assert_eq!(fakes.run(&["flow", "list", "br0", "--intent", "-o", "name"]).ok().lines().count(), 5);
}

#[test]
fn flows_are_listed_with_their_counters() {
    let fakes = fakes();
    let expected = "\
BRIDGE  PACKETS  BYTES  FLOW
br0          77   7700  priority=10,in_port=1 actions=output:2
";
    assert_eq!(fakes.run(&["flow", "list", "br0"]).ok(), expected);
    assert_eq!(fakes.run(&["flow", "list", "-o", "json"]).json().as_array().unwrap().len(), 2);
    let intent = fakes.run(&["flow", "list", "--intent", "-o", "json"]).json();
    assert_eq!((&intent[0]["packets"], &intent[0]["priority"]), (&serde_json::Value::Null, &10.into()));
    assert_eq!(intent[0]["actions"], "output:2");
}

#[test]
fn flows_are_deleted_by_their_exact_key() {
    let fakes = fakes();
    let name = fakes.run(&["flow", "list", "br0", "-o", "name"]).ok();
    let stderr = fakes.run(&["flow", "delete", "br0", "priority=11,in_port=1"]).error(4);
    assert!(stderr.contains("it does not exist"), "{stderr}");
    assert_eq!(fakes.run(&["flow", "delete", "br0", name.trim_end()]).ok(), "1 removed on bridge br0\n");
    assert_eq!(fakes.run(&["flow", "delete", "br0", "--all"]).ok(), "nothing to do on bridge br0\n");
}
