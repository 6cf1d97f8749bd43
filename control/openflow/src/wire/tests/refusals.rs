//! What is refused, each with the specification's type and code.

use super::golden::from_hex;
use crate::wire::*;

/// The error of a message of this type with this body.
fn refusal(kind: MessageType, body: &str) -> &'static str {
    let body = from_hex(body);
    let mut bytes = vec![4, kind.number(), 0, 0, 0, 0, 0, 9];
    bytes.extend(body);
    let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    bytes[2..4].copy_from_slice(&length);
    match Message::decode(&bytes) {
        Ok((_, message)) => panic!("read: {message:?}"),
        Err(error) => error.code.name(),
    }
}

/// A flow-mod with this table, command and flags, these fields of its match, and these instructions.
fn flow_mod_with(table: u8, command: u8, flags: u16, fields: &str, instructions: &str) -> String {
    let length = 4 + fields.split_whitespace().collect::<String>().len() / 2;
    let padding = "00".repeat(length.next_multiple_of(8) - length);
    format!(
        "{:032x} {table:02x} {command:02x} 0000 0000 0000 ffffffff ffffffff ffffffff {flags:04x} 0000 \
         0001 {length:04x} {fields} {padding} {instructions}",
        0
    )
}

fn flow_mod(fields: &str, instructions: &str) -> &'static str {
    refusal(MessageType::FlowMod, &flow_mod_with(0, 0, 0, fields, instructions))
}

/// Whether the flow-mod with this body is read.
fn reads(body: &str) -> bool {
    let mut bytes = vec![4, 14, 0, 0, 0, 0, 0, 9];
    bytes.extend(from_hex(body));
    let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    bytes[2..4].copy_from_slice(&length);
    Message::decode(&bytes).is_ok()
}

/// Apply-actions of these actions.
fn apply(actions: &str) -> String {
    let length = 8 + actions.split_whitespace().collect::<String>().len() / 2;
    format!("0004 {length:04x} 00000000 {actions}")
}

/// The error of a flow for TCP over IPv4 that applies this action.
fn action(action: &str) -> &'static str {
    flow_mod("80000a02 0800 80001401 06", &apply(action))
}

#[test]
fn headers() {
    let code = |bytes: &str| Message::decode(&from_hex(bytes)).unwrap_err().code.name();
    assert_eq!(code("04 00 0008 000000"), "OFPBRC_BAD_LEN");
    assert_eq!(code("04 02 0007 00000000"), "OFPBRC_BAD_LEN");
    assert_eq!(code("04 02 0009 00000000"), "OFPBRC_BAD_LEN");
    assert_eq!(code("05 02 0008 00000000"), "OFPBRC_BAD_VERSION");
    assert_eq!(code("04 1e 0008 00000000"), "OFPBRC_BAD_TYPE");
    assert_eq!(code("04 14 0009 00000000 00"), "OFPBRC_BAD_LEN");
    assert_eq!(Header::xid_of(&from_hex("09 ff 0000 12345678")), Xid(0x1234_5678));
    let (header, hello) = Message::decode(&from_hex("06 00 0008 00000001")).unwrap();
    assert_eq!((header.version, hello), (6, Message::Hello(Hello { version: 6, versions: None })));
}

#[test]
fn hellos_agree_on_1_3_or_not() {
    let hello = |version, versions| Hello { version, versions }.speaks_1_3();
    assert!(hello(6, None) && hello(4, None) && hello(1, Some(vec![0x12])));
    assert!(!hello(1, None) && !hello(6, Some(vec![0x42])) && !hello(4, Some(vec![])));
    // Unknown elements are read over, and padding may be missing behind the last.
    let (_, message) =
        Message::decode(&from_hex("04 00 0018 00000001 0007 0005 aa 000000 0001 0008 00000010"))
            .unwrap_or_else(|error| panic!("{error}"));
    assert!(matches!(message, Message::Hello(hello) if hello.speaks_1_3()));
}

