//! A small world in which rules, frames and learned addresses meet often: a bridge with local and tunnel ports, rules
//! and frames over the same few values, and an evaluator that shares nothing with the one under test but the rewriting
//! of bytes.
#![allow(dead_code, unreachable_pub, missing_docs)]

#[path = "../../../packet/tests/frames/mod.rs"]
pub mod frames;
pub mod oracle;

use std::sync::Arc;

use frames::{Body, Extension, Fragment, L4, Spec};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use sluice_overlay::Vni;
use sluice_packet::{Field, Rewrite, SetField, Tpid};
use sluice_pipeline::{
    Action, Bridge, BridgeId, Ingress, MacTable, Match, OfPort, Port, PortId, PortKind, RemoteId, Rule,
    RuleKey, RuleSlot, TableId, TunnelIngress, TunnelTarget, WriteMetadata,
};

pub const AGEING_S: u32 = 80;

pub fn ports() -> Vec<Port> {
    let local = |id: u16, flood| (id, PortKind::Local, flood);
    let tunnel = |id: u16, vni, remotes: &[u16]| {
        let remotes: Arc<[RemoteId]> = remotes.iter().map(|&index| RemoteId::new(index).unwrap()).collect();
        (id, PortKind::Tunnel { vni: Vni::new(vni).unwrap(), remotes }, true)
    };
    [local(11, true), local(12, true), local(13, false), tunnel(14, 100, &[0, 1]), tunnel(15, 200, &[2])]
        .into_iter()
        .map(|(id, kind, flood)| Port { id: PortId(id), of_port: OfPort(u32::from(id) - 10), kind, flood })
        .collect()
}

pub fn bridge() -> Bridge {
    let mut bridge = Bridge::new(BridgeId(3), Arc::new(MacTable::new(64, AGEING_S)));
    ports().into_iter().for_each(|port| bridge.set_port(port).unwrap());
    bridge
}

/// Every way into the bridge.
pub fn ingress() -> impl Strategy<Value = Ingress> {
    let tunnel = |id: u16, vni, remote| {
        let target = TunnelTarget { vni: Vni::new(vni).unwrap(), remote: RemoteId::new(remote).unwrap() };
        let source = match remote {
            1 => "2001:db8::1".parse().unwrap(),
            _ => format!("192.0.2.{}", remote + 1).parse().unwrap(),
        };
        Ingress {
            port: PortId(id),
            of_port: OfPort(u32::from(id) - 10),
            tunnel: Some(TunnelIngress { target, source }),
        }
    };
    select(vec![
        Ingress::local(PortId(11), OfPort(1)),
        Ingress::local(PortId(12), OfPort(2)),
        Ingress::local(PortId(13), OfPort(3)),
        tunnel(14, 100, 0),
        tunnel(14, 100, 1),
        tunnel(15, 200, 2),
    ])
}

const MACS: [[u8; 6]; 6] = [
    [2, 0, 0, 0, 0, 1],
    [2, 0, 0, 0, 0, 2],
    [2, 0, 0, 0, 0, 3],
    [0xff; 6],
    [1, 0x80, 0xc2, 0, 0, 0],
    [0x33, 0x33, 0, 0, 0, 1],
];
const ADDRESSES: [u32; 4] = [0x0a00_0001, 0x0a00_0002, 0x0a01_0001, 0xc0a8_0001];
const ADDRESSES6: [u128; 3] = [1, 0xfd00 << 112 | 1, 0xfd00 << 112 | 2];
const PORTS: [u16; 4] = [1, 53, 80, 0x8035];
const BYTES: [u8; 4] = [0, 1, 0x2e, 64];

/// A frame over few values, small enough that rewrites never push a header out of the head.
pub fn frame() -> impl Strategy<Value = Spec> {
    let tags = vec((select(vec![0x8100_u16, 0x88a8]), select(vec![1_u16, 2, 0x2001])), 0..3);
    let dst = select(MACS.to_vec());
    (dst, select(MACS[..3].to_vec()), tags, body()).prop_map(|(dst, src, tags, body)| Spec {
        dst,
        src,
        tags,
        snap: false,
        body,
        padding: 0,
    })
}

