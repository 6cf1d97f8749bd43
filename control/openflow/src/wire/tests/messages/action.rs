//! Random actions.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::flow::oxm;
use super::{group, physical, table};
use crate::wire::tests::entropy::Entropy;
use crate::wire::*;

fn subfield(field: Field, e: &mut Entropy<'_>) -> Subfield {
    let width = usize::try_from(field.width_bits()).unwrap();
    let offset = e.below(width);
    let bits = 1 + e.below(width - offset);
    Subfield::new(field, offset.try_into().unwrap(), bits.try_into().unwrap()).unwrap()
}

/// Bits of a field that can be loaded, at most `most` of them.
fn target(most: u16, e: &mut Entropy<'_>) -> Subfield {
    let loadable: Vec<Field> = Field::ALL.iter().copied().filter(|field| field.can_load()).collect();
    let whole = subfield(e.pick(&loadable), e);
    Subfield::new(whole.field(), whole.offset(), whole.bits().min(most)).unwrap()
}

fn short_port(e: &mut Entropy<'_>) -> PortNo {
    e.pick(&[physical(1), physical(0xfeff), PortNo::IN_PORT, PortNo::LOCAL])
}

pub(in crate::wire::tests) fn actions(e: &mut Entropy<'_>, packet_out: bool) -> Vec<Action> {
    e.list(|e| action(e, packet_out))
}

fn action(e: &mut Entropy<'_>, packet_out: bool) -> Action {
    match e.below(18) {
        0 => {
            let port = if packet_out { PortNo::TABLE } else { physical(3) };
            Action::Output { port: e.pick(&[port, PortNo::CONTROLLER, PortNo::NORMAL]), max_len: e.u16() }
        }
        1 => Action::CopyTtlOut,
        2 => Action::CopyTtlIn,
        3 => Action::SetMplsTtl(e.u8()),
        4 => Action::DecMplsTtl,
        5 => Action::PushVlan(e.pick(&[0x8100, 0x88a8])),
        6 => Action::PopVlan,
        7 => Action::PushMpls(e.pick(&[0x8847, 0x8848])),
        8 => Action::PopMpls(e.u16()),
        9 => Action::SetQueue(QueueId(e.u32() >> 1)),
        10 => Action::Group(group(e)),
        11 => Action::SetNwTtl(e.u8()),
        12 => Action::DecNwTtl,
        13 | 14 => set_field(e),
        15 => Action::PushPbb(0x88e7),
        16 => Action::PopPbb,
        _ => Action::Nicira(nicira(e, packet_out)),
    }
}

fn set_field(e: &mut Entropy<'_>) -> Action {
    let field = e.pick(Field::ALL);
    let value = e.u128() & field.all_ones() | if field == Field::VlanVid { 0x1000 } else { 0 };
    match Oxm::exact(field, value) {
        Ok(oxm) if field.can_set() => Action::SetField(oxm),
        _ => Action::DecNwTtl,
    }
}

fn nicira(e: &mut Entropy<'_>, packet_out: bool) -> NxAction {
    match e.below(22) {
        0 => {
            let (port, with_ct) = (short_port(e), e.flag());
            NxAction::Resubmit { port, table: e.option(table), with_ct }
        }
        1 => NxAction::SetTunnel(e.u32()),
        2 => NxAction::SetTunnel64(e.u64()),
        3 => NxAction::PopQueue,
        4 => {
            let (source, target) = (subfield(e.pick(Field::ALL), e), target(128, e));
            let bits = source.bits().min(target.bits());
            let cut = |of: Subfield| Subfield::new(of.field(), of.offset(), bits).unwrap();
            NxAction::RegMove(RegMove::new(cut(source), cut(target)).unwrap())
        }
        5 => {
            let target = target(64, e);
            NxAction::RegLoad(RegLoad::new(target, e.u64() >> (64 - target.bits())).unwrap())
        }
        6 => oxm(Field::Reg3, e).map_or(NxAction::Exit, NxAction::RegLoad2),
        7 => {
            let mut note = e.data();
            note.resize(6 + note.len() / 8 * 8, 0);
            NxAction::Note(note)
        }
        8 => {
            let short: Vec<Field> =
                Field::ALL.iter().copied().filter(|field| !field.has_long_header()).collect();
            let whole = subfield(e.pick(&short), e);
            let port = Subfield::new(whole.field(), whole.offset(), whole.bits().min(64)).unwrap();
            NxAction::OutputReg { port, max_len: e.u16() }
        }
        9 => NxAction::Learn(learn(e)),
        10 => NxAction::Exit,
        11 => NxAction::FinTimeout { idle_timeout_s: e.u16(), hard_timeout_s: e.u16() },
        12 => NxAction::Controller { max_len: e.u16(), controller_id: e.u16(), reason: e.u8() },
        13 => {
            let first = e.u16();
            NxAction::DecTtlControllers([first].into_iter().chain(e.list(Entropy::u16)).collect())
        }
        14 => NxAction::StackPush(subfield(e.pick(Field::ALL), e)),
        15 => NxAction::StackPop(target(128, e)),
        16 => {
            let clauses = 2 + e.u8() % 63;
            NxAction::Conjunction { clause: e.u8() % clauses, clauses, id: e.u32() }
        }
        17 | 18 => NxAction::Ct(ct(e)),
        19 => NxAction::OutputTrunc { port: short_port(e), max_len: 14 + (e.u32() >> 1) },
        20 => NxAction::Clone(actions(e, packet_out)),
        _ => NxAction::CtClear,
    }
}

