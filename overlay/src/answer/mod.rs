//! What a VTEP says for itself on the underlay: answers to ARP requests, neighbour solicitations and pings, and its
//! own questions. Frames are untagged Ethernet, whole, in one slice; what is broken or not meant for us gets no answer.

mod arp;
mod echo;
mod ethernet;
mod nd;

use std::net::IpAddr;

use sluice_packet::MacAddr;
use smoltcp::wire::EthernetProtocol;

use crate::Vtep;
use crate::neighbour::{Claim, Request};
use ethernet::Received;

/// Who we are on one underlay port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Own {
    /// The port's MAC address.
    pub mac: MacAddr,
    /// The addresses to answer for.
    pub vtep: Vtep,
}

/// What a frame for us asks for and tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Bytes written into the reply buffer, to be sent; `None`: nothing is to be sent.
    pub reply_len: Option<usize>,
    /// What the sender said about its address.
    pub heard: Option<Heard>,
}

/// What the sender of a frame said about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Something for [`NeighbourTable::learned`](crate::neighbour::NeighbourTable::learned).
    Neighbour(Claim),
    /// Somebody else uses our address (RFC 5227 §2.4): to be told to the operator.
    Conflict {
        /// Our address.
        address: IpAddr,
        /// Who else claims it.
        mac: MacAddr,
    },
}

impl Own {
    /// A claim, or a conflict if it is about one of our own addresses.
    fn heard(&self, claim: Claim) -> Option<Heard> {
        if !self.vtep.owns(claim.address) {
            return Some(Heard::Neighbour(claim));
        }
        // Our own announcement may come back to us.
        (claim.mac != self.mac).then_some(Heard::Conflict { address: claim.address, mac: claim.mac })
    }
}

/// Handles a frame that came in on the underlay. A reply is written into `reply`, which the caller owns and sends;
/// it is never longer than the frame, or than [`MAX_MESSAGE_LEN`] if that is more, and left out if it does not fit.
///
/// `None` if the frame is broken or none of ours: not to our MAC address or a group, no ARP, ND or echo request
/// for one of our addresses.
pub fn answer(frame: &[u8], own: &Own, reply: &mut [u8]) -> Option<Answer> {
    let received = Received::parse(frame, own.mac)?;
    match received.ethertype {
        EthernetProtocol::Arp => arp::answer(&received, own, reply),
        EthernetProtocol::Ipv4 => echo::answer_v4(&received, own, reply),
        EthernetProtocol::Ipv6 => {
            nd::answer(&received, own, reply).or_else(|| echo::answer_v6(&received, own, reply))
        }
        EthernetProtocol::Unknown(_) => None,
    }
}

/// Bytes of the longest question or announcement: ND with a link-layer address.
pub const MAX_MESSAGE_LEN: usize = 14 + 40 + 24 + 8;

/// Writes the question of a neighbour table into `out`; the number of bytes to be sent. `None` if `out` is too short
/// or we have no address of the target's family.
pub fn request(request: Request, own: &Own, out: &mut [u8]) -> Option<usize> {
    match (request.target, own.vtep.local(request.target)?) {
        (IpAddr::V4(target), IpAddr::V4(local)) => arp::request(own.mac, local, target, request.to, out),
        (IpAddr::V6(target), IpAddr::V6(local)) => nd::solicit(own.mac, local, target, request.to, out),
        _ => None,
    }
}

/// Writes an announcement of one of our addresses into `out`, to be sent when the address has come to this port, so
/// that neighbours that knew it elsewhere follow (RFC 5227 §2.3, RFC 4861 §7.2.6). `None` if `out` is too short.
pub fn announce(mac: MacAddr, address: IpAddr, out: &mut [u8]) -> Option<usize> {
    match address {
        IpAddr::V4(address) => arp::announce(mac, address, out),
        IpAddr::V6(address) => nd::announce(mac, address, out),
    }
}

#[cfg(test)]
mod tests;
