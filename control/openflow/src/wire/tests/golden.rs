//! Messages that were recorded from real clients and switches (`tests/golden/`).

use std::cell::Cell;
use std::path::PathBuf;

use crate::wire::*;

/// A recorded message.
struct Golden {
    place: String,
    /// Of the line that starts with "$" before it.
    command: String,
    bytes: Vec<u8>,
}

/// Every recorded message.
pub(super) fn messages() -> Vec<Vec<u8>> {
    all().into_iter().map(|golden| golden.bytes).collect()
}

fn all() -> Vec<Golden> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut command = String::new();
        for (number, line) in text.lines().enumerate() {
            if let Some(started) = line.strip_prefix("$ ") {
                command = started.to_owned();
            }
            if let Some(hex) = line.strip_prefix("> ").or_else(|| line.strip_prefix("< ")) {
                let place = format!("{}:{}", file.file_name().unwrap().display(), number + 1);
                all.push(Golden { place, command: command.clone(), bytes: from_hex(hex) });
            }
        }
    }
    all
}

pub(super) fn from_hex(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
}

#[test]
fn recorded_messages_are_read_and_written_back() {
    let all = all();
    assert!(all.len() > 100, "{} messages", all.len());
    let mut written_otherwise = 0;
    for Golden { place, bytes, .. } in all {
        let loose = Cell::new(false);
        let (header, message) =
            Message::decode_noting(&bytes, &loose).unwrap_or_else(|error| panic!("{place}: {error}"));
        let mut again = Vec::new();
        message.encode(header.xid, &mut again).unwrap();
        if loose.get() {
            written_otherwise += 1;
            let decoded = Message::decode(&again).unwrap_or_else(|error| panic!("{place}: {error}"));
            assert_eq!(decoded.1, message, "{place}");
        } else {
            assert_eq!(again, bytes, "{place}: {message:?}");
        }
    }
    // Nicira's old numbers of fields, full masks, filters that mean nothing, a resubmit to the present table.
    assert_eq!(written_otherwise, 10);
}

/// The one flow-mod of the command that contains this text.
fn flow_mod_of(command: &str) -> FlowMod {
    let mut flow_mods =
        all().into_iter().filter(|golden| golden.command.contains(command)).filter_map(|golden| {
            match Message::decode(&golden.bytes).unwrap().1 {
                Message::FlowMod(flow_mod) => Some(flow_mod),
                _ => None,
            }
        });
    let flow_mod = flow_mods.next().unwrap();
    assert_eq!(flow_mods.next(), None, "{command}");
    flow_mod
}

fn exact(field: Field, value: u128) -> Oxm {
    Oxm::exact(field, value).unwrap()
}

fn masked(field: Field, value: u128, mask: u128) -> Oxm {
    Oxm::masked(field, value, mask).unwrap()
}

fn to(port: u32) -> Action {
    Action::Output { port: PortNo::new(port).unwrap(), max_len: 0 }
}

fn bits(field: Field, offset: u16, bits: u16) -> Subfield {
    Subfield::new(field, offset, bits).unwrap()
}

#[test]
fn a_flow_of_many_fields_says_what_was_typed() {
    let expected = FlowMod {
        cookie: Cookie(0x1122_3344_5566_7788),
        cookie_mask: CookieMask(0),
        command: FlowCommand::Add { table: TableId::new(3).unwrap() },
        idle_timeout_s: 10,
        hard_timeout_s: 20,
        priority: 65535,
        buffer: None,
        flags: FlowFlags::ALL,
        matching: Match::new([
            exact(Field::InPort, 1),
            masked(Field::EthSrc, 0x0200_0000_0000, 0xffff_ff00_0000),
            masked(Field::EthDst, 0x0100_0000_0000, 0x0100_0000_0000),
            exact(Field::EthType, 0x0800),
            exact(Field::VlanVid, 0x1064),
            exact(Field::VlanPcp, 5),
            masked(Field::Ipv4Src, 0x0a01_0000, 0xffff_00ff),
            exact(Field::Ipv4Dst, 0xc000_0201),
            exact(Field::IpDscp, 46),
            exact(Field::IpEcn, 2),
            exact(Field::IpProto, 6),
            masked(Field::TcpSrc, 0x1000, 0xf000),
            exact(Field::TcpDst, 80),
            masked(Field::Metadata, 0x1234, 0xffff),
        ])
        .unwrap(),
        instructions: Instructions {
            meter: MeterId::new(5),
            apply_actions: Some(vec![
                Action::SetField(exact(Field::EthDst, 0x0200_0000_0009)),
                Action::SetField(exact(Field::Ipv4Dst, 0xc633_6407)),
                Action::SetField(exact(Field::TcpDst, 8080)),
                Action::DecNwTtl,
                Action::SetQueue(QueueId(3)),
                to(1),
                Action::Group(GroupId::new(1).unwrap()),
                Action::Output { port: PortNo::CONTROLLER, max_len: 128 },
            ]),
            clear_actions: false,
            write_actions: None,
            write_metadata: Some(Metadata { value: 5, mask: 15 }),
            goto_table: TableId::new(9),
        },
    };
    assert_eq!(flow_mod_of("cookie=0x1122334455667788"), expected);
}

