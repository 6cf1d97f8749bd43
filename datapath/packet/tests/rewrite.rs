//! Rewrites: the bytes agree with the key, and checksums with what a computation from scratch gives.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]
#![allow(missing_docs)]

mod frames;

use frames::{Spec, checksum, spec, transport_checksum};
use proptest::prelude::*;
use sluice_packet::{
    Depth, DropReason, Field, FlowKey, HEAD_CAPTURE, Head, Layout, Network, Rewrite, SetField, SetFieldError,
    Tpid, Transport, extract,
};

fn rewrite() -> impl Strategy<Value = Rewrite> {
    let set = (any::<prop::sample::Index>(), any::<u128>(), prop_oneof![Just(u128::MAX), any::<u128>()]);
    let set = set.prop_filter_map("no such field", |(field, value, mask)| {
        let field = Field::ALL[field.index(Field::ALL.len())];
        let mask = mask & field.full();
        let mut value = value & mask;
        if field == Field::VlanTci {
            value |= mask & 0x1000;
        }
        SetField::new(field, value, mask).ok().map(Rewrite::Set)
    });
    prop_oneof![
        6 => set,
        1 => Just(Rewrite::PushVlan(Tpid::Customer)),
        1 => Just(Rewrite::PushVlan(Tpid::Service)),
        1 => Just(Rewrite::PopVlan),
        1 => Just(Rewrite::DecTtl),
    ]
}

struct Judged {
    head: Head,
    rest: Vec<u8>,
    key: FlowKey,
    layout: Layout,
}

fn judge(spec: &Spec) -> Option<Judged> {
    let frame = spec.bytes();
    let mut head = Head::default();
    let captured = head.fill(&frame);
    let mut key = FlowKey::EMPTY;
    let layout = extract(Depth::L4, head.bytes(), frame.len(), &mut key).ok()?;
    Some(Judged { head, rest: frame[captured..].to_vec(), key, layout })
}

impl Judged {
    fn frame(&self) -> Vec<u8> {
        [self.head.bytes(), &self.rest].concat()
    }
}

/// Whether the checksums are what they would be if computed anew (`None` if a header is beyond the head).
fn checksums_are_right(frame: &[u8], layout: &Layout) -> bool {
    let ip = &frame[layout.l3()..];
    let (addresses, payload) = match layout.network() {
        Network::Ipv4 => {
            let header = &ip[..usize::from(ip[0] & 0xf) * 4];
            if checksum(header) != 0 {
                return false;
            }
            let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
            (&ip[12..20], &ip[header.len()..total])
        }
        Network::Ipv6 => {
            let end = 40 + usize::from(u16::from_be_bytes([ip[4], ip[5]]));
            (&ip[8..40], &ip[layout.l4() - layout.l3()..end])
        }
        Network::Arp | Network::Other => return true,
    };
    let (protocol, at) = match layout.transport() {
        Transport::Tcp => (6, 16),
        Transport::Udp => (17, 6),
        Transport::Icmp => (1, 2),
        Transport::Icmp6 => (58, 2),
        Transport::Sctp | Transport::Other => return true,
    };
    let own = u16::from_be_bytes([payload[at], payload[at + 1]]);
    let mut covered = payload.to_vec();
    covered[at..at + 2].fill(0);
    match (transport_checksum(addresses, protocol, &covered), protocol) {
        (_, 17) if own == 0 => true,
        (0, 17) => own == 0xffff,
        (sum, _) => own == sum,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60_000))]

    #[test]
    fn a_rewritten_frame_has_the_rewritten_key_and_right_checksums(
        spec in spec(),
        rewrites in prop::collection::vec(rewrite(), 1..5),
    ) {
        let Some(mut frame) = judge(&spec) else { return Ok(()) };
        prop_assert!(checksums_are_right(&frame.frame(), &frame.layout));
        for rewrite in rewrites {
            let before = frame.frame();
            let mut key = frame.key;
            let on_key = rewrite.apply_to_key(&mut key);
            match rewrite.apply(&mut frame.head, &mut frame.layout) {
                Err(reason) => {
                    prop_assert_eq!(before, frame.frame(), "a refused rewrite leaves no trace");
                    if reason == DropReason::TtlExpired {
                        prop_assert!(frame.key.get(Field::IpTtl) <= 1);
                    } else {
                        prop_assert!(on_key.is_err() || !has(&frame, &rewrite), "{:?} of {:?}", rewrite, spec);
                    }
                    continue;
                }
                Ok(()) => prop_assert!(on_key.is_ok()),
            }
            let bytes = frame.frame();
            prop_assert!(checksums_are_right(&bytes, &frame.layout), "{:?} of {:?}", rewrite, spec);
            let mut again = FlowKey::EMPTY;
            let visible = &bytes[..bytes.len().min(HEAD_CAPTURE)];
            let layout = match extract(Depth::L4, visible, bytes.len(), &mut again) {
                // A tag pushed the end of a header out of the first 128 bytes.
                Err(DropReason::HeadersTooDeep) => return Ok(()),
                other => other.unwrap(),
            };
            // Only the key knows of metadata, and a message's type decides which fields it has.
            again.set(Field::Metadata, key.get(Field::Metadata));
            if icmp_retyped(&rewrite, &frame.layout) {
                key = again;
            }
            prop_assert_eq!(again, key, "{:?} of {:?}", rewrite, spec);
            prop_assert_eq!(layout, frame.layout);
            frame.key = key;
        }
    }

    #[test]
    fn rewrites_of_damaged_frames_never_panic(
        spec in spec(),
        rewrites in prop::collection::vec(rewrite(), 1..5),
        flips in prop::collection::vec((0_usize..100, any::<u8>()), 0..5),
    ) {
        let Some(mut frame) = judge(&spec) else { return Ok(()) };
        // Worse than can be: the bytes are not those that the layout came from.
        for (at, byte) in flips {
            if let Some(slot) = frame.head.bytes_mut().get_mut(at) {
                *slot = byte;
            }
        }
        for rewrite in rewrites {
            let _ = rewrite.apply(&mut frame.head, &mut frame.layout);
        }
    }
}

