//! Each exit code, and what is said with it.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use sluice_api::v1::Error;
use tonic::Status;

use crate::fake::{Fakes, State, Who};
use crate::sample;

#[test]
fn usage_is_2() {
    let fakes = Fakes::new(Who::Nobody, State::default());
    for line in [
        "",
        "bridge",
        "zebra list",
        "bridge create",
        "network create red --vni 0",
        "network create red --vni 16777216",
        "port create p --vhost-user /a --dpdk b",
        "nic create n --mac 01:00:5e:00:00:01",
        "bridge list --timeout 0",
        "flow delete br0",
        "flow add br0 priority=x,actions=drop",
    ] {
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        let stderr = fakes.run(&words).error(2);
        assert!(!stderr.is_empty(), "{line}");
    }
    let stderr = fakes.run(&["network", "create", "red", "--vni", "16777216"]).error(2);
    assert!(stderr.contains("give 1 to 16777215"), "{stderr}");
    let stderr = fakes.run(&["network", "create", "-o", "json", "red", "--vni", "0"]).error(2);
    let json: serde_json::Value = serde_json::from_str(&stderr).unwrap();
    assert_eq!(json["code"], "invalid");
    assert!(json["message"].as_str().unwrap().contains("not a VNI"), "{json}");
}

#[test]
fn a_flow_s_error_has_its_place() {
    let fakes = Fakes::new(Who::Both, sample::state());
    let stderr = fakes.run(&["flow", "add", "br0", "priority=10,nw_dts=1,actions=drop"]).error(2);
    assert!(stderr.starts_with("error: flow: column 13: `nw_dts"), "{stderr}");
    let lines = "in_port=1,actions=drop\n\n  in_portt=1,actions=drop\nactions=zebra:1\n";
    let stderr = fakes.run_with_input(&["flow", "add", "br0", "-"], lines).error(2);
    assert!(stderr.starts_with("error: stdin:3:3: flow: `in_portt"), "{stderr}");
    assert!(stderr.contains("\nerror: stdin:4:9: flow: `zebra"), "{stderr}");
    assert_eq!(fakes.requests(), 0);
}

#[test]
fn unreachable_is_3_with_the_socket_and_how_to_start() {
    let fakes = Fakes::new(Who::Nobody, State::default());
    let dir = fakes.dir().display().to_string();
    for (line, who) in [
        ("vtep list", "datapath"),
        ("vtep create v --uplink u --address 10.0.0.1/24", "control"),
        ("mac list", "datapath"),
        ("worker list", "datapath"),
        ("neighbour list", "datapath"),
        ("drops", "datapath"),
        ("flow list", "datapath"),
        ("flow list --intent", "control"),
        ("flow add br0 actions=drop", "control"),
        ("bridge watch", "control"),
        ("export", "control"),
    ] {
        let stderr = fakes.run(&line.split(' ').collect::<Vec<_>>()).error(3);
        if line != "vtep list" {
            let said = format!("error: sluice-{who}: cannot be reached on {dir}/{who}.sock: No such file");
            assert!(stderr.starts_with(&said), "{line}: {stderr}");
            assert!(
                stderr.contains(&format!("hint: start it with `sluice-{who} --rundir {dir}`")),
                "{stderr}"
            );
        }
    }
    let stderr = fakes.run(&["export", "-o", "json"]).error(3);
    let json: serde_json::Value = serde_json::from_str(&stderr).unwrap();
    assert_eq!((&json["code"], &json["object"]), (&"unreachable".into(), &"sluice-control".into()));
    assert!(json["cause"].as_str().unwrap().contains("No such file"));
}

#[test]
fn a_socket_that_nobody_listens_on_is_unreachable() {
    let fakes = Fakes::new(Who::Nobody, State::default());
    drop(std::os::unix::net::UnixListener::bind(fakes.dir().join("control.sock")).unwrap());
    let stderr = fakes.run(&["export"]).error(3);
    assert!(stderr.contains("Connection refused"), "{stderr}");
}

#[test]
fn not_found_is_4_with_a_near_miss() {
    let fakes = Fakes::new(Who::Both, sample::state());
    let stderr = fakes.run(&["port", "show", "vm11"]).error(4);
    assert_eq!(stderr, "error: port vm11: there is no such port\nhint: did you mean vm1?\n");
    let stderr = fakes.run(&["nic", "set", "zebra", "--mtu", "1400"]).error(4);
    assert_eq!(
        stderr,
        "error: nic zebra: there is no such nic\nhint: `sluice nic list` shows what there is\n"
    );
    fakes.run(&["drops", "zebra"]).error(4);
}

#[test]
fn conflict_is_5() {
    let fakes = Fakes::new(Who::Both, sample::state());
    let stderr = fakes.run(&["bridge", "create", "br0"]).error(5);
    assert_eq!(stderr, "error: bridge br0: it exists already\nhint: as the fake says\n");
    let json = fakes.run(&["bridge", "create", "br0", "-o", "json"]).error(5);
    let expected = r#"{"code":"conflict","object":"bridge br0","message":"it exists already","cause":"","hint":"as the fake says"}
"#;
    assert_eq!(json, expected);
}

#[test]
fn every_code_of_a_refusal_is_the_exit_code() {
    for code in [1, 2, 3, 4, 5, 6] {
        let refusal = Error { code, object: "port p".into(), message: "no".into(), hint: String::new() };
        let fakes = Fakes::new(Who::Both, State { refusal: Some(refusal), ..State::default() });
        assert_eq!(fakes.run(&["bridge", "create", "b"]).error(code), "error: port p: no\n");
    }
}

#[test]
fn timeout_is_6_and_says_that_the_change_may_come() {
    let fakes = Fakes::new(Who::Both, State { hang: true, ..State::default() });
    let stderr = fakes.run(&["bridge", "create", "b", "--timeout", "0.2"]).error(6);
    assert!(
        stderr.starts_with("error: sluice-control: no answer within 0.2 s\nhint: the change may"),
        "{stderr}"
    );
}

#[test]
fn a_failed_call_is_1_and_one_of_another_version_says_so() {
    let status = Some(Status::internal("the store is full"));
    let fakes = Fakes::new(Who::Both, State { status, ..State::default() });
    let stderr = fakes.run(&["bridge", "create", "b"]).error(1);
    assert_eq!(stderr, "error: sluice-control: the request failed: the store is full\n");
    fakes.state.lock().unwrap().status = Some(Status::unimplemented(""));
    let stderr = fakes.run(&["bridge", "create", "b"]).error(1);
    assert!(stderr.contains("hint: sluice-control is of another version"), "{stderr}");
}

#[test]
fn a_closed_pipe_is_quiet() {
    let fakes = Fakes::new(Who::Both, State::default());
    // More than a pipe holds, so that writing goes on after the reader has gone.
    fakes.state.lock().unwrap().objects = (0..5000).map(|n| sample::bridge(&format!("br{n}"))).collect();
    for arguments in
        [&["bridge", "list", "-o", "json"][..], &["bridge", "list"], &["export"], &["bridge", "watch"]]
    {
        let mut child =
            fakes.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::with_capacity(16, child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.is_empty());
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn verbose_says_what_is_asked_of_whom() {
    let fakes = Fakes::new(Who::Both, sample::state());
    let run = fakes.run(&["-v", "export"]);
    let socket = fakes.dir().join("control.sock");
    assert_eq!(run.stderr, format!("List to sluice-control on {}\n", socket.display()));
    run.ok();
}