#[test]
fn commands_that_delete_say_what_was_typed() {
    let flow_mod = flow_mod_of("del-flows SW 'cookie=1/-1,table=3");
    let tables = Tables::One(TableId::new(3).unwrap());
    let (out_port, out_group) = (PortNo::new(2).unwrap(), GroupId::new(5).unwrap());
    assert_eq!(flow_mod.command, FlowCommand::Delete { tables, strict: false, out_port, out_group });
    assert_eq!((flow_mod.cookie, flow_mod.cookie_mask), (Cookie(1), CookieMask(u64::MAX)));
    assert_eq!(flow_mod.matching, Match::new([exact(Field::EthType, 0x0800)]).unwrap());
}

#[test]
fn connection_tracking_says_what_was_typed() {
    let flow_mod = flow_mod_of("ct(commit,zone=7,exec");
    assert_eq!(flow_mod.matching.field(Field::CtState), Some(masked(Field::CtState, 0x21, 0x31)));
    assert_eq!(flow_mod.matching.field(Field::CtZone), Some(exact(Field::CtZone, 7)));
    let mark = Action::SetField(exact(Field::CtMark, 5));
    let label = Action::Nicira(NxAction::RegLoad(RegLoad::new(bits(Field::CtLabel, 0, 2), 1).unwrap()));
    let ct = Ct {
        flags: CtFlags::COMMIT,
        zone: CtZone::Number(7),
        table: None,
        alg: 0,
        actions: vec![mark, label],
    };
    let applied = vec![Action::Nicira(NxAction::Ct(ct)), to(2)];
    assert_eq!(flow_mod.instructions.apply_actions, Some(applied));

    let flow_mod = flow_mod_of("ct(commit,force,zone=NXM_NX_REG0[0..15]");
    let nat = Nat::Translate {
        side: NatSide::Source,
        flags: NatFlags::PERSISTENT | NatFlags::RANDOM,
        addresses: Some(NatAddresses::V4 { min: [10, 0, 0, 1].into(), max: Some([10, 0, 0, 9].into()) }),
        ports: Some(NatPorts { min: 1024, max: Some(65535) }),
    };
    let ct = Ct {
        flags: CtFlags::COMMIT | CtFlags::FORCE,
        zone: CtZone::Field(bits(Field::Reg0, 0, 16)),
        table: None,
        alg: 69,
        actions: vec![Action::Nicira(NxAction::Nat(nat))],
    };
    assert_eq!(flow_mod.instructions.apply_actions, Some(vec![Action::Nicira(NxAction::Ct(ct))]));
}

#[test]
fn learning_says_what_was_typed() {
    let flow_mod = flow_mod_of("learn(table=8");
    let learn = Learn {
        idle_timeout_s: 10,
        hard_timeout_s: 300,
        priority: 5,
        cookie: Cookie(0x77),
        flags: LearnFlags::SEND_FLOW_REM | LearnFlags::DELETE_LEARNED,
        table: TableId::new(8).unwrap(),
        fin_idle_timeout_s: 2,
        fin_hard_timeout_s: 3,
        specs: vec![
            LearnSpec::Match {
                target: bits(Field::EthDst, 0, 48),
                source: LearnSource::Field { field: Field::EthSrc, offset: 0 },
            },
            LearnSpec::Match { target: bits(Field::EthType, 0, 16), source: LearnSource::Immediate(0x0800) },
            LearnSpec::Load {
                target: bits(Field::Reg0, 0, 16),
                source: LearnSource::Field { field: Field::NxInPort, offset: 0 },
            },
            LearnSpec::Load { target: bits(Field::Reg1, 0, 32), source: LearnSource::Immediate(5) },
            LearnSpec::Output(bits(Field::NxInPort, 0, 16)),
        ],
    };
    let normal = Action::Output { port: PortNo::NORMAL, max_len: 0 };
    let applied = vec![Action::Nicira(NxAction::Learn(learn)), normal];
    assert_eq!(flow_mod.instructions.apply_actions, Some(applied));
}

#[test]
fn every_type_of_message_was_recorded() {
    let seen: Vec<u8> = messages().iter().map(|bytes| bytes[1]).collect();
    for kind in MessageType::ALL {
        assert!(seen.contains(&kind.number()), "{kind:?}");
    }
}
