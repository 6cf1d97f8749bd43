//! Checks of the host: hugepages, transparent huge pages, CPU frequency and isolation.

use std::collections::BTreeMap;
use std::path::Path;

use sluice_api::v1::DatapathStatus;

use super::Finding;

/// What a datapath with two ports may take (docs/promises.md), bytes.
const DATAPATH_BYTES: u64 = 256 << 20;

/// What the kernel says of the host.
#[derive(Clone, Debug, Default)]
pub(super) struct Host {
    /// Hugepages by their size in bytes.
    hugepages: BTreeMap<u64, Pages>,
    /// The setting of transparent huge pages; empty if the kernel has none.
    transparent: String,
    /// The frequency governor of each CPU that has one.
    governors: BTreeMap<u32, String>,
    /// CPUs that the scheduler leaves alone.
    isolated: Vec<u32>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Pages {
    reserved: u64,
    free: u64,
}

impl Host {
    /// Reads it from the kernel's files under `root`. What cannot be read is taken as not there.
    pub(super) fn read(root: &Path) -> Self {
        let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let cpus = root.join("sys/devices/system/cpu");
        let mut host = Self {
            transparent: chosen(&read(&root.join("sys/kernel/mm/transparent_hugepage/enabled"))),
            isolated: cpu_list(&read(&cpus.join("isolated"))),
            ..Self::default()
        };
        for (name, dir) in entries(&root.join("sys/kernel/mm/hugepages")) {
            let size =
                name.strip_prefix("hugepages-").and_then(|size| size.strip_suffix("kB")?.parse::<u64>().ok());
            if let Some(size) = size {
                let count = |file: &str| read(&dir.join(file)).parse().unwrap_or(0);
                let pages = Pages { reserved: count("nr_hugepages"), free: count("free_hugepages") };
                host.hugepages.insert(size << 10, pages);
            }
        }
        for (name, dir) in entries(&cpus) {
            let cpu = name.strip_prefix("cpu").and_then(|number| number.parse().ok());
            let governor = read(&dir.join("cpufreq/scaling_governor"));
            if let Some(cpu) = cpu
                && !governor.is_empty()
            {
                host.governors.insert(cpu, governor);
            }
        }
        host
    }
}

/// A directory's entries; none if it cannot be read.
fn entries(dir: &Path) -> Vec<(String, std::path::PathBuf)> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())).collect()
}

/// The word in brackets of "always [madvise] never".
fn chosen(text: &str) -> String {
    let word = text.split_whitespace().find_map(|word| word.strip_prefix('[')?.strip_suffix(']'));
    word.unwrap_or_default().to_owned()
}

/// The kernel's list format: "1,4-6".
fn cpu_list(text: &str) -> Vec<u32> {
    let ranges = text.split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.trim().parse::<u32>().ok()?..=last.trim().parse::<u32>().ok()?)
    });
    ranges.flatten().collect()
}

/// Judges the host for a datapath that runs, or for one that is to be started.
pub(super) fn findings(host: &Host, datapath: Option<&DatapathStatus>) -> Vec<Finding> {
    let cpus: Vec<u32> =
        datapath.map(|status| status.workers.iter().map(|worker| worker.cpu).collect()).unwrap_or_default();
    let mut findings = vec![hugepages(host, datapath), transparent(host)];
    if !cpus.is_empty() {
        findings.extend([governor(host, &cpus), isolation(host, &cpus)]);
    }
    findings
}

fn hugepages(host: &Host, datapath: Option<&DatapathStatus>) -> Finding {
    let check = "hugepages";
    let free_bytes: u64 = host.hugepages.iter().map(|(size, pages)| size * pages.free).sum();
    let reserved: u64 = host.hugepages.values().map(|pages| pages.reserved).sum();
    let free_mib = free_bytes >> 20;
    match datapath {
        Some(status) if !status.hugepages => Finding::warn(
            check,
            "the datapath runs without",
            "fine for a laptop; else reserve some and set `hugepages = true` in its configuration",
        ),
        Some(status) => {
            let message =
                format!("the datapath has {} MiB, {free_mib} MiB are free", status.hugepage_bytes >> 20);
            if free_bytes == 0 {
                Finding::warn(check, message, "another DPDK port finds no memory: reserve more")
            } else {
                Finding::ok(check, message)
            }
        }
        None if free_bytes < DATAPATH_BYTES => {
            // Pages of 2 MiB, as this is what /proc/sys/vm/nr_hugepages counts on x86-64.
            let missing = (DATAPATH_BYTES - free_bytes).div_ceil(2 << 20);
            let total = reserved + missing;
            let message = format!(
                "{free_mib} MiB free; a datapath with two ports takes up to {} MiB: {missing} pages of 2 MiB missing",
                DATAPATH_BYTES >> 20
            );
            Finding::warn(check, message, format!("echo {total} > /proc/sys/vm/nr_hugepages"))
        }
        None => Finding::ok(check, format!("{free_mib} MiB are free")),
    }
}

