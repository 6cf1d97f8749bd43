//! Files with and without errors: every error is told at its line and column.

use proptest::prelude::*;
use sluice_api::v1::vhost_user::Role;
use sluice_api::v1::{Dpdk, Flow, VhostUser, Vxlan, port};

use super::*;

fn parse(text: &str) -> Result<Document, FileErrors> {
    Document::parse("state.yaml", text, Scope::Whole)
}

/// The errors as they are shown, with their hints.
fn errors(text: &str) -> Vec<(String, String)> {
    let errors = parse(text).expect_err(text);
    errors.iter().map(|error| (error.to_string(), error.hint.clone())).collect()
}

/// Asserts that there is exactly one error.
#[track_caller]
fn one_error(text: &str, message: &str, hint: &str) {
    assert_eq!(errors(text), [(message.to_owned(), hint.to_owned())], "{text}");
}

const GOOD: &str = r#"
bridges:
  - {name: br0, datapath_id: 1, mac_table_size: 1024, mac_aging_s: 60}
ports:
  - name: vm1
    bridge: br0
    of_port: 1
    vhost_user: {path: /run/vm1.sock, role: client, queue_pairs: 1}
  - {name: up0, dpdk: {device: "net_af_packet0,iface=eth1"}}
  - {name: vx0, bridge: br0, of_port: 2, vxlan: {vni: 100, vtep: vtep0, remotes: [192.168.0.2, "fd00::2"]}}
vteps:
  - {name: vtep0, uplink: up0, addresses: [192.168.0.1/24], gateways: [192.168.0.254]}
networks:
  - {name: red, vni: 200, vtep: vtep0, remotes: [192.168.0.2]}
nics:
  - {name: red-a, network: red, mac: 52:54:00:00:00:01, vhost_user: {path: /run/red-a.sock, role: server}}
flows:
  - {bridge: br0, flow: "priority=10,ip,nw_dst=10.0.0.0/8,actions=output:vx0"}
"#;

#[test]
fn a_state_is_read_in_the_order_of_dependence() {
    let document = parse(GOOD).unwrap();
    let keys: Vec<String> = document.objects.iter().map(|located| located.key.to_string()).collect();
    let expected =
        ["bridge br0", "port vm1", "port up0", "port vx0", "vtep vtep0", "network red", "nic red-a"];
    assert_eq!(keys[..7], expected);
    assert_eq!(document.operations().len(), 8);
    let Some(object::Kind::Nic(nic)) = &document.objects[6].object.kind else { panic!("{keys:?}") };
    assert_eq!(nic.mac, "52:54:00:00:00:01");
    assert_eq!(nic.vhost_user.as_ref().unwrap().role(), Role::Server);
}

#[test]
fn the_help_s_example_is_a_state() {
    let (_, example) = crate::declare::apply::ABOUT.split_once("\n\n  bridges:").unwrap();
    let (example, _) = example.split_once("\n\nOnly").unwrap();
    let document = parse(&format!("  bridges:{example}\n"));
    assert_eq!(
        document.map_err(|errors| format!("{:?}", errors.iter().collect::<Vec<_>>())).unwrap().objects.len(),
        8
    );
}

#[test]
fn json_is_read_too() {
    let text = "{\"bridges\": [{\"name\": \"br0\", \"datapath_id\": \"0x2a\"}],\n\t\"ports\": []}";
    assert_eq!(parse(text).unwrap().objects.len(), 1);
}

#[test]
fn an_empty_state_is_a_state() {
    for text in ["", "# nothing\n", "---\n", "{}", "bridges:\nports: []\n"] {
        assert!(parse(text).unwrap().operations().is_empty(), "{text:?}");
    }
}

#[test]
fn vni_0_and_2_to_the_24_are_refused_where_they_stand() {
    for vni in ["0", "16777216", "-1", "x"] {
        let text = format!("networks:\n  - name: red\n    vni: {vni}\n");
        let message =
            format!("state.yaml:3:10: network red: vni: `{vni}` is not a VNI: give 1 to 16777215 (2^24-1)");
        one_error(&text, &message, "");
    }
    one_error(
        "bridges: [{name: b}]\nvteps: []\nports:\n- {name: vx, bridge: b, vxlan: {vni: 0, vtep: v}}\n",
        "state.yaml:4:38: port vx: vxlan: vni: `0` is not a VNI: give 1 to 16777215 (2^24-1)",
        "",
    );
}

