//! Random valid messages of every type.

mod action;
mod flow;
mod group;
mod multipart;

use sluice_api::mac::Mac;

use self::action::actions;
use self::flow::{flow_mod, matching};
use self::group::{group_mod, meter_mod};
pub(super) use self::multipart::{REPLIES, flow_stats, reply_of};
use self::multipart::{reply, request};
use super::entropy::Entropy;
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

fn queue_property(e: &mut Entropy<'_>) -> QueueProperty {
    match e.below(3) {
        0 => QueueProperty::MinRate(e.u16()),
        1 => QueueProperty::MaxRate(e.u16()),
        _ => QueueProperty::Experimenter { experimenter: e.u32(), data: e.data() },
    }
}
