//! ARP (RFC 826) for our own IPv4 addresses.

use std::net::{IpAddr, Ipv4Addr};

use sluice_packet::MacAddr;
use smoltcp::wire::{ArpOperation, ArpPacket, ArpRepr, EthernetProtocol};

use super::ethernet::{Received, address, emit};
use super::{Answer, Own};
use crate::neighbour::{Claim, ClaimKind};

const PACKET_LEN: usize = 28;

/// Answers a request for one of our addresses, and hears what any message says of its sender (RFC 826, "Packet
/// Reception": the sender is merged whatever the operation is).
pub(super) fn answer(received: &Received<'_>, own: &Own, reply: &mut [u8]) -> Option<Answer> {
    let packet = ArpPacket::new_checked(received.payload).ok()?;
    let ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr,
        source_protocol_addr: sender,
        target_protocol_addr: target,
        ..
    } = ArpRepr::parse(&packet).ok()?
    else {
        return None;
    };
    let mac = MacAddr::new(source_hardware_addr.0);
    if !mac.is_unicast() {
        return None;
    }
    let to_us = own.vtep.owns(IpAddr::V4(target));
    let kind = match operation {
        ArpOperation::Reply if to_us => ClaimKind::Answer,
        ArpOperation::Request | ArpOperation::Reply => ClaimKind::Announcement,
        ArpOperation::Unknown(_) => return None,
    };
    let reply_len = match operation {
        // Also to a probe, whose sender address is 0 (RFC 5227 §2.1.1).
        ArpOperation::Request if to_us && mac != own.mac => {
            let repr = repr(ArpOperation::Reply, own.mac, target, mac, sender);
            send(own.mac, mac, repr, reply)
        }
        _ => None,
    };
    let claim = Claim { address: IpAddr::V4(sender), mac, kind };
    let heard = if sender.is_unspecified() { None } else { own.heard(claim) };
    Some(Answer { reply_len, heard })
}

/// Asks who has `target`: everyone, or `to` alone.
pub(super) fn request(
    mac: MacAddr,
    local: Ipv4Addr,
    target: Ipv4Addr,
    to: Option<MacAddr>,
    out: &mut [u8],
) -> Option<usize> {
    let asked = repr(ArpOperation::Request, mac, local, MacAddr::ZERO, target);
    send(mac, to.unwrap_or(MacAddr::BROADCAST), asked, out)
}

/// A request for our own address, to everyone (RFC 5227 §2.3).
pub(super) fn announce(mac: MacAddr, local: Ipv4Addr, out: &mut [u8]) -> Option<usize> {
    request(mac, local, local, None, out)
}

const fn repr(
    operation: ArpOperation,
    mac: MacAddr,
    sender: Ipv4Addr,
    target_mac: MacAddr,
    target: Ipv4Addr,
) -> ArpRepr {
    ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr: address(mac),
        source_protocol_addr: sender,
        target_hardware_addr: address(target_mac),
        target_protocol_addr: target,
    }
}

fn send(src: MacAddr, dst: MacAddr, repr: ArpRepr, out: &mut [u8]) -> Option<usize> {
    emit(out, src, dst, EthernetProtocol::Arp, PACKET_LEN, |payload| {
        repr.emit(&mut ArpPacket::new_unchecked(payload));
    })
}
