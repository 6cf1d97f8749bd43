//! Neighbour discovery (RFC 4861) for our own IPv6 addresses.

use std::net::{IpAddr, Ipv6Addr};

use sluice_packet::MacAddr;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetProtocol, Icmpv6Message, Icmpv6Packet, Icmpv6Repr, IpProtocol, Ipv6Packet, Ipv6Repr,
    NdiscNeighborFlags, NdiscRepr, RawHardwareAddress,
};

use super::ethernet::{Received, address, emit};
use super::{Answer, Own};
use crate::neighbour::{Claim, ClaimKind};

/// Only messages that no router has touched are neighbours' (RFC 4861 §7.1).
const HOP_LIMIT: u8 = 255;
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// Answers a solicitation for one of our addresses, and hears solicitations' senders and advertisements. `None` for
/// what fails the checks of RFC 4861 §7.1.1 and §7.1.2, and for all that is not ND.
pub(super) fn answer(received: &Received<'_>, own: &Own, reply: &mut [u8]) -> Option<Answer> {
    let packet = Ipv6Packet::new_checked(received.payload).ok()?;
    let header = Ipv6Repr::parse(&packet).ok()?;
    if header.next_header != IpProtocol::Icmpv6 || header.hop_limit != HOP_LIMIT {
        return None;
    }
    let message = Icmpv6Packet::new_checked(packet.payload()).ok()?;
    if !matches!(message.msg_type(), Icmpv6Message::NeighborSolicit | Icmpv6Message::NeighborAdvert) {
        return None;
    }
    // Checks the checksum, code 0, the length, and that no option's length is 0.
    let checks = ChecksumCapabilities::default();
    match Icmpv6Repr::parse(&header.src_addr, &header.dst_addr, &message, &checks).ok()? {
        Icmpv6Repr::Ndisc(NdiscRepr::NeighborSolicit { target_addr, lladdr }) => {
            solicited(&header, target_addr, lladdr, received, own, reply)
        }
        Icmpv6Repr::Ndisc(NdiscRepr::NeighborAdvert { flags, target_addr, lladdr }) => {
            advertised(&header, flags, target_addr, lladdr, received, own)
        }
        _ => None,
    }
}

/// RFC 4861 §7.2.3 and §7.2.4, after the rest of §7.1.1's checks.
fn solicited(
    header: &Ipv6Repr,
    target: Ipv6Addr,
    lladdr: Option<RawHardwareAddress>,
    received: &Received<'_>,
    own: &Own,
    reply: &mut [u8],
) -> Option<Answer> {
    let src = header.src_addr;
    if target.is_multicast() || src.is_multicast() || !own.vtep.owns(IpAddr::V6(target)) {
        return None;
    }
    if src.is_unspecified() {
        // Somebody checks whether the address is free (RFC 4862 §5.4.3): all may know that it is not.
        if lladdr.is_some() || header.dst_addr != solicited_node(target) {
            return None;
        }
        let flags = NdiscNeighborFlags::OVERRIDE;
        let reply_len = advertise(own.mac, target, group_mac(ALL_NODES), ALL_NODES, flags, reply);
        return Some(Answer { reply_len, heard: None });
    }
    let mac = link_address(lladdr, received)?;
    let flags = NdiscNeighborFlags::OVERRIDE | NdiscNeighborFlags::SOLICITED;
    let reply_len = advertise(own.mac, target, mac, src, flags, reply);
    let claim = Claim { address: IpAddr::V6(src), mac, kind: ClaimKind::Announcement };
    Some(Answer { reply_len, heard: own.heard(claim) })
}

