//! What a datapath with two ports and no traffic takes of the machine.

use std::time::Duration;

use super::Pair;
use crate::error::Result;
use crate::host::HostOptions;
use crate::stage::Stage;
use crate::usage::{cpu_percent, memory_bytes};

/// The figures.
#[derive(Clone, Copy, Debug)]
pub struct Footprint {
    /// Hundredths of one core.
    pub cpu_percent: f64,
    /// Resident bytes, hugepages included, guests' memory not.
    pub memory_bytes: u64,
    /// Whether DPDK's memory is in hugepages.
    pub hugepages: bool,
}

/// Measures over `span` with guests connected to both ports that send nothing.
pub fn measure_footprint(stage: &Stage, span: Duration) -> Result<Footprint> {
    let options = HostOptions::default();
    let mut pair = Pair::start(stage, &options)?;
    let pid = pair.datapath_pid()?;
    let cpu_percent = cpu_percent(pid, span)?;
    Ok(Footprint { cpu_percent, memory_bytes: memory_bytes(pid)?, hugepages: options.hugepages })
}