#[test]
fn unknown_keys_are_refused_with_what_was_meant() {
    one_error("brigdes: []\n", "state.yaml:1:1: unknown key `brigdes`", "did you mean `bridges`?");
    one_error(
        "bridges:\n  - name: br0\n    mac_ageing_s: 5\n",
        "state.yaml:3:5: bridge br0: unknown key `mac_ageing_s`",
        "did you mean `mac_aging_s`?",
    );
    one_error(
        "bridges:\n  - name: br0\n    zzz: 5\n",
        "state.yaml:3:5: bridge br0: unknown key `zzz`",
        "known keys: name, datapath_id, mac_table_size, mac_aging_s",
    );
    one_error(
        "nics:\n- name: n\n  network: r\n  vhost_user: {paht: /run/n.sock, path: /run/n.sock}\nnetworks: [{name: r, vni: 1}]",
        "state.yaml:4:16: nic n: vhost_user: unknown key `paht`",
        "did you mean `path`?",
    );
}

#[test]
fn what_is_missing_is_named() {
    one_error("bridges:\n  - {}\n", "state.yaml:2:5: bridge: `name` is missing", "");
    one_error("networks: [{name: r}]", "state.yaml:1:12: network r: `vni` is missing", "");
    one_error(
        "nics: [{name: n, network: r}]\nnetworks: [{name: r, vni: 1}]",
        "state.yaml:1:15: nic n: `vhost_user` is missing",
        "give it: `vhost_user: {path: /run/vm1.sock}`",
    );
    one_error(
        "bridges: [{name: b}]\nports:\n- {name: p, bridge: b}\n",
        "state.yaml:3:10: port p: has 0 kinds",
        "give exactly one of `vhost_user`, `dpdk` and `vxlan`",
    );
    one_error(
        "ports:\n- {name: p, vhost_user: {path: /run/p.sock}}\n",
        "state.yaml:2:10: port p: belongs to no bridge",
        "name it: `bridge: br0`",
    );
    one_error(
        "ports: [{name: u, dpdk: {device: net_null0}}]\nvteps:\n- {name: v, uplink: u}\n",
        "state.yaml:3:3: vtep v: has no address",
        "give one: `addresses: [192.168.0.1/24]`",
    );
    one_error("bridges: [{name: b}]\nflows:\n- {bridge: b}\n", "state.yaml:3:3: flow: `flow` is missing", "");
}

#[test]
fn values_of_another_shape_are_refused() {
    one_error("bridges: br0\n", "state.yaml:1:10: `bridges` is a single value; it must be a list", "");
    one_error(
        "bridges: [br0]\n",
        "state.yaml:1:11: bridge: is a single value; it must be a mapping of keys to values",
        "",
    );
    one_error("- br0\n", "state.yaml:1:1: is a list; it must be a mapping of keys to values", "");
    one_error(
        "bridges: [{name: [br0]}]",
        "state.yaml:1:18: bridge: `name` is a list; it must be a single value",
        "",
    );
    one_error(
        "networks: [{name: r, vni: 1, remotes: 192.168.0.2}]",
        "state.yaml:1:39: network r: `remotes` is a single value; it must be a list, as in `remotes: [..]`",
        "",
    );
}

#[test]
fn yaml_itself_is_checked() {
    for (text, place) in [
        ("bridges: [\n", "state.yaml:"),
        ("bridges:\n\t- name: br0\n", "state.yaml:2:"),
        (
            "bridges: []\nbridges: []\n",
            "state.yaml:2:1: the key `bridges` stands here a second time, first on line 1",
        ),
        ("bridges: []\n---\nports: []\n", "state.yaml:2:1: a second document"),
        ("{[a]: b}\n", "state.yaml:1:2: a key must be a single value"),
        ("bridges: *b\n", "state.yaml:1:10:"),
    ] {
        let found = errors(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].0.starts_with(place), "{text}: {}", found[0].0);
    }
}

#[test]
fn aliases_are_followed_within_limits() {
    let text = "networks:\n- {name: a, vni: 1, remotes: &r [10.0.0.1]}\n- {name: b, vni: 2, remotes: *r}\n";
    assert_eq!(parse(text).unwrap().objects.len(), 2);
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
    }
    assert!(errors(&bomb)[0].0.contains("aliases add more than"));
}