#[test]
fn matches() {
    assert!(reads(&flow_mod_with(0, 0, 0, "", "")));
    // Type, lengths.
    let standard = flow_mod_with(0, 0, 0, "", "").replace("0001 0004", "0000 0004");
    assert_eq!(refusal(MessageType::FlowMod, &standard), "OFPBMC_BAD_TYPE");
    let short = flow_mod_with(0, 0, 0, "", "").replace("0001 0004", "0001 0003");
    assert_eq!(refusal(MessageType::FlowMod, &short), "OFPBMC_BAD_LEN");
    let long = flow_mod_with(0, 0, 0, "", "").replace("0001 0004", "0001 0040");
    assert_eq!(refusal(MessageType::FlowMod, &long), "OFPBMC_BAD_LEN");
    assert_eq!(flow_mod("80000a03 080000", ""), "OFPBMC_BAD_LEN");
    assert_eq!(flow_mod("80000a02 08", ""), "OFPBMC_BAD_LEN");
    // Fields.
    assert_eq!(flow_mod("80007e01 00", ""), "OFPBMC_BAD_FIELD");
    assert_eq!(flow_mod("12340001 00", ""), "OFPBMC_BAD_FIELD");
    assert_eq!(flow_mod("ffff0006 00000001 0000", ""), "OFPBMC_BAD_FIELD");
    assert_eq!(flow_mod("00000002 0001", ""), "OFPBMC_BAD_FIELD");
    // Values.
    assert_eq!(flow_mod("80000004 00000000", ""), "OFPBMC_BAD_VALUE");
    assert_eq!(flow_mod("80000004 ffffffff", ""), "OFPBMC_BAD_VALUE");
    assert_eq!(flow_mod("80000c02 2000", ""), "OFPBMC_BAD_VALUE");
    assert_eq!(flow_mod("80000c02 0005", ""), "OFPBMC_BAD_VALUE");
    assert_eq!(flow_mod("80000a02 0800 80001001 40", ""), "OFPBMC_BAD_VALUE");
    assert_eq!(flow_mod("80000c02 1001 80000e01 08", ""), "OFPBMC_BAD_VALUE");
    // Masks.
    assert_eq!(flow_mod("80000b04 0800 ff00", ""), "OFPBMC_BAD_MASK");
    assert_eq!(flow_mod("80000108 00000001 0000000f", ""), "OFPBMC_BAD_MASK");
    assert_eq!(flow_mod("80000d04 1000 3000", ""), "OFPBMC_BAD_MASK");
    assert_eq!(flow_mod("80000510 0000000000000003 0000000000000001", ""), "OFPBMC_BAD_WILDCARDS");
    // Prerequisites, in their order.
    assert_eq!(flow_mod("80001401 06", ""), "OFPBMC_BAD_PREREQ");
    assert_eq!(flow_mod("80001401 06 80000a02 0800", ""), "OFPBMC_BAD_PREREQ");
    assert_eq!(flow_mod("80000a02 86dd 80001604 0a000001", ""), "OFPBMC_BAD_PREREQ");
    assert_eq!(flow_mod("80000a02 0800 80001401 11 80001a02 0050", ""), "OFPBMC_BAD_PREREQ");
    assert_eq!(flow_mod("80000e01 01", ""), "OFPBMC_BAD_PREREQ");
    assert_eq!(flow_mod("80000c02 0000 80000e01 01", ""), "OFPBMC_BAD_PREREQ");
    assert_eq!(flow_mod("80000204 00000001", ""), "OFPBMC_BAD_PREREQ");
    assert_eq!(flow_mod("80000a02 0800 80004403 00", ""), "OFPBMC_BAD_LEN");
    // Duplicates, also under an older number, and with nothing masked.
    assert_eq!(flow_mod("80000004 00000001 80000004 00000001", ""), "OFPBMC_DUP_FIELD");
    assert_eq!(flow_mod("80000a02 0800 00000602 0800", ""), "OFPBMC_DUP_FIELD");
}

