//! Two VTEPs that talk to each other, pnet as a third opinion, and a million broken frames.

use std::net::{Ipv4Addr, Ipv6Addr};

use pnet::packet::arp::{ArpOperations, ArpPacket};
use pnet::packet::ethernet::EthernetPacket;
use pnet::packet::icmp::echo_request::MutableEchoRequestPacket;
use pnet::packet::icmp::{IcmpPacket, IcmpTypes};
use pnet::packet::icmpv6::{Icmpv6Packet, Icmpv6Types};
use pnet::packet::ipv4::{Ipv4Packet, MutableIpv4Packet};
use pnet::packet::ipv6::{Ipv6Packet, MutableIpv6Packet};
use pnet::packet::{FromPacket, MutablePacket, Packet};
use proptest::prelude::*;
use sluice_packet::checksum;

use super::*;
use crate::neighbour::{ClaimKind, Learned, NeighbourTable};
use crate::testing::Random;
use crate::{VXLAN_PORT, Vtep};

fn own(number: u8) -> Own {
    let addresses = [v4(number), v6(number)]
        .map(|address| format!("{address}/{}", if address.is_ipv4() { 24 } else { 64 }).parse().unwrap());
    let vtep = Vtep::new(&addresses, &[], VXLAN_PORT).unwrap();
    Own { mac: MacAddr::new([2, 0, 0, 0, 0, number]), vtep }
}

fn v4(number: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, number))
}

fn v6(number: u8) -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0xab, number.into()))
}

/// What goes out for `own`'s question.
fn ask(own: &Own, target: IpAddr, to: Option<MacAddr>) -> Vec<u8> {
    let mut frame = [0; MAX_MESSAGE_LEN];
    let len = request(Request { target, to }, own, &mut frame).unwrap();
    frame[..len].to_vec()
}

/// What `own` sends back, and hears.
fn give(own: &Own, frame: &[u8]) -> Option<(Option<Vec<u8>>, Option<Heard>)> {
    let mut reply = vec![0; frame.len().max(MAX_MESSAGE_LEN)];
    let answer = answer(frame, own, &mut reply)?;
    Some((answer.reply_len.map(|len| reply[..len].to_vec()), answer.heard))
}

fn heard(address: IpAddr, mac: MacAddr, kind: ClaimKind) -> Option<Heard> {
    Some(Heard::Neighbour(Claim { address, mac, kind }))
}

#[test]
fn two_vteps_learn_each_other() {
    let (a, b) = (own(1), own(2));
    for (a_address, b_address) in [(v4(1), v4(2)), (v6(1), v6(2))] {
        for to in [None, Some(b.mac)] {
            let (reply, learned) = give(&b, &ask(&a, b_address, to)).unwrap();
            assert_eq!(learned, heard(a_address, a.mac, ClaimKind::Announcement));
            let reply = reply.unwrap();
            let (nothing, learned) = give(&a, &reply).unwrap();
            assert_eq!(nothing, None);
            assert_eq!(learned, heard(b_address, b.mac, ClaimKind::Answer));
            // Nobody else feels addressed, by the answer or by the question.
            assert_eq!(give(&own(3), &reply), None);
        }
    }
}

#[test]
fn a_table_is_filled_by_its_own_questions() {
    let (a, b) = (own(1), own(2));
    let mut table = NeighbourTable::default();
    table.want(v4(2), std::time::Duration::ZERO);
    table.want(v6(2), std::time::Duration::ZERO);
    for request in table.tick(std::time::Duration::ZERO).requests {
        let (reply, _) = give(&b, &ask(&a, request.target, request.to)).unwrap();
        let Some((_, Some(Heard::Neighbour(claim)))) = give(&a, &reply.unwrap()) else { panic!("no answer") };
        assert_eq!(table.learned(claim, std::time::Duration::ZERO), Learned::Changed);
    }
    assert_eq!((table.lookup(v4(2)), table.lookup(v6(2))), (Some(b.mac), Some(b.mac)));
}