#[test]
fn what_exists_once_is_claimed_once() {
    one_error(
        "bridges:\n- {name: br0}\n- {name: br0}\n",
        "state.yaml:3:10: bridge br0: the name br0 of a bridge or network is taken already, on line 2",
        "give each object of a kind a name of its own",
    );
    one_error(
        "networks:\n- {name: a, vni: 7}\n- {name: b, vni: 7}\n",
        "state.yaml:3:18: network b: VNI 7 of a network is taken already, on line 2",
        "give each network a VNI of its own",
    );
    one_error(
        "ports:\n- {name: u, dpdk: {device: net_null0}}\nvteps:\n- {name: v, uplink: u, addresses: [10.0.0.1/24]}\n\
         - {name: w, uplink: u, addresses: [10.0.0.1/16]}\n",
        "state.yaml:5:35: vtep w: VTEP address 10.0.0.1 is taken already, on line 4",
        "one VTEP serves many VNIs: name it in each network or tunnel port",
    );
    one_error(
        "networks: [{name: r, vni: 1}]\nnics:\n- {name: a, network: r, vhost_user: {path: /run/a.sock}}\n\
         - {name: b, network: r, vhost_user: {path: /run/a.sock}}\n",
        "state.yaml:4:37: nic b: socket /run/a.sock is taken already, on line 3",
        "give each guest's NIC a socket of its own",
    );
    one_error(
        "bridges: [{name: b}]\nflows:\n- {bridge: b, flow: 'ip,nw_dst=10.0.0.0/8,actions=drop'}\n\
         - {bridge: b, flow: 'ip,nw_dst=10.1.2.3/8,actions=normal'}\n",
        "state.yaml:4:21: flow b priority=32768,ip,nw_dst=10.0.0.0/8: is given already, on line 3",
        "a flow is known by its table, priority and match: change one of them, or drop one of the two",
    );
}

#[test]
fn what_is_named_must_be_there() {
    one_error(
        "networks: [{name: red, vni: 1}]\nnics:\n  - name: a\n    network: redd\n    vhost_user: {path: /run/a.sock}\n",
        "state.yaml:4:14: nic a: there is no network redd",
        "did you mean red?",
    );
    one_error(
        "vteps: [{name: v, uplink: up0, addresses: [10.0.0.1/24]}]\n",
        "state.yaml:1:27: vtep v: there is no port of kind dpdk up0",
        "the file has no port of kind dpdk: add one",
    );
    let partial = "nics: [{name: a, network: red, vhost_user: {path: /run/a.sock}}]";
    assert!(Document::parse("part.yaml", partial, Scope::Part).is_ok());
}

#[test]
fn a_flow_s_error_stands_at_its_character() {
    let found =
        errors("bridges: [{name: b}]\nflows:\n- {bridge: b, flow: 'priority=10,nw_dts=1,actions=drop'}\n");
    assert_eq!(found.len(), 1);
    // The quote is column 21, `nw_dts` the 13th character behind it.
    assert!(found[0].0.starts_with("state.yaml:3:34: flow: "), "{}", found[0].0);
    let plain = errors("bridges: [{name: b}]\nflows:\n- bridge: b\n  flow: priority=x,actions=drop\n");
    assert!(plain[0].0.starts_with("state.yaml:4:18: flow: "), "{}", plain[0].0);
}

#[test]
fn all_errors_are_found_in_order() {
    let found = errors("bridges:\n- {name: 'a b'}\nnetworks:\n- {name: r, vni: 0, x: 1}\nzzz: 1\n");
    let places: Vec<&str> = found.iter().map(|(text, _)| &text[..14]).collect();
    assert_eq!(places, ["state.yaml:2:1", "state.yaml:4:1", "state.yaml:4:2", "state.yaml:5:1"]);
    assert_eq!(parse("zzz: 1\nyyy: 1\n").unwrap_err().to_string(), "2 errors in state.yaml");
}

#[test]
fn a_refusal_points_at_the_object_that_it_names() {
    let document = parse(GOOD).unwrap();
    let refusal = |object: &str| sluice_api::v1::Error {
        code: Code::Conflict.into(),
        object: object.to_owned(),
        message: "the socket is taken".to_owned(),
        hint: "take another".to_owned(),
    };
    let located = document.locate(&refusal("port vm1")).unwrap();
    assert_eq!(located.code(), Code::Conflict);
    let text = located.iter().next().unwrap().to_string();
    assert_eq!(text, "state.yaml:5:5: port vm1: the socket is taken");
    assert!(document.locate(&refusal("port other")).is_none());
    for (object, line) in [
        ("flow br0 table=0,priority=10,eth_type=0x0800,ipv4_dst=0x0a000000/0xff000000", 18),
        (&label(&document.objects[7].key), 18),
        ("bridge red", 14),
        ("port red-a", 16),
    ] {
        assert_eq!(document.locate(&refusal(object)).unwrap().iter().next().unwrap().line, line, "{object}");
    }
}

fn name() -> impl Strategy<Value = String> {
    // Names that YAML would take for numbers, truth or nothing are names too.
    prop_oneof![
        "[a-zA-Z0-9._-]{1,12}",
        Just("1e3".into()),
        Just("null".into()),
        Just("yes".into()),
        Just("0x1".into())
    ]
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        (1_u8..=223, any::<[u8; 3]>()).prop_map(|(a, [b, c, d])| format!("{a}.{b}.{c}.{d}")),
        any::<u64>().prop_map(|low| std::net::Ipv6Addr::from(0xfd00 << 112 | u128::from(low)).to_string()),
    ]
}

