//! Valid frames of every kind that the switch parses, with the key that they must give: built field by field, without
//! the code under test.
#![allow(dead_code, unreachable_pub, missing_docs)]

use std::ops::Range;

use proptest::collection::vec;
use proptest::prelude::*;
use sluice_packet::{Depth, Field, FlowKey};

/// What a frame is made of.
#[derive(Clone, Debug)]
pub struct Spec {
    pub dst: [u8; 6],
    pub src: [u8; 6],
    /// TPID and TCI, outermost first.
    pub tags: Vec<(u16, u16)>,
    pub snap: bool,
    pub body: Body,
    /// Ethernet padding behind everything.
    pub padding: usize,
}

#[derive(Clone, Debug)]
pub enum Body {
    Arp {
        op: u8,
        sha: [u8; 6],
        spa: u32,
        tha: [u8; 6],
        tpa: u32,
    },
    V4 {
        tos: u8,
        ttl: u8,
        src: u32,
        dst: u32,
        option_words: usize,
        fragment: Fragment,
        l4: L4,
    },
    V6 {
        class: u8,
        label: u32,
        hops: u8,
        src: u128,
        dst: u128,
        extensions: Vec<Extension>,
        fragment: Fragment,
        l4: L4,
    },
    Other {
        ether_type: u16,
        payload: Vec<u8>,
    },
    Llc {
        payload: Vec<u8>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fragment {
    No,
    First,
    Later(u16),
}

#[derive(Clone, Copy, Debug)]
pub enum Extension {
    Options(u8),
    Destination(u8),
    Routing(u8),
    Authentication(u8),
}

#[derive(Clone, Debug)]
pub enum L4 {
    Tcp {
        src: u16,
        dst: u16,
        flags: u16,
        option_words: usize,
        payload: Vec<u8>,
    },
    Udp {
        src: u16,
        dst: u16,
        checksum: bool,
        payload: Vec<u8>,
    },
    Sctp {
        src: u16,
        dst: u16,
        payload: Vec<u8>,
    },
    Icmp {
        kind: u8,
        code: u8,
        payload: Vec<u8>,
    },
    /// Neighbour solicitation, or advertisement; the address in its option, behind another option or not.
    Nd {
        advertisement: bool,
        target: u128,
        mac: Option<[u8; 6]>,
        other_option: bool,
    },
    Unknown {
        protocol: u8,
        payload: Vec<u8>,
    },
}

pub fn spec() -> impl Strategy<Value = Spec> {
    let tag = (prop_oneof![Just(0x8100_u16), Just(0x88a8)], any::<u16>());
    let tags = prop_oneof![4 => vec(tag.clone(), 0..1), 3 => vec(tag.clone(), 1..2), 1 => vec(tag, 2..3)];
    (any::<[u8; 6]>(), any::<[u8; 6]>(), tags, prop::bool::weighted(0.05), body(), 0_usize..20).prop_map(
        |(dst, src, tags, snap, body, padding)| {
            let snap = snap && !matches!(body, Body::Llc { .. });
            Spec { dst, src, tags, snap, body, padding }
        },
    )
}

pub fn body() -> impl Strategy<Value = Body> {
    let arp = (any::<u8>(), any::<[u8; 6]>(), any::<u32>(), any::<[u8; 6]>(), any::<u32>());
    let v4 = (any::<u8>(), any::<u8>(), any::<u32>(), any::<u32>(), options(), fragment(), l4(false));
    let v6 = (
        any::<u8>(),
        0..1_u32 << 20,
        any::<u8>(),
        any::<u128>(),
        any::<u128>(),
        extensions(),
        fragment(),
        l4(true),
    );
    let types = prop_oneof![Just(0x8847_u16), Just(0x88cc), Just(0x9000), Just(0x8035)];
    prop_oneof![
        1 => arp.prop_map(|(op, sha, spa, tha, tpa)| Body::Arp { op, sha, spa, tha, tpa }),
        6 => v4.prop_map(|(tos, ttl, src, dst, option_words, fragment, l4)| {
            Body::V4 { tos, ttl, src, dst, option_words, fragment, l4 }
        }),
        4 => v6.prop_map(|(class, label, hops, src, dst, extensions, fragment, l4)| {
            Body::V6 { class, label, hops, src, dst, extensions, fragment, l4 }
        }),
        1 => (types, bytes(0..60)).prop_map(|(ether_type, payload)| Body::Other { ether_type, payload }),
        1 => bytes(3..60).prop_map(|payload| Body::Llc { payload }),
    ]
}

fn options() -> impl Strategy<Value = usize> {
    prop_oneof![5 => Just(0_usize), 1 => 1_usize..11]
}

fn extensions() -> impl Strategy<Value = Vec<Extension>> {
    let one = prop_oneof![
        (0_u8..2).prop_map(Extension::Options),
        (0_u8..2).prop_map(Extension::Destination),
        (0_u8..2).prop_map(Extension::Routing),
        (1_u8..4).prop_map(Extension::Authentication),
    ];
    prop_oneof![5 => vec(one.clone(), 0..1), 1 => vec(one, 1..4)]
}

fn fragment() -> impl Strategy<Value = Fragment> {
    prop_oneof![
        8 => Just(Fragment::No),
        1 => Just(Fragment::First),
        1 => (1_u16..0x1fff).prop_map(Fragment::Later),
    ]
}

pub fn l4(v6: bool) -> impl Strategy<Value = L4> {
    let ports = || (any::<u16>(), any::<u16>());
    let tcp = (ports(), 0_u16..0x1000, options(), bytes(0..100));
    let udp = (ports(), prop::bool::weighted(0.8), bytes(0..100));
    let icmp = (any::<u8>(), any::<u8>(), bytes(4..60));
    let unknown = (prop_oneof![Just(2_u8), Just(47), Just(50), Just(89), Just(136)], bytes(0..60));
    let nd = (any::<bool>(), any::<u128>(), any::<Option<[u8; 6]>>(), any::<bool>());
    prop_oneof![
        5 => tcp.prop_map(|((src, dst), flags, option_words, payload)| L4::Tcp { src, dst, flags, option_words, payload }),
        5 => udp.prop_map(|((src, dst), checksum, payload)| L4::Udp { src, dst, checksum, payload }),
        1 => (ports(), bytes(0..60)).prop_map(|((src, dst), payload)| L4::Sctp { src, dst, payload }),
        1 => icmp.prop_map(|(kind, code, payload)| {
            // Neighbour discovery has a spec of its own.
            let kind = if matches!(kind, 135 | 136) { 128 } else { kind };
            L4::Icmp { kind, code, payload }
        }),
        1 => unknown.prop_map(|(protocol, payload)| L4::Unknown { protocol, payload }),
        u32::from(v6) => nd.prop_map(|(advertisement, target, mac, other_option)| {
            L4::Nd { advertisement, target, mac, other_option }
        }),
    ]
}

fn bytes(len: Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), len)
}

