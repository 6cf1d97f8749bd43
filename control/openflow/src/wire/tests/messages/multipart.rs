//! Random multipart requests and replies.

use super::flow::{instructions, matching};
use super::group::{bands, bucket, meter_flags};
use super::{any_port, group, meter, port, raw, table, tables, text};
use crate::wire::multipart::*;
use crate::wire::tests::entropy::Entropy;
use crate::wire::*;

pub(in crate::wire::tests) fn request(e: &mut Entropy<'_>) -> RequestBody {
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
pub(in crate::wire::tests) const REPLIES: usize = 15;

pub(in crate::wire::tests) fn reply(e: &mut Entropy<'_>) -> ReplyBody {
    let kind = e.below(REPLIES);
    reply_of(kind, e)
}

pub(in crate::wire::tests) fn reply_of(kind: usize, e: &mut Entropy<'_>) -> ReplyBody {
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

pub(in crate::wire::tests) fn flow_stats(e: &mut Entropy<'_>) -> FlowStats {
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
