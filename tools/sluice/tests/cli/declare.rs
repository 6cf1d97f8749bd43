//! apply, diff and export.

use sluice_api::v1::Error;

use crate::fake::{Fakes, State, Who};
use crate::sample;

const STATE: &str = "\
bridges:
- {name: br0, datapath_id: 1, mac_aging_s: 60}
ports:
- name: vm1
  bridge: br0
  of_port: 1
  vhost_user: {path: /run/vm1.sock}
- {name: vm2, bridge: br0, vhost_user: {path: /run/vm2.sock}}
";

#[test]
fn what_is_exported_is_applied_without_a_change() {
    for format in ["yaml", "json", "table"] {
        let fakes = Fakes::new(Who::Both, sample::state());
        let exported = fakes.run(&["export", "-o", format]).ok();
        let applied = fakes.run_with_input(&["apply", "-f", "-", "--replace"], &exported).ok();
        assert_eq!(applied, "7 unchanged\n", "{exported}");
        assert_eq!(fakes.state.lock().unwrap().objects, sample::objects());
        assert_eq!(fakes.run_with_input(&["diff", "-f", "-", "--replace"], &exported).ok(), "");
    }
}

#[test]
fn an_exported_state_is_a_golden_file() {
    let fakes = Fakes::new(Who::Both, sample::state());
    let expected = r#"bridges:
- name: br0
  datapath_id: "0x0000000000000001"
ports:
- name: vm1
  bridge: br0
  of_port: 1
  vhost_user:
    path: /run/vm1.sock
- name: up0
  dpdk:
    device: net_af_packet0,iface=eth1
vteps:
- name: vtep0
  uplink: up0
  addresses:
  - 192.168.0.1/24
networks:
- name: red
  vni: 100
  vtep: vtep0
  remotes:
  - "192.168.0.2"
nics:
- name: red-a
  network: red
  mac: "52:54:00:00:00:01"
  mtu: 1450
  vhost_user:
    path: /run/red-a.sock
flows:
- bridge: br0
  flow: priority=10,in_port=1 actions=output:2
"#;
    assert_eq!(fakes.run(&["export"]).ok(), expected);
    assert!(
        fakes.run(&["export", "-o", "name"]).ok().contains("nic red-a\nflow br0 priority=10,in_port=1\n")
    );
    assert_eq!(Fakes::new(Who::Both, State::default()).run(&["export"]).ok(), "{}\n");
}

#[test]
fn a_part_is_added_and_a_whole_replaces() {
    let fakes = Fakes::new(Who::Both, sample::state());
    let path = fakes.file("state.yaml", STATE);
    let path = path.to_str().unwrap();
    let dry = fakes.run(&["apply", "-f", path, "--dry-run"]).ok();
    assert_eq!(dry, "set     bridge br0\nset     port vm2\nwould be: 1 added, 1 changed, 1 unchanged\n");
    assert_eq!(fakes.state.lock().unwrap().objects, sample::objects());
    let json = fakes.run(&["apply", "-f", path, "-o", "json"]).json();
    assert_eq!(
        (&json["added"], &json["transaction"], &json["dry_run"]),
        (&1.into(), &7.into(), &false.into())
    );
    assert_eq!(json["operations"][1]["name"], "vm2");
    let replaced = fakes.run(&["apply", "-f", path, "--prune"]).ok();
    assert_eq!(replaced, "5 removed, 3 unchanged\n");
    assert_eq!(fakes.state.lock().unwrap().objects.len(), 3);
}

#[test]
fn a_diff_shows_fields() {
    let fakes = Fakes::new(Who::Both, sample::state());
    let path = fakes.file("state.yaml", STATE);
    let path = path.to_str().unwrap();
    let expected = "\
~ bridge br0
    mac_aging_s: (default) -> 60
+ port vm2
    bridge: \"br0\"
    vhost_user: {\"path\":\"/run/vm2.sock\"}
";
    assert_eq!(fakes.run(&["diff", "-f", path]).ok(), expected);
    let run = fakes.run(&["diff", "-f", path, "--replace", "--exit-code"]);
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("- nic red-a\n- flow br0 priority=10,in_port=1\n"), "{}", run.stdout);
    let json = fakes.run(&["diff", "-f", path, "-o", "json"]).json();
    assert_eq!((&json[0]["action"], &json[0]["after"]["mac_aging_s"]), (&"change".into(), &60.into()));
    assert!(fakes.state.lock().unwrap().requests.iter().all(|request| request.dry_run));
}

#[test]
fn nothing_is_sent_of_a_file_with_an_error() {
    let fakes = Fakes::new(Who::Both, sample::state());
    let path = fakes.file("bad.yaml", "networks:\n- {name: red, vni: 0}\n- {name: blue, vnii: 7, vni: 7}\n");
    let path = path.to_str().unwrap();
    let expected = format!(
        "error: {path}:2:20: network red: vni: `0` is not a VNI: give 1 to 16777215 (2^24-1)\n\
         error: {path}:3:16: network blue: unknown key `vnii`\nhint: did you mean `vni`?\n"
    );
    assert_eq!(fakes.run(&["apply", "-f", path]).error(2), expected);
    fakes.run(&["diff", "-f", path]).error(2);
    let json: serde_json::Value =
        serde_json::from_str(&fakes.run(&["apply", "-f", path, "-o", "json"]).error(2)).unwrap();
    assert_eq!((&json["code"], &json["errors"][1]["line"]), (&"invalid".into(), &3.into()));
    assert_eq!(json["message"], format!("2 errors in {path}"));
    assert_eq!(fakes.requests(), 0);
}

#[test]
fn bytes_that_are_no_text_are_an_error_of_the_file() {
    let fakes = Fakes::new(Who::Both, sample::state());
    let path = fakes.file("latin1.yaml", "");
    std::fs::write(&path, b"networks:\n- {name: r\xe9d, vni: 7}\n").unwrap();
    let path = path.to_str().unwrap();
    let expected =
        format!("error: {path}:2:11: the text is not UTF-8 from here on\nhint: save the file in UTF-8\n");
    assert_eq!(fakes.run(&["apply", "-f", path]).error(2), expected);
    assert_eq!(fakes.requests(), 0);
}

#[test]
fn a_refusal_is_told_with_the_object_s_place() {
    let refusal = Error {
        code: 5,
        object: "port vm2".to_owned(),
        message: "socket path /run/vm2.sock is nic blue-a's".to_owned(),
        hint: "choose another".to_owned(),
    };
    let fakes = Fakes::new(Who::Both, State { refusal: Some(refusal), ..sample::state() });
    let path = fakes.file("state.yaml", STATE);
    let path = path.to_str().unwrap();
    let stderr = fakes.run(&["apply", "-f", path]).error(5);
    let expected = format!(
        "error: {path}:8:3: port vm2: socket path /run/vm2.sock is nic blue-a's\nhint: choose another\n"
    );
    assert_eq!(stderr, expected);
}

#[test]
fn a_file_that_is_not_there_is_not_found() {
    let fakes = Fakes::new(Who::Both, sample::state());
    let stderr = fakes.run(&["apply", "-f", "/nonexistent/state.yaml"]).error(4);
    assert!(stderr.starts_with("error: /nonexistent/state.yaml: cannot be read: No such file"), "{stderr}");
}
