//! [`Ingress`]: where a frame came in.

use std::net::IpAddr;

use sluice_packet::{Field, FlowKey};

use crate::{OfPort, PortId, TunnelTarget};

/// Where a frame came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ingress {
    /// The port of entry.
    pub port: PortId,
    /// Its OpenFlow number on its bridge.
    pub of_port: OfPort,
    /// Set if it is a tunnel port.
    pub tunnel: Option<TunnelIngress>,
}

/// The tunnel that a frame came out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TunnelIngress {
    /// The VNI, and the VTEP that sent it.
    pub target: TunnelTarget,
    /// That VTEP's address.
    pub source: IpAddr,
}

impl Ingress {
    /// A port that is no tunnel.
    #[inline]
    pub const fn local(port: PortId, of_port: OfPort) -> Ingress {
        Ingress { port, of_port, tunnel: None }
    }

    /// Writes the fields of the port of entry. They survive [`extract`](sluice_packet::extract), so that for a burst
    /// from one port this is needed once a key.
    #[inline]
    pub fn write_to(&self, key: &mut FlowKey) {
        key.set(Field::InPort, self.of_port.0.into());
        let remote = self.tunnel.map_or(0, |tunnel| tunnel.target.remote.number());
        key.set(Field::TunnelRemote, remote.into());
        key.set(Field::TunnelId, self.tunnel.map_or(0, |tunnel| tunnel.target.vni.get().into()));
        let (v4, v6) = match self.tunnel.map(|tunnel| tunnel.source) {
            None => (0, 0),
            Some(IpAddr::V4(source)) => (source.to_bits().into(), 0),
            Some(IpAddr::V6(source)) => (0, source.to_bits()),
        };
        key.set(Field::TunnelSrc, v4);
        key.set(Field::TunnelSrc6, v6);
    }
}
