//! A port goes over to another device, or stays what it was.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]

use std::os::unix::net::UnixListener;

use sluice_tests::host::{HostOptions, START_LIMIT};
use sluice_tests::wait::wait_for;
use sluice_tests::{Host, Result, Stage};

/// A datapath whose memory holds the buffers of one port, not of two.
fn narrow() -> HostOptions {
    HostOptions { memory_mb: 256, more: "port_mbufs = 65535".to_owned(), ..HostOptions::default() }
}

/// A host whose only port receives from `net_null0`.
fn on_a_narrow_host(case: impl FnOnce(&Host) -> Result<()>) -> Result<()> {
    Stage::run(|stage| {
        let host = Host::start(stage, "host", &narrow())?;
        host.apply("base", &port("net_null0"))?;
        case(&host)
    })
}

fn port(device: &str) -> String {
    format!("bridges:\n- {{name: br0}}\nports:\n- {{name: up0, bridge: br0, dpdk: {{device: '{device}'}}}}\n")
}

fn received(host: &Host) -> Result<u64> {
    let port = host.cli().json("port show up0")?;
    Ok(port["rx_packets"].as_u64().unwrap_or_else(|| panic!("no counter in {port}")))
}

#[test]
fn where_memory_holds_one_of_two_the_former_gives_its_own() -> Result<()> {
    on_a_narrow_host(|host| {
        for device in ["net_null1", "net_null2", "net_null0"] {
            host.apply("other", &port(device))?;
            wait_for("frames arrive by the new device", START_LIMIT, || match received(host) {
                Ok(0) => Err("none yet".to_owned()),
                Ok(_) => Ok(()),
                Err(error) => Err(error.to_string()),
            })?;
        }
        Ok(())
    })
}

#[test]
fn a_refused_device_leaves_the_port_running_with_its_counters() -> Result<()> {
    on_a_narrow_host(|host| {
        let before = received(host)?;
        let answer = host.try_apply("wrong", &port("net_af_packet0,iface=nowhere0"))?;
        assert_eq!(answer.code, Some(1), "{answer:?}");
        assert!(answer.stderr.contains("port up0"), "{answer:?}");
        assert!(received(host)? >= before);
        // The same device with an argument that it does not take has to be closed to be tried.
        let before = received(host)?;
        let answer = host.try_apply("argument", &port("net_null0,nonsense=1"))?;
        assert_eq!(answer.code, Some(1), "{answer:?}");
        assert!(received(host)? >= before);
        // What is refused for another object's sake leaves it too.
        let before = received(host)?;
        let taken = host.socket("taken");
        let _other = UnixListener::bind(&taken);
        let nic =
            format!("- {{name: vm, bridge: br0, vhost_user: {{path: {}, role: server}}}}\n", taken.display());
        let answer = host.try_apply("taken", &format!("{}{nic}", port("net_null1")))?;
        assert_eq!(answer.code, Some(5), "{answer:?}");
        assert!(received(host)? >= before);
        Ok(())
    })
}