#[test]
fn an_arp_request_is_what_pnet_says_it_is() {
    let frame = ask(&own(1), v4(2), None);
    let ethernet = EthernetPacket::new(&frame).unwrap();
    assert_eq!(ethernet.get_destination().octets(), [0xff; 6]);
    assert_eq!(ethernet.get_ethertype().0, 0x0806);
    let arp = ArpPacket::new(ethernet.payload()).unwrap();
    assert_eq!(arp.get_operation(), ArpOperations::Request);
    assert_eq!(arp.get_sender_hw_addr().octets(), own(1).mac.octets());
    assert_eq!(IpAddr::V4(arp.get_sender_proto_addr()), v4(1));
    assert_eq!(IpAddr::V4(arp.get_target_proto_addr()), v4(2));
    let reply = give(&own(2), &frame).unwrap().0.unwrap();
    let ethernet = EthernetPacket::new(&reply).unwrap();
    assert_eq!(ethernet.get_destination().octets(), own(1).mac.octets());
    let arp = ArpPacket::new(ethernet.payload()).unwrap();
    assert_eq!(arp.get_operation(), ArpOperations::Reply);
    assert_eq!(arp.get_sender_hw_addr().octets(), own(2).mac.octets());
    assert_eq!(arp.get_target_hw_addr().octets(), own(1).mac.octets());
    assert_eq!(IpAddr::V4(arp.get_sender_proto_addr()), v4(2));
    assert_eq!(IpAddr::V4(arp.get_target_proto_addr()), v4(1));
}

#[test]
fn a_solicitation_goes_to_the_group_of_its_target() {
    let frame = ask(&own(1), v6(2), None);
    let ethernet = EthernetPacket::new(&frame).unwrap();
    // RFC 2464 §7 and RFC 4291 §2.7.1: the last 24 bits of 2001:db8::ab:2.
    assert_eq!(ethernet.get_destination().octets(), [0x33, 0x33, 0xff, 0xab, 0x00, 0x02]);
    let ip = Ipv6Packet::new(ethernet.payload()).unwrap();
    assert_eq!(ip.get_destination().to_string(), "ff02::1:ffab:2");
    assert_eq!(ip.get_hop_limit(), 255);
    let icmp = Icmpv6Packet::new(ip.payload()).unwrap();
    assert_eq!(icmp.get_icmpv6_type(), Icmpv6Types::NeighborSolicit);
    let sum = pnet::packet::icmpv6::checksum(&icmp, &ip.get_source(), &ip.get_destination());
    assert_eq!(icmp.get_checksum(), sum);
}

#[test]
fn announcements_are_heard_as_such_and_conflicts_are_told() {
    let (a, b) = (own(1), own(2));
    for address in [v4(2), v6(2)] {
        let mut frame = [0; MAX_MESSAGE_LEN];
        let len = announce(b.mac, address, &mut frame).unwrap();
        let (reply, learned) = give(&a, &frame[..len]).unwrap();
        assert_eq!((reply, learned), (None, heard(address, b.mac, ClaimKind::Announcement)));
        // Our own, come back, is no conflict; somebody else's is.
        assert!(give(&b, &frame[..len]).is_none_or(|(reply, heard)| reply.is_none() && heard.is_none()));
        let thief = MacAddr::new([2, 0, 0, 0, 0, 9]);
        let len = announce(thief, address, &mut frame).unwrap();
        let (_, learned) = give(&b, &frame[..len]).unwrap();
        assert_eq!(learned, Some(Heard::Conflict { address, mac: thief }));
    }
}

/// Changes bytes of an ND message and makes its checksum right again.
fn nd_with(frame: &[u8], patches: &[(usize, u8)]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    for &(at, byte) in patches {
        frame[at] = byte;
    }
    sum_icmpv6(&mut frame);
    frame
}

fn sum_icmpv6(frame: &mut [u8]) {
    let Some(ip) = Ipv6Packet::new(&frame[14..]) else { return };
    let Some(icmp) = Icmpv6Packet::new(ip.payload()) else { return };
    let sum = pnet::packet::icmpv6::checksum(&icmp, &ip.get_source(), &ip.get_destination());
    frame[56..58].copy_from_slice(&sum.to_be_bytes());
}

