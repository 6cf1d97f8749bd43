//! A switch under measurement: started for a case, sampled, paused while a rival runs.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Instant;

use sluice_tests::{Process, Result, Stage};

use crate::case::{Case, Rules, Traffic};
use crate::generator::Files;

mod ovs;
mod sluice;
mod testpmd;

/// A switch that is running and forwards a case's frames. Dropped, it is killed.
pub trait Switch {
    /// The vhost-user sockets it listens on for the case's guests.
    fn sockets(&self) -> Vec<PathBuf>;

    /// Its counters now.
    fn sample(&mut self) -> Result<Sample>;

    /// The processes to be stopped while a rival is measured.
    fn processes(&mut self) -> Vec<&mut Process>;
}

/// Counters of a switch's packet thread at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When they were read.
    pub at: Instant,
    /// Packets taken from ports.
    pub packets: u64,
    /// Packets handed to ports, where the switch counts those.
    pub sent: Option<u64>,
    /// TSC cycles of polling that found packets, and of all that was then done with them.
    pub busy_cycles: u64,
    /// TSC cycles of all polling, where the switch counts those.
    pub all_cycles: Option<u64>,
}

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rival {
    /// This switch.
    Sluice,
    /// OVS-DPDK, with one PMD thread.
    Ovs,
    /// `testpmd` between librte_vhost ports: no rules, no lookup.
    Testpmd,
}

impl Rival {
    /// Those that Sluice is compared with.
    pub const PEERS: [Rival; 2] = [Rival::Ovs, Rival::Testpmd];

    /// Its name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Rival::Sluice => "sluice",
            Rival::Ovs => "ovs",
            Rival::Testpmd => "testpmd",
        }
    }

    /// Whether it can do what the case asks for. Testpmd has no rules: it is a bound for plain forwarding.
    pub fn runs(self, case: Case) -> bool {
        self != Rival::Testpmd
            || (matches!(case.traffic(), Traffic::Circle { .. }) && case.rules() == Rules::InPort)
    }

    /// Starts it on core 1 and tells it the case's ports and rules.
    pub fn start(self, stage: &Stage, case: Case, files: &Files) -> Result<Box<dyn Switch>> {
        Ok(match self {
            Rival::Sluice => Box::new(sluice::start(stage, case, files)?),
            Rival::Ovs => Box::new(ovs::start(stage, case, files)?),
            Rival::Testpmd => Box::new(testpmd::start(stage)?),
        })
    }

    /// MiB of hugepages that it takes at most.
    pub fn hugepages_mb(self) -> u32 {
        match self {
            Rival::Sluice => sluice::HUGEPAGES_MB,
            Rival::Ovs => ovs::HUGEPAGES_MB,
            Rival::Testpmd => testpmd::HUGEPAGES_MB,
        }
    }
}

impl fmt::Display for Rival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// There is no peer of that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPeer(String);

impl fmt::Display for UnknownPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Rival::PEERS.iter().map(|peer| peer.name()).collect();
        write!(f, "there is no peer {:?}; the peers are {}", self.0, names.join(", "))
    }
}

impl std::error::Error for UnknownPeer {}

impl FromStr for Rival {
    type Err = UnknownPeer;

    fn from_str(name: &str) -> std::result::Result<Rival, UnknownPeer> {
        let found = Rival::PEERS.into_iter().find(|peer| peer.name() == name);
        found.ok_or_else(|| UnknownPeer(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn testpmd_only_runs_what_needs_no_rules() {
        let names = |rival: Rival| -> Vec<_> {
            Case::ALL.into_iter().filter(|case| rival.runs(*case)).map(Case::name).collect()
        };
        assert_eq!(names(Rival::Testpmd), ["vm-vm-64", "vm-vm-1500"]);
        assert_eq!(names(Rival::Ovs).len(), Case::ALL.len());
    }

    #[test]
    fn an_unknown_peer_is_answered_with_those_there_are() {
        let message = "vpp".parse::<Rival>().unwrap_err().to_string();
        assert!(message.contains("vpp") && message.contains("ovs, testpmd"), "{message}");
    }
}
