//! What the demo shows.

use std::time::Duration;

use anyhow::{Result, ensure};
use sluice_tests::guest::Guest;
use sluice_tests::vxlan::inject;
use sluice_tests::wait::wait_for;

use crate::steps::{note, step};
use sluice_tests::scenario::two_hosts::{BLUE_ONLY, SITES, STRAY, TENANTS, TwoHosts};

/// A VNI that no host has.
const NOBODYS_VNI: u32 = 300;
const INJECTED: u32 = 100;

/// Everything, in order.
pub(super) fn everything(scene: &mut TwoHosts) -> Result<()> {
    step("Within each network, across the hosts: who answers, pings, iperf3", || within(scene))?;
    step("Across the networks: what only blue has answers blue, and not red", || across(scene))?;
    step(
        "From the underlay: what comes from no VTEP of a network, or for no network, is dropped and counted",
        || strays(scene),
    )
}

fn within(scene: &mut TwoHosts) -> Result<()> {
    let [_, far] = SITES;
    let address = far.guest_address;
    for (tenant, [here, there]) in TENANTS.iter().zip(&mut scene.guests) {
        let answered = here.run(&format!("nc -w 5 {address} 7"))?;
        ensure!(answered.trim() == there.name(), "{} was answered by {answered:?}", here.name());
        note(format!("{} asks who {address} is: {}", here.name(), answered.trim()));
        let pings = here.run(&format!("ping -c 5 -i 0.2 {address}"))?;
        pings.lines().filter(|line| line.contains("packets") || line.contains("round-trip")).for_each(note);
        let figure = iperf3(here, address)?;
        note(format!("iperf3 {} to {}, VNI {}: {figure}", here.name(), there.name(), tenant.vni));
    }
    Ok(())
}

fn across(scene: &mut TwoHosts) -> Result<()> {
    let ping = format!("ping -c 3 -W 1 {BLUE_ONLY}");
    for ([guest, _], expected) in scene.guests.iter_mut().zip([false, true]) {
        let answer = guest.answer(&ping)?;
        let summary = answer.text.lines().find(|line| line.contains("packets")).unwrap_or_default();
        note(format!("{} pings {BLUE_ONLY}, which only blue has: {summary}", guest.name()));
        ensure!(
            (answer.status == 0) == expected,
            "{} should not have seen that:\n{}",
            guest.name(),
            answer.text
        );
    }
    Ok(())
}

fn strays(scene: &mut TwoHosts) -> Result<()> {
    let [host, _] = &scene.hosts;
    let [site, _] = SITES;
    let [red, _] = TENANTS;
    let (stray, vtep) = (STRAY.into(), site.vtep.into());
    let counted = |reason: &str| host.cli().drops(reason);
    let before = [counted("vtep_unknown")?, counted("vni_unknown")?];
    inject(scene.underlay.namespace(), stray, vtep, red.vni, INJECTED)?;
    inject(scene.underlay.namespace(), stray, vtep, NOBODYS_VNI, INJECTED)?;
    note(format!(
        "{STRAY}, no VTEP, sent host a {INJECTED} frames in VNI {} and {INJECTED} in {NOBODYS_VNI}",
        red.vni
    ));
    for (reason, before) in ["vtep_unknown", "vni_unknown"].into_iter().zip(before) {
        wait_for(&format!("{reason} counts them"), Duration::from_secs(20), || {
            let now = counted(reason).map_err(|error| error.to_string())? - before;
            if now == u64::from(INJECTED) { Ok(()) } else { Err(format!("{now} counted")) }
        })?;
    }
    note("`sluice drops` on host a:");
    host.cli().run("drops")?.lines().for_each(note);
    Ok(())
}

fn iperf3(guest: &mut Guest, address: &str) -> Result<String> {
    let text = guest.run(&format!("iperf3 -c {address} -t 3 -f m"))?;
    let receiver = text.lines().find(|line| line.ends_with("receiver")).unwrap_or(&text);
    // Interval, transfer and rate, each with its unit behind it.
    let words: Vec<&str> = receiver.split_whitespace().collect();
    let rate = words.iter().position(|word| word.ends_with("/sec")).and_then(|at| words.get(at - 1..=at));
    Ok(rate.map_or_else(|| receiver.to_owned(), |rate| rate.join(" ")))
}