impl Spec {
    /// The frame.
    pub fn bytes(&self) -> Vec<u8> {
        let mut frame = [self.dst, self.src].concat();
        for (tpid, tci) in &self.tags {
            frame.extend(tpid.to_be_bytes());
            frame.extend(tci.to_be_bytes());
        }
        let body = self.body.bytes();
        if let Body::Llc { payload } = &self.body {
            frame.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
        } else {
            if self.snap {
                frame.extend(u16::try_from(body.len() + 8).unwrap().to_be_bytes());
                frame.extend([0xaa, 0xaa, 3, 0, 0, 0]);
            }
            frame.extend(self.body.ether_type().to_be_bytes());
        }
        frame.extend(body);
        frame.extend(vec![0x55; self.padding]);
        frame
    }

    /// The key that the frame must give.
    pub fn key(&self, depth: Depth) -> FlowKey {
        let mut key = FlowKey::EMPTY;
        if depth >= Depth::L2 {
            key.set(Field::EthDst, mac(self.dst));
            key.set(Field::EthSrc, mac(self.src));
            key.set(Field::EthType, self.body.ether_type().into());
            for (field, (_, tci)) in [Field::VlanTci, Field::VlanTciInner].into_iter().zip(&self.tags) {
                key.set(field, u128::from(tci | 0x1000));
            }
        }
        match &self.body {
            Body::Arp { op, sha, spa, tha, tpa } if depth >= Depth::L3 => {
                key.set(Field::IpProto, (*op).into());
                key.set(Field::ArpSha, mac(*sha));
                key.set(Field::ArpTha, mac(*tha));
                key.set(Field::Ipv4Src, (*spa).into());
                key.set(Field::Ipv4Dst, (*tpa).into());
            }
            Body::V4 { tos, ttl, src, dst, fragment, l4, .. } if depth >= Depth::L3 => {
                key.set(Field::Ipv4Src, (*src).into());
                key.set(Field::Ipv4Dst, (*dst).into());
                ip(&mut key, depth, *tos, *ttl, *fragment, l4, false);
            }
            Body::V6 { class, label, hops, src, dst, fragment, l4, .. } if depth >= Depth::L3 => {
                key.set(Field::Ipv6Src, *src);
                key.set(Field::Ipv6Dst, *dst);
                key.set(Field::Ipv6Flabel, (*label).into());
                ip(&mut key, depth, *class, *hops, *fragment, l4, true);
            }
            _ => {}
        }
        key
    }
}