#[test]
fn every_field_needs_what_table_11_says() {
    let exact = |field: Field, value: u128| Oxm::exact(field, value).unwrap();
    for field in Field::ALL.iter().copied().filter(|field| field.can_match()) {
        let value = match field {
            Field::InPort | Field::InPhyPort => 1,
            Field::VlanVid => 0x1001,
            _ => 1 & field.all_ones(),
        };
        let alone = Match::new([exact(field, value)]);
        let ip = |proto: u128| vec![exact(Field::EthType, 0x86dd), exact(Field::IpProto, proto)];
        let eth = |eth_type: u128| vec![exact(Field::EthType, eth_type)];
        let nd = |kind: u128| [ip(58), vec![exact(Field::Icmpv6Type, kind)]].concat();
        let before = match field.prerequisite() {
            Prerequisite::Nothing => vec![],
            Prerequisite::InPort => vec![exact(Field::InPort, 1)],
            Prerequisite::Vlan => vec![exact(Field::VlanVid, 0x1001)],
            Prerequisite::Ip | Prerequisite::Ipv6 => eth(0x86dd),
            Prerequisite::Ipv4 => eth(0x0800),
            Prerequisite::Arp => eth(0x0806),
            Prerequisite::Mpls => eth(0x8848),
            Prerequisite::Pbb => eth(0x88e7),
            Prerequisite::Tcp => ip(6),
            Prerequisite::Udp => ip(17),
            Prerequisite::Sctp => ip(132),
            Prerequisite::Icmpv4 => vec![exact(Field::EthType, 0x0800), exact(Field::IpProto, 1)],
            Prerequisite::Icmpv6 => ip(58),
            Prerequisite::Nd | Prerequisite::NdSolicit => nd(135),
            Prerequisite::NdAdvert => nd(136),
        };
        if before.is_empty() {
            assert!(alone.is_ok(), "{field:?}");
        } else {
            assert_eq!(alone, Err(MatchError::Prerequisite(field)));
            let with = before.into_iter().chain([exact(field, value)]);
            assert!(Match::new(with).is_ok(), "{field:?}");
        }
    }
    assert_eq!(Field::ALL.len(), 40 + 1 + 19 + 2 + 16 + 8 + 4);
}

#[test]
fn instructions() {
    let mask = |instructions: &str| flow_mod("", instructions);
    assert_eq!(mask("0063 0008 00000000"), "OFPBIC_UNKNOWN_INST");
    assert_eq!(mask("ffff 0008 00000001"), "OFPBIC_BAD_EXPERIMENTER");
    assert_eq!(mask("0005 0004"), "OFPBIC_BAD_LEN");
    assert_eq!(mask("0005 0010 00000000 0000000000000000"), "OFPBIC_BAD_LEN");
    assert_eq!(mask("0001 0010 01000000"), "OFPBIC_BAD_LEN");
    assert_eq!(mask("0001 0008 00000000"), "OFPBIC_BAD_TABLE_ID");
    assert_eq!(mask("0001 0008 ff000000"), "OFPBIC_BAD_TABLE_ID");
    assert_eq!(mask("0006 0008 00000000"), "OFPMMFC_INVALID_METER");
    assert_eq!(mask("0006 0008 fffffffe"), "OFPMMFC_INVALID_METER");
    assert_eq!(mask("0005 0008 00000000 0005 0008 00000000"), "OFPBIC_DUP_INST");
    assert_eq!(mask(&format!("{0} {0}", apply(""))), "OFPBIC_DUP_INST");
}