/// The checks of RFC 4861 §7.1.1 and §7.1.2.
#[test]
fn nd_messages_are_checked_as_the_standard_says() {
    let (a, b) = (own(1), own(2));
    let solicitation = ask(&a, v6(2), None);
    let advertisement = give(&b, &solicitation).unwrap().0.unwrap();
    assert!(give(&b, &nd_with(&solicitation, &[])).is_some());
    assert!(give(&a, &nd_with(&advertisement, &[])).is_some());
    for (whose, frame, what, patches) in [
        (&b, &solicitation, "a hop limit of 254", &[(21, 254)][..]),
        (&b, &solicitation, "code 1", &[(55, 1)]),
        (&b, &solicitation, "an option of length 0", &[(79, 0)]),
        (&b, &solicitation, "an option beyond the message", &[(79, 2)]),
        (&b, &solicitation, "a multicast target", &[(62, 0xff)]),
        (&b, &solicitation, "another's address", &[(77, 9)]),
        (&b, &solicitation, "a link-layer address that is a group's", &[(80, 3)]),
        (&a, &advertisement, "a hop limit of 254", &[(21, 254)]),
        (&a, &advertisement, "code 1", &[(55, 1)]),
        (&a, &advertisement, "an option of length 0", &[(79, 0)]),
        (&a, &advertisement, "a multicast target", &[(62, 0xff)]),
        (&a, &advertisement, "to another's address", &[(53, 9)]),
        (&a, &advertisement, "solicited, to a group", &[(38, 0xff)]),
    ] {
        assert_eq!(give(whose, &nd_with(frame, patches)), None, "{what}");
    }
    for (whose, frame) in [(&b, &solicitation), (&a, &advertisement)] {
        for at in [56, 60, 70, 81] {
            let mut frame = frame.clone();
            frame[at] ^= 1;
            assert_eq!(give(whose, &frame), None, "a wrong checksum");
        }
    }
    // R S O flags: what the advertisement is worth.
    for (flags, kind) in [
        (0x60, ClaimKind::Answer),
        (0xe0, ClaimKind::Answer),
        (0x40, ClaimKind::WeakAnswer),
        (0x20, ClaimKind::Announcement),
        (0x00, ClaimKind::WeakAnnouncement),
    ] {
        let (_, learned) = give(&a, &nd_with(&advertisement, &[(58, flags)])).unwrap();
        assert_eq!(learned, heard(v6(2), b.mac, kind));
    }
}

/// RFC 4862 §5.4.3: who asks from the unspecified address is told by all nodes' group, and only if it asks rightly.
#[test]
fn duplicate_address_detection_is_answered_to_everyone() {
    let b = own(2);
    let mut probe = ask(&own(1), v6(2), None);
    probe.truncate(78);
    probe[18..20].copy_from_slice(&24_u16.to_be_bytes());
    probe[22..38].fill(0);
    sum_icmpv6(&mut probe);
    let (reply, learned) = give(&b, &probe).unwrap();
    assert_eq!(learned, None);
    let reply = reply.unwrap();
    assert_eq!(reply[..6], [0x33, 0x33, 0, 0, 0, 1]);
    assert_eq!(reply[38..54], Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1).octets());
    assert_eq!(reply[58], 0x20, "override, not solicited");

    let mut with_option = ask(&own(1), v6(2), None);
    with_option[22..38].fill(0);
    sum_icmpv6(&mut with_option);
    assert_eq!(give(&b, &with_option), None);
    let mut to_one = probe.clone();
    let IpAddr::V6(target) = v6(2) else { unreachable!() };
    to_one[38..54].copy_from_slice(&target.octets());
    sum_icmpv6(&mut to_one);
    assert_eq!(give(&b, &to_one), None);

    // ARP's probe (RFC 5227 §2.1.1): sender address 0, answered, nothing learned.
    let mut probe = ask(&own(1), v4(2), None);
    probe[28..32].fill(0);
    let (reply, learned) = give(&b, &probe).unwrap();
    assert!(reply.is_some() && learned.is_none());
}