fn ip(key: &mut FlowKey, depth: Depth, tos: u8, ttl: u8, fragment: Fragment, l4: &L4, v6: bool) {
    key.set(Field::IpDscp, (tos >> 2).into());
    key.set(Field::IpEcn, (tos & 3).into());
    key.set(Field::IpTtl, ttl.into());
    key.set(Field::IpProto, l4.protocol(v6).into());
    key.set(
        Field::IpFrag,
        match fragment {
            Fragment::No => 0,
            Fragment::First => 1,
            Fragment::Later(_) => 3,
        },
    );
    if depth < Depth::L4 || matches!(fragment, Fragment::Later(_)) {
        return;
    }
    let (src, dst) = match l4 {
        L4::Tcp { src, dst, .. } | L4::Udp { src, dst, .. } | L4::Sctp { src, dst, .. } => (*src, *dst),
        L4::Icmp { kind, code, .. } => (u16::from(*kind), u16::from(*code)),
        L4::Nd { advertisement, .. } => (if *advertisement { 136 } else { 135 }, 0),
        L4::Unknown { .. } => (0, 0),
    };
    key.set(Field::L4Src, src.into());
    key.set(Field::L4Dst, dst.into());
    match l4 {
        L4::Tcp { flags, .. } => key.set(Field::TcpFlags, (*flags).into()),
        L4::Nd { advertisement, target, mac: address, .. } => {
            key.set(Field::NdTarget, *target);
            let field = if *advertisement { Field::ArpTha } else { Field::ArpSha };
            key.set(field, address.map_or(0, mac));
        }
        _ => {}
    }
}

impl Body {
    fn ether_type(&self) -> u16 {
        match self {
            Body::Arp { .. } => 0x0806,
            Body::V4 { .. } => 0x0800,
            Body::V6 { .. } => 0x86dd,
            Body::Other { ether_type, .. } => *ether_type,
            Body::Llc { .. } => 0x05ff,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Body::Arp { op, sha, spa, tha, tpa } => {
                let mut arp = vec![0, 1, 8, 0, 6, 4, 0, *op];
                arp.extend(sha);
                arp.extend(spa.to_be_bytes());
                arp.extend(tha);
                arp.extend(tpa.to_be_bytes());
                arp
            }
            Body::V4 { tos, ttl, src, dst, option_words, fragment, l4 } => {
                let addresses = [src.to_be_bytes(), dst.to_be_bytes()].concat();
                let payload = l4.bytes(&addresses);
                let header_len = 20 + 4 * option_words;
                let (offset, more) = fragment.offset_and_more();
                let mut ip = vec![0x40 | u8::try_from(header_len / 4).unwrap(), *tos];
                ip.extend(u16::try_from(header_len + payload.len()).unwrap().to_be_bytes());
                ip.extend([0x12, 0x34]);
                ip.extend((offset | if more { 0x2000 } else { 0 }).to_be_bytes());
                ip.extend([*ttl, l4.protocol(false), 0, 0]);
                ip.extend(addresses);
                ip.extend(vec![1; header_len - 20]);
                let sum = checksum(&ip).to_be_bytes();
                ip[10..12].copy_from_slice(&sum);
                ip.extend(payload);
                ip
            }
            Body::V6 { class, label, hops, src, dst, extensions, fragment, l4 } => {
                let addresses = [src.to_be_bytes(), dst.to_be_bytes()].concat();
                let mut chain: Vec<(u8, Vec<u8>)> =
                    extensions.iter().map(|extension| extension.header()).collect();
                if *fragment != Fragment::No {
                    let (offset, more) = fragment.offset_and_more();
                    let word = (offset << 3 | u16::from(more)).to_be_bytes();
                    chain.push((44, vec![0, 0, word[0], word[1], 0, 0, 0, 1]));
                }
                chain.push((l4.protocol(true), l4.bytes(&addresses)));
                let protocols: Vec<u8> = chain.iter().map(|(protocol, _)| *protocol).collect();
                let last = chain.len() - 1;
                for (index, (_, header)) in chain.iter_mut().enumerate().take(last) {
                    header[0] = protocols[index + 1];
                }
                let payload: Vec<u8> = chain.into_iter().flat_map(|(_, header)| header).collect();
                let mut ip = (0x6000_0000 | u32::from(*class) << 20 | label).to_be_bytes().to_vec();
                ip.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
                ip.extend([protocols[0], *hops]);
                ip.extend(addresses);
                ip.extend(payload);
                ip
            }
            Body::Other { payload, .. } | Body::Llc { payload } => payload.clone(),
        }
    }
}

