//! The network between hosts: a bridge in a namespace of its own, to which every host's uplink leads.

use crate::error::Result;
use crate::netns::{End, Namespace, join};
use crate::stage::Stage;

/// The interface that leads to the underlay, in every host.
pub const UPLINK: &str = "underlay";

const BRIDGE: &str = "fabric";

/// The underlay. Its namespace is also where a machine stands that belongs to no tenant.
#[derive(Debug)]
pub struct Underlay {
    namespace: Namespace,
}

impl Underlay {
    /// Joins hosts by their [`UPLINK`]s, which are made.
    pub fn new(stage: &Stage, hosts: &[&Namespace], mtu: u32) -> Result<Underlay> {
        let namespace = Namespace::new(stage, "fabric")?;
        namespace.ip(&format!("link add {BRIDGE} type bridge forward_delay 0"))?;
        namespace.ip(&format!("link set {BRIDGE} mtu {mtu} up"))?;
        for host in hosts {
            let interface = format!("to-{}", host.name());
            join(
                End { namespace: &namespace, interface: &interface },
                End { namespace: host, interface: UPLINK },
                mtu,
            )?;
            namespace.ip(&format!("link set {interface} master {BRIDGE}"))?;
        }
        Ok(Underlay { namespace })
    }

    /// Where the bridge is, for captures and for sending what no host sends.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Gives the machine that belongs to no tenant an address, with its prefix length.
    pub fn stray(&self, address: &str) -> Result<()> {
        self.namespace.ip(&format!("addr add {address} dev {BRIDGE}"))?;
        Ok(())
    }
}