#[test]
fn actions() {
    assert_eq!(action("0063 0008 00000000"), "OFPBAC_BAD_TYPE");
    assert_eq!(action("0012 0004 00000000"), "OFPBAC_BAD_LEN");
    assert_eq!(action("0012 000c 00000000 00000000 00000000"), "OFPBAC_BAD_LEN");
    assert_eq!(action("0018 0010 00000000 0000000000000000"), "OFPBAC_BAD_LEN");
    assert_eq!(action("0018 0048 00000000"), "OFPBAC_BAD_LEN");
    // Output.
    for port in ["00000000", "ffffff01", "ffffffff", "fffffff9"] {
        assert_eq!(action(&format!("0000 0010 {port} 0000 000000000000")), "OFPBAC_BAD_OUT_PORT", "{port}");
    }
    assert_eq!(action("0016 0008 ffffff01"), "OFPBAC_BAD_OUT_GROUP");
    assert_eq!(action("0016 0008 fffffffc"), "OFPBAC_BAD_OUT_GROUP");
    assert_eq!(action("0015 0008 ffffffff"), "OFPBAC_BAD_QUEUE");
    // Tags.
    assert_eq!(action("0011 0008 0800 0000"), "OFPBAC_BAD_ARGUMENT");
    assert_eq!(action("0013 0008 8100 0000"), "OFPBAC_BAD_ARGUMENT");
    assert_eq!(action("001a 0008 8100 0000"), "OFPBAC_BAD_ARGUMENT");
    // Set-field.
    assert_eq!(action("0019 0010 80007e01 00 00000000000000"), "OFPBAC_BAD_SET_TYPE");
    assert_eq!(action("0019 0010 80000004 00000001 00000000"), "OFPBAC_BAD_SET_TYPE");
    assert_eq!(action("0019 0018 80001708 0a000000 ff000000 00000000 00000000"), "OFPBAC_BAD_SET_TYPE");
    assert_eq!(action("0019 0010 80001603 0a0000 0000000000"), "OFPBAC_BAD_SET_LEN");
    assert_eq!(action("0019 0008 80001604"), "OFPBAC_BAD_SET_LEN");
    assert_eq!(action("0019 0010 80001001 40 00000000000000"), "OFPBAC_BAD_SET_ARGUMENT");
    assert_eq!(action("0019 0010 80000c02 0005 000000000000"), "OFPBAC_BAD_SET_ARGUMENT");
    assert_eq!(action("0019 0018 80001604 0a000001 00000000 0000000000000000"), "OFPBAC_BAD_LEN");
    // What the match does not allow.
    assert_eq!(action("0019 0010 80001e02 0035 000000000000"), "OFPBAC_MATCH_INCONSISTENT");
    assert_eq!(action("0019 0010 80000c02 1005 000000000000"), "OFPBAC_MATCH_INCONSISTENT");
    assert_eq!(action("0012 0008 00000000"), "OFPBAC_MATCH_INCONSISTENT");
    assert_eq!(action("0014 0008 0800 0000"), "OFPBAC_MATCH_INCONSISTENT");
    assert_eq!(action("000f 0008 01 000000"), "OFPBAC_MATCH_INCONSISTENT");
    assert_eq!(action("001b 0008 00000000"), "OFPBAC_MATCH_INCONSISTENT");
    // An MPLS header covers the IP header.
    assert_eq!(action("0013 0008 8847 0000 0018 0008 00000000"), "OFPBAC_MATCH_INCONSISTENT");
    assert_eq!(flow_mod("", &apply("0017 0008 40 000000")), "OFPBAC_MATCH_INCONSISTENT");
    // In an action set the pushes come first, whatever stands first.
    let set = "0003 0020 00000000 0019 0010 80000c02 1005 000000000000 0011 0008 8100 0000";
    assert!(reads(&flow_mod_with(0, 0, 0, "", set)));
    assert_eq!(flow_mod("", &set.replace("0003 0020", "0004 0020")), "OFPBAC_MATCH_INCONSISTENT");
}

