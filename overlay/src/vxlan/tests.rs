//! Encapsulation against decapsulation, and both against pnet and smoltcp.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv6Addr};
use std::ops::Range;

use pnet::packet::Packet;
use pnet::packet::ethernet::EthernetPacket;
use pnet::packet::ipv4::Ipv4Packet;
use pnet::packet::ipv6::Ipv6Packet;
use pnet::packet::udp::UdpPacket;
use pnet::packet::vxlan::VxlanPacket;
use proptest::prelude::*;
use sluice_packet::{DropReason, MacAddr, checksum};
use smoltcp::wire;

use super::*;
use crate::testing::Random;
use crate::{Admitted, DecapTable, Remote, VXLAN_PORT, Vni};

const OWN_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 1]);
const HOP_MAC: MacAddr = MacAddr::new([2, 0, 0, 0, 0, 2]);

fn path(v6: bool) -> Path {
    let end = |last: u8| match v6 {
        true => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last.into())),
        false => IpAddr::V4([192, 0, 2, last].into()),
    };
    Path {
        local: end(1),
        remote: end(2),
        source_mac: OWN_MAC,
        next_hop_mac: HOP_MAC,
        udp_port: VXLAN_PORT,
        mtu: 9000,
    }
}

/// A whole frame as it goes out, its inner frame cut in two at `cut`.
fn encapsulate(v6: bool, inner: &[u8], cut: usize, vni: Vni) -> Vec<u8> {
    let template = EncapTemplate::new(&path(v6)).unwrap();
    let mut frame = vec![0xee; template.header_len()];
    let (head, payload) = inner.split_at(cut);
    template.write(&mut frame, Inner { head, payload }, vni, InnerFlow::of(head)).unwrap();
    frame.extend(inner);
    frame
}

fn vnis() -> impl Strategy<Value = Vni> {
    (1..=Vni::MAX.get()).prop_map(|value| Vni::new(value).unwrap())
}

/// Frames of all lengths; half of them begin as IP does.
fn inner_frames() -> impl Strategy<Value = Vec<u8>> {
    let start = prop_oneof![
        Just(vec![]),
        Just(vec![0x08, 0x00, 0x45]),
        Just(vec![0x86, 0xdd, 0x60]),
        Just(vec![0x81, 0x00, 0x00, 0x05, 0x08, 0x00, 0x45]),
    ];
    (prop::collection::vec(any::<u8>(), 20..1600), start).prop_map(|(mut frame, start)| {
        frame[12..12 + start.len()].copy_from_slice(&start);
        frame
    })
}

