//! 2 MiB hugepages: how many there are, and a reservation that is undone.

use std::fs;
use std::io;

const RESERVED: &str = "/proc/sys/vm/nr_hugepages";
const PAGE_MB: u32 = 2;

/// MiB of hugepages that nobody uses; 0 on a system without.
pub fn free_mb() -> u32 {
    let pages = |meminfo: &str| -> Option<u32> {
        meminfo.lines().find_map(|line| line.strip_prefix("HugePages_Free:"))?.trim().parse().ok()
    };
    fs::read_to_string("/proc/meminfo").ok().as_deref().and_then(pages).unwrap_or(0) * PAGE_MB
}

/// Hugepages reserved on top of those there were. Dropped, the former number is restored.
#[derive(Debug)]
pub struct Reservation {
    former: u32,
}

impl Reservation {
    /// Sees to it that `mb` MiB are free. `None` if they are already, so that there is nothing to undo.
    ///
    /// Fails if the kernel finds fewer: memory may be too fragmented. What it found is given back.
    pub fn of(mb: u32) -> io::Result<Option<Reservation>> {
        let missing = mb.saturating_sub(free_mb()).div_ceil(PAGE_MB);
        if missing == 0 {
            return Ok(None);
        }
        let former = reserved()?;
        // From here on dropping it restores the former number.
        let reservation = Reservation { former };
        fs::write(RESERVED, (former + missing).to_string())?;
        if free_mb() < mb {
            let (free, total) = (free_mb(), reserved()?);
            return Err(io::Error::other(format!(
                "the kernel reserved {total} pages, and {free} MiB are free of {mb}"
            )));
        }
        Ok(Some(reservation))
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // Root wrote there a moment ago; if it cannot now, the pages stay reserved, which harms nothing.
        let _ = fs::write(RESERVED, self.former.to_string());
    }
}

fn reserved() -> io::Result<u32> {
    let text = fs::read_to_string(RESERVED)?;
    text.trim().parse().map_err(|_| io::Error::other(format!("{RESERVED} says {text:?}")))
}
