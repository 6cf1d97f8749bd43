//! Pings of our own addresses: ICMP echo (RFC 792, RFC 1122 §3.2.2.6) and ICMPv6 echo (RFC 4443 §4.2).

use std::net::IpAddr;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetProtocol, Icmpv4Message, Icmpv4Packet, Icmpv4Repr, Icmpv6Message, Icmpv6Packet, Icmpv6Repr,
    IpProtocol, Ipv4Packet, Ipv4Repr, Ipv6Packet, Ipv6Repr,
};

use super::ethernet::{Received, emit};
use super::{Answer, Own};

const HOP_LIMIT: u8 = 64;

/// Answers an echo request to one of our IPv4 addresses. Fragments and broken checksums get no answer.
pub(super) fn answer_v4(received: &Received<'_>, own: &Own, reply: &mut [u8]) -> Option<Answer> {
    let checks = ChecksumCapabilities::default();
    let packet = Ipv4Packet::new_checked(received.payload).ok()?;
    let header = Ipv4Repr::parse(&packet, &checks).ok()?;
    // smoltcp itself refuses fragments, but only while nobody builds it with its reassembly.
    if header.next_header != IpProtocol::Icmp || packet.more_frags() || packet.frag_offset() != 0 {
        return None;
    }
    if !own.vtep.owns(IpAddr::V4(header.dst_addr)) || !is_host(IpAddr::V4(header.src_addr)) {
        return None;
    }
    let message = Icmpv4Packet::new_checked(packet.payload()).ok()?;
    if message.msg_type() != Icmpv4Message::EchoRequest {
        return None;
    }
    let Icmpv4Repr::EchoRequest { ident, seq_no, data } = Icmpv4Repr::parse(&message, &checks).ok()? else {
        return None;
    };
    let message = Icmpv4Repr::EchoReply { ident, seq_no, data };
    let header = Ipv4Repr {
        src_addr: header.dst_addr,
        dst_addr: header.src_addr,
        next_header: IpProtocol::Icmp,
        payload_len: message.buffer_len(),
        hop_limit: HOP_LIMIT,
    };
    let len = header.buffer_len() + header.payload_len;
    let reply_len = emit(reply, own.mac, received.src, EthernetProtocol::Ipv4, len, |payload| {
        let mut packet = Ipv4Packet::new_unchecked(payload);
        header.emit(&mut packet, &checks);
        message.emit(&mut Icmpv4Packet::new_unchecked(packet.payload_mut()), &checks);
    });
    Some(Answer { reply_len, heard: None })
}

/// Answers an echo request to one of our IPv6 addresses. Extension headers and broken checksums get no answer.
pub(super) fn answer_v6(received: &Received<'_>, own: &Own, reply: &mut [u8]) -> Option<Answer> {
    let checks = ChecksumCapabilities::default();
    let packet = Ipv6Packet::new_checked(received.payload).ok()?;
    let header = Ipv6Repr::parse(&packet).ok()?;
    if header.next_header != IpProtocol::Icmpv6 {
        return None;
    }
    if !own.vtep.owns(IpAddr::V6(header.dst_addr)) || !is_host(IpAddr::V6(header.src_addr)) {
        return None;
    }
    let message = Icmpv6Packet::new_checked(packet.payload()).ok()?;
    if message.msg_type() != Icmpv6Message::EchoRequest {
        return None;
    }
    let request = Icmpv6Repr::parse(&header.src_addr, &header.dst_addr, &message, &checks).ok()?;
    let Icmpv6Repr::EchoRequest { ident, seq_no, data } = request else { return None };
    let message = Icmpv6Repr::EchoReply { ident, seq_no, data };
    let header = Ipv6Repr {
        src_addr: header.dst_addr,
        dst_addr: header.src_addr,
        next_header: IpProtocol::Icmpv6,
        payload_len: message.buffer_len(),
        hop_limit: HOP_LIMIT,
    };
    let len = header.buffer_len() + header.payload_len;
    let reply_len = emit(reply, own.mac, received.src, EthernetProtocol::Ipv6, len, |payload| {
        let mut packet = Ipv6Packet::new_unchecked(payload);
        header.emit(&mut packet);
        let mut icmp = Icmpv6Packet::new_unchecked(packet.payload_mut());
        message.emit(&header.src_addr, &header.dst_addr, &mut icmp, &checks);
    });
    Some(Answer { reply_len, heard: None })
}

/// Whether one host can have sent from it (RFC 1122 §3.2.1.3): an answer must go to one host, and not to us.
fn is_host(address: IpAddr) -> bool {
    crate::Remote::new(address).is_ok()
}