fn ping_v4(data: &[u8], dst: IpAddr) -> Vec<u8> {
    let (IpAddr::V4(src), IpAddr::V4(dst)) = (v4(1), dst) else { unreachable!() };
    let mut frame = vec![0; 14 + 20 + 8 + data.len()];
    frame[..6].copy_from_slice(&own(2).mac.octets());
    frame[6..12].copy_from_slice(&own(1).mac.octets());
    frame[12..14].copy_from_slice(&[0x08, 0]);
    let len = u16::try_from(frame.len() - 14).unwrap();
    let mut ip = MutableIpv4Packet::new(&mut frame[14..]).unwrap();
    ip.set_version(4);
    ip.set_header_length(5);
    ip.set_total_length(len);
    ip.set_ttl(3);
    ip.set_next_level_protocol(pnet::packet::ip::IpNextHeaderProtocols::Icmp);
    ip.set_source(src);
    ip.set_destination(dst);
    let sum = pnet::packet::ipv4::checksum(&ip.to_immutable());
    ip.set_checksum(sum);
    let mut echo = MutableEchoRequestPacket::new(ip.payload_mut()).unwrap();
    echo.set_icmp_type(IcmpTypes::EchoRequest);
    echo.set_identifier(0x1234);
    echo.set_sequence_number(7);
    echo.set_payload(data);
    let sum = pnet::packet::icmp::checksum(&IcmpPacket::new(echo.packet()).unwrap());
    echo.set_checksum(sum);
    frame
}

fn ping_v6(data: &[u8]) -> Vec<u8> {
    let (IpAddr::V6(src), IpAddr::V6(dst)) = (v6(1), v6(2)) else { unreachable!() };
    let mut frame = vec![0; 14 + 40];
    frame[..6].copy_from_slice(&own(2).mac.octets());
    frame[6..12].copy_from_slice(&own(1).mac.octets());
    frame[12..14].copy_from_slice(&[0x86, 0xdd]);
    frame.extend([128, 0, 0, 0, 0x12, 0x34, 0, 7]);
    frame.extend(data);
    let len = u16::try_from(frame.len() - 54).unwrap();
    let mut ip = MutableIpv6Packet::new(&mut frame[14..]).unwrap();
    ip.set_version(6);
    ip.set_payload_length(len);
    ip.set_hop_limit(3);
    ip.set_next_header(pnet::packet::ip::IpNextHeaderProtocols::Icmpv6);
    ip.set_source(src);
    ip.set_destination(dst);
    sum_icmpv6(&mut frame);
    frame
}

proptest! {
    #[test]
    fn a_ping_comes_back_with_its_data(data in prop::collection::vec(any::<u8>(), 0..1472)) {
        let frame = ping_v4(&data, v4(2));
        let (reply, learned) = give(&own(2), &frame).unwrap();
        prop_assert_eq!(learned, None);
        let reply = reply.unwrap();
        let ethernet = EthernetPacket::new(&reply).unwrap();
        prop_assert_eq!(ethernet.get_destination().octets(), own(1).mac.octets());
        prop_assert_eq!(ethernet.get_source().octets(), own(2).mac.octets());
        let ip = Ipv4Packet::new(ethernet.payload()).unwrap();
        prop_assert_eq!((IpAddr::V4(ip.get_source()), IpAddr::V4(ip.get_destination())), (v4(2), v4(1)));
        prop_assert_eq!((ip.get_ttl(), ip.get_checksum()), (64, pnet::packet::ipv4::checksum(&ip)));
        let icmp = IcmpPacket::new(ip.payload()).unwrap();
        prop_assert_eq!(icmp.get_icmp_type(), IcmpTypes::EchoReply);
        prop_assert_eq!(checksum::checksum(icmp.packet()), 0);
        prop_assert_eq!(&icmp.payload()[..4], &[0x12, 0x34, 0, 7]);
        prop_assert_eq!(&icmp.payload()[4..], &data[..]);

        let frame = ping_v6(&data);
        let (reply, _) = give(&own(2), &frame).unwrap();
        let reply = reply.unwrap();
        let ip = Ipv6Packet::new(&reply[14..]).unwrap();
        prop_assert_eq!((IpAddr::V6(ip.get_source()), IpAddr::V6(ip.get_destination())), (v6(2), v6(1)));
        let icmp = Icmpv6Packet::new(ip.payload()).unwrap();
        prop_assert_eq!(icmp.get_icmpv6_type(), Icmpv6Types::EchoReply);
        let sum = pnet::packet::icmpv6::checksum(&icmp, &ip.get_source(), &ip.get_destination());
        prop_assert_eq!(icmp.from_packet().checksum, sum);
        prop_assert_eq!(&icmp.payload()[4..], &data[..]);
    }
}

