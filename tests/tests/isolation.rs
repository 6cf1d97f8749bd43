//! Two tenants with the same addresses on the same two hosts: what the demo shows, asserted.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]

use std::time::Duration;

use sluice_tests::guest::Image;
use sluice_tests::scenario::two_hosts::{BLUE_ONLY, SITES, STRAY, TENANTS, TwoHosts};
use sluice_tests::vxlan::inject;
use sluice_tests::wait::wait_for;
use sluice_tests::{Result, Stage};

const NOBODYS_VNI: u32 = 300;
const INJECTED: u32 = 50;

#[test]
fn tenants_reach_their_own_and_nobody_else() -> Result<()> {
    Stage::run(|stage| {
        let mut scene = TwoHosts::start(stage)?;
        scene.start_guests(stage, &Image::build()?)?;
        scene.apply()?;
        scene.boot()?;
        each_tenant_is_answered_by_its_own(&mut scene)?;
        an_address_of_one_tenant_is_unknown_to_the_other(&mut scene)?;
        strays_are_dropped_and_counted(&scene)?;
        Ok(())
    })
}

fn each_tenant_is_answered_by_its_own(scene: &mut TwoHosts) -> Result<()> {
    let [near, far] = SITES;
    for [a, b] in &mut scene.guests {
        assert_eq!(a.run(&format!("nc -w 10 {} 7", far.guest_address))?.trim(), b.name());
        assert_eq!(b.run(&format!("nc -w 10 {} 7", near.guest_address))?.trim(), a.name());
        a.run(&format!("ping -c 3 -i 0.2 -W 10 -s 1472 {}", far.guest_address))?;
    }
    Ok(())
}

fn an_address_of_one_tenant_is_unknown_to_the_other(scene: &mut TwoHosts) -> Result<()> {
    let ping = format!("ping -c 3 -W 1 {BLUE_ONLY}");
    for ([guest, _], has_it) in scene.guests.iter_mut().zip([false, true]) {
        let answer = guest.answer(&ping)?;
        assert_eq!(answer.status == 0, has_it, "{}: {}", guest.name(), answer.text);
    }
    Ok(())
}

fn strays_are_dropped_and_counted(scene: &TwoHosts) -> Result<()> {
    let ([host, _], [site, _], [red, _]) = (&scene.hosts, SITES, TENANTS);
    for (vni, reason) in [(red.vni, "vtep_unknown"), (NOBODYS_VNI, "vni_unknown")] {
        let before = host.cli().drops(reason)?;
        inject(scene.underlay.namespace(), STRAY.into(), site.vtep.into(), vni, INJECTED)?;
        wait_for(&format!("{reason} counts them"), Duration::from_secs(30), || {
            let counted = host.cli().drops(reason).map_err(|error| error.to_string())? - before;
            if counted == u64::from(INJECTED) { Ok(()) } else { Err(format!("{counted} counted")) }
        })?;
    }
    Ok(())
}
