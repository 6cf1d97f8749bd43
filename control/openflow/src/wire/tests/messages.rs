//! Random valid messages of every type.

use std::net::{Ipv4Addr, Ipv6Addr};

use sluice_api::mac::Mac;

use super::entropy::Entropy;
use crate::wire::action::{check_consistency, check_set_consistency};
use crate::wire::multipart::*;
use crate::wire::*;

/// How many kinds [`message`] knows.
pub(super) const KINDS: usize = 30;

/// A message of the type of this number.
pub(super) fn message(kind: usize, e: &mut Entropy<'_>) -> Message {
    match kind {
        0 => Message::Hello(Hello {
            version: e.pick(&[1, 4, 6]),
            versions: e.option(|e| e.list(Entropy::u32)),
        }),
        1 => Message::Error(error(e)),
        2 => Message::EchoRequest(e.data()),
        3 => Message::EchoReply(e.data()),
        4 => Message::Experimenter(experimenter(e)),
        5 => Message::FeaturesRequest,
        6 => Message::FeaturesReply(Features {
            datapath_id: DatapathId(e.u64()),
            n_buffers: e.u32(),
            n_tables: e.u8(),
            auxiliary_id: e.u8(),
            capabilities: Capabilities::from_bits(e.u32() & Capabilities::ALL.bits()).unwrap(),
            reserved: e.u32(),
        }),
        7 => Message::GetConfigRequest,
        8 => Message::GetConfigReply(config(e)),
        9 => Message::SetConfig(config(e)),
        10 => Message::PacketIn(PacketIn {
            buffer: buffer(e),
            total_len: e.u16(),
            reason: e.pick(PacketInReason::ALL),
            table: table(e),
            cookie: Cookie(e.u64()),
            matching: matching(e),
            data: e.data(),
        }),
        11 => Message::FlowRemoved(FlowRemoved {
            cookie: Cookie(e.u64()),
            priority: e.u16(),
            reason: e.pick(FlowRemovedReason::ALL),
            table: table(e),
            duration_s: e.u32(),
            duration_ns: e.u32(),
            idle_timeout_s: e.u16(),
            hard_timeout_s: e.u16(),
            packets: e.u64(),
            bytes: e.u64(),
            matching: matching(e),
        }),
        12 => Message::PortStatus(PortStatus { reason: e.pick(PortReason::ALL), port: port(e) }),
        13 => Message::PacketOut(PacketOut {
            packet: match buffer(e) {
                Some(buffer) => OutPacket::Buffered(buffer),
                None => OutPacket::Data(e.data()),
            },
            in_port: e.pick(&[physical(1), PortNo::LOCAL, PortNo::CONTROLLER, PortNo::ANY]),
            actions: actions(e, true),
        }),
        14 => Message::FlowMod(flow_mod(e)),
        15 => Message::GroupMod(group_mod(e)),
        16 => Message::PortMod(PortMod {
            port_no: e.pick(&[physical(1), physical(0xffff_ff00), PortNo::LOCAL]),
            hw_addr: mac(e),
            config: port_config(e),
            mask: port_config(e),
            advertise: port_features(e),
        }),
        17 => Message::TableMod(TableMod { tables: tables(e), config: e.u32() & 3 }),
        18 => Message::MultipartRequest(MultipartRequest { more: e.flag(), body: request(e) }),
        19 => Message::MultipartReply(MultipartReply { more: e.flag(), body: reply(e) }),
        20 => Message::BarrierRequest,
        21 => Message::BarrierReply,
        22 => {
            Message::QueueGetConfigRequest(QueueConfigRequest { port: e.pick(&[physical(7), PortNo::ANY]) })
        }
        23 => Message::QueueGetConfigReply(QueueConfigReply {
            port: any_port(e),
            queues: e.list(|e| Queue {
                queue: QueueId(e.u32()),
                port: any_port(e),
                properties: e.list(queue_property),
            }),
        }),
        24 => Message::RoleRequest(role(e)),
        25 => Message::RoleReply(role(e)),
        26 => Message::GetAsyncRequest,
        27 => Message::GetAsyncReply(async_config(e)),
        28 => Message::SetAsync(async_config(e)),
        _ => Message::MeterMod(meter_mod(e)),
    }
}

fn error(e: &mut Entropy<'_>) -> ErrorMessage {
    let all: Vec<ErrorCode> = ErrorCode::all().collect();
    let kind = match e.below(4) {
        0 => ErrorKind::Other { kind: 200, code: e.u16() },
        1 => ErrorKind::Experimenter { experimenter: e.u32() | 1, exp_type: e.u16() },
        _ => ErrorKind::Known(e.pick(&all)),
    };
    ErrorMessage { kind, data: e.data() }
}

