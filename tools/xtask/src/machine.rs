//! Getting the machine ready, and giving back what was taken.

use anyhow::{Result, bail};
use sluice_tests::hugepages::{self, Reservation};

use crate::steps::{note, step};

/// What a run needs of hugepages: two datapaths of 128 MiB and some to spare.
const HUGEPAGES_MB: u32 = 384;

/// Fails unless this user is root: namespaces, packages and hugepages need it.
pub(crate) fn require_root() -> Result<()> {
    let user = sluice_tests::Launch::line("id -u").run()?;
    if user.trim() == "0" {
        return Ok(());
    }
    bail!("this needs root, for network namespaces, packages and hugepages: run it as root or with sudo -E");
}

/// Reserves hugepages if the kernel has them to give. The former number is restored when the answer is dropped.
pub(crate) fn reserve_hugepages() -> Option<Reservation> {
    let outcome = step(format!("Hugepages: {HUGEPAGES_MB} MiB"), || {
        let reservation = Reservation::of(HUGEPAGES_MB)?;
        match reservation {
            Some(_) => note("reserved; the former number is restored at the end"),
            None => note(format!("{} MiB are free already", hugepages::free_mb())),
        }
        Ok::<_, std::io::Error>(reservation)
    });
    outcome.unwrap_or_else(|error| {
        note(format!("not reserved ({error}): running with `hugepages = false`"));
        None
    })
}