/// Whether setting a type or code makes another message of it, with other fields; ports of ICMP have 8 bits.
fn icmp_retyped(rewrite: &Rewrite, layout: &Layout) -> bool {
    matches!(rewrite, Rewrite::Set(set) if matches!(set.field(), Field::L4Src | Field::L4Dst))
        && matches!(layout.transport(), Transport::Icmp | Transport::Icmp6)
}

/// Whether the frame has what the rewrite writes.
fn has(frame: &Judged, rewrite: &Rewrite) -> bool {
    let (network, transport) = (frame.layout.network(), frame.layout.transport());
    let nd = frame.key.get(Field::NdTarget) != 0 && transport == Transport::Icmp6;
    let Rewrite::Set(set) = rewrite else {
        return match rewrite {
            Rewrite::DecTtl => matches!(network, Network::Ipv4 | Network::Ipv6),
            Rewrite::PushVlan(_) => frame.layout.tags() < 2,
            _ => frame.layout.tags() > 0,
        };
    };
    match set.field() {
        Field::EthDst | Field::EthSrc | Field::Metadata => true,
        Field::VlanTci => frame.layout.tags() > 0,
        Field::IpDscp | Field::IpEcn | Field::IpTtl => matches!(network, Network::Ipv4 | Network::Ipv6),
        Field::IpProto => network == Network::Arp,
        Field::Ipv4Src | Field::Ipv4Dst => matches!(network, Network::Arp | Network::Ipv4),
        Field::Ipv6Src | Field::Ipv6Dst | Field::Ipv6Flabel => network == Network::Ipv6,
        Field::L4Src | Field::L4Dst => !matches!(transport, Transport::Other | Transport::Sctp),
        Field::NdTarget => nd,
        field @ (Field::ArpSha | Field::ArpTha) => {
            network == Network::Arp || (nd && frame.key.get(field) != 0)
        }
        _ => false,
    }
}

#[test]
fn a_layout_that_is_not_deep_enough_is_refused() {
    let mut head = Head::default();
    head.fill(&[0; 60]);
    let mut layout = extract(Depth::L2, head.bytes(), 60, &mut FlowKey::EMPTY.clone()).unwrap();
    let set = Rewrite::Set(SetField::new(Field::Ipv4Src, 1, 1).unwrap());
    assert_eq!(set.apply(&mut head, &mut layout), Err(DropReason::RewriteImpossible));
    assert_eq!(Rewrite::DecTtl.apply(&mut head, &mut layout), Err(DropReason::RewriteImpossible));
}

#[test]
fn what_cannot_be_set_is_refused_with_the_reason() {
    assert_eq!(SetField::new(Field::InPort, 1, 1), Err(SetFieldError::ReadOnly(Field::InPort)));
    assert_eq!(SetField::new(Field::IpEcn, 4, 7), Err(SetFieldError::TooWide(Field::IpEcn)));
    assert_eq!(SetField::new(Field::IpTtl, 2, 1), Err(SetFieldError::OutsideMask(Field::IpTtl)));
    assert_eq!(SetField::new(Field::IpTtl, 0, 0), Err(SetFieldError::EmptyMask(Field::IpTtl)));
    assert_eq!(SetField::new(Field::VlanTci, 7, 0xffff), Err(SetFieldError::ClearsTag));
    assert!(SetField::new(Field::VlanTci, 7, 0x0fff).is_ok());
}
