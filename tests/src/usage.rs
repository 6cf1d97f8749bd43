//! What a process takes of the machine, from /proc.

use std::fs;
use std::time::{Duration, Instant};

use crate::error::{Context, Error, Result};
use crate::wait::let_pass;

/// Linux's USER_HZ on every architecture Sluice runs on (proc(5), /proc/PID/stat).
const TICKS_PER_SECOND: f64 = 100.0;

/// What QEMU's `memory-backend-memfd` calls its file.
const GUEST_MEMORY: &str = "/memfd:memory-backend-memfd";

/// Open descriptors and memory mappings of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// Descriptors.
    pub descriptors: usize,
    /// Mappings.
    pub mappings: usize,
    /// Those of QEMU guests' memory.
    pub guest_mappings: usize,
}

impl Holdings {
    /// Counts them now.
    pub fn of(pid: u32) -> Result<Holdings> {
        let descriptors =
            fs::read_dir(format!("/proc/{pid}/fd")).context(|| format!("list descriptors of {pid}"))?;
        let maps = read(pid, "maps")?;
        let guest_mappings = maps.lines().filter(|line| line.contains(GUEST_MEMORY)).count();
        Ok(Holdings { descriptors: descriptors.count(), mappings: maps.lines().count(), guest_mappings })
    }
}

/// CPU time used over `span`, in hundredths of one core.
pub fn cpu_percent(pid: u32, span: Duration) -> Result<f64> {
    let (start, before) = (Instant::now(), cpu_ticks(pid)?);
    let_pass(span)?;
    let used = cpu_ticks(pid)? - before;
    Ok(used / TICKS_PER_SECOND / start.elapsed().as_secs_f64() * 100.0)
}

/// Resident memory in bytes, hugepages included. Guests' memory that is mapped is theirs and not counted.
pub fn memory_bytes(pid: u32) -> Result<u64> {
    let smaps = read(pid, "smaps")?;
    resident(&smaps).ok_or_else(|| Error::Unexpected { what: format!("/proc/{pid}/smaps"), found: smaps })
}

/// `utime` and `stime` (fields 14 and 15), together.
fn cpu_ticks(pid: u32) -> Result<f64> {
    let stat = read(pid, "stat")?;
    // The program's name, in parentheses, may hold blanks.
    let fields =
        stat.rsplit_once(") ").map(|(_, rest)| rest.split(' ').collect::<Vec<_>>()).unwrap_or_default();
    let field = |number: usize| fields.get(number - 3).and_then(|field| field.parse::<f64>().ok());
    match (field(14), field(15)) {
        (Some(user), Some(system)) => Ok(user + system),
        _ => Err(Error::Unexpected { what: format!("/proc/{pid}/stat"), found: stat }),
    }
}

fn resident(smaps: &str) -> Option<u64> {
    let mut total_kb = 0;
    let mut guest_memory = false;
    for line in smaps.lines() {
        let (name, rest) = line.split_once(char::is_whitespace)?;
        if !name.ends_with(':') {
            // A mapping's first line: address, permissions, offset, device, inode, path.
            guest_memory = rest.contains("/memfd:") && rest.split_whitespace().next()?.ends_with('s');
            continue;
        }
        let kb = || rest.split_whitespace().next()?.parse::<u64>().ok();
        match name {
            // DPDK's hugepages are a shared memfd too; no guest here has its memory in hugepages.
            "Private_Hugetlb:" | "Shared_Hugetlb:" => total_kb += kb()?,
            "Rss:" if !guest_memory => total_kb += kb()?,
            _ => {}
        }
    }
    Some(total_kb * 1024)
}

fn read(pid: u32, file: &str) -> Result<String> {
    let path = format!("/proc/{pid}/{file}");
    fs::read_to_string(&path).context(|| format!("read {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMAPS: &str = "\
7f0000000000-7f0010000000 rw-s 00000000 00:01 12 /memfd:memory-backend-memfd (deleted)
Rss:              262144 kB
Shared_Hugetlb:        0 kB
7f0010000000-7f0010200000 rw-s 00000000 00:0f 13 /memfd:seg_0 (deleted)
Rss:                   0 kB
Shared_Hugetlb:     2048 kB
55d000000000-55d000010000 rw-p 00000000 00:00 0
Rss:                  40 kB
VmFlags: rd wr
";

    #[test]
    fn hugepages_count_and_a_guests_memory_does_not() {
        assert_eq!(resident(SMAPS), Some(2088 * 1024));
    }

    #[test]
    fn a_busy_process_uses_its_core() {
        let pid = std::process::id();
        let before = cpu_ticks(pid).unwrap();
        while cpu_ticks(pid).unwrap() < before + 2.0 {
            std::hint::spin_loop();
        }
        assert!(memory_bytes(pid).unwrap() > 100_000);
        assert!(Holdings::of(pid).unwrap().descriptors >= 3);
    }
}