fn body() -> impl Strategy<Value = Body> {
    let address = || select(ADDRESSES.to_vec());
    let address6 = || select(ADDRESSES6.to_vec());
    let mac = || select(MACS[..3].to_vec());
    let byte = || select(BYTES.to_vec());
    let fragment =
        || prop_oneof![6 => Just(Fragment::No), 1 => Just(Fragment::First), 1 => Just(Fragment::Later(3))];
    let options = select(vec![0_usize, 0, 0, 2]);
    let extensions = prop_oneof![4 => Just(vec![]), 1 => Just(vec![Extension::Options(0)])];
    prop_oneof![
        1 => (byte(), mac(), address(), mac(), address())
            .prop_map(|(op, sha, spa, tha, tpa)| Body::Arp { op, sha, spa, tha, tpa }),
        5 => (byte(), byte(), address(), address(), options, fragment(), l4(false)).prop_map(
            |(tos, ttl, src, dst, option_words, fragment, l4)| {
                Body::V4 { tos, ttl, src, dst, option_words, fragment, l4 }
            }
        ),
        3 => (byte(), byte(), address6(), address6(), extensions, fragment(), l4(true)).prop_map(
            |(class, hops, src, dst, extensions, fragment, l4)| {
                Body::V6 { class, label: 7, hops, src, dst, extensions, fragment, l4 }
            }
        ),
        1 => Just(Body::Other { ether_type: 0x9000, payload: vec![0; 46] }),
    ]
}

fn l4(v6: bool) -> impl Strategy<Value = L4> {
    let port = || select(PORTS.to_vec());
    let payload = || select(vec![vec![], vec![1, 2, 3]]);
    let nd = (any::<bool>(), select(ADDRESSES6.to_vec()), select(MACS[..3].to_vec()));
    prop_oneof![
        4 => (port(), port(), select(vec![2_u16, 0x10, 0x12]), payload()).prop_map(|(src, dst, flags, payload)| {
            L4::Tcp { src, dst, flags, option_words: 0, payload }
        }),
        4 => (port(), port(), payload()).prop_map(|(src, dst, payload)| L4::Udp { src, dst, checksum: true, payload }),
        1 => (port(), port()).prop_map(|(src, dst)| L4::Sctp { src, dst, payload: vec![] }),
        1 => select(vec![0_u8, 8]).prop_map(|kind| L4::Icmp { kind, code: 0, payload: vec![0; 4] }),
        u32::from(v6) => nd.prop_map(|(advertisement, target, mac)| {
            L4::Nd { advertisement, target, mac: Some(mac), other_option: false }
        }),
        1 => Just(L4::Unknown { protocol: 47, payload: vec![0; 8] }),
    ]
}

/// Values that frames of this world have in a field.
fn values(field: Field) -> Vec<u128> {
    let mac = |mac: &[u8; 6]| mac.iter().fold(0, |value, &byte| value << 8 | u128::from(byte));
    match field {
        Field::InPort => vec![1, 2, 3, 4, 5],
        Field::TunnelId => vec![0, 100, 200],
        Field::TunnelSrc => vec![0, 0xc000_0201],
        Field::TunnelSrc6 => vec![0, 0x2001_0db8 << 96 | 1],
        Field::EthDst | Field::EthSrc | Field::ArpSha | Field::ArpTha => MACS.iter().map(mac).collect(),
        Field::EthType => vec![0x0800, 0x86dd, 0x0806, 0x9000],
        Field::VlanTci => vec![0, 0x1001, 0x1002, 0x3001],
        Field::IpProto => vec![6, 17, 1, 58, 132, 0],
        Field::Ipv4Src | Field::Ipv4Dst => ADDRESSES.map(u128::from).to_vec(),
        Field::Ipv6Src | Field::Ipv6Dst | Field::NdTarget => ADDRESSES6.to_vec(),
        Field::L4Src | Field::L4Dst => vec![1, 53, 80, 0, 8, 135, 136],
        Field::IpTtl => vec![0, 1, 63, 64],
        Field::IpFrag => vec![0, 1, 3],
        Field::TcpFlags => vec![2, 0x10],
        _ => vec![0, 1, 2, 3, 7],
    }
}