#[test]
fn nicira_actions() {
    let nicira = |body: &str| {
        let length = 8 + body.split_whitespace().collect::<String>().len() / 2;
        action(&format!("ffff {length:04x} 00002320 {body}"))
    };
    assert_eq!(action("ffff 0010 00001234 0000000000000000"), "OFPBAC_BAD_EXPERIMENTER");
    for unsupported in
        ["0004", "000a", "000c", "0017", "001d", "0020", "0025", "002d", "002e", "0031", "7777"]
    {
        assert_eq!(nicira(&format!("{unsupported} 000000000000")), "OFPBAC_BAD_EXP_TYPE", "{unsupported}");
    }
    // Registers: unknown fields, bits beyond the field, values beyond the bits, what cannot be set.
    assert_eq!(nicira("0007 001f 0001fe04 0000000000000000"), "OFPBAC_BAD_SET_TYPE");
    assert_eq!(nicira("0007 003f 00010004 0000000000000000"), "OFPBAC_BAD_SET_LEN");
    assert_eq!(nicira("0007 0003 00010004 0000000000000010"), "OFPBAC_BAD_ARGUMENT");
    assert_eq!(nicira("0007 001f 0001d204 0000000000000000"), "OFPBAC_BAD_SET_ARGUMENT");
    assert_eq!(nicira("0006 0000 0000 0000 00010004 00010204"), "OFPBAC_BAD_SET_LEN");
    // Connections: unknown flags, force alone, foreign actions, nat outside, both ends, an empty range.
    assert_eq!(nicira("0023 0004 00000000 0000 ff 000000 0000"), "OFPBAC_BAD_ARGUMENT");
    assert_eq!(nicira("0023 0002 00000000 0000 ff 000000 0000"), "OFPBAC_BAD_ARGUMENT");
    assert_eq!(nicira("0023 0001 00010004 0007 ff 000000 0000"), "OFPBAC_BAD_SET_LEN");
    assert_eq!(nicira("0023 0001 00000000 0000 ff 000000 0000 0018 0008 00000000"), "OFPBAC_BAD_ARGUMENT");
    assert_eq!(nicira("0024 0000 0000 0000"), "OFPBAC_BAD_ARGUMENT");
    let nat = |nat: &str| {
        let length = 8 + nat.split_whitespace().collect::<String>().len() / 2;
        nicira(&format!("0023 0001 00000000 0000 ff 000000 0000 ffff {length:04x} 00002320 {nat}"))
    };
    assert_eq!(nat("0024 0000 0003 0000"), "OFPBAC_BAD_ARGUMENT");
    assert_eq!(nat("0024 0000 0004 0000"), "OFPBAC_BAD_ARGUMENT");
    assert_eq!(nat("0024 0000 0001 0003 0a000002 0a000001"), "OFPBAC_BAD_ARGUMENT");
    assert_eq!(nat("0024 0000 0001 0002 0a000002 00000000"), "OFPBAC_BAD_ARGUMENT");
    assert_eq!(nat("0024 0000 0001 0030 0009 0008 00000000"), "OFPBAC_BAD_ARGUMENT");
    // A connection is of IP.
    let ct = "ffff 0018 00002320 0023 0001 00000000 0000 ff 000000 0000";
    assert_eq!(flow_mod("", &apply(ct)), "OFPBAC_MATCH_INCONSISTENT");
    // Conjunctions have 2 to 64 parts.
    assert_eq!(nicira("0022 00 01 00000001"), "OFPBAC_BAD_ARGUMENT");
    assert_eq!(nicira("0022 02 02 00000001"), "OFPBAC_BAD_ARGUMENT");
    // Lists lie in one another up to a depth.
    let nested = (0..12).fold(String::new(), |inner, _| {
        let length = 16 + inner.split_whitespace().collect::<String>().len() / 2;
        format!("ffff {length:04x} 00002320 002a 000000000000 {inner}")
    });
    assert_eq!(action(&nested), "OFPBAC_TOO_MANY");
}