fn experimenter(e: &mut Entropy<'_>) -> Experimenter {
    let flags = BundleFlags::from_bits(e.u16() & 3).unwrap();
    match e.below(3) {
        0 => {
            let (bundle, command) = (BundleId(e.u32()), e.pick(BundleCommand::ALL));
            Experimenter::BundleControl(BundleControl { bundle, command, flags })
        }
        1 => {
            let kind = e.pick(&[13, 14, 15, 16, 17, 29]);
            let (bundle, message) = (BundleId(e.u32()), Box::new(message(kind, e)));
            Experimenter::BundleAdd(BundleAdd { bundle, flags, message })
        }
        _ => Experimenter::Other(raw(e)),
    }
}

fn raw(e: &mut Entropy<'_>) -> RawExperimenter {
    let experimenter = e.pick(&[NICIRA, 7]);
    RawExperimenter { experimenter, exp_type: e.u32(), data: e.data() }
}

fn config(e: &mut Entropy<'_>) -> SwitchConfig {
    SwitchConfig { fragments: e.pick(Fragments::ALL), miss_send_len: e.u16() }
}

fn role(e: &mut Entropy<'_>) -> Role {
    Role { role: e.pick(ControllerRole::ALL), generation_id: e.u64() }
}

fn async_config(e: &mut Entropy<'_>) -> AsyncConfig {
    let mut masks = || Masks { master: e.u32(), slave: e.u32() };
    AsyncConfig { packet_in: masks(), port_status: masks(), flow_removed: masks() }
}

fn physical(number: u32) -> PortNo {
    PortNo::new(number).unwrap()
}

fn any_port(e: &mut Entropy<'_>) -> PortNo {
    PortNo::new(e.u32()).unwrap_or(PortNo::ANY)
}

fn table(e: &mut Entropy<'_>) -> TableId {
    TableId::new(e.u8()).unwrap_or(TableId::MAX)
}

fn tables(e: &mut Entropy<'_>) -> Tables {
    TableId::new(e.u8()).map_or(Tables::All, Tables::One)
}

fn group(e: &mut Entropy<'_>) -> GroupId {
    GroupId::new(e.u32()).filter(|group| group.is_group()).unwrap_or(GroupId::MAX)
}

fn meter(e: &mut Entropy<'_>) -> MeterId {
    MeterId::new(e.u32()).filter(|meter| meter.is_meter()).unwrap_or(MeterId::MAX)
}

fn buffer(e: &mut Entropy<'_>) -> Option<BufferId> {
    let number = e.u32();
    e.option(|_| BufferId::new(number)).flatten()
}

fn mac(e: &mut Entropy<'_>) -> Mac {
    Mac::from_number(e.u64())
}

fn text<const N: usize>(e: &mut Entropy<'_>) -> Text<N> {
    let data = e.data();
    Text::new(&data.iter().map(|byte| char::from(b'a' + byte % 26)).collect::<String>())
}

fn port_config(e: &mut Entropy<'_>) -> PortConfig {
    PortConfig::from_bits(e.u32() & PortConfig::ALL.bits()).unwrap()
}

fn port_features(e: &mut Entropy<'_>) -> PortFeatures {
    PortFeatures::from_bits(e.u32() & PortFeatures::ALL.bits()).unwrap()
}

fn port(e: &mut Entropy<'_>) -> Port {
    Port {
        port_no: any_port(e),
        hw_addr: mac(e),
        name: text(e),
        config: port_config(e),
        state: PortState::from_bits(e.u32() & 7).unwrap(),
        current: port_features(e),
        advertised: port_features(e),
        supported: port_features(e),
        peer: port_features(e),
        current_speed_kbps: e.u32(),
        max_speed_kbps: e.u32(),
    }
}

/// Some value and mask of a field that it can have, or none.
pub(super) fn oxm(field: Field, e: &mut Entropy<'_>) -> Option<Oxm> {
    let ones = field.all_ones();
    let value = if e.flag() { e.u128() & ones } else { u128::from(e.u8()) & ones };
    let mask = if field.maskable() != Maskable::No && e.flag() { e.u128() & ones } else { ones };
    Oxm::masked(field, value & mask, mask).ok().filter(|oxm| !oxm.is_wildcard())
}

