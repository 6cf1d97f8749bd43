//! Keys of valid, cut, mutated and random frames.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]
#![allow(missing_docs)]

mod frames;

use frames::{Body, Spec, spec};
use pnet::packet::Packet;
use pnet::packet::ethernet::{EtherTypes, EthernetPacket};
use pnet::packet::ip::IpNextHeaderProtocols;
use pnet::packet::ipv4::Ipv4Packet;
use pnet::packet::tcp::TcpPacket;
use pnet::packet::udp::UdpPacket;
use proptest::prelude::*;
use sluice_packet::{Depth, DropReason, Field, FlowKey, HEAD_CAPTURE, extract};

const DEPTHS: [Depth; 4] = [Depth::Port, Depth::L2, Depth::L3, Depth::L4];

/// What a switch sees of a frame: its head.
fn head(frame: &[u8]) -> &[u8] {
    &frame[..frame.len().min(HEAD_CAPTURE)]
}

/// A key in which everything is set: extraction has to clear what it does not find, and leave what is not its own.
fn dirty() -> FlowKey {
    let mut key = FlowKey::EMPTY;
    Field::ALL.iter().for_each(|&field| key.set(field, u128::MAX));
    key
}

const INGRESS: [Field; 6] = [
    Field::InPort,
    Field::TunnelId,
    Field::TunnelSrc,
    Field::TunnelSrc6,
    Field::TunnelRemote,
    Field::Metadata,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30_000))]

    #[test]
    fn a_valid_frame_gives_its_key_at_every_depth(spec in spec()) {
        let frame = spec.bytes();
        for depth in DEPTHS {
            let mut key = dirty();
            let layout = match extract(depth, head(&frame), frame.len(), &mut key) {
                // Up to four extension headers, tags and SNAP can reach beyond the head.
                Err(DropReason::HeadersTooDeep) if frame.len() > HEAD_CAPTURE => continue,
                other => other.unwrap(),
            };
            for field in INGRESS {
                prop_assert_eq!(key.get(field), field.full());
                key.set(field, 0);
            }
            prop_assert_eq!(key, spec.key(depth));
            prop_assert_eq!(layout.depth(), depth);
            if depth != Depth::Port {
                prop_assert_eq!(layout.tags(), spec.tags.len());
            }
        }
    }

    #[test]
    fn the_straight_line_and_the_parsers_by_layer_agree(spec in spec(), flips in mutations()) {
        // A tag that is taken away again leaves the straight line's frame to the parsers by layer.
        let plain = mutate(&Spec { tags: vec![], snap: false, ..spec }.bytes(), &flips);
        let tagged = match plain.len() {
            0..14 => return Ok(()),
            _ => [&plain[..12], &[0x81, 0, 0, 0], &plain[12..]].concat(),
        };
        let mut key = FlowKey::EMPTY;
        let mut tagged_key = FlowKey::EMPTY;
        let result = extract(Depth::L4, &plain, plain.len(), &mut key);
        let tagged_result = extract(Depth::L4, &tagged, tagged.len(), &mut tagged_key);
        let already_tagged = matches!(plain[12..14], [0x81, 0] | [0x88, 0xa8]);
        if !already_tagged {
            prop_assert_eq!(result.map(|layout| (layout.l3() + 4, layout.transport())),
                tagged_result.map(|layout| (layout.l3(), layout.transport())));
        }
        if !already_tagged && result.is_ok() {
            tagged_key.set(Field::VlanTci, 0);
            prop_assert_eq!(key, tagged_key);
        }
    }

    #[test]
    fn a_frame_cut_short_is_malformed_or_gives_what_is_left(spec in spec(), cut in any::<prop::sample::Index>()) {
        let whole = Spec { padding: 0, ..spec.clone() }.bytes();
        let frame = &whole[..cut.index(whole.len())];
        let mut key = FlowKey::EMPTY;
        let result = extract(Depth::L4, head(frame), frame.len(), &mut key);
        // IP says how long it is: not one byte may be missing.
        if let (Body::V4 { .. } | Body::V6 { .. } | Body::Arp { .. }, false) = (&spec.body, spec.snap) {
            prop_assert!(result.is_err());
        }
    }

    #[test]
    fn mutated_frames_never_panic_and_layouts_stay_within(spec in spec(), flips in mutations()) {
        let frame = mutate(&spec.bytes(), &flips);
        let mut key = FlowKey::EMPTY;
        for depth in DEPTHS {
            if let Ok(layout) = extract(depth, head(&frame), frame.len(), &mut key) {
                prop_assert!(layout.l3() <= layout.l4() || layout.depth() < Depth::L3);
                prop_assert!(layout.l4() <= frame.len().max(14));
            }
        }
    }

    #[test]
    fn random_bytes_never_panic(frame in prop::collection::vec(any::<u8>(), 0..200), more in 0_usize..2000) {
        let mut key = FlowKey::EMPTY;
        for depth in DEPTHS {
            let _ = extract(depth, head(&frame), frame.len() + if frame.len() < HEAD_CAPTURE { 0 } else { more }, &mut key);
        }
    }

    #[test]
    fn pnet_reads_the_same(spec in spec()) {
        let frame = Spec { tags: vec![], snap: false, ..spec }.bytes();
        let mut key = FlowKey::EMPTY;
        if extract(Depth::L4, head(&frame), frame.len(), &mut key).is_err() {
            return Ok(());
        }
        let ethernet = EthernetPacket::new(&frame).unwrap();
        let source: [u8; 6] = ethernet.get_source().octets();
        prop_assert_eq!(key.get(Field::EthSrc).to_be_bytes()[10..].to_vec(), source.to_vec());
        if ethernet.get_ethertype() != EtherTypes::Ipv4 {
            return Ok(());
        }
        let ip = Ipv4Packet::new(ethernet.payload()).unwrap();
        prop_assert_eq!(key.get(Field::Ipv4Src), u128::from(u32::from(ip.get_source())));
        prop_assert_eq!(key.get(Field::Ipv4Dst), u128::from(u32::from(ip.get_destination())));
        prop_assert_eq!(key.get(Field::IpDscp), u128::from(ip.get_dscp()));
        prop_assert_eq!(key.get(Field::IpTtl), u128::from(ip.get_ttl()));
        let ports = match ip.get_next_level_protocol() {
            _ if ip.get_fragment_offset() > 0 => (0, 0),
            IpNextHeaderProtocols::Tcp => {
                let tcp = TcpPacket::new(ip.payload()).unwrap();
                // pnet leaves out the four highest bits.
                prop_assert_eq!(key.get(Field::TcpFlags) & 0xff, u128::from(tcp.get_flags()) & 0xff);
                (tcp.get_source(), tcp.get_destination())
            }
            IpNextHeaderProtocols::Udp => {
                let udp = UdpPacket::new(ip.payload()).unwrap();
                (udp.get_source(), udp.get_destination())
            }
            _ => return Ok(()),
        };
        prop_assert_eq!((key.get(Field::L4Src), key.get(Field::L4Dst)), (ports.0.into(), ports.1.into()));
    }
}