#[test]
fn pings_that_get_no_answer() {
    let b = own(2);
    let good = ping_v4(&[1, 2, 3], v4(2));
    assert!(give(&b, &good).is_some());
    assert_eq!(give(&b, &ping_v4(&[1, 2, 3], v4(3))), None, "not to us");
    let with = |patches: &[(usize, u8)]| {
        let mut frame = good.clone();
        for &(at, byte) in patches {
            frame[at] = byte;
        }
        let sum = pnet::packet::ipv4::checksum(&Ipv4Packet::new(&frame[14..]).unwrap());
        frame[24..26].copy_from_slice(&sum.to_be_bytes());
        frame
    };
    assert!(give(&b, &with(&[])).is_some());
    assert_eq!(give(&b, &with(&[(20, 0x20)])), None, "a first fragment");
    assert_eq!(give(&b, &with(&[(21, 1)])), None, "a later fragment");
    assert_eq!(give(&b, &with(&[(26, 224)])), None, "from a group");
    assert_eq!(give(&b, &with(&[(26, 127)])), None, "from a loopback address");
    assert_eq!(give(&b, &with(&[(44, 9)])), None, "a wrong ICMP checksum");
    assert_eq!(give(&b, &with(&[(5, 9)])), None, "another's MAC address");
    let mut broken = good.clone();
    broken[24] ^= 1;
    assert_eq!(give(&b, &broken), None, "a wrong IPv4 checksum");
    let mut broken = ping_v6(&[1, 2, 3]);
    broken[60] ^= 1;
    assert_eq!(give(&b, &broken), None, "a wrong ICMPv6 checksum");
}

#[test]
fn a_reply_that_does_not_fit_is_left_out() {
    let frames =
        [ask(&own(1), v4(2), None), ask(&own(1), v6(2), None), ping_v4(&[0; 99], v4(2)), ping_v6(&[0; 99])];
    for frame in frames {
        let needed = give(&own(2), &frame).unwrap().0.unwrap().len();
        assert!(needed <= frame.len().max(MAX_MESSAGE_LEN));
        for room in 0..needed {
            let mut reply = vec![0xee; room];
            assert_eq!(
                answer(&frame, &own(2), &mut reply).unwrap().reply_len,
                None,
                "{room} of {needed} bytes"
            );
        }
    }
}

/// A million frames, mutated with their checksums made good again half of the time, or of random bytes: no panic, no
/// reply to a reply, and no reply that is longer than promised.
#[test]
fn broken_frames_are_harmless() {
    let mut random = Random(5);
    let (a, b) = (own(1), own(2));
    let questions = [
        ask(&a, v4(2), None),
        ask(&a, v6(2), None),
        ask(&a, v6(2), Some(b.mac)),
        ping_v4(&[0x5a; 40], v4(2)),
        ping_v6(&[0x5a; 40]),
    ];
    let replies: Vec<_> = questions.iter().map(|frame| give(&b, frame).unwrap().0.unwrap()).collect();
    let mut reply = [0; 256];
    let (mut answered, mut heard) = (0, 0);
    for round in 0..1_000_000_usize {
        let mut frame = match round % 8 {
            0 => {
                let len = random.below(150);
                random.bytes(len)
            }
            1..=3 => replies[random.below(replies.len())].clone(),
            _ => questions[random.below(questions.len())].clone(),
        };
        random.mutate(&mut frame, 86);
        if random.one_in(2) && frame.len() >= 58 && frame[12..14] == [0x86, 0xdd] {
            sum_icmpv6(&mut frame);
        }
        for own in [&a, &b] {
            let Some(answer) = answer(&frame, own, &mut reply) else { continue };
            heard += usize::from(answer.heard.is_some());
            let Some(len) = answer.reply_len else { continue };
            answered += 1;
            assert!(len <= frame.len().max(MAX_MESSAGE_LEN));
            // Whoever gets the answer has nothing to say to it: two of us never talk for ever.
            let mut second = [0; 256];
            let echo = super::answer(&reply[..len], &a, &mut second).and_then(|answer| answer.reply_len);
            assert_eq!(echo, None, "{frame:02x?}");
        }
    }
    assert!(answered > 50_000 && heard > 50_000, "{answered} answered, {heard} heard");
}
