//! Which CPUs workers run on, and which worker polls a queue.

use std::collections::BTreeMap;

use hwlocality::Topology;
use hwlocality::cpu::binding::CpuBindingFlags;
use hwlocality::cpu::cpuset::CpuSet;
use hwlocality::object::types::ObjectType;

/// Where one worker runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// The operating system's number of the CPU.
    pub(crate) cpu: u32,
    /// Its NUMA node.
    pub(crate) numa_node: u32,
}

/// Why workers cannot be placed as configured.
#[derive(Debug, thiserror::Error)]
pub enum PlacementError {
    /// The machine's topology cannot be read.
    #[error("cannot read the machine's topology: {0}")]
    Topology(String),
    /// A configured CPU is not there or not allowed to this process.
    #[error("CPU {cpu} in `cpus` is not available; this process may use {available:?}")]
    NoSuchCpu {
        /// The configured CPU.
        cpu: u32,
        /// Those that can be used.
        available: Vec<u32>,
    },
    /// The kernel refused the pinning.
    #[error("cannot pin a worker to CPU {cpu}: {reason}")]
    Pin {
        /// The CPU.
        cpu: u32,
        /// The kernel's word.
        reason: String,
    },
}

/// The machine as workers see it.
#[derive(Debug)]
pub(crate) struct Machine {
    topology: Topology,
    /// Every usable CPU with its NUMA node.
    cpus: BTreeMap<u32, u32>,
}

impl Machine {
    /// Reads this machine's topology.
    pub(crate) fn read() -> Result<Machine, PlacementError> {
        Topology::new().map_err(|error| PlacementError::Topology(error.to_string())).map(Machine::new)
    }

    fn new(topology: Topology) -> Machine {
        let mut cpus = BTreeMap::new();
        for pu in topology.objects_with_type(ObjectType::PU) {
            let node = pu.nodeset().and_then(|nodes| nodes.iter_set().next()).map_or(0, usize::from);
            if let Some(cpu) = pu.os_index().and_then(|cpu| u32::try_from(cpu).ok()) {
                cpus.insert(cpu, u32::try_from(node).unwrap_or(0));
            }
        }
        Machine { topology, cpus }
    }

    /// The sites of the configured CPUs; without any, the last CPU of each NUMA node, so that CPU 0, which the rest
    /// of the host likes, stays free where it can.
    pub(crate) fn sites(&self, configured: &[u32]) -> Result<Vec<Site>, PlacementError> {
        if configured.is_empty() {
            let last: BTreeMap<u32, u32> = self.cpus.iter().map(|(&cpu, &node)| (node, cpu)).collect();
            return Ok(last.into_iter().map(|(numa_node, cpu)| Site { cpu, numa_node }).collect());
        }
        let site = |&cpu: &u32| match self.cpus.get(&cpu) {
            Some(&numa_node) => Ok(Site { cpu, numa_node }),
            None => Err(PlacementError::NoSuchCpu { cpu, available: self.cpus.keys().copied().collect() }),
        };
        configured.iter().map(site).collect()
    }

    /// Pins the calling thread to `cpu`.
    pub(crate) fn pin(&self, cpu: u32) -> Result<(), PlacementError> {
        let refused = |reason: String| PlacementError::Pin { cpu, reason };
        let index = usize::try_from(cpu).map_err(|error| refused(error.to_string()))?;
        let mut set = CpuSet::new();
        set.set(index);
        self.topology.bind_cpu(&set, CpuBindingFlags::THREAD).map_err(|error| refused(error.to_string()))
    }
}

/// The worker for a new queue: of those on `node` (of all, if none is there or it is not known) the one with the
/// fewest queues; the lowest number among equals.
pub(crate) fn choose(sites: &[Site], queues: &[usize], node: Option<u32>) -> usize {
    let local = sites.iter().any(|site| Some(site.numa_node) == node);
    sites
        .iter()
        .zip(queues)
        .enumerate()
        .filter(|(_, (site, _))| !local || Some(site.numa_node) == node)
        .min_by_key(|(_, (_, queues))| **queues)
        .map_or(0, |(worker, _)| worker)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_nodes() -> Machine {
        let topology = Topology::builder().from_synthetic("NUMANode:2 Core:2 PU:1").unwrap().build().unwrap();
        Machine::new(topology)
    }

    #[test]
    fn without_configuration_each_node_gets_its_last_cpu() {
        let sites = two_nodes().sites(&[]).unwrap();
        assert_eq!(sites, [Site { cpu: 1, numa_node: 0 }, Site { cpu: 3, numa_node: 1 }]);
    }

    #[test]
    fn configured_cpus_find_their_nodes_and_unknown_ones_are_named() {
        assert_eq!(two_nodes().sites(&[2]).unwrap(), [Site { cpu: 2, numa_node: 1 }]);
        let error = two_nodes().sites(&[9]).unwrap_err().to_string();
        assert!(error.contains("CPU 9") && error.contains("[0, 1, 2, 3]"), "{error}");
    }

    #[test]
    fn a_queue_goes_to_the_least_loaded_worker_of_its_node() {
        let sites = two_nodes().sites(&[0, 1, 2]).unwrap();
        assert_eq!(choose(&sites, &[3, 2, 0], Some(0)), 1);
        assert_eq!(choose(&sites, &[3, 2, 9], Some(1)), 2);
        assert_eq!(choose(&sites, &[3, 2, 0], Some(7)), 2);
        assert_eq!(choose(&sites, &[1, 1, 1], None), 0);
    }
}
