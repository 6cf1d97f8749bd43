//! What is measured: a name, the traffic, and the rules that judge it. The same for every switch.

use std::fmt;
use std::str::FromStr;

/// A case of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    name: &'static str,
    traffic: Traffic,
    rules: Rules,
}

/// What is sent, and by which ports it enters and leaves the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// Bursts of one flow that circle between two guests: each sends what it received.
    Circle {
        /// Length of a frame without its checksum.
        frame_bytes: u16,
    },
    /// A guest sends 64-byte frames of so many flows, in random order, to another guest.
    OneWay {
        /// Distinct 5-tuples.
        flows: u32,
        /// Frames that are repeated for ever; each flow has an equal share of them.
        frames: u32,
    },
    /// A guest sends 64-byte frames of so many flows, in random order, into a VXLAN tunnel.
    Encap {
        /// Distinct inner 5-tuples.
        flows: u32,
    },
    /// 64-byte frames of so many flows, in random order, come by VXLAN for a guest.
    Decap {
        /// Distinct inner 5-tuples.
        flows: u32,
    },
}

/// How the switch is told what to do with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// By its port of entry alone.
    InPort,
    /// By its whole 5-tuple.
    FiveTuple,
}

/// As many frames in every `flows-` case: the generator's own cost does not depend on the number of flows, so
/// that what differs between these cases is the switch's cost.
const FLOW_CASE_FRAMES: u32 = 1_000_000;

const fn flows(name: &'static str, flows: u32) -> Case {
    Case { name, traffic: Traffic::OneWay { flows, frames: FLOW_CASE_FRAMES }, rules: Rules::InPort }
}

const fn case(name: &'static str, traffic: Traffic, rules: Rules) -> Case {
    Case { name, traffic, rules }
}

impl Case {
    /// Every case, in the order they are run.
    pub const ALL: [Case; 11] = [
        case("vm-vm-64", Traffic::Circle { frame_bytes: 64 }, Rules::InPort),
        case("vm-vm-64-l4-100k", Traffic::OneWay { flows: 100_000, frames: 100_000 }, Rules::FiveTuple),
        case("vm-vm-1500", Traffic::Circle { frame_bytes: 1500 }, Rules::InPort),
        case("vxlan-encap-1k", Traffic::Encap { flows: 1_000 }, Rules::InPort),
        case("vxlan-encap-100k", Traffic::Encap { flows: 100_000 }, Rules::InPort),
        case("vxlan-decap-1k", Traffic::Decap { flows: 1_000 }, Rules::InPort),
        case("vxlan-decap-100k", Traffic::Decap { flows: 100_000 }, Rules::InPort),
        flows("flows-10", 10),
        flows("flows-1k", 1_000),
        flows("flows-100k", 100_000),
        flows("flows-1m", 1_000_000),
    ];

    /// Its name on the command line and in reports.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// What is sent.
    pub fn traffic(self) -> Traffic {
        self.traffic
    }

    /// How it is judged.
    pub fn rules(self) -> Rules {
        self.rules
    }
}

impl Rules {
    /// The rules by which frames go between the ports with these names or numbers, in the syntax of ovs-ofctl(8).
    ///
    /// Every switch gets the same text.
    pub fn between(self, a: &str, b: &str) -> Vec<String> {
        match self {
            Rules::InPort => vec![
                format!("priority=10,in_port={a},actions=output:{b}"),
                format!("priority=10,in_port={b},actions=output:{a}"),
            ],
            // As a security group: two services of one network are open to another, chargen's port never is.
            Rules::FiveTuple => vec![
                "priority=30,udp,tp_src=19,actions=drop".to_owned(),
                format!(
                    "priority=20,in_port={a},udp,nw_src=10.0.0.0/16,nw_dst=10.1.0.0/16,tp_dst=4000,actions=output:{b}"
                ),
                format!(
                    "priority=20,in_port={a},udp,nw_src=10.0.0.0/16,nw_dst=10.1.0.0/16,tp_dst=4001,actions=output:{b}"
                ),
                "priority=0,actions=drop".to_owned(),
            ],
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

/// There is no case of that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCase(String);

impl fmt::Display for UnknownCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Case::ALL.iter().map(|case| case.name).collect();
        write!(f, "there is no case {:?}; the cases are {}", self.0, names.join(", "))
    }
}

impl std::error::Error for UnknownCase {}

impl FromStr for Case {
    type Err = UnknownCase;

    fn from_str(name: &str) -> Result<Case, UnknownCase> {
        let found = Case::ALL.into_iter().find(|case| case.name == name);
        found.ok_or_else(|| UnknownCase(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_is_found_by_its_name() {
        for case in Case::ALL {
            assert_eq!(case.name().parse(), Ok(case));
        }
    }

    #[test]
    fn an_unknown_case_is_answered_with_those_there_are() {
        let message = "vm-vm-65".parse::<Case>().unwrap_err().to_string();
        assert!(message.contains("vm-vm-65") && message.contains("flows-1m"), "{message}");
    }
}