impl Fragment {
    fn offset_and_more(self) -> (u16, bool) {
        match self {
            Fragment::No => (0, false),
            Fragment::First => (0, true),
            Fragment::Later(offset) => (offset, false),
        }
    }
}

impl Extension {
    fn header(self) -> (u8, Vec<u8>) {
        let (protocol, len, bytes) = match self {
            Extension::Options(len) => (0, len, 8 * (1 + usize::from(len))),
            Extension::Destination(len) => (60, len, 8 * (1 + usize::from(len))),
            Extension::Routing(len) => (43, len, 8 * (1 + usize::from(len))),
            Extension::Authentication(len) => (51, len, 4 * (2 + usize::from(len))),
        };
        let mut header = vec![0; bytes];
        header[1] = len;
        (protocol, header)
    }
}

impl L4 {
    pub fn protocol(&self, v6: bool) -> u8 {
        match self {
            L4::Tcp { .. } => 6,
            L4::Udp { .. } => 17,
            L4::Sctp { .. } => 132,
            L4::Icmp { .. } if v6 => 58,
            L4::Icmp { .. } => 1,
            L4::Nd { .. } => 58,
            L4::Unknown { protocol, .. } => *protocol,
        }
    }

    fn bytes(&self, addresses: &[u8]) -> Vec<u8> {
        let v6 = addresses.len() == 32;
        let (mut bytes, sum_at) = self.without_checksum();
        let has_sum = !matches!(self, L4::Udp { checksum: false, .. });
        if let Some(at) = sum_at.filter(|_| has_sum) {
            let sum = transport_checksum(addresses, self.protocol(v6), &bytes);
            let sum = if matches!(self, L4::Udp { .. }) && sum == 0 { 0xffff } else { sum };
            bytes[at..at + 2].copy_from_slice(&sum.to_be_bytes());
        }
        bytes
    }

    fn without_checksum(&self) -> (Vec<u8>, Option<usize>) {
        let ports = |src: &u16, dst: &u16| [src.to_be_bytes(), dst.to_be_bytes()].concat();
        match self {
            L4::Tcp { src, dst, flags, option_words, payload } => {
                let mut tcp = ports(src, dst);
                tcp.extend([0, 0, 0, 1, 0, 0, 0, 2]);
                tcp.extend((u16::try_from(5 + option_words).unwrap() << 12 | flags).to_be_bytes());
                tcp.extend([0x20, 0, 0, 0, 0, 0]);
                tcp.extend(vec![1; 4 * option_words]);
                tcp.extend(payload);
                (tcp, Some(16))
            }
            L4::Udp { src, dst, payload, .. } => {
                let mut udp = ports(src, dst);
                udp.extend(u16::try_from(8 + payload.len()).unwrap().to_be_bytes());
                udp.extend([0, 0]);
                udp.extend(payload);
                (udp, Some(6))
            }
            L4::Sctp { src, dst, payload } => {
                let mut sctp = ports(src, dst);
                sctp.extend([0; 8]);
                sctp.extend(payload);
                (sctp, None)
            }
            L4::Icmp { kind, code, payload } => {
                let mut icmp = vec![*kind, *code, 0, 0];
                icmp.extend(payload);
                (icmp, Some(2))
            }
            L4::Nd { advertisement, target, mac, other_option } => {
                let mut nd = vec![if *advertisement { 136 } else { 135 }, 0, 0, 0, 0, 0, 0, 0];
                nd.extend(target.to_be_bytes());
                if *other_option {
                    nd.extend([14, 1, 1, 2, 3, 4, 5, 6]);
                }
                if let Some(mac) = mac {
                    nd.extend([if *advertisement { 2 } else { 1 }, 1]);
                    nd.extend(mac);
                }
                (nd, Some(2))
            }
            L4::Unknown { payload, .. } => (payload.clone(), None),
        }
    }
}

/// The checksum of an upper layer with its field as 0. ICMP over IPv4 has no pseudo header.
pub fn transport_checksum(addresses: &[u8], protocol: u8, bytes: &[u8]) -> u16 {
    let mut covered = Vec::new();
    if protocol != 1 {
        covered.extend(addresses);
        covered.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
        covered.extend([0, 0, 0, protocol]);
    }
    covered.extend(bytes);
    checksum(&covered)
}

/// RFC 1071, word by word.
pub fn checksum(bytes: &[u8]) -> u16 {
    let words =
        bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |&low| u32::from(low)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    !u16::try_from(sum).unwrap()
}

fn mac(mac: [u8; 6]) -> u128 {
    mac.iter().fold(0, |value, &byte| value << 8 | u128::from(byte))
}