#[test]
fn flow_mods() {
    let with =
        |table, command, flags| refusal(MessageType::FlowMod, &flow_mod_with(table, command, flags, "", ""));
    assert_eq!(with(0xff, 0, 0), "OFPFMFC_BAD_TABLE_ID");
    assert_eq!(with(0xff, 1, 0), "OFPFMFC_BAD_TABLE_ID");
    assert_eq!(with(0, 5, 0), "OFPFMFC_BAD_COMMAND");
    assert_eq!(with(0, 0, 0x20), "OFPFMFC_BAD_FLAGS");
    let filter = flow_mod_with(0, 3, 0, "", "").replacen(
        "ffffffff ffffffff ffffffff",
        "ffffffff 00000000 ffffffff",
        1,
    );
    assert_eq!(refusal(MessageType::FlowMod, &filter), "OFPBRC_BAD_PORT");
    assert!(reads(&flow_mod_with(0xff, 3, 0, "", "")));
    // Commands that do not delete do not look at it: os-ken leaves it 0.
    assert!(reads(&flow_mod_with(0, 0, 0, "", "").replacen(
        "ffffffff ffffffff ffffffff",
        "ffffffff 00000000 00000000",
        1
    )));
    // A command that deletes does not look at its instructions' sense, only at their form.
    let pop = apply("0012 0008 00000000");
    assert!(reads(&flow_mod_with(0, 3, 0, "", &pop)));
    assert_eq!(refusal(MessageType::FlowMod, &flow_mod_with(0, 1, 0, "", &pop)), "OFPBAC_MATCH_INCONSISTENT");
    // Two tags can be popped if one is matched.
    let pops = apply("0012 0008 00000000 0012 0008 00000000");
    assert!(reads(&flow_mod_with(0, 0, 0, "80000d04 1000 1000", &pops)));
}

#[test]
fn groups() {
    let group = |body: &str| refusal(MessageType::GroupMod, body);
    assert_eq!(group("0003 00 00 00000001"), "OFPGMFC_BAD_COMMAND");
    assert_eq!(group("0000 04 00 00000001"), "OFPGMFC_BAD_TYPE");
    assert_eq!(group("0000 00 00 ffffff01"), "OFPGMFC_INVALID_GROUP");
    assert_eq!(group("0000 00 00 fffffffc"), "OFPGMFC_INVALID_GROUP");
    assert_eq!(group("0002 00 00 ffffffff"), "OFPGMFC_INVALID_GROUP");
    assert_eq!(group("0000 02 00 00000001"), "OFPGMFC_INVALID_GROUP");
    let bucket = "0010 0000 ffffffff ffffffff 00000000";
    assert_eq!(group(&format!("0002 00 00 00000001 {bucket}")), "OFPGMFC_INVALID_GROUP");
    assert_eq!(group(&format!("0000 02 00 00000001 {bucket} {bucket}")), "OFPGMFC_INVALID_GROUP");
    assert_eq!(group(&format!("0000 03 00 00000001 {bucket}")), "OFPGMFC_INVALID_GROUP");
    assert_eq!(group("0000 00 00 00000001 0010 0005 ffffffff ffffffff 00000000"), "OFPGMFC_INVALID_GROUP");
    assert_eq!(
        group("0000 00 00 00000001 0010 0000 00000001 ffffffff 00000000"),
        "OFPGMFC_WATCH_UNSUPPORTED"
    );
    assert_eq!(group("0000 01 00 00000001 0010 0001 00000000 ffffffff 00000000"), "OFPGMFC_BAD_WATCH");
    assert_eq!(group("0000 01 00 00000001 0010 0001 fffffffd ffffffff 00000000"), "OFPGMFC_BAD_WATCH");
    assert_eq!(group("0000 01 00 00000001 0010 0001 ffffffff fffffffc 00000000"), "OFPGMFC_BAD_WATCH");
    assert_eq!(group("0000 01 00 00000001 0008 0001 ffffffff"), "OFPGMFC_BAD_BUCKET");
    assert_eq!(group("0000 01 00 00000001 0018 0001 ffffffff ffffffff 00000000"), "OFPGMFC_BAD_BUCKET");
    let bad_action = "0018 0001 ffffffff ffffffff 00000000 0063 0008 00000000";
    assert_eq!(group(&format!("0000 01 00 00000001 {bad_action}")), "OFPBAC_BAD_TYPE");
}

