//! `--keep`: leaving it up for a person.

use std::time::Duration;

use anyhow::Result;
use sluice_tests::wait::let_pass;

use sluice_tests::scenario::two_hosts::{SITES, TwoHosts};

/// Prints commands to look around and stays until SIGINT or SIGTERM.
pub(super) fn until_interrupted(scene: TwoHosts) -> Result<()> {
    let TwoHosts { guests, hosts, underlay } = scene;
    let [a, b] = &hosts;
    let _names = [
        a.namespace().publish("sluice-a")?,
        b.namespace().publish("sluice-b")?,
        underlay.namespace().publish("sluice-fabric")?,
    ];
    println!("\nEverything stays up until Ctrl-C. In another terminal, as root:\n");
    for (host, site) in hosts.iter().zip(SITES) {
        println!("  # host {}", site.name);
        for command in
            ["status", "port list", "flow list red", "mac list red", "neighbour list", "drops", "doctor"]
        {
            println!("  {} {command}", host.cli().shown());
        }
    }
    println!("\n  # what is on the wire between the hosts");
    println!("  ip netns exec sluice-fabric tcpdump -ni fabric udp port 4789");
    println!("\n  # the guests' consoles: Enter shows the prompt, Ctrl-] leaves");
    let mut processes = Vec::new();
    for guest in guests.into_iter().flatten() {
        println!("  socat -,raw,echo=0,escape=0x1d UNIX-CONNECT:{}", guest.console_socket().display());
        processes.push(guest.hand_over()?);
    }
    println!();
    loop {
        // Ends with the error that an interruption is; the guards are dropped on the way out.
        let_pass(Duration::from_secs(3600))?;
    }
}