/// A match of some protocol and whatever else it allows.
fn matching(e: &mut Entropy<'_>) -> Match {
    let exact = |field, value: u32| Oxm::exact(field, value.into()).unwrap();
    let mut fields = Vec::new();
    if e.flag() {
        fields.push(exact(Field::InPort, 1));
    }
    if e.flag() {
        fields.push(exact(Field::VlanVid, 0x1000 | u32::from(e.u16() & 0xfff)));
    }
    let eth_type = e.pick(&[0x0800, 0x86dd, 0x0806, 0x8847, 0x88e7, 0x88cc]);
    let depth = e.below(4);
    let protocol = [
        exact(Field::EthType, eth_type),
        exact(Field::IpProto, e.pick(&[1, 6, 17, 58, 132])),
        exact(Field::Icmpv6Type, e.pick(&[135, 136, 1])),
    ];
    fields.extend(protocol.into_iter().take(depth));
    for _ in 0..e.below(8) {
        let field = e.pick(Field::ALL);
        fields.extend(oxm(field, e));
    }
    let mut kept: Vec<Oxm> = Vec::new();
    for field in fields {
        let tried: Vec<Oxm> = kept.iter().copied().chain([field]).collect();
        if Match::new(tried.iter().copied()).is_ok() {
            kept = tried;
        }
    }
    Match::new(kept).unwrap()
}

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

