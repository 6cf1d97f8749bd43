//! [`Action`]: what a rule does to a frame, in order.

use sluice_overlay::Vni;
use sluice_packet::Rewrite;

use crate::{PortId, RemoteId};

/// One step of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Sends the frame out of a port. Nothing happens if that is the port of entry (OpenFlow 1.3.5 §7.2.5); a tunnel
    /// port sends to all its remotes, or where [`Action::SetTunnel`] said.
    Output(PortId),
    /// Learns the source address and forwards as an Ethernet switch does (OFPP_NORMAL).
    Normal,
    /// Sends out of all ports in the flood but the one of entry, and not from tunnel to tunnel (OFPP_FLOOD).
    Flood,
    /// Sends back out of the port of entry (OFPP_IN_PORT), through a tunnel to where it came from.
    InPort,
    /// Sends a copy to the control process (OFPP_CONTROLLER).
    Punt {
        /// Bytes of the frame that are sent; `None`: all.
        max_bytes: Option<u16>,
    },
    /// Drops the frame. Stands alone.
    Drop,
    /// Changes the frame for what follows.
    Rewrite(Rewrite),
    /// Says where the outputs to tunnel ports that follow send the frame, instead of the port's own VNI and remotes.
    SetTunnel {
        /// The network; `None`: the port's.
        vni: Option<Vni>,
        /// The VTEP; `None`: the port's.
        remote: Option<RemoteId>,
    },
}

impl Action {
    /// The port that it names.
    pub(crate) fn port(&self) -> Option<PortId> {
        match self {
            Action::Output(port) => Some(*port),
            _ => None,
        }
    }
}