fn socket() -> impl Strategy<Value = VhostUser> {
    ("/run/[a-zA-Z0-9 :#'\"._-]{0,20}x", 0..=1, 0_u32..=16).prop_map(|(path, role, queue_pairs)| VhostUser {
        path,
        role,
        queue_pairs,
    })
}

fn bridge() -> impl Strategy<Value = Object> {
    (name(), any::<u64>(), 0_u32..=1 << 20, 0_u32..=86_400).prop_map(
        |(name, datapath_id, size, mac_aging_s)| {
            Bridge { name, datapath_id, mac_table_size: size, mac_aging_s }.into_object()
        },
    )
}

fn port() -> impl Strategy<Value = Object> {
    let kind = prop_oneof![
        socket().prop_map(port::Kind::VhostUser),
        ("[!-~]{1,20}", 0_u32..=64).prop_map(|(device, queues)| port::Kind::Dpdk(Dpdk { device, queues })),
        (1_u32..1 << 24, name(), prop::collection::vec(host(), 0..4))
            .prop_map(|(vni, vtep, remotes)| port::Kind::Vxlan(Vxlan { vni, vtep, remotes })),
    ];
    (name(), name(), 0_u32..=0xfeff, kind, prop_oneof![Just(0_u32), 68_u32..=9216]).prop_map(
        |(name, bridge, of_port, kind, mtu)| {
            Port { name, bridge, of_port, kind: Some(kind), mtu }.into_object()
        },
    )
}

fn other() -> impl Strategy<Value = Object> {
    prop_oneof![
        (name(), name(), 1_u8..=32, prop::option::of(0_u8..=255), 0_u32..=65535).prop_map(
            |(name, uplink, length, gateway, udp_port)| {
                let addresses = vec![format!("10.0.0.1/{length}"), "fd00::1/64".to_owned()];
                let gateways = gateway.map(|octet| format!("10.0.1.{octet}")).into_iter().collect();
                Vtep { name, uplink, addresses, gateways, udp_port }.into_object()
            }
        ),
        (name(), 1_u32..1 << 24, prop::option::of(name()), prop::collection::vec(host(), 0..4)).prop_map(
            |(name, vni, vtep, remotes)| {
                Network { name, vni, vtep: vtep.unwrap_or_default(), remotes }.into_object()
            }
        ),
        (name(), name(), prop::option::of(any::<[u8; 4]>()), socket()).prop_map(
            |(name, network, mac, vhost_user)| {
                let mac = mac.map(|[a, b, c, d]| format!("02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}"));
                let mac = mac.unwrap_or_default();
                Nic { name, network, mac, vhost_user: Some(vhost_user), mtu: 0 }.into_object()
            }
        ),
    ]
}

fn flow_object(bridge: &str, text: &str) -> Object {
    let flow: Flow = crate::flow_text::parse(bridge, text, &crate::flow_text::no_names).unwrap();
    flow::into_object(flow)
}

proptest! {
    /// What export writes, apply reads as the very same object: in YAML and in JSON.
    #[test]
    fn every_object_survives_export_and_apply(object in prop_oneof![bridge(), port(), other()]) {
        let state = write_state(std::slice::from_ref(&object));
        let yaml = serde_saphyr::to_string(&Value::from(state.clone())).unwrap();
        for text in [yaml, Value::from(state).to_string()] {
            let document = Document::parse("export", &text, Scope::Part);
            let document = document.map_err(|errors| {
                TestCaseError::fail(format!("{text}\n{:?}", errors.iter().collect::<Vec<_>>()))
            })?;
            prop_assert_eq!(&document.objects[0].object, &object, "{}", text);
        }
    }

    /// No text makes the reader panic, and errors have a place in it.
    #[test]
    fn any_text_is_read_or_refused(text in "[a-z:{}\\[\\], \n\"'&*#|>!0-9\t-]{0,80}") {
        if let Err(errors) = parse(&text) {
            for error in errors.iter() {
                prop_assert!(error.line >= 1 && error.column >= 1);
                prop_assert!(error.line <= text.lines().count() + 1, "{error}");
            }
        }
    }
}

#[test]
fn flows_survive_export_and_apply() {
    let flows = [
        flow_object("br0", "priority=10,ip,nw_dst=10.0.0.0/8,actions=output:2"),
        flow_object("br0", "table=1,priority=0,actions=drop"),
        flow_object("br0", "cookie=0xffffffffffffffff,in_port=1,dl_vlan=7,actions=strip_vlan,normal"),
    ];
    let yaml = serde_saphyr::to_string(&Value::from(write_state(&flows))).unwrap();
    let document = Document::parse("export", &yaml, Scope::Part).unwrap();
    let read: Vec<&Object> = document.objects.iter().map(|located| &located.object).collect();
    assert_eq!(read, flows.iter().collect::<Vec<_>>(), "{yaml}");
}