fn actions(e: &mut Entropy<'_>, packet_out: bool) -> Vec<Action> {
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

fn instructions(e: &mut Entropy<'_>) -> Instructions {
    Instructions {
        meter: e.option(meter),
        apply_actions: e.option(|e| actions(e, false)),
        clear_actions: e.flag(),
        write_actions: e.option(|e| actions(e, false)),
        write_metadata: e.option(|e| Metadata { value: e.u64(), mask: e.u64() }),
        goto_table: e.option(table),
    }
}

fn flow_mod(e: &mut Entropy<'_>) -> FlowMod {
    let command = match e.below(3) {
        0 => FlowCommand::Add { table: table(e) },
        1 => FlowCommand::Modify { table: table(e), strict: e.flag() },
        _ => FlowCommand::Delete {
            tables: tables(e),
            strict: e.flag(),
            out_port: any_port(e),
            out_group: e.pick(&[GroupId::ANY, GroupId::new(3).unwrap()]),
        },
    };
    let mut flow_mod = FlowMod {
        cookie: Cookie(e.u64()),
        cookie_mask: CookieMask(e.u64()),
        command,
        idle_timeout_s: e.u16(),
        hard_timeout_s: e.u16(),
        priority: e.u16(),
        buffer: buffer(e),
        flags: FlowFlags::from_bits(e.u16() & FlowFlags::ALL.bits()).unwrap(),
        matching: matching(e),
        instructions: instructions(e),
    };
    keep_consistent(&mut flow_mod);
    flow_mod
}

/// Leaves out what cannot apply to the match.
fn keep_consistent(flow_mod: &mut FlowMod) {
    let mut facts = flow_mod.matching.facts();
    if let Some(actions) = &mut flow_mod.instructions.apply_actions {
        actions.retain(|action| {
            let mut tried = facts;
            let kept = check_consistency(std::slice::from_ref(action), &mut tried).is_ok();
            if kept {
                facts = tried;
            }
            kept
        });
    }
    while let Some(actions) = &mut flow_mod.instructions.write_actions
        && check_set_consistency(actions, facts).is_err()
    {
        actions.pop();
    }
    if flow_mod.check().is_err() {
        flow_mod.instructions.goto_table = None;
    }
}

fn bucket(kind: GroupType, e: &mut Entropy<'_>) -> Bucket {
    let (watch_port, watch_group) = match kind {
        GroupType::FastFailover => (physical(2), GroupId::ANY),
        GroupType::Select => (PortNo::ANY, group(e)),
        _ => (PortNo::ANY, GroupId::ANY),
    };
    let weight = if kind == GroupType::Select { e.u16() } else { 0 };
    Bucket { weight, watch_port, watch_group, actions: actions(e, false) }
}

fn group_mod(e: &mut Entropy<'_>) -> GroupMod {
    let (command, kind) = (e.pick(GroupCommand::ALL), e.pick(GroupType::ALL));
    let buckets = match (command, kind) {
        (GroupCommand::Delete, _) => vec![],
        (_, GroupType::Indirect) => vec![bucket(kind, e)],
        _ => e.list(|e| bucket(kind, e)),
    };
    let group = if command == GroupCommand::Delete && e.flag() { GroupId::ALL } else { group(e) };
    GroupMod { command, kind, group, buckets }
}

fn bands(e: &mut Entropy<'_>) -> Vec<Band> {
    e.list(|e| Band {
        rate: e.u32(),
        burst_size: e.u32(),
        kind: if e.flag() { BandKind::Drop } else { BandKind::DscpRemark { prec_level: e.u8() } },
    })
}

fn meter_flags(e: &mut Entropy<'_>) -> MeterFlags {
    let unit = e.pick(&[MeterFlags::NONE, MeterFlags::KBPS, MeterFlags::PKTPS]);
    unit | e.pick(&[MeterFlags::NONE, MeterFlags::BURST, MeterFlags::BURST | MeterFlags::STATS])
}

fn meter_mod(e: &mut Entropy<'_>) -> MeterMod {
    let (command, flags) = (e.pick(MeterCommand::ALL), meter_flags(e));
    let meter = if command == MeterCommand::Delete && e.flag() { MeterId::ALL } else { meter(e) };
    MeterMod { command, flags, meter, bands: bands(e) }
}

fn queue_property(e: &mut Entropy<'_>) -> QueueProperty {
    match e.below(3) {
        0 => QueueProperty::MinRate(e.u16()),
        1 => QueueProperty::MaxRate(e.u16()),
        _ => QueueProperty::Experimenter { experimenter: e.u32(), data: e.data() },
    }
}

fn request(e: &mut Entropy<'_>) -> RequestBody {
    match e.below(15) {
        0 => RequestBody::Description,
        1 => RequestBody::Flow(flow_request(e)),
        2 => RequestBody::Aggregate(flow_request(e)),
        3 => RequestBody::Table,
        4 => RequestBody::PortStats(PortRequest { port: any_port(e) }),
        5 => RequestBody::Queue(QueueRequest { port: any_port(e), queue: QueueId(e.u32()) }),
        6 => RequestBody::Group(GroupRequest { group: e.pick(&[GroupId::ALL, GroupId::MAX]) }),
        7 => RequestBody::GroupDescription,
        8 => RequestBody::GroupFeatures,
        9 => RequestBody::Meter(MeterRequest { meter: e.pick(&[MeterId::ALL, MeterId::MAX]) }),
        10 => RequestBody::MeterConfig(MeterRequest { meter: e.pick(&[MeterId::ALL, MeterId::CONTROLLER]) }),
        11 => RequestBody::MeterFeatures,
        12 => RequestBody::TableFeatures(e.list(table_features)),
        13 => RequestBody::PortDescription,
        _ => RequestBody::Experimenter(raw(e)),
    }
}

fn flow_request(e: &mut Entropy<'_>) -> FlowStatsRequest {
    FlowStatsRequest {
        tables: tables(e),
        out_port: any_port(e),
        out_group: e.pick(&[GroupId::ANY, GroupId::MAX]),
        cookie: Cookie(e.u64()),
        cookie_mask: CookieMask(e.u64()),
        matching: matching(e),
    }
}

/// How many kinds of replies [`reply_of`] knows.
pub(super) const REPLIES: usize = 15;

fn reply(e: &mut Entropy<'_>) -> ReplyBody {
    let kind = e.below(REPLIES);
    reply_of(kind, e)
}

pub(super) fn reply_of(kind: usize, e: &mut Entropy<'_>) -> ReplyBody {
    match kind {
        0 => ReplyBody::Description(Box::new(Description {
            manufacturer: text(e),
            hardware: text(e),
            software: text(e),
            serial_number: text(e),
            datapath: text(e),
        })),
        1 => ReplyBody::Flow(e.list(flow_stats)),
        2 => ReplyBody::Aggregate(AggregateStats { packets: e.u64(), bytes: e.u64(), flows: e.u32() }),
        3 => ReplyBody::Table(e.list(|e| TableStats {
            table: table(e),
            active: e.u32(),
            lookups: e.u64(),
            matched: e.u64(),
        })),
        4 => ReplyBody::PortStats(e.list(port_stats)),
        5 => ReplyBody::Queue(e.list(|e| QueueStats {
            port: any_port(e),
            queue: QueueId(e.u32()),
            tx_bytes: e.u64(),
            tx_packets: e.u64(),
            tx_errors: e.u64(),
            duration_s: e.u32(),
            duration_ns: e.u32(),
        })),
        6 => ReplyBody::Group(e.list(|e| GroupStats {
            group: group(e),
            references: e.u32(),
            packets: e.u64(),
            bytes: e.u64(),
            duration_s: e.u32(),
            duration_ns: e.u32(),
            buckets: e.list(|e| BucketStats { packets: e.u64(), bytes: e.u64() }),
        })),
        7 => ReplyBody::GroupDescription(e.list(|e| {
            let kind = e.pick(GroupType::ALL);
            GroupDescription { kind, group: group(e), buckets: e.list(|e| bucket(kind, e)) }
        })),
        8 => ReplyBody::GroupFeatures(GroupFeatures {
            types: GroupTypes::from_bits(e.u32() & 15).unwrap(),
            capabilities: GroupCapabilities::from_bits(e.u32() & 15).unwrap(),
            max_groups: [e.u32(), e.u32(), e.u32(), e.u32()],
            actions: [e.u32(), e.u32(), e.u32(), e.u32()],
        }),
        9 => ReplyBody::Meter(e.list(|e| MeterStats {
            meter: meter(e),
            flows: e.u32(),
            packets: e.u64(),
            bytes: e.u64(),
            duration_s: e.u32(),
            duration_ns: e.u32(),
            bands: e.list(|e| BandStats { packets: e.u64(), bytes: e.u64() }),
        })),
        10 => ReplyBody::MeterConfig(e.list(|e| MeterConfig {
            flags: meter_flags(e),
            meter: meter(e),
            bands: bands(e),
        })),
        11 => ReplyBody::MeterFeatures(MeterFeatures {
            max_meters: e.u32(),
            band_types: BandTypes::from_bits(e.u32() & 6).unwrap(),
            capabilities: e.u32(),
            max_bands: e.u8(),
            max_colors: e.u8(),
        }),
        12 => ReplyBody::TableFeatures(e.list(table_features)),
        13 => ReplyBody::PortDescription(e.list(port)),
        _ => ReplyBody::Experimenter(raw(e)),
    }
}

pub(super) fn flow_stats(e: &mut Entropy<'_>) -> FlowStats {
    FlowStats {
        table: table(e),
        duration_s: e.u32(),
        duration_ns: e.u32(),
        priority: e.u16(),
        idle_timeout_s: e.u16(),
        hard_timeout_s: e.u16(),
        flags: FlowFlags::from_bits(e.u16() & FlowFlags::ALL.bits()).unwrap(),
        cookie: Cookie(e.u64()),
        packets: e.u64(),
        bytes: e.u64(),
        matching: matching(e),
        instructions: instructions(e),
    }
}

fn port_stats(e: &mut Entropy<'_>) -> PortStats {
    PortStats {
        port: any_port(e),
        rx_packets: e.u64(),
        tx_packets: e.u64(),
        rx_bytes: e.u64(),
        tx_bytes: e.u64(),
        rx_dropped: e.u64(),
        tx_dropped: e.u64(),
        rx_errors: e.u64(),
        tx_errors: e.u64(),
        rx_frame_errors: e.u64(),
        rx_over_errors: e.u64(),
        rx_crc_errors: e.u64(),
        collisions: e.u64(),
        duration_s: e.u32(),
        duration_ns: e.u32(),
    }
}

fn table_features(e: &mut Entropy<'_>) -> TableFeatures {
    let ids = |e: &mut Entropy<'_>| {
        e.list(
            |e| if e.flag() { FeatureId::Experimenter(e.u32()) } else { FeatureId::Standard(e.u16() >> 1) },
        )
    };
    let fields = |e: &mut Entropy<'_>| e.list(|e| OxmId::of(e.pick(Field::ALL), e.flag()));
    let mut properties = Vec::new();
    for kind in 0..9 {
        if !e.flag() {
            continue;
        }
        let miss = e.flag();
        properties.push(match kind {
            0 => TableProperty::Instructions { miss, ids: ids(e) },
            1 => TableProperty::NextTables { miss, tables: e.list(table) },
            2 => TableProperty::WriteActions { miss, ids: ids(e) },
            3 => TableProperty::ApplyActions { miss, ids: ids(e) },
            4 => TableProperty::Match(fields(e)),
            5 => TableProperty::Wildcards(fields(e)),
            6 => TableProperty::WriteSetField { miss, fields: fields(e) },
            7 => TableProperty::ApplySetField { miss, fields: fields(e) },
            _ => {
                TableProperty::Experimenter { miss, experimenter: e.u32(), exp_type: e.u32(), data: e.data() }
            }
        });
    }
    TableFeatures {
        table: table(e),
        name: text(e),
        metadata_match: e.u64(),
        metadata_write: e.u64(),
        config: e.u32(),
        max_entries: e.u32(),
        properties,
    }
}