/// A rule, often one that makes no sense: [`Bridge::set_rule`] refuses that.
pub fn rule() -> impl Strategy<Value = Rule> {
    let goto = prop_oneof![2 => Just(None), 1 => (1_u8..4).prop_map(TableId::new)];
    let actions = prop_oneof![
        6 => vec(action(), 0..4),
        1 => Just(vec![Action::Drop]),
    ];
    let set = (
        prop_oneof![4 => Just(false), 1 => Just(true)],
        prop_oneof![2 => Just(vec![]), 1 => vec(action(), 0..4)],
    );
    let metadata = prop_oneof![
        3 => Just(None),
        1 => (0_u64..8, 0_u64..8).prop_map(|(value, mask)| Some(WriteMetadata { value: value & mask, mask })),
    ];
    (0_u8..4, 0_u16..5, matching(), any::<u64>(), actions, set, metadata, goto).prop_map(
        |(table, priority, matching, cookie, actions, (clear, write), metadata, goto)| {
            let table = TableId::new(if table == 3 { 0 } else { table }).unwrap();
            let key = RuleKey { table, priority, matching };
            let (actions, write) = (actions.into(), write.into());
            Rule { cookie, actions, clear, write, metadata, goto, ..Rule::new(key, RuleSlot(0)) }
        },
    )
}

/// What makes fields such as ports and addresses meaningful, and some more fields on top.
fn matching() -> impl Strategy<Value = Match> {
    let exact = |fields: &[(Field, u128)]| Just(fields.to_vec());
    let base = prop_oneof![
        3 => exact(&[]),
        2 => exact(&[(Field::EthType, 0x0800)]),
        2 => exact(&[(Field::EthType, 0x0800), (Field::IpProto, 6)]),
        2 => exact(&[(Field::EthType, 0x0800), (Field::IpProto, 17)]),
        1 => exact(&[(Field::EthType, 0x86dd)]),
        1 => exact(&[(Field::EthType, 0x86dd), (Field::IpProto, 17)]),
        1 => exact(&[(Field::EthType, 0x86dd), (Field::IpProto, 58), (Field::L4Src, 135)]),
        1 => exact(&[(Field::EthType, 0x0806)]),
    ];
    let more =
        vec((any::<Index>(), any::<Index>(), prop_oneof![2 => Just(u128::MAX), 1 => any::<u128>()]), 0..3);
    (base, more).prop_map(|(base, more)| {
        let mut builder = Match::builder();
        for (field, value) in base {
            builder = builder.exact(field, value).unwrap();
        }
        for (field, value, mask) in more {
            let field = Field::ALL[field.index(Field::ALL.len())];
            let mask = mask & field.full();
            let values = values(field);
            let value = values[value.index(values.len())] & mask;
            builder = builder.clone().field(field, value, mask).unwrap_or(builder);
        }
        builder.build()
    })
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => (11_u16..16).prop_map(|port| Action::Output(PortId(port))),
        2 => Just(Action::Normal),
        1 => Just(Action::Flood),
        1 => Just(Action::InPort),
        1 => Just(Action::Punt { max_bytes: Some(64) }),
        4 => set().prop_map(Action::Rewrite),
        1 => Just(Action::Rewrite(Rewrite::PushVlan(Tpid::Customer))),
        1 => Just(Action::Rewrite(Rewrite::PopVlan)),
        1 => Just(Action::Rewrite(Rewrite::DecTtl)),
        1 => (select(vec![None, Some(300)]), select(vec![None, Some(5)])).prop_map(|(vni, remote)| Action::SetTunnel {
            vni: vni.map(|vni| Vni::new(vni).unwrap()),
            remote: remote.and_then(RemoteId::new),
        }),
    ]
}

fn set() -> impl Strategy<Value = Rewrite> {
    let mask = prop_oneof![3 => Just(u128::MAX), 1 => any::<u128>()];
    let set =
        (any::<Index>(), any::<Index>(), mask).prop_filter_map("cannot be set", |(field, value, mask)| {
            let field = Field::ALL[field.index(Field::ALL.len())];
            let values = values(field);
            let mask = mask & field.full();
            SetField::new(field, values[value.index(values.len())] & mask, mask).ok()
        });
    set.prop_map(Rewrite::Set)
}

/// Whether a rule makes another message of an ICMPv6 packet: then other fields appear in it, of which the key knows
/// nothing until the frame is next parsed.
pub fn retypes_icmp(rule: &Rule) -> bool {
    rule.all_actions().any(|action| {
        matches!(action, Action::Rewrite(Rewrite::Set(set)) if matches!(set.field(), Field::L4Src | Field::L4Dst))
    }) && rule.key.matching.fields().any(|(field, value, _)| field == Field::IpProto && value == 58)
}
