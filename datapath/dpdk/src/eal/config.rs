//! What the EAL is told, and the arguments it becomes.

use super::EalError;
use super::log::{LogLevel, LogSink};

/// How to start the EAL.
#[derive(Clone, Debug)]
pub struct EalConfig {
    /// Take memory from 2 MB (or 1 GB) hugepages, on demand, up to `memory_mb`. Without, all of `memory_mb` is
    /// mapped in ordinary pages at the start (touched only when used); good for a laptop, not for NICs.
    pub hugepages: bool,
    /// The most memory DPDK may use, in MB (2^20 bytes), on each NUMA node.
    pub memory_mb: u32,
    /// Tells several instances on one host apart.
    pub file_prefix: FilePrefix,
    /// The CPU that the EAL's own, sleeping main thread runs on; `None`: wherever this process may run.
    pub main_cpu: Option<u32>,
    /// Which PCI devices DPDK may take.
    pub pci: PciAccess,
    /// From this severity up, DPDK's log goes to `log`.
    pub log_level: LogLevel,
    /// Where DPDK's log goes; `None`: nowhere (errors still become part of the error values of this crate).
    pub log: Option<LogSink>,
    /// More arguments for `rte_eal_init`, as they are, after those that are made from the fields above.
    pub extra: Vec<String>,
}

/// Which PCI devices DPDK may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PciAccess {
    /// Those that are attached by address, and no others.
    #[default]
    OnAttach,
    /// None; the bus is not scanned.
    Never,
}

impl Default for EalConfig {
    fn default() -> Self {
        Self {
            hugepages: true,
            memory_mb: 128,
            file_prefix: FilePrefix::of_this_process(),
            main_cpu: None,
            pci: PciAccess::default(),
            log_level: LogLevel::Warning,
            log: None,
            extra: Vec::new(),
        }
    }
}

impl EalConfig {
    /// `argv` for `rte_eal_init`, program name included.
    pub(super) fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            "sluice".to_owned(),
            // One lcore, the EAL's own: workers are threads of ours that register themselves.
            format!("--lcores={}", self.lcores()),
            format!("--file-prefix={}", self.file_prefix.0),
            format!("--log-level={}", self.log_level.number()),
            "--no-telemetry".to_owned(),
        ];
        if self.hugepages {
            arguments.extend([
                // Anonymous memory that grows on demand; no files, no secondary processes.
                "--in-memory".to_owned(),
                // One descriptor a memory segment list, not one a page.
                "--single-file-segments".to_owned(),
                format!("--socket-limit={}", vec![self.memory_mb.to_string(); numa_nodes()].join(",")),
            ]);
        } else {
            arguments.extend([
                "--no-huge".to_owned(),
                "--no-shconf".to_owned(),
                "--iova-mode=va".to_owned(),
                format!("-m{}", self.memory_mb),
            ]);
        }
        match self.pci {
            // With `--no-pci` a later attach would find no bus; an allow-list that names no device does it.
            PciAccess::OnAttach => arguments.push("--allow=ffff:ff:1f.7".to_owned()),
            PciAccess::Never => arguments.push("--no-pci".to_owned()),
        }
        arguments.extend(self.extra.iter().cloned());
        arguments
    }

    /// DPDK's own answer to a wrong CPU is a page of usage on the standard output.
    pub(super) fn check_main_cpu(&self) -> Result<(), EalError> {
        match (self.main_cpu, allowed_cpus()) {
            (Some(cpu), Some(allowed)) if !list_has(&allowed, cpu) => Err(EalError::MainCpu { cpu, allowed }),
            _ => Ok(()),
        }
    }

    /// Lcore 0, on the main CPU or on all that this process may use.
    fn lcores(&self) -> String {
        match self.main_cpu {
            Some(cpu) => format!("0@{cpu}"),
            None => format!("0@({})", allowed_cpus().unwrap_or_else(|| "0".to_owned())),
        }
    }
}

/// The calling thread's allowed CPUs, in the kernel's list format, which is the EAL's too.
fn allowed_cpus() -> Option<String> {
    let status = std::fs::read_to_string("/proc/thread-self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).map(|list| list.trim().to_owned())
}

/// Whether a list in the kernel's format (`0-3,8`) names `cpu`.
fn list_has(list: &str, cpu: u32) -> bool {
    list.split(',').any(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        matches!((first.parse(), last.parse()), (Ok(first), Ok(last)) if (first..=last).contains(&cpu))
    })
}

fn numa_nodes() -> usize {
    let Ok(nodes) = std::fs::read_dir("/sys/devices/system/node") else { return 1 };
    let is_node = |name: &str| name.strip_prefix("node").is_some_and(|id| id.parse::<u32>().is_ok());
    nodes.flatten().filter(|entry| entry.file_name().to_str().is_some_and(is_node)).count().max(1)
}

/// A name for the files and sockets of one instance: letters, digits, `-`, `_` and `.`, at most 64 bytes, and
/// no leading dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePrefix(String);

/// A [`FilePrefix`] that cannot be.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} cannot be a file prefix: use 1 to 64 letters, digits, '-', '_' and '.', and no leading dot")]
pub struct FilePrefixError(String);

impl FilePrefix {
    /// `sluice-<pid>`: no other process has it at the same time.
    pub fn of_this_process() -> Self {
        Self(format!("sluice-{}", std::process::id()))
    }
}

impl TryFrom<&str> for FilePrefix {
    type Error = FilePrefixError;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.is_empty() || text.len() > 64 || text.starts_with('.') || !text.chars().all(allowed) {
            return Err(FilePrefixError(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hugepages_and_ordinary_pages_exclude_each_other() {
        let huge = EalConfig { hugepages: true, ..EalConfig::default() }.arguments();
        assert!(huge.contains(&"--in-memory".to_owned()));
        assert!(!huge.contains(&"--no-huge".to_owned()));
        let small = EalConfig { hugepages: false, memory_mb: 64, ..EalConfig::default() }.arguments();
        assert!(!small.contains(&"--in-memory".to_owned()));
        assert!(small.contains(&"--no-huge".to_owned()) && small.contains(&"-m64".to_owned()));
    }

    #[test]
    fn reads_lists_of_cpus() {
        let among = |list, cpus: [u32; 6]| cpus.map(|cpu| list_has(list, cpu));
        assert_eq!(among("0-1,4,6-7", [0, 1, 2, 4, 5, 7]), [true, true, false, true, false, true]);
        assert_eq!(among("3", [0, 1, 2, 3, 30, 33]), [false, false, false, true, false, false]);
        assert!(!list_has("", 0));
    }

    #[test]
    fn file_prefixes_that_would_be_paths_are_refused() {
        for bad in ["", ".", "..", "a/b", "a b", "a\0b", &"x".repeat(65)] {
            assert!(FilePrefix::try_from(bad).is_err(), "{bad:?}");
        }
        assert!(FilePrefix::try_from("host-1_a.b").is_ok());
    }
}