/// An inner IPv4 frame with ports.
fn inner_v4(tos: u8, fragment: u16, protocol: u8, ports: [u8; 4]) -> Vec<u8> {
    let [high, low] = fragment.to_be_bytes();
    let mut frame = vec![2, 0, 0, 0, 1, 1, 2, 0, 0, 0, 1, 2, 0x08, 0x00];
    frame.extend([0x45, tos, 0, 50, 0, 0, high, low, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend(ports);
    frame.resize(64, 0);
    frame
}

proptest! {
    #[test]
    fn what_goes_in_comes_out(
        inner in inner_frames(),
        v6 in any::<bool>(),
        vni in vnis(),
        cut in any::<prop::sample::Index>(),
        padding in 0..30_usize,
    ) {
        let mut frame = encapsulate(v6, &inner, cut.index(inner.len() + 1), vni);
        let len = frame.len();
        frame.resize(len + padding, 0);
        let outer = parse(&frame[..frame.len().min(128)], frame.len(), VXLAN_PORT).unwrap();
        prop_assert_eq!((outer.src, outer.dst, outer.vni), (path(v6).local, path(v6).remote, vni));
        prop_assert_eq!(&frame[outer.inner_offset..][..outer.inner_len], &inner[..]);
        prop_assert_eq!(outer.ttl, 64);
        prop_assert_eq!(outer.udp_checksum == 0, !v6);
        let (head, payload) = frame.split_at(cut.index(frame.len() + 1));
        if head.len() >= outer.inner_offset - 16 {
            prop_assert_eq!(outer.verify_checksum(head, payload), Ok(()));
        }
    }

    #[test]
    fn pnet_and_smoltcp_read_what_we_write(
        inner in inner_frames(), v6 in any::<bool>(), vni in vnis(), cut in any::<prop::sample::Index>(),
    ) {
        let frame = encapsulate(v6, &inner, cut.index(inner.len() + 1), vni);
        let ethernet = EthernetPacket::new(&frame).unwrap();
        prop_assert_eq!(ethernet.get_source().octets(), OWN_MAC.octets());
        prop_assert_eq!(ethernet.get_destination().octets(), HOP_MAC.octets());
        let (udp, src, dst) = if v6 {
            prop_assert_eq!(ethernet.get_ethertype().0, 0x86dd);
            let ip = Ipv6Packet::new(ethernet.payload()).unwrap();
            prop_assert_eq!((ip.get_version(), ip.get_hop_limit(), ip.get_next_header().0), (6, 64, 17));
            prop_assert_eq!(usize::from(ip.get_payload_length()), frame.len() - 54);
            (ip.payload().to_vec(), IpAddr::V6(ip.get_source()), IpAddr::V6(ip.get_destination()))
        } else {
            prop_assert_eq!(ethernet.get_ethertype().0, 0x0800);
            let ip = Ipv4Packet::new(ethernet.payload()).unwrap();
            prop_assert_eq!((ip.get_version(), ip.get_header_length(), ip.get_ttl()), (4, 5, 64));
            prop_assert_eq!((ip.get_identification(), ip.get_flags(), ip.get_fragment_offset()), (0, 2, 0));
            prop_assert_eq!((ip.get_dscp(), ip.get_next_level_protocol().0), (0, 17));
            prop_assert_eq!(usize::from(ip.get_total_length()), frame.len() - 14);
            prop_assert_eq!(ip.get_checksum(), pnet::packet::ipv4::checksum(&ip));
            prop_assert!(wire::Ipv4Packet::new_checked(ethernet.payload()).unwrap().verify_checksum());
            (ip.payload().to_vec(), IpAddr::V4(ip.get_source()), IpAddr::V4(ip.get_destination()))
        };
        prop_assert_eq!((src, dst), (path(v6).local, path(v6).remote));
        prop_assert!(wire::UdpPacket::new_checked(&udp[..]).unwrap().verify_checksum(&src.into(), &dst.into()));
        let udp = UdpPacket::new(&udp).unwrap();
        prop_assert_eq!(udp.get_destination(), 4789);
        prop_assert!(udp.get_source() >= 49152);
        prop_assert_eq!(usize::from(udp.get_length()), inner.len() + 16);
        match (src, dst) {
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                prop_assert_eq!(udp.get_checksum(), pnet::packet::udp::ipv6_checksum(&udp, &src, &dst));
            }
            _ => prop_assert_eq!(udp.get_checksum(), 0),
        }
        let vxlan = VxlanPacket::new(udp.payload()).unwrap();
        prop_assert_eq!((vxlan.get_flags(), vxlan.get_vni()), (0x08, vni.get()));
        prop_assert_eq!(vxlan.payload(), &inner[..]);
    }

    #[test]
    fn a_tag_around_a_packet_leaves_its_flow_alone(frame in inner_frames()) {
        let mut tagged = frame.clone();
        tagged.splice(12..12, [0x81, 0x00, 0x20, 0x07]);
        let plain = InnerFlow::of(&frame);
        let is_ip = matches!(frame[12..14], [0x08, 0x00] | [0x86, 0xdd]) && frame.len() >= 60;
        // The tagged one goes the slow way, which must agree with the fast one.
        prop_assert!(!is_ip || InnerFlow::of(&tagged) == plain);
    }

    #[test]
    fn a_flow_is_its_addresses_protocol_and_ports(
        tos in any::<u8>(), ports in any::<[u8; 4]>(), other in any::<[u8; 4]>(),
    ) {
        let flow = |fragment, protocol, ports| InnerFlow::of(&inner_v4(tos, fragment, protocol, ports)).hash;
        prop_assert_eq!(flow(0x4000, 6, ports), flow(0, 6, ports));
        prop_assert_eq!(flow(0, 6, ports) == flow(0, 6, other), ports == other);
        prop_assert_ne!(flow(0, 6, ports), flow(0, 17, ports));
        // All fragments of a packet take one way: only the first one has ports.
        prop_assert_eq!(flow(0x2000, 17, ports), flow(0x00b9, 17, other));
        // What stands where ports would is not part of other protocols' flows.
        prop_assert_eq!(flow(0, 1, ports), flow(0, 1, other));
        prop_assert_eq!(InnerFlow::of(&inner_v4(tos, 0, 6, ports)).ecn, Ecn::from_tos(tos));
    }

    #[test]
    fn the_inner_mark_is_copied_outside(tos in any::<u8>(), v6 in any::<bool>()) {
        let frame = encapsulate(v6, &inner_v4(tos, 0, 6, [0; 4]), 40, Vni::MIN);
        prop_assert_eq!(parse(&frame, frame.len(), VXLAN_PORT).unwrap().ecn, Ecn::from_tos(tos));
    }
}

#[test]
fn flows_spread_over_the_source_ports() {
    for v6 in [false, true] {
        let ports: HashSet<_> = (0..4096_u16)
            .map(|flow| {
                let [high, low] = flow.to_be_bytes();
                let frame = encapsulate(v6, &inner_v4(0, 0, 6, [0x80, high, 0, low]), 64, Vni::MIN);
                let at = if v6 { 54 } else { 34 };
                u16::from_be_bytes([frame[at], frame[at + 1]])
            })
            .collect();
        // 4096 balls in 16384 bins fill 3624 of them on average.
        assert!(ports.len() > 3400, "{} ports", ports.len());
    }
}

#[test]
fn the_longest_frame_is_the_underlays_mtu() {
    for (v6, header) in [(false, 36), (true, 56)] {
        let template = EncapTemplate::new(&Path { mtu: 1550, ..path(v6) }).unwrap();
        assert_eq!(template.max_inner_len(), 1550 - header);
        let inner = vec![0; 1550 - usize::from(header) + 1];
        let mut outer = vec![0xee; template.header_len()];
        let write = |outer: &mut [u8], len: usize| {
            let inner = Inner { head: &inner[..20], payload: &inner[20..len] };
            template.write(outer, inner, Vni::MAX, InnerFlow::of(inner.head))
        };
        assert_eq!(write(&mut outer, inner.len()), Err(DropReason::EncapExceedsMtu));
        assert_eq!(write(&mut outer[1..], inner.len() - 1), Err(DropReason::RewriteImpossible));
        assert!(outer.iter().all(|&byte| byte == 0xee), "nothing is written");
        assert_eq!(write(&mut outer, inner.len() - 1), Ok(()));
    }
}

#[test]
fn an_mtu_of_65535_does_not_overflow_a_length() {
    for v6 in [false, true] {
        let template = EncapTemplate::new(&Path { mtu: u16::MAX, ..path(v6) }).unwrap();
        let inner = vec![0x5a; template.max_inner_len().into()];
        let mut frame = vec![0; template.header_len()];
        let flow = InnerFlow::of(&inner);
        template.write(&mut frame, Inner { head: &[], payload: &inner }, Vni::MAX, flow).unwrap();
        frame.extend(&inner);
        let outer = parse(&frame, frame.len(), VXLAN_PORT).unwrap();
        assert_eq!(outer.inner_len, inner.len());
        assert_eq!(outer.verify_checksum(&frame, &[]), Ok(()));
    }
}

#[test]
fn paths_that_cannot_be_are_refused_by_name() {
    let mixed = Path { remote: path(true).remote, ..path(false) };
    let text = EncapTemplate::new(&mixed).unwrap_err().to_string();
    assert_eq!(text, "no tunnel from 192.0.2.1 to 2001:db8::2: they are of different families");
    let text = EncapTemplate::new(&Path { mtu: 69, ..path(true) }).unwrap_err().to_string();
    assert_eq!(text, "an underlay MTU of 69 bytes is too small for VXLAN: at least 70 are needed");
    assert!(EncapTemplate::new(&Path { mtu: 70, ..path(true) }).is_ok());
}

/// A good frame with bytes overwritten; an IPv4 header's checksum is made good again.
fn broken(v6: bool, patches: &[(usize, &[u8])]) -> Vec<u8> {
    let mut frame = encapsulate(v6, &[0x11; 60], 60, Vni::MIN);
    for (at, bytes) in patches {
        frame[*at..*at + bytes.len()].copy_from_slice(bytes);
    }
    if !v6 {
        sum_ipv4(&mut frame, 14);
    }
    frame
}

fn sum_ipv4(frame: &mut [u8], at: usize) {
    let len = usize::from(frame[at] & 0x0f) * 4;
    frame[at + 10..at + 12].fill(0);
    let Some(header) = frame.get(at..at + len) else { return };
    let sum = checksum::checksum(header);
    frame[at + 10..at + 12].copy_from_slice(&sum.to_be_bytes());
}

/// Everything that is wrong with a frame has its name, with a VLAN tag and without.
#[test]
fn what_is_declined_and_why() {
    use Decline::{Drop, NotVxlan};
    let malformed = Drop(DropReason::OuterMalformed);
    let cases: &[(&str, bool, &[(usize, &[u8])], Decline)] = &[
        ("ARP", false, &[(12, &[0x08, 0x06])], NotVxlan),
        ("TCP", false, &[(23, &[6])], NotVxlan),
        ("another port", false, &[(36, &[0x12, 0xb6])], NotVxlan),
        ("a later fragment", false, &[(20, &[0, 1])], NotVxlan),
        ("the first fragment", false, &[(20, &[0x20, 0])], Drop(DropReason::OuterFragment)),
        ("version 5", false, &[(14, &[0x55])], malformed),
        ("four words of header", false, &[(14, &[0x44])], malformed),
        ("a total length below the header's", false, &[(16, &[0, 19])], malformed),
        ("a total length without UDP", false, &[(16, &[0, 27])], malformed),
        ("a total length beyond the frame", false, &[(16, &[0, 97])], malformed),
        ("a UDP length beyond the packet", false, &[(38, &[0, 77])], malformed),
        ("a UDP length without VXLAN", false, &[(38, &[0, 15])], malformed),
        ("a UDP length without an inner header", false, &[(38, &[0, 29])], Drop(DropReason::Runt)),
        ("no I flag", false, &[(42, &[0xf7])], Drop(DropReason::VxlanFlags)),
        ("VNI 0", false, &[(46, &[0, 0, 0, 7])], Drop(DropReason::VniUnknown)),
        ("TCP", true, &[(20, &[6])], NotVxlan),
        ("hop-by-hop options", true, &[(20, &[0])], NotVxlan),
        ("another port", true, &[(56, &[0x12, 0xb6])], NotVxlan),
        ("the first fragment", true, &[(20, &[44]), (54, &[17, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x12, 0xb5])], {
            Drop(DropReason::OuterFragment)
        }),
        ("a later fragment", true, &[(20, &[44]), (54, &[17, 0, 0, 9])], NotVxlan),
        ("a fragment of TCP", true, &[(20, &[44]), (54, &[6, 0, 0, 1])], NotVxlan),
        ("version 4", true, &[(14, &[0x40])], malformed),
        ("a payload length without UDP", true, &[(18, &[0, 7])], malformed),
        ("a payload length beyond the frame", true, &[(18, &[0, 77])], malformed),
        ("a UDP length beyond the packet", true, &[(58, &[0, 77])], malformed),
        ("a jumbo's UDP length", true, &[(58, &[0, 0])], malformed),
        ("no I flag", true, &[(62, &[0xf7])], Drop(DropReason::VxlanFlags)),
    ];
    for &(what, v6, patches, wanted) in cases {
        let frame = broken(v6, patches);
        assert_eq!(parse(&frame, frame.len(), VXLAN_PORT), Err(wanted), "{what}, IPv6: {v6}");
        let tagged = tagged(&frame);
        assert_eq!(parse(&tagged, tagged.len(), VXLAN_PORT), Err(wanted), "{what}, tagged, IPv6: {v6}");
    }
}

fn tagged(frame: &[u8]) -> Vec<u8> {
    let mut tagged = frame.to_vec();
    tagged.splice(12..12, [0x81, 0x00, 0x20, 0x07]);
    tagged
}

#[test]
fn a_frame_cut_short_anywhere_is_declined() {
    for v6 in [false, true] {
        let whole = broken(v6, &[]);
        for frame in [whole.clone(), tagged(&whole)] {
            for len in 0..frame.len() {
                let declined = parse(&frame[..len], len, VXLAN_PORT).unwrap_err();
                let wanted = match len {
                    0..14 => DropReason::Runt,
                    14..18 if frame[12] == 0x81 => DropReason::MalformedVlan,
                    _ => DropReason::OuterMalformed,
                };
                assert_eq!(declined, Decline::Drop(wanted), "{len} bytes");
            }
        }
    }
}

#[test]
fn what_the_standards_allow_is_taken() {
    let good = |frame: &[u8], inner: Range<usize>| {
        let outer = parse(frame, frame.len(), VXLAN_PORT).unwrap();
        assert_eq!((outer.inner_offset, outer.inner_len), (inner.start, inner.len()));
        assert_eq!(outer.verify_checksum(frame, &[]), Ok(()));
    };
    // RFC 7348 §5: reserved bits are ignored on receipt.
    good(&broken(false, &[(42, &[0xff, 1, 2, 3]), (49, &[0xff])]), 50..110);
    // RFC 6935 §5: no checksum over IPv6.
    good(&broken(true, &[(60, &[0, 0])]), 70..130);
    for v6 in [false, true] {
        let start = if v6 { 70 } else { 50 };
        good(&tagged(&broken(v6, &[])), start + 4..start + 64);
        // DF or not, and the reserved bit, are no fragment.
        good(&broken(v6, &[]), start..start + 60);
    }
    good(&broken(false, &[(20, &[0x80, 0])]), 50..110);
    // Options: one word of no-operation.
    let mut options = broken(false, &[(14, &[0x46]), (16, &[0, 100])]);
    options.splice(34..34, [1; 4]);
    sum_ipv4(&mut options, 14);
    good(&options, 54..114);
}

#[test]
fn wrong_checksums_are_found() {
    let mut frame = broken(false, &[]);
    frame[25] ^= 1;
    assert_eq!(
        parse(&frame, frame.len(), VXLAN_PORT),
        Err(Decline::Drop(DropReason::OuterChecksum)),
        "of the IPv4 header"
    );
    let mut random = Random(1);
    for v6 in [false, true] {
        for _ in 0..500 {
            let mut frame = broken(v6, &[]);
            if !v6 {
                let outer = parse(&frame, frame.len(), VXLAN_PORT).unwrap();
                let (IpAddr::V4(src), IpAddr::V4(dst)) = (outer.src, outer.dst) else { unreachable!() };
                let len = u16::try_from(outer.inner_len + 16).unwrap();
                let sum = checksum::Sum::pseudo_v4(src, dst, 17, len).bytes(&frame[34..]).udp_checksum();
                frame[40..42].copy_from_slice(&sum.to_be_bytes());
            }
            let good = parse(&frame, frame.len(), VXLAN_PORT).unwrap();
            assert_eq!(good.verify_checksum(&frame, &[]), Ok(()));
            // The ports, the VXLAN header's reserved bytes, the inner frame.
            let at = [good.inner_offset - 16, good.inner_offset - 7, good.inner_offset + random.below(60)];
            let at = at[random.below(3)];
            frame[at] ^= 1 << random.below(8);
            let outer = parse(&frame, frame.len(), VXLAN_PORT).unwrap();
            let cut = 58 + random.below(frame.len() - 58);
            let (head, payload) = frame.split_at(cut);
            assert_eq!(outer.verify_checksum(head, payload), Err(DropReason::OuterChecksum), "byte {at}");
        }
    }
}

/// Reads a frame with smoltcp: addresses, VNI and where the inner frame is, if it is VXLAN as the RFCs want it.
fn oracle(frame: &[u8]) -> Option<(IpAddr, IpAddr, u32, Range<usize>)> {
    let ethernet = wire::EthernetFrame::new_checked(frame).ok()?;
    let (mut ethertype, mut at) = (u16::from(ethernet.ethertype()), 14);
    if matches!(ethertype, 0x8100 | 0x88a8) {
        ethertype = u16::from_be_bytes(frame.get(16..18)?.try_into().unwrap());
        at = 18;
    }
    let (src, dst, datagram) = match ethertype {
        0x0800 => {
            let ip = wire::Ipv4Packet::new_checked(&frame[at..]).ok()?;
            let whole = !ip.more_frags() && ip.frag_offset() == 0;
            if ip.version() != 4 || !ip.verify_checksum() || !whole || u8::from(ip.next_header()) != 17 {
                return None;
            }
            at += usize::from(ip.header_len());
            (IpAddr::V4(ip.src_addr()), IpAddr::V4(ip.dst_addr()), ip.payload())
        }
        0x86dd => {
            let ip = wire::Ipv6Packet::new_checked(&frame[at..]).ok()?;
            if ip.version() != 6 || u8::from(ip.next_header()) != 17 {
                return None;
            }
            at += 40;
            (IpAddr::V6(ip.src_addr()), IpAddr::V6(ip.dst_addr()), ip.payload())
        }
        _ => return None,
    };
    let udp = wire::UdpPacket::new_checked(datagram).ok()?;
    if udp.dst_port() != 4789 {
        return None;
    }
    let vxlan = VxlanPacket::new(udp.payload())?;
    let inner = vxlan.payload();
    let good = vxlan.get_flags() & 8 != 0 && vxlan.get_vni() != 0 && inner.len() >= 14;
    good.then(|| (src, dst, vxlan.get_vni(), at + 16..at + 16 + inner.len()))
}

/// A million mutated frames: taken if and only if smoltcp and pnet take them, and then read alike.
#[test]
fn mutated_frames_are_read_as_others_read_them() {
    let mut random = Random(2);
    let seeds: Vec<_> = [false, true]
        .into_iter()
        .flat_map(|v6| {
            let frame = encapsulate(v6, &[0x11; 60], 60, Vni::new(0x01_0203).unwrap());
            [tagged(&frame), frame]
        })
        .collect();
    let mut taken = 0;
    for _ in 0..1_000_000 {
        let mut frame = seeds[random.below(seeds.len())].clone();
        random.mutate(&mut frame, 80);
        // Otherwise the header's checksum would hide what stands behind it.
        if random.one_in(2) && frame.len() > 34 {
            let at = if frame[12] == 0x81 { 18 } else { 14 };
            if frame[at] >> 4 == 4 {
                sum_ipv4(&mut frame, at);
            }
        }
        let ours = parse(&frame, frame.len(), VXLAN_PORT).ok();
        let read = ours.map(|outer| {
            let inner = outer.inner_offset..outer.inner_offset + outer.inner_len;
            (outer.src, outer.dst, outer.vni.get(), inner)
        });
        assert_eq!(read, oracle(&frame), "{frame:02x?}");
        taken += usize::from(ours.is_some());
    }
    // The seed is fixed, so this only says that both outcomes were tried a lot.
    assert!((100_000..900_000).contains(&taken), "{taken} taken");
}

/// The straight ways decide as the general one does, on a million frames more; random ones among them.
#[test]
fn the_straight_ways_agree_with_the_general_one() {
    let mut random = Random(3);
    let seeds = [false, true].map(|v6| encapsulate(v6, &[0x11; 60], 60, Vni::new(0x01_0203).unwrap()));
    for round in 0..1_000_000_usize {
        let mut frame = match round % 8 {
            0 => {
                let len = random.below(150);
                random.bytes(len)
            }
            _ => seeds[random.below(seeds.len())].clone(),
        };
        random.mutate(&mut frame, 70);
        // Heads that hold less than the frame, and lengths that are not the frame's.
        let head = if random.one_in(4) { random.below(frame.len() + 1) } else { frame.len() };
        let head = &frame[..head];
        let len = if random.one_in(4) { random.below(200) } else { frame.len() };
        assert_eq!(
            parse(head, len, VXLAN_PORT),
            decap::general::parse(head, len, VXLAN_PORT),
            "{len} bytes, {head:02x?}"
        );
    }
}

/// The table's one step is parsing, looking up and verifying, on half a million frames.
#[test]
fn decapsulation_in_one_step_is_the_same_as_in_three() {
    let mut random = Random(6);
    let mut table = DecapTable::new();
    for v6 in [false, true] {
        let remote = Remote::new(path(v6).local).unwrap();
        table.insert(&[path(v6).remote], Vni::MIN, [(remote, v6)]).unwrap();
    }
    let seeds = [false, true].map(|v6| encapsulate(v6, &[0x11; 60], 60, Vni::MIN));
    let mut admitted = [0; 2];
    for _ in 0..500_000 {
        let mut frame = seeds[random.below(seeds.len())].clone();
        if !random.one_in(4) {
            random.mutate(&mut frame, 70);
        }
        if random.one_in(2) && frame.len() > 34 && frame[14] >> 4 == 4 {
            sum_ipv4(&mut frame, 14);
        }
        let (head, payload) = frame.split_at(frame.len().min(128 - random.below(30)));
        let in_three = parse(head, frame.len(), VXLAN_PORT).and_then(|outer| {
            let value = match table.lookup(outer.dst, outer.vni, outer.src) {
                Ok(value) => value,
                Err(DropReason::NotForVtep) => return Err(Decline::NotVxlan),
                Err(reason) => return Err(Decline::Drop(reason)),
            };
            outer.verify_checksum(head, payload).map_err(Decline::Drop)?;
            let (inner_offset, inner_len, ecn) = (outer.inner_offset, outer.inner_len, outer.ecn);
            Ok(Admitted { value, inner_offset, inner_len, ecn })
        });
        let in_one = table.decapsulate(head, payload, VXLAN_PORT);
        assert_eq!(in_one, in_three, "{frame:02x?}");
        if let Ok(known) = in_one {
            admitted[usize::from(*known.value)] += 1;
        }
    }
    assert!(admitted.iter().all(|&count| count > 50_000), "{admitted:?}");
}

/// Nothing in here can be made to panic, whatever the slices are.
#[test]
fn no_slices_are_too_odd() {
    let mut random = Random(4);
    let seed = encapsulate(true, &inner_v4(3, 0, 17, [1, 2, 3, 4]), 60, Vni::MIN);
    let outer = parse(&seed, seed.len(), VXLAN_PORT).unwrap();
    for _ in 0..500_000 {
        let mut inner = inner_v4(2, 0, 17, [1, 2, 3, 4]);
        random.mutate(&mut inner, 40);
        let flow = InnerFlow::of(&inner);
        assert_eq!(flow, InnerFlow::of(&inner), "and it is the same every time");
        let before = inner.len();
        let _ = Ecn::from_tos(random.byte()).apply_to_inner(&mut inner);
        assert_eq!(inner.len(), before);
        let (head, payload) = seed.split_at(random.below(seed.len() + 1));
        let good = outer.verify_checksum(head, payload).is_ok();
        assert_eq!(good, head.len() >= 54, "the UDP header lies in the head");
        let short = random.below(payload.len() + 1);
        assert!(outer.verify_checksum(head, &payload[..short]).is_err() || short == payload.len());
    }
}
