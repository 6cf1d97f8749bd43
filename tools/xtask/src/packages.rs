//! The Debian packages that building, testing and showing Sluice needs. This is the one list of them.

use anyhow::{Context, Result, bail};
use sluice_tests::Launch;

use crate::steps::{note, step};

/// To build: DPDK and its headers, libclang for bindgen, clang for the shim, hwloc for placement.
const BUILD: &[&str] = &[
    "build-essential",
    "clang-14",
    "libclang-14-dev",
    "libdpdk-dev",
    "libhwloc-dev",
    "libudev-dev",
    "lld-14",
    "pkg-config",
];

/// To run Sluice and what it is shown and tested with: DPDK's drivers and testpmd, guests, namespaces.
const RUN: &[&str] = &[
    "busybox-static",
    "dpdk",
    "dpdk-dev",
    "ethtool",
    "iperf3",
    "iproute2",
    "iputils-ping",
    "linux-image-amd64",
    "qemu-system-x86",
    "socat",
    "tcpdump",
    "util-linux",
];

/// What only the side-by-side benchmarks need: the peers.
const PEERS: &[&str] = &["openvswitch-switch-dpdk"];

/// Installs what is missing of the packages to build and run.
pub(crate) fn ensure() -> Result<()> {
    install_missing(&[BUILD, RUN].concat())
}

/// As [`ensure`], with the benchmarks' peers.
pub(crate) fn ensure_with_peers() -> Result<()> {
    install_missing(&[BUILD, RUN, PEERS].concat())
}

fn install_missing(wanted: &[&str]) -> Result<()> {
    step("Debian packages", || {
        let missing: Vec<&str> = wanted.iter().copied().filter(|package| !is_installed(package)).collect();
        if missing.is_empty() {
            note(format!("all {} are installed", wanted.len()));
            return Ok(());
        }
        let list = missing.join(" ");
        note(format!("to be installed: {list}"));
        if !std::path::Path::new("/etc/debian_version").exists() {
            bail!("this is no Debian system: install the equivalents of these packages by hand: {list}");
        }
        apt_get(&["update", "-qq"])?;
        apt_get(&[&["install", "-qq", "-y", "--no-install-recommends"], missing.as_slice()].concat())
            .with_context(|| format!("cannot install the Debian packages {list}; is this user root?"))
    })
}

fn is_installed(package: &str) -> bool {
    let query = Launch::new("dpkg-query").args(["-W", "-f=${db:Status-Status}", package]);
    query.run().is_ok_and(|status| status == "installed")
}

fn apt_get(args: &[&str]) -> Result<()> {
    // A machine that has just booted may be installing its own updates: wait for their lock.
    let command = Launch::new("apt-get").args(["-o", "DPkg::Lock::Timeout=120"]).args(args);
    command.env("DEBIAN_FRONTEND", "noninteractive").run()?;
    Ok(())
}
