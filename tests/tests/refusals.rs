//! What an operator gets wrong is refused whole: named, explained, with the right exit code, and nothing changed.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]

use std::os::unix::net::UnixListener;

use sluice_tests::cli::CliAnswer;
use sluice_tests::host::HostOptions;
use sluice_tests::{Host, Result, Stage};

const FAILED: i32 = 1;
const INVALID: i32 = 2;
const NOT_FOUND: i32 = 4;
const CONFLICT: i32 = 5;

/// Runs `cases` on one host with the bridge `br0`, and sees to it that nothing has changed in the end.
fn on_a_host(cases: impl FnOnce(&Host) -> Result<()>) -> Result<()> {
    Stage::run(|stage| {
        let host = Host::start(stage, "host", &HostOptions::default())?;
        host.apply("base", "bridges:\n- {name: br0}\n")?;
        let before = host.cli().run("export")?;
        cases(&host)?;
        assert_eq!(host.cli().run("export")?, before);
        Ok(())
    })
}

/// Applies `text`, which also says something right; it is refused with that code and those words.
fn refused(host: &Host, text: &str, codes: &[i32], words: &[&str]) -> Result<()> {
    let right = "bridges:\n- {name: would-be-new}\n";
    let answer = host.try_apply("wrong", &format!("{right}{text}"))?;
    expect(&answer, codes, words);
    Ok(())
}

fn expect(answer: &CliAnswer, codes: &[i32], words: &[&str]) {
    assert!(
        answer.code.is_some_and(|code| codes.contains(&code)),
        "expected exit code {codes:?}: {answer:?}"
    );
    for word in words {
        assert!(answer.stderr.contains(word), "expected {word:?} in: {answer:?}");
    }
}

#[test]
fn an_error_in_yaml_is_told_with_line_and_column() -> Result<()> {
    on_a_host(|host| {
        refused(host, "networks:\n- name: [red\n", &[INVALID], &["\"line\":", "\"column\":"])?;
        // The unknown key stands in line 4, column 15.
        refused(
            host,
            "networks:\n- {name: red, vnii: 100}\n",
            &[INVALID],
            &["\"line\":4", "\"column\":15", "vnii"],
        )
    })
}

#[test]
fn vni_0_and_2_to_the_24th_are_named() -> Result<()> {
    on_a_host(|host| {
        for vni in ["0", "16777216"] {
            refused(
                host,
                &format!("networks:\n- {{name: red, vni: {vni}}}\n"),
                &[INVALID],
                &[vni, "16777215"],
            )?;
        }
        Ok(())
    })
}

#[test]
fn two_networks_of_one_vni_are_refused() -> Result<()> {
    on_a_host(|host| {
        let networks = "networks:\n- {name: red, vni: 100}\n- {name: blue, vni: 100}\n";
        refused(host, networks, &[INVALID, CONFLICT], &["VNI 100", "network blue", "line 4"])
    })
}

#[test]
fn a_duplicate_vtep_is_refused() -> Result<()> {
    on_a_host(|host| {
        let uplink = "ports:\n- {name: up, dpdk: {device: net_null0}}\n";
        let by_name = "vteps:\n- {name: v, uplink: up, addresses: [192.0.2.1/24]}\n\
                       - {name: v, uplink: up, addresses: [192.0.2.2/24]}\n";
        refused(host, &format!("{uplink}{by_name}"), &[INVALID, CONFLICT], &["v"])?;
        let by_address = "vteps:\n- {name: v1, uplink: up, addresses: [192.0.2.1/24]}\n\
                          - {name: v2, uplink: up, addresses: [192.0.2.1/24]}\n";
        refused(host, &format!("{uplink}{by_address}"), &[INVALID, CONFLICT], &["v2", "192.0.2.1"])
    })
}

#[test]
fn a_remote_that_is_named_twice_is_refused() -> Result<()> {
    on_a_host(|host| {
        let text = "ports:\n- {name: up, dpdk: {device: net_null0}}\n\
                    vteps:\n- {name: v, uplink: up, addresses: [192.0.2.1/24]}\n\
                    networks:\n- {name: red, vni: 100, vtep: v, remotes: [192.0.2.2, 192.0.2.2]}\n";
        refused(host, text, &[INVALID, CONFLICT], &["192.0.2.2"])
    })
}

#[test]
fn a_socket_path_that_is_taken_is_named() -> Result<()> {
    on_a_host(|host| {
        // By another NIC of the same file.
        let path = host.socket("shared");
        let path = path.display();
        let nics = format!(
            "networks:\n- {{name: red, vni: 100}}\nnics:\n\
             - {{name: n1, network: red, vhost_user: {{path: {path}, role: server}}}}\n\
             - {{name: n2, network: red, vhost_user: {{path: {path}, role: server}}}}\n"
        );
        refused(host, &nics, &[INVALID, CONFLICT], &["n2", &path.to_string()])?;
        // By a process that has nothing to do with us.
        let taken = host.socket("taken");
        let _other = UnixListener::bind(&taken);
        let taken = taken.display();
        let nic = format!(
            "networks:\n- {{name: red, vni: 100}}\nnics:\n\
             - {{name: n1, network: red, vhost_user: {{path: {taken}, role: server}}}}\n"
        );
        refused(host, &nic, &[CONFLICT], &["n1", &taken.to_string()])
    })
}

#[test]
fn a_dpdk_device_that_does_not_exist_is_named() -> Result<()> {
    on_a_host(|host| {
        for (device, word) in [
            ("net_af_packet7,iface=nowhere0", "nowhere0"),
            ("0000:ff:1f.7", "0000:ff:1f.7"),
            ("net_nonsense0", "net_nonsense0"),
        ] {
            let port = format!("ports:\n- {{name: up, dpdk: {{device: '{device}'}}}}\n");
            refused(host, &port, &[FAILED, INVALID, NOT_FOUND], &["port up", word])?;
        }
        Ok(())
    })
}

#[test]
fn what_refers_to_nothing_is_refused() -> Result<()> {
    on_a_host(|host| {
        let nic = "nics:\n- {name: n1, network: nowhere, vhost_user: {path: /run/n1.sock}}\n";
        let answer = host.try_apply("nic", nic)?;
        assert!(matches!(answer.code, Some(INVALID | NOT_FOUND)), "{answer:?}");
        assert!(answer.stderr.contains("nowhere"), "{answer:?}");
        let flow = host.cli().answer(&["flow", "add", "nowhere", "actions=drop"])?;
        assert!(
            matches!(flow.code, Some(INVALID | NOT_FOUND)) && flow.stderr.contains("nowhere"),
            "{flow:?}"
        );
        Ok(())
    })
}

#[test]
fn a_flow_that_cannot_be_read_is_told_with_its_column() -> Result<()> {
    on_a_host(|host| {
        let answer =
            host.cli().answer(&["flow", "add", "br0", "priority=10,nw_dts=10.0.0.1,actions=drop"])?;
        expect(&answer, &[INVALID], &["nw_dts"]);
        let answer = host.cli().answer(&["flow", "add", "br0", "priority=70000,actions=drop"])?;
        expect(&answer, &[INVALID], &["70000"]);
        Ok(())
    })
}