fn transparent(host: &Host) -> Finding {
    let check = "thp";
    match host.transparent.as_str() {
        "" => Finding::ok(check, "the kernel has no transparent huge pages"),
        "always" => Finding::ok(check, "transparent huge pages are on"),
        setting => Finding::warn(
            check,
            format!("transparent huge pages are set to {setting}: large session tables miss the TLB more"),
            "echo always > /sys/kernel/mm/transparent_hugepage/enabled",
        ),
    }
}

fn governor(host: &Host, cpus: &[u32]) -> Finding {
    let check = "governor";
    let slow: Vec<String> = cpus
        .iter()
        .filter_map(|cpu| Some((cpu, host.governors.get(cpu)?)))
        .filter(|(_, governor)| *governor != "performance")
        .map(|(cpu, governor)| format!("CPU {cpu}: {governor}"))
        .collect();
    if slow.is_empty() {
        return Finding::ok(check, "the workers' CPUs run at full speed, or the host decides");
    }
    Finding::warn(check, slow.join(", "), "cpupower frequency-set -g performance")
}

fn isolation(host: &Host, cpus: &[u32]) -> Finding {
    let check = "isolation";
    let shared: Vec<String> =
        cpus.iter().filter(|cpu| !host.isolated.contains(cpu)).map(ToString::to_string).collect();
    if shared.is_empty() {
        return Finding::ok(check, "the workers' CPUs are isolated");
    }
    let list = shared.join(",");
    Finding::warn(
        check,
        format!("the scheduler puts other work on the workers' CPU {list}"),
        format!("boot with isolcpus=managed_irq,domain,{list} nohz_full={list} rcu_nocbs={list}"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;
    use sluice_api::v1::Worker;

    fn host(files: &[(&str, &str)]) -> Host {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Host::read(root.path())
    }

    fn datapath() -> DatapathStatus {
        DatapathStatus {
            hugepages: true,
            hugepage_bytes: 64 << 20,
            workers: vec![Worker { cpu: 1, ..Worker::default() }],
            ..DatapathStatus::default()
        }
    }

    #[test]
    fn missing_hugepages_are_counted() {
        let host = host(&[
            ("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "100\n"),
            ("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "28\n"),
        ]);
        let found = hugepages(&host, None);
        assert_eq!(found.level, Level::Warn);
        assert!(found.message.contains("100 pages of 2 MiB missing"), "{}", found.message);
        assert_eq!(found.hint, "echo 200 > /proc/sys/vm/nr_hugepages");
        assert_eq!(hugepages(&host, Some(&datapath())).level, Level::Ok);
        let without = DatapathStatus { hugepages: false, ..datapath() };
        assert_eq!(hugepages(&host, Some(&without)).level, Level::Warn);
    }

    #[test]
    fn a_tuned_host_is_all_ok() {
        let host = host(&[
            ("sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n"),
            ("sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance\n"),
            ("sys/devices/system/cpu/isolated", "1-3\n"),
            ("sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", "1\n"),
        ]);
        assert!(findings(&host, Some(&datapath())).iter().all(|finding| finding.level == Level::Ok));
        assert!(findings(&host, None).iter().all(|finding| finding.level == Level::Ok));
    }

    #[test]
    fn an_untuned_host_gets_hints() {
        let host = host(&[
            ("sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n"),
            ("sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave\n"),
            ("sys/devices/system/cpu/isolated", "\n"),
        ]);
        let found = findings(&host, Some(&datapath()));
        assert!(found.iter().all(|finding| finding.level == Level::Warn), "{found:?}");
        assert!(found.iter().all(|finding| !finding.hint.is_empty()));
    }

    #[test]
    fn kernel_lists_are_read() {
        assert_eq!(cpu_list("1,4-6"), [1, 4, 5, 6]);
        assert_eq!(cpu_list(""), [0_u32; 0]);
    }
}