/// Bytes to be overwritten, and how much to cut off.
fn mutations() -> impl Strategy<Value = (Vec<(prop::sample::Index, u8)>, usize)> {
    (
        prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        prop_oneof![4 => Just(0_usize), 1 => 0_usize..40],
    )
}

fn mutate(frame: &[u8], (flips, cut): &(Vec<(prop::sample::Index, u8)>, usize)) -> Vec<u8> {
    let mut frame = frame[..frame.len().saturating_sub(*cut)].to_vec();
    for (at, byte) in flips {
        if !frame.is_empty() {
            // Headers are where it hurts.
            let at = at.index(frame.len().min(64));
            frame[at] = *byte;
        }
    }
    frame
}

fn reason(frame: &[u8]) -> Option<DropReason> {
    extract(Depth::L4, frame, frame.len(), &mut FlowKey::EMPTY.clone()).err()
}

#[test]
fn every_kind_of_damage_has_its_name() {
    let ethernet = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    let frame = |rest: &[u8]| [&ethernet, rest].concat();
    assert_eq!(reason(&ethernet), Some(DropReason::Runt));
    assert_eq!(reason(&frame(&[0x81, 0, 0, 1])), Some(DropReason::MalformedVlan));
    let three = [[0x81, 0, 0, 1], [0x81, 0, 0, 2], [0x88, 0xa8, 0, 3]].concat();
    assert_eq!(reason(&frame(&[&three[..], &[0x90, 0]].concat())), Some(DropReason::MalformedVlan));
    assert_eq!(reason(&frame(&[8, 6, 0, 1, 8, 0, 6, 4, 0, 1])), Some(DropReason::MalformedArp));
    // Longer than the frame; a header shorter than 20 bytes; version 5.
    for ip in [[0x45, 0, 1, 0], [0x44, 0, 0, 20], [0x55, 0, 0, 20]] {
        assert_eq!(reason(&frame(&[&[8, 0], &ip[..], &[0; 40]].concat())), Some(DropReason::MalformedIpv4));
    }
    // TCP with a header of four words; in ten bytes; UDP longer than its packet.
    let ipv4 = |protocol, len: u8| {
        [&[8, 0, 0x45, 0, 0, 20 + len, 0, 0, 0, 0, 64, protocol, 0, 0][..], &[10; 8]].concat()
    };
    let mut tcp = [0; 20];
    tcp[12] = 0x40;
    assert_eq!(reason(&frame(&[&ipv4(6, 20)[..], &tcp].concat())), Some(DropReason::MalformedL4));
    assert_eq!(reason(&frame(&[&ipv4(6, 10)[..], &tcp].concat())), Some(DropReason::MalformedL4));
    let udp = [0, 1, 0, 2, 0, 9, 0, 0];
    assert_eq!(reason(&frame(&[&ipv4(17, 8)[..], &udp].concat())), Some(DropReason::MalformedL4));
    // An extension header that is longer than the packet; a chain without an end.
    let ipv6 = |len: u8, next| [&[0x86, 0xdd, 0x60, 0, 0, 0, 0, len, next, 64][..], &[0xfd; 32]].concat();
    let long = [&ipv6(8, 0)[..], &[6, 5, 0, 0, 0, 0, 0, 0]].concat();
    assert_eq!(reason(&frame(&long)), Some(DropReason::MalformedIpv6));
    let chain = [&ipv6(72, 60)[..], &[60, 0, 0, 0, 0, 0, 0, 0].repeat(9)].concat();
    assert_eq!(reason(&frame(&chain)), Some(DropReason::HeadersTooDeep));
}
