use proptest::prelude::*;
use sluice_api::v1::Flow;
use sluice_api::v1::action::Kind;

use super::*;
use crate::canonical;
use crate::strategies::{any_flow, canonical_flow};

fn names(name: &str) -> Option<u32> {
    (name == "vm1").then_some(7)
}

fn parse(text: &str) -> Flow {
    parse_flow("br0", text, &names).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Reads and writes again.
fn spell(text: &str) -> String {
    FlowText(&parse(text)).to_string()
}

fn error(text: &str) -> String {
    parse_flow("br0", text, &names).unwrap_err().to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn text_of_a_canonical_flow_reads_as_the_same_flow(flow in canonical_flow()) {
        let text = FlowText(&flow).to_string();
        let back = parse_flow("br0", &text, &no_names);
        prop_assert_eq!(back.as_ref(), Ok(&flow), "{}", text);
        let key = sluice_api::key::FlowKey::try_from(&flow).unwrap();
        let key_text = KeyText(&key).to_string();
        prop_assert_eq!(parse_key("br0", &key_text, &no_names), Ok(key), "{}", key_text);
    }

    #[test]
    fn canonical_is_idempotent(flow in any_flow()) {
        if let Ok((key, once)) = canonical(flow) {
            prop_assert_eq!(canonical(once.clone()), Ok((key, once)));
        }
    }

    #[test]
    fn any_flow_can_be_written(flow in any_flow()) {
        prop_assert!(FlowText(&flow).to_string().contains("actions="));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[a-z0-9_=:,./>()@ |+-]{0,60}") {
        let _ = parse_flow("br0", &text, &names);
    }

    #[test]
    fn garbled_flows_are_read_or_refused(flow in canonical_flow(), at in any::<prop::sample::Index>(), with in any::<char>()) {
        let mut chars: Vec<char> = FlowText(&flow).to_string().chars().collect();
        let at = at.index(chars.len());
        chars[at] = with;
        let text: String = chars.into_iter().collect();
        if let Err(error) = parse_flow("br0", &text, &names) {
            prop_assert!(error.column >= 1 && error.column <= text.chars().count() + 1);
        }
    }
}

#[test]
fn flows_are_spelled_as_ovs_does() {
    for (given, spelled) in [
        (
            "table=0,priority=10,cookie=0x1,ip,nw_dst=10.0.0.0/8,actions=output:2",
            "cookie=0x1, priority=10,ip,nw_dst=10.0.0.0/8 actions=output:2",
        ),
        ("actions=drop", "actions=drop"),
        ("priority=0 actions=NORMAL", "priority=0 actions=NORMAL"),
        ("in_port=vm1,actions=vm1,2,output:\"vm1\"", "in_port=7 actions=output:7,output:2,output:7"),
        ("dl_type=0x800,nw_proto=6,tp_dst=80,actions=all", "tcp,tp_dst=80 actions=FLOOD"),
        (
            "tcp6,ipv6_src=2001:db8::/32,tcp_dst=0x50/0xfff0,actions=in_port",
            "tcp6,ipv6_src=2001:db8::/32,tp_dst=0x50/0xfff0 actions=IN_PORT",
        ),
        (
            "arp,nw_src=10.0.0.1,arp_op=1,arp_sha=52:54:00:00:00:01,actions=flood",
            "arp,arp_spa=10.0.0.1,arp_op=1,arp_sha=52:54:00:00:00:01 actions=FLOOD",
        ),
        (
            "dl_vlan=100,dl_vlan_pcp=3,actions=strip_vlan,output:1",
            "dl_vlan=100,dl_vlan_pcp=3 actions=pop_vlan,output:1",
        ),
        ("dl_vlan=0xffff,actions=drop", "vlan_tci=0x0000 actions=drop"),
        ("vlan_tci=0x1000/0x1000,actions=drop", "vlan_tci=0x1000/0x1000 actions=drop"),
        ("vlan_vid=0x1064,actions=drop", "dl_vlan=100 actions=drop"),
        (
            "actions=push_vlan:0x8100,mod_vlan_vid:5,mod_vlan_pcp:2,output:3",
            "actions=push_vlan:0x8100,set_field:4101->vlan_vid,set_field:2->vlan_pcp,output:3",
        ),
        (
            "ip,nw_tos=32,nw_ecn=1,nw_ttl=64,ip_frag=later,actions=dec_ttl,1",
            "ip,nw_tos=32,nw_ecn=1,nw_ttl=64,ip_frag=later actions=dec_ttl,output:1",
        ),
        ("tcp,tcp_flags=+syn-ack,actions=controller:128", "tcp,tcp_flags=+syn-ack actions=CONTROLLER:128"),
        ("tcp,tcp_flags=syn|ack,actions=controller", "tcp,tcp_flags=syn|ack actions=CONTROLLER:65535"),
        (
            "icmp,icmp_type=8,icmp_code=0,actions=controller(max_len=64)",
            "icmp,icmp_type=8,icmp_code=0 actions=CONTROLLER:64",
        ),
        (
            "icmp6,icmpv6_type=135,nd_target=fe80::1,nd_sll=52:54:00:00:00:01,actions=normal",
            "icmp6,nd_sll=52:54:00:00:00:01,icmp_type=135,nd_target=fe80::1 actions=NORMAL",
        ),
        (
            "udp,actions=mod_nw_dst:10.0.0.9,mod_tp_dst:53,mod_dl_dst:52:54:00:00:00:09,1",
            "udp actions=set_field:10.0.0.9->ip_dst,set_field:53->udp_dst,set_field:52:54:00:00:00:09->eth_dst,output:1",
        ),
        (
            "tun_id=100,tun_src=192.0.2.0/24,metadata=0x5/0xf,actions=set_tunnel:200,1",
            "tun_id=0x64,tun_src=192.0.2.0/24,metadata=0x5/0xf actions=set_tunnel:0xc8,output:1",
        ),
        (
            "actions=set_field:0x64->tun_id,set_field:192.0.2.9->tun_dst,output:1",
            "actions=set_tunnel:0x64,set_field:192.0.2.9->tun_dst,output:1",
        ),
        ("actions=set_tunnel:7@2001:db8::9,output:1", "actions=set_tunnel:0x7@2001:db8::9,output:1"),
        (
            "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,actions=goto_table:3",
            "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00 actions=goto_table:3",
        ),
        (
            "ip,actions=clear_actions,write_actions(output:2,dec_ttl,output:3),write_metadata:0x15/0xf,goto_table:9",
            "ip actions=clear_actions,write_actions(dec_ttl,output:3),write_metadata:0x5/0xf,goto_table:9",
        ),
        (
            "actions=apply_actions(set_tunnel:7,output:1),write_metadata:3",
            "actions=set_tunnel:0x7,output:1,write_metadata:0x3",
        ),
        ("ip,nw_src=10.0.0.1/255.0.255.0,actions=drop", "ip,nw_src=10.0.0.0/255.0.255.0 actions=drop"),
        ("ip,nw_src=0.0.0.0/0,actions=drop", "ip actions=drop"),
        ("ipv6,ipv6_label=0x123,actions=drop", "ipv6,ipv6_label=0x00123 actions=drop"),
        ("dl_type=0x88cc,actions=drop", "dl_type=0x88cc actions=drop"),
        (
            " cookie=0x0, duration=3.2s, table=1, n_packets=4, n_bytes=240, idle_age=1, priority=5,in_port=1 actions=output:2",
            "table=1, priority=5,in_port=1 actions=output:2",
        ),
    ] {
        assert_eq!(spell(given), spelled);
        assert_eq!(spell(spelled), spelled);
    }
}

#[test]
fn drop_is_an_action() {
    assert!(matches!(parse("actions=drop").actions[0].kind, Some(Kind::Drop(_))));
    assert_eq!(
        canonical(Flow { actions: vec![], ..parse("actions=drop") }).unwrap().1,
        parse("actions=drop")
    );
}

#[test]
fn errors_name_the_token_its_column_and_what_would_do() {
    for (text, expected) in [
        ("tcp_dst=80,actions=drop", "column 1, \"tcp_dst\": needs tcp or tcp6"),
        ("ip,tp_dst=80,actions=drop", "column 4, \"tp_dst\": needs tcp, udp, sctp, tcp6, udp6 or sctp6"),
        (
            "ip,nw_dts=1.2.3.4,actions=drop",
            "column 4, \"nw_dts\": no field, protocol or setting of a flow; did you mean \"nw_dst\"?",
        ),
        (
            "ip,nw_dst=10.0.0.300,actions=drop",
            "column 11, \"10.0.0.300\": expected an IPv4 address: 10.0.0.1, 10.0.0.0/8 or 10.0.0.0/255.0.0.0",
        ),
        ("ip,nw_dst=10.0.0.0/33,actions=drop", "column 20, \"33\": expected a number from 0 to 32"),
        ("priority=70000,actions=drop", "column 10, \"70000\": expected a number from 0 to 65535"),
        ("table=254,actions=drop", "column 7, \"254\": expected a number from 0 to 253"),
        (
            "in_port=vm9,actions=drop",
            "column 9, \"vm9\": no port of the bridge has this name; ports are also numbered, 1 to 65279",
        ),
        (
            "in_port=1,in_port=2,actions=drop",
            "column 11, \"in_port=2\": given before, or contradicts what was given before",
        ),
        ("ip,arp,actions=drop", "column 4, \"arp\": given before, or contradicts what was given before"),
        ("in_port=1", "column 10: actions are missing: write actions=drop, actions=output:1 or the like"),
        (
            "in_port=1,actions=",
            "column 19: actions are missing: write actions=drop, actions=output:1 or the like",
        ),
        ("in_port,actions=drop", "column 1, \"in_port\": its value is missing: write it behind ="),
        ("actions=outptu:1", "column 9, \"outptu\": no action or port; did you mean \"output\"?"),
        (
            "actions=output:1,local",
            "column 18, \"local\": not supported: bridges have no local port of the host",
        ),
        (
            "actions=resubmit(,1)",
            "column 9, \"resubmit\": not supported: write goto_table:N, which goes on in a later table",
        ),
        ("actions=drop,output:1", "column 14, \"output:1\": drop must be all that a flow does"),
        ("table=3,actions=goto_table:3", "column 28, \"3\": the next table must be 4 to 253"),
        (
            "actions=goto_table:3,output:1",
            "column 22, \"output:1\": it stands too late or twice: actions come first, then clear_actions, write_actions, write_metadata and goto_table",
        ),
        ("actions=write_actions(drop)", "column 23, \"drop\": drop must be all that a flow does"),
        (
            "actions=write_metadata:1/2/3",
            "column 26, \"2/3\": expected a number from 0 to 18446744073709551615",
        ),
        ("actions=set_field:1->in_port", "column 22, \"in_port\": no field that can be set"),
        ("actions=mod_nw_dst:10.0.0.1", "column 9, \"mod_nw_dst:10.0.0.1\": needs ip"),
        ("actions=dec_ttl", "column 9, \"dec_ttl\": needs ip or ipv6"),
        ("actions=set_tunnel:0", "column 20, \"0\": expected a number from 1 to 16777215"),
        ("actions=output:0", "column 16, \"0\": expected a number from 1 to 65279"),
        ("actions=normal:1", "column 9, \"normal:1\": it takes no value"),
        (
            "idle_timeout=5,actions=drop",
            "column 1, \"idle_timeout\": not supported: flows stay until they are deleted",
        ),
        (
            "ct_state=+trk,actions=drop",
            "column 1, \"ct_state\": not supported: connection tracking comes with security groups",
        ),
    ] {
        assert_eq!(error(text), expected, "{text}");
    }
}

#[test]
fn a_key_has_no_actions() {
    assert_eq!(
        parse_key("br0", "ip,actions=drop", &no_names).unwrap_err().to_string(),
        "column 12, \"drop\": actions do not belong here: only table, priority and matches name a flow"
    );
    assert_eq!(
        KeyText(&parse_key("br0", "table=2,tcp", &no_names).unwrap()).to_string(),
        "table=2, priority=32768,tcp"
    );
}
