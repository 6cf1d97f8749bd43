//! The underlay's other inhabitants: the kernel's own VXLAN device as a VTEP, and datagrams that no VTEP of a
//! network would send.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use crate::error::{Context, Result};
use crate::netns::Namespace;

/// The port VXLAN listens on (RFC 7348 §5).
pub const PORT: u16 = 4789;

/// The kernel's VTEP for one VNI.
#[derive(Clone, Copy, Debug)]
pub struct KernelVtep<'a> {
    /// The interface to be made.
    pub interface: &'a str,
    /// The interface it sends by.
    pub underlay: &'a str,
    /// The tenant's network.
    pub vni: u32,
    /// Its own address on the underlay.
    pub local: IpAddr,
    /// The other VTEP's.
    pub remote: IpAddr,
}

impl KernelVtep<'_> {
    /// Makes it in a namespace, with the MTU for the frames inside.
    pub fn create(&self, namespace: &Namespace, mtu: u32) -> Result<()> {
        let KernelVtep { interface, underlay, vni, local, remote } = self;
        namespace.ip(&format!(
            "link add {interface} type vxlan id {vni} local {local} remote {remote} dstport {PORT} dev {underlay}"
        ))?;
        namespace.ip(&format!("link set {interface} mtu {mtu} up"))?;
        Ok(())
    }
}

/// Sends `count` datagrams with a broadcast frame in VXLAN, from an address of the namespace to a VTEP.
pub fn inject(namespace: &Namespace, from: IpAddr, to: IpAddr, vni: u32, count: u32) -> Result<()> {
    let datagram = encapsulated(vni);
    namespace.enter(|| {
        let socket = UdpSocket::bind(SocketAddr::new(from, 0)).context(|| format!("bind to {from}"))?;
        for _ in 0..count {
            socket.send_to(&datagram, SocketAddr::new(to, PORT)).context(|| format!("send to {to}"))?;
        }
        Ok(())
    })
}

/// A VXLAN header (RFC 7348 §5: flags with I set, then the VNI above one reserved byte) and a 60-byte broadcast
/// frame of an experimental EtherType (IEEE 802, 0x88B5).
fn encapsulated(vni: u32) -> Vec<u8> {
    let mut datagram = vec![0x08, 0, 0, 0];
    datagram.extend_from_slice(&(vni << 8).to_be_bytes());
    datagram.extend_from_slice(&[0xff; 6]);
    datagram.extend_from_slice(&[0x02, 0, 0, 0, 0, 0x99]);
    datagram.extend_from_slice(&[0x88, 0xb5]);
    datagram.resize(8 + 60, 0);
    datagram
}

#[cfg(test)]
mod tests {
    use super::encapsulated;

    #[test]
    fn the_header_is_as_in_rfc_7348() {
        let datagram = encapsulated(0x00ab_cdef);
        assert_eq!(&datagram[..8], [0x08, 0, 0, 0, 0xab, 0xcd, 0xef, 0]);
        assert_eq!(datagram.len(), 68);
    }
}
