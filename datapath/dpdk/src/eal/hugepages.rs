//! How many hugepages there are, and what to say when they are too few.

use std::fs;
use std::path::Path;

const MB: u64 = 1 << 20;
const DEFAULT_PAGE_MB: u64 = 2;

/// The hugepages of a host, by size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HugepageInventory {
    sizes: Vec<PagesOfSize>,
}

/// Fewer free hugepages than needed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "too few hugepages: {memory_mb} MB need {needed} of {page_mb} MB, but of {total} reserved only {free} \
     {are} free: {missing} missing. Reserve them with `echo {reserve} > \
     /sys/kernel/mm/hugepages/hugepages-{page_kb}kB/nr_hugepages` (as root), lower the memory limit, or set \
     `hugepages = false`",
    page_kb = .page_mb * 1024,
    reserve = .total + .missing,
    are = if *.free == 1 { "is" } else { "are" },
)]
pub struct HugepageShortage {
    /// The memory that was asked for.
    pub memory_mb: u32,
    /// The size of the pages counted here.
    pub page_mb: u64,
    /// Pages that the kernel has set aside.
    pub total: u64,
    /// Of those, neither used nor promised to another process.
    pub free: u64,
    /// Pages that `memory_mb` needs.
    pub needed: u64,
    /// `needed - free`.
    pub missing: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct PagesOfSize {
    page_mb: u64,
    total: u64,
    free: u64,
}

impl HugepageInventory {
    /// This host's.
    pub fn of_this_host() -> Self {
        Self::read(Path::new("/sys/kernel/mm/hugepages"))
    }

    /// From a folder with the layout of `/sys/kernel/mm/hugepages`. A missing folder or file counts as none.
    pub fn read(folder: &Path) -> Self {
        let Ok(entries) = fs::read_dir(folder) else { return Self::default() };
        let mut sizes: Vec<_> =
            entries.flatten().filter_map(|entry| PagesOfSize::read(&entry.path())).collect();
        sizes.sort_by_key(|size| size.page_mb);
        Self { sizes }
    }

    /// Whether `memory_mb` can be had.
    ///
    /// # Errors
    /// Counts in the smallest page size of which any are reserved, else in 2 MB pages.
    pub fn require(&self, memory_mb: u32) -> Result<(), HugepageShortage> {
        let wanted = u64::from(memory_mb);
        let free_mb =
            self.sizes.iter().map(|size| size.free.saturating_mul(size.page_mb)).fold(0, u64::saturating_add);
        if free_mb >= wanted {
            return Ok(());
        }
        let none = PagesOfSize { page_mb: DEFAULT_PAGE_MB, total: 0, free: 0 };
        let counted = self.sizes.iter().find(|size| size.total > 0).unwrap_or(&none);
        let needed = wanted.div_ceil(counted.page_mb);
        Err(HugepageShortage {
            memory_mb,
            page_mb: counted.page_mb,
            total: counted.total,
            free: counted.free,
            needed,
            missing: needed.saturating_sub(counted.free),
        })
    }
}

impl PagesOfSize {
    /// From `…/hugepages-<size>kB`.
    fn read(folder: &Path) -> Option<Self> {
        let size_kb = folder.file_name()?.to_str()?.strip_prefix("hugepages-")?.strip_suffix("kB")?;
        let page_mb = size_kb.parse::<u64>().ok()?.checked_mul(1024)? / MB;
        let count = |file: &str| -> u64 {
            fs::read_to_string(folder.join(file)).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
        };
        let free = count("free_hugepages").saturating_sub(count("resv_hugepages"));
        // DPDK knows no sizes below 2 MB on the processors Sluice runs on.
        (page_mb >= DEFAULT_PAGE_MB).then(|| Self { page_mb, total: count("nr_hugepages"), free })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(sizes: &[(u64, u64, u64, u64)]) -> (tempfile::TempDir, HugepageInventory) {
        let root = tempfile::tempdir().unwrap();
        for (size_kb, total, free, promised) in sizes {
            let folder = root.path().join(format!("hugepages-{size_kb}kB"));
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("nr_hugepages"), format!("{total}\n")).unwrap();
            fs::write(folder.join("free_hugepages"), format!("{free}\n")).unwrap();
            fs::write(folder.join("resv_hugepages"), format!("{promised}\n")).unwrap();
        }
        let inventory = HugepageInventory::read(root.path());
        (root, inventory)
    }

    #[test]
    fn says_how_many_are_missing_and_what_to_do() {
        let (_root, inventory) = host(&[(2048, 100, 40, 10)]);
        let shortage = inventory.require(128).unwrap_err();
        assert_eq!((shortage.total, shortage.free, shortage.needed, shortage.missing), (100, 30, 64, 34));
        let text = shortage.to_string();
        assert!(text.contains("128 MB need 64 of 2 MB"), "{text}");
        assert!(text.contains("of 100 reserved only 30 are free: 34 missing"), "{text}");
        assert!(text.contains("echo 134 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"), "{text}");
    }

    #[test]
    fn a_host_without_any_needs_all() {
        let (_root, inventory) = host(&[(2048, 0, 0, 0), (1_048_576, 0, 0, 0)]);
        let shortage = inventory.require(129).unwrap_err();
        assert_eq!((shortage.page_mb, shortage.needed, shortage.missing), (2, 65, 65));
        let nowhere = HugepageInventory::read(Path::new("/nonexistent")).require(2).unwrap_err();
        assert_eq!((nowhere.needed, nowhere.missing), (1, 1));
    }

    #[test]
    fn enough_is_enough_in_any_size() {
        assert_eq!(host(&[(2048, 64, 64, 0)]).1.require(128), Ok(()));
        assert_eq!(host(&[(2048, 0, 0, 0), (1_048_576, 1, 1, 0)]).1.require(128), Ok(()));
        assert!(host(&[(2048, 64, 64, 1)]).1.require(128).is_err());
        assert!(host(&[(64, 10_000, 10_000, 0)]).1.require(128).is_err());
    }
}