fn learn(e: &mut Entropy<'_>) -> Learn {
    let set = |e: &mut Entropy<'_>| {
        let target = target(128, e);
        let source = if e.flag() {
            LearnSource::Immediate(e.u128() >> (128 - target.bits()))
        } else {
            LearnSource::Field { field: Field::Xxreg0, offset: 0 }
        };
        (target, source)
    };
    Learn {
        idle_timeout_s: e.u16(),
        hard_timeout_s: e.u16(),
        priority: e.u16(),
        cookie: Cookie(e.u64()),
        flags: LearnFlags::from_bits(e.u16() & 3).unwrap(),
        table: table(e),
        fin_idle_timeout_s: e.u16(),
        fin_hard_timeout_s: e.u16(),
        specs: e.list(|e| match e.below(3) {
            0 => {
                let (target, source) = set(e);
                LearnSpec::Match { target, source }
            }
            1 => {
                let (target, source) = set(e);
                LearnSpec::Load { target, source }
            }
            _ => LearnSpec::Output(subfield(e.pick(Field::ALL), e)),
        }),
    }
}

fn ct(e: &mut Entropy<'_>) -> Ct {
    let zone = if e.flag() {
        CtZone::Number(e.u16())
    } else {
        CtZone::Field(Subfield::new(Field::Reg1, e.u16() % 17, 16).unwrap())
    };
    Ct {
        flags: e.pick(&[CtFlags::NONE, CtFlags::COMMIT, CtFlags::COMMIT | CtFlags::FORCE]),
        zone,
        table: e.option(table),
        alg: e.u16(),
        actions: e.list(|e| match e.below(3) {
            0 => Action::SetField(Oxm::exact(Field::CtMark, e.u32().into()).unwrap()),
            1 => Action::SetField(Oxm::exact(Field::CtLabel, e.u128()).unwrap()),
            _ => Action::Nicira(NxAction::Nat(nat(e))),
        }),
    }
}

fn nat(e: &mut Entropy<'_>) -> Nat {
    if e.flag() {
        return Nat::Established;
    }
    let addresses = e.option(|e| {
        if e.flag() {
            let min = e.u32() >> 1;
            NatAddresses::V4 {
                min: Ipv4Addr::from_bits(min),
                max: e.option(|e| Ipv4Addr::from_bits(min + (e.u32() >> 1))),
            }
        } else {
            let min = e.u128() >> 1;
            NatAddresses::V6 {
                min: Ipv6Addr::from_bits(min),
                max: e.option(|e| Ipv6Addr::from_bits(min + (e.u128() >> 1))),
            }
        }
    });
    let ports = e.option(|e| {
        let min = 1 + (e.u16() >> 1);
        NatPorts { min, max: e.option(|e| min + (e.u16() >> 2)) }
    });
    Nat::Translate {
        side: e.pick(&[NatSide::Source, NatSide::Destination]),
        flags: e.pick(&[NatFlags::NONE, NatFlags::PERSISTENT | NatFlags::HASH, NatFlags::RANDOM]),
        addresses,
        ports,
    }
}