/// RFC 4861 §7.2.5, after the rest of §7.1.2's checks.
fn advertised(
    header: &Ipv6Repr,
    flags: NdiscNeighborFlags,
    target: Ipv6Addr,
    lladdr: Option<RawHardwareAddress>,
    received: &Received<'_>,
    own: &Own,
) -> Option<Answer> {
    let solicited = flags.contains(NdiscNeighborFlags::SOLICITED);
    if target.is_multicast() || (header.dst_addr.is_multicast() && solicited) {
        return None;
    }
    if !header.dst_addr.is_multicast() && !own.vtep.owns(IpAddr::V6(header.dst_addr)) {
        return None;
    }
    let kind = match (solicited, flags.contains(NdiscNeighborFlags::OVERRIDE)) {
        (true, true) => ClaimKind::Answer,
        (true, false) => ClaimKind::WeakAnswer,
        (false, true) => ClaimKind::Announcement,
        (false, false) => ClaimKind::WeakAnnouncement,
    };
    // The option may be missing from the answer to a unicast question (§4.4): then the frame's source says it.
    let mac = link_address(lladdr, received)?;
    let claim = Claim { address: IpAddr::V6(target), mac, kind };
    Some(Answer { reply_len: None, heard: own.heard(claim) })
}

/// Asks who has `target`: its solicited-node group (RFC 4861 §7.2.2), or `to` alone (§7.3.3).
pub(super) fn solicit(
    mac: MacAddr,
    local: Ipv6Addr,
    target: Ipv6Addr,
    to: Option<MacAddr>,
    out: &mut [u8],
) -> Option<usize> {
    let group = solicited_node(target);
    let (dst_mac, dst) = match to {
        Some(to) => (to, target),
        None => (group_mac(group), group),
    };
    let lladdr = Some(address(mac).into());
    send(mac, dst_mac, local, dst, NdiscRepr::NeighborSolicit { target_addr: target, lladdr }, out)
}

/// An advertisement nobody asked for, to all nodes (RFC 4861 §7.2.6).
pub(super) fn announce(mac: MacAddr, local: Ipv6Addr, out: &mut [u8]) -> Option<usize> {
    advertise(mac, local, group_mac(ALL_NODES), ALL_NODES, NdiscNeighborFlags::OVERRIDE, out)
}

fn advertise(
    mac: MacAddr,
    target: Ipv6Addr,
    dst_mac: MacAddr,
    dst: Ipv6Addr,
    flags: NdiscNeighborFlags,
    out: &mut [u8],
) -> Option<usize> {
    let lladdr = Some(address(mac).into());
    send(mac, dst_mac, target, dst, NdiscRepr::NeighborAdvert { flags, target_addr: target, lladdr }, out)
}

fn send(
    src_mac: MacAddr,
    dst_mac: MacAddr,
    src: Ipv6Addr,
    dst: Ipv6Addr,
    message: NdiscRepr<'_>,
    out: &mut [u8],
) -> Option<usize> {
    let message = Icmpv6Repr::Ndisc(message);
    let header = Ipv6Repr {
        src_addr: src,
        dst_addr: dst,
        next_header: IpProtocol::Icmpv6,
        payload_len: message.buffer_len(),
        hop_limit: HOP_LIMIT,
    };
    let len = header.buffer_len() + header.payload_len;
    emit(out, src_mac, dst_mac, EthernetProtocol::Ipv6, len, |payload| {
        let mut packet = Ipv6Packet::new_unchecked(payload);
        header.emit(&mut packet);
        let mut icmp = Icmpv6Packet::new_unchecked(packet.payload_mut());
        message.emit(&src, &dst, &mut icmp, &ChecksumCapabilities::default());
    })
}

/// The option's address, or else the frame's source; `None` if no host can have it.
fn link_address(lladdr: Option<RawHardwareAddress>, received: &Received<'_>) -> Option<MacAddr> {
    let mac = match lladdr {
        Some(lladdr) => MacAddr::new(*lladdr.as_bytes().first_chunk()?),
        None => received.src,
    };
    mac.is_unicast().then_some(mac)
}

/// The group that the owner of `target` listens to (RFC 4291 §2.7.1).
fn solicited_node(target: Ipv6Addr) -> Ipv6Addr {
    const PREFIX: u128 = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, 0).to_bits();
    Ipv6Addr::from_bits(PREFIX | target.to_bits() & 0xff_ffff)
}

/// The MAC address of a group (RFC 2464 §7).
fn group_mac(group: Ipv6Addr) -> MacAddr {
    let [.., a, b, c, d] = group.octets();
    MacAddr::new([0x33, 0x33, a, b, c, d])
}