#[test]
fn meters() {
    let meter = |body: &str| refusal(MessageType::MeterMod, body);
    assert_eq!(meter("0003 0001 00000001"), "OFPMMFC_BAD_COMMAND");
    assert_eq!(meter("0000 0010 00000001"), "OFPMMFC_BAD_FLAGS");
    assert_eq!(meter("0000 0003 00000001"), "OFPMMFC_BAD_FLAGS");
    assert_eq!(meter("0000 0001 00000000"), "OFPMMFC_INVALID_METER");
    assert_eq!(meter("0000 0001 ffff0001"), "OFPMMFC_INVALID_METER");
    assert_eq!(meter("0000 0001 ffffffff"), "OFPMMFC_INVALID_METER");
    assert_eq!(meter("0000 0001 00000001 0003 0010 00000001 00000000 00000000"), "OFPMMFC_BAD_BAND");
    assert_eq!(meter("0000 0001 00000001 ffff 0010 00000001 00000000 00000000"), "OFPMMFC_BAD_BAND");
    assert_eq!(meter("0000 0001 00000001 0001 000c 00000001 00000000"), "OFPBRC_BAD_LEN");
}

#[test]
fn other_messages() {
    assert_eq!(refusal(MessageType::SetConfig, "0003 0080"), "OFPSCFC_BAD_FLAGS");
    assert_eq!(refusal(MessageType::SetConfig, "0004 0080"), "OFPSCFC_BAD_FLAGS");
    assert_eq!(refusal(MessageType::TableMod, "00 000000 00000004"), "OFPTMFC_BAD_CONFIG");
    assert_eq!(refusal(MessageType::RoleRequest, "00000004 00000000 0000000000000000"), "OFPRRFC_BAD_ROLE");
    assert_eq!(refusal(MessageType::QueueGetConfigRequest, "00000000 00000000"), "OFPQOFC_BAD_PORT");
    assert_eq!(refusal(MessageType::QueueGetConfigRequest, "fffffffd 00000000"), "OFPQOFC_BAD_PORT");
    let port_mod = |port: &str, config: &str, advertise: &str| {
        let body = format!("{port} 00000000 020000000001 0000 {config} 00000001 {advertise} 00000000");
        refusal(MessageType::PortMod, &body)
    };
    assert_eq!(port_mod("00000000", "00000000", "00000000"), "OFPPMFC_BAD_PORT");
    assert_eq!(port_mod("fffffffd", "00000000", "00000000"), "OFPPMFC_BAD_PORT");
    assert_eq!(port_mod("00000001", "00000002", "00000000"), "OFPPMFC_BAD_CONFIG");
    assert_eq!(port_mod("00000001", "00000000", "00010000"), "OFPPMFC_BAD_ADVERTISE");
    let packet_out = |body: &str| refusal(MessageType::PacketOut, body);
    assert_eq!(packet_out("ffffffff 00000000 0000 000000000000"), "OFPBRC_BAD_PORT");
    assert_eq!(packet_out("ffffffff fffffffb 0000 000000000000"), "OFPBRC_BAD_PORT");
    assert_eq!(packet_out("ffffffff 00000001 0008 000000000000"), "OFPBRC_BAD_LEN");
    assert_eq!(packet_out("ffffffff 00000001 0008 000000000000 0012 0010 00000000"), "OFPBAC_BAD_LEN");
}

