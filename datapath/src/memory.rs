//! How much memory this process has.

/// Bytes that the kernel says are this process's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Resident in ordinary pages. Guests' memory that was mapped is the guests', and not counted.
    pub(crate) resident_bytes: u64,
    /// In hugepages of its own.
    pub(crate) hugepage_bytes: u64,
}

/// Asks the kernel; zeros where it does not tell.
pub(crate) fn of_this_process() -> Memory {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let smaps = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    parse(&status, &smaps)
}

fn parse(status: &str, smaps: &str) -> Memory {
    let kib = |text: &str, key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    // RssShmem holds shared mappings, that is guests' memory.
    let resident = kib(status, "RssAnon:").unwrap_or(0) + kib(status, "RssFile:").unwrap_or(0);
    // DPDK's hugepages are private to this process; guests' are shared with them.
    let huge = kib(smaps, "Private_Hugetlb:").unwrap_or(0);
    Memory { resident_bytes: resident << 10, hugepage_bytes: huge << 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_lines_are_found() {
        let status = "Name:\tx\nRssAnon:\t   8 kB\nRssFile:\t   4 kB\nRssShmem:\t  99 kB\n";
        let smaps = "Rss: 1 kB\nShared_Hugetlb:  4096 kB\nPrivate_Hugetlb:  2048 kB\n";
        assert_eq!(parse(status, smaps), Memory { resident_bytes: 12 << 10, hugepage_bytes: 2 << 20 });
        assert_eq!(parse("", ""), Memory::default());
    }
}
