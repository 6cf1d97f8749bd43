//! Random groups and meters.

use super::action::actions;
use super::{group, meter, physical};
use crate::wire::tests::entropy::Entropy;
use crate::wire::*;

pub(in crate::wire::tests) fn bucket(kind: GroupType, e: &mut Entropy<'_>) -> Bucket {
    let (watch_port, watch_group) = match kind {
        GroupType::FastFailover => (physical(2), GroupId::ANY),
        GroupType::Select => (PortNo::ANY, group(e)),
        _ => (PortNo::ANY, GroupId::ANY),
    };
    let weight = if kind == GroupType::Select { e.u16() } else { 0 };
    Bucket { weight, watch_port, watch_group, actions: actions(e, false) }
}

pub(in crate::wire::tests) fn group_mod(e: &mut Entropy<'_>) -> GroupMod {
    let (command, kind) = (e.pick(GroupCommand::ALL), e.pick(GroupType::ALL));
    let buckets = match (command, kind) {
        (GroupCommand::Delete, _) => vec![],
        (_, GroupType::Indirect) => vec![bucket(kind, e)],
        _ => e.list(|e| bucket(kind, e)),
    };
    let group = if command == GroupCommand::Delete && e.flag() { GroupId::ALL } else { group(e) };
    GroupMod { command, kind, group, buckets }
}

pub(in crate::wire::tests) fn bands(e: &mut Entropy<'_>) -> Vec<Band> {
    e.list(|e| Band {
        rate: e.u32(),
        burst_size: e.u32(),
        kind: if e.flag() { BandKind::Drop } else { BandKind::DscpRemark { prec_level: e.u8() } },
    })
}

pub(in crate::wire::tests) fn meter_flags(e: &mut Entropy<'_>) -> MeterFlags {
    let unit = e.pick(&[MeterFlags::NONE, MeterFlags::KBPS, MeterFlags::PKTPS]);
    unit | e.pick(&[MeterFlags::NONE, MeterFlags::BURST, MeterFlags::BURST | MeterFlags::STATS])
}

pub(in crate::wire::tests) fn meter_mod(e: &mut Entropy<'_>) -> MeterMod {
    let (command, flags) = (e.pick(MeterCommand::ALL), meter_flags(e));
    let meter = if command == MeterCommand::Delete && e.flag() { MeterId::ALL } else { meter(e) };
    MeterMod { command, flags, meter, bands: bands(e) }
}