#[test]
fn multipart_messages() {
    let request = |body: &str| refusal(MessageType::MultipartRequest, body);
    assert_eq!(request("000e 0000 00000000"), "OFPBRC_BAD_MULTIPART");
    assert_eq!(request("0000 0002 00000000"), "OFPBRC_BAD_MULTIPART");
    assert_eq!(request("0000 0000 00000000 00"), "OFPBRC_BAD_LEN");
    assert_eq!(request("0004 0000 00000000 00000000 00000000"), "OFPBRC_BAD_PORT");
    assert_eq!(request("0005 0000 00000000 00000000 ffffffff"), "OFPQOFC_BAD_PORT");
    assert_eq!(request("0006 0000 00000000 ffffff01 00000000"), "OFPGMFC_INVALID_GROUP");
    assert_eq!(request("0009 0000 00000000 00000000 00000000"), "OFPMMFC_INVALID_METER");
    let table = |length: &str, number: &str, properties: &str| {
        request(&format!(
            "000c 0000 00000000 {length} {number} 0000000000 {} {} 00000000 00000001 {properties}",
            "00".repeat(32),
            "00".repeat(16)
        ))
    };
    assert_eq!(table("0008", "00", ""), "OFPTFFC_BAD_LEN");
    assert_eq!(table("0048", "00", ""), "OFPTFFC_BAD_LEN");
    assert_eq!(table("0040", "ff", ""), "OFPTFFC_BAD_TABLE");
    assert_eq!(table("0048", "00", "0009 0004 00000000"), "OFPTFFC_BAD_TYPE");
    assert_eq!(table("0048", "00", "0000 0003 00000000"), "OFPTFFC_BAD_LEN");
    assert_eq!(table("0048", "00", "0000 0008 0001 0008"), "OFPTFFC_BAD_LEN");
    assert_eq!(table("0050", "00", "0002 0005 01 000000 0002 0005 01 000000"), "OFPTFFC_BAD_ARGUMENT");
}

#[test]
fn bundles() {
    let control = |body: &str| refusal(MessageType::Experimenter, &format!("4f4e4600 000008fc {body}"));
    assert_eq!(control("00000001 0008 0003"), "OFPBFC_BAD_TYPE");
    assert_eq!(control("00000001 0000 0004"), "OFPBFC_BAD_FLAGS");
    assert_eq!(control("00000001 0000 0003 ffff000c 00000001 00000000"), "OFPBRC_BAD_LEN");
    let add = |body: &str| {
        refusal(MessageType::Experimenter, &format!("4f4e4600 000008fd 00000001 0000 0003 {body}"))
    };
    assert_eq!(add("04 14 0008 00000009"), "OFPBFC_MSG_UNSUP");
    assert_eq!(add("04 11 0010 00000008 00000000 00000000"), "OFPBFC_MSG_BAD_XID");
    assert_eq!(add("04 11 0018 00000009 00000000 00000000"), "OFPBFC_MSG_BAD_LEN");
    assert_eq!(add("04 11 0010 0000"), "OFPBFC_MSG_BAD_LEN");
    assert_eq!(add("04 11 0010 00000009 00000000 00000004"), "OFPTMFC_BAD_CONFIG");
    // An error of the ONF's is written as an experimenter's (OpenFlow 1.3.5 §7.4.4).
    let mut bytes = Vec::new();
    let error = ErrorMessage::answer(ErrorCode::Onf(Onf::BundleBadId), &[1, 2]);
    Message::Error(error).encode(Xid(9), &mut bytes).unwrap();
    assert_eq!(bytes, from_hex("04 01 0012 00000009 ffff 08fe 4f4e4600 0102"));
}

#[test]
fn every_error_has_its_own_numbers() {
    let all: Vec<ErrorCode> = ErrorCode::all().collect();
    for (index, code) in all.iter().enumerate() {
        assert!(all.iter().skip(index + 1).all(|other| other.numbers() != code.numbers()), "{code}");
        let (kind, number) = code.numbers();
        let known = if code.experimenter().is_some() { None } else { Some(*code) };
        assert_eq!(ErrorCode::from_numbers(kind, number), known);
    }
}
