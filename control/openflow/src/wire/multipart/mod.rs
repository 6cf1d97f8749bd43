//! Requests and replies that may be longer than a message: descriptions and statistics (OpenFlow 1.3.5 §7.3.5).

mod description;
mod flow;
mod group;
mod meter;
mod port;
mod queue;
mod split;
mod table;
mod table_features;

pub use description::Description;
pub use flow::{AggregateStats, FlowStats, FlowStatsRequest};
pub use group::{
    BucketStats, GroupCapabilities, GroupDescription, GroupFeatures, GroupRequest, GroupStats, GroupTypes,
};
pub use meter::{BandStats, BandTypes, MeterConfig, MeterFeatures, MeterRequest, MeterStats};
pub use port::{PortRequest, PortStats};
pub use queue::{QueueRequest, QueueStats};
pub use table::TableStats;
pub use table_features::{FeatureId, TableFeatures, TableProperty};

use super::codec::{Reader, Wire, Writer};
use super::error::{BadRequest, DecodeError};
use super::experimenter::RawExperimenter;
use super::port::Port;

const DESC: u16 = 0;
const FLOW: u16 = 1;
const AGGREGATE: u16 = 2;
const TABLE: u16 = 3;
const PORT_STATS: u16 = 4;
const QUEUE: u16 = 5;
const GROUP: u16 = 6;
const GROUP_DESC: u16 = 7;
const GROUP_FEATURES: u16 = 8;
const METER: u16 = 9;
const METER_CONFIG: u16 = 10;
const METER_FEATURES: u16 = 11;
const TABLE_FEATURES: u16 = 12;
const PORT_DESC: u16 = 13;
const EXPERIMENTER: u16 = 0xffff;

/// `OFPMPF_REQ_MORE`, `OFPMPF_REPLY_MORE`.
const MORE: u16 = 1;

/// `OFPT_MULTIPART_REQUEST`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultipartRequest {
    /// Whether the request goes on in another message.
    pub more: bool,
    /// What is asked for.
    pub body: RequestBody,
}

/// What a multipart request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestBody {
    /// `OFPMP_DESC`: who the switch is (§7.3.5.1).
    Description,
    /// `OFPMP_FLOW`: flows with their counters (§7.3.5.2).
    Flow(FlowStatsRequest),
    /// `OFPMP_AGGREGATE`: flows' counters added up (§7.3.5.3).
    Aggregate(FlowStatsRequest),
    /// `OFPMP_TABLE`: tables' counters (§7.3.5.4).
    Table,
    /// `OFPMP_PORT_STATS`: ports' counters (§7.3.5.6).
    PortStats(PortRequest),
    /// `OFPMP_QUEUE`: queues' counters (§7.3.5.8).
    Queue(QueueRequest),
    /// `OFPMP_GROUP`: groups' counters (§7.3.5.9).
    Group(GroupRequest),
    /// `OFPMP_GROUP_DESC`: the groups (§7.3.5.10).
    GroupDescription,
    /// `OFPMP_GROUP_FEATURES`: what groups can be (§7.3.5.11).
    GroupFeatures,
    /// `OFPMP_METER`: meters' counters (§7.3.5.12).
    Meter(MeterRequest),
    /// `OFPMP_METER_CONFIG`: the meters (§7.3.5.13).
    MeterConfig(MeterRequest),
    /// `OFPMP_METER_FEATURES`: what meters can be (§7.3.5.14).
    MeterFeatures,
    /// `OFPMP_TABLE_FEATURES`: what tables can do, or, if there are any, are to do (§7.3.5.5).
    TableFeatures(Vec<TableFeatures>),
    /// `OFPMP_PORT_DESC`: the ports (§7.3.5.7).
    PortDescription,
    /// `OFPMP_EXPERIMENTER` (§7.3.5.15).
    Experimenter(RawExperimenter),
}

/// `OFPT_MULTIPART_REPLY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultipartReply {
    /// Whether the reply goes on in another message.
    pub more: bool,
    /// What is answered.
    pub body: ReplyBody,
}

/// What a multipart reply answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyBody {
    /// `OFPMP_DESC`.
    Description(Box<Description>),
    /// `OFPMP_FLOW`.
    Flow(Vec<FlowStats>),
    /// `OFPMP_AGGREGATE`.
    Aggregate(AggregateStats),
    /// `OFPMP_TABLE`.
    Table(Vec<TableStats>),
    /// `OFPMP_PORT_STATS`.
    PortStats(Vec<PortStats>),
    /// `OFPMP_QUEUE`.
    Queue(Vec<QueueStats>),
    /// `OFPMP_GROUP`.
    Group(Vec<GroupStats>),
    /// `OFPMP_GROUP_DESC`.
    GroupDescription(Vec<GroupDescription>),
    /// `OFPMP_GROUP_FEATURES`.
    GroupFeatures(GroupFeatures),
    /// `OFPMP_METER`.
    Meter(Vec<MeterStats>),
    /// `OFPMP_METER_CONFIG`.
    MeterConfig(Vec<MeterConfig>),
    /// `OFPMP_METER_FEATURES`.
    MeterFeatures(MeterFeatures),
    /// `OFPMP_TABLE_FEATURES`.
    TableFeatures(Vec<TableFeatures>),
    /// `OFPMP_PORT_DESC`.
    PortDescription(Vec<Port>),
    /// `OFPMP_EXPERIMENTER`.
    Experimenter(RawExperimenter),
}

impl RequestBody {
    const fn kind(&self) -> u16 {
        match self {
            RequestBody::Description => DESC,
            RequestBody::Flow(_) => FLOW,
            RequestBody::Aggregate(_) => AGGREGATE,
            RequestBody::Table => TABLE,
            RequestBody::PortStats(_) => PORT_STATS,
            RequestBody::Queue(_) => QUEUE,
            RequestBody::Group(_) => GROUP,
            RequestBody::GroupDescription => GROUP_DESC,
            RequestBody::GroupFeatures => GROUP_FEATURES,
            RequestBody::Meter(_) => METER,
            RequestBody::MeterConfig(_) => METER_CONFIG,
            RequestBody::MeterFeatures => METER_FEATURES,
            RequestBody::TableFeatures(_) => TABLE_FEATURES,
            RequestBody::PortDescription => PORT_DESC,
            RequestBody::Experimenter(_) => EXPERIMENTER,
        }
    }
}

impl Wire for MultipartRequest {
    fn read(reader: &mut Reader<'_>) -> Result<MultipartRequest, DecodeError> {
        let (at, kind, more) = read_header(reader)?;
        let body = match kind {
            DESC => RequestBody::Description,
            FLOW => RequestBody::Flow(Wire::read(reader)?),
            AGGREGATE => RequestBody::Aggregate(Wire::read(reader)?),
            TABLE => RequestBody::Table,
            PORT_STATS => RequestBody::PortStats(Wire::read(reader)?),
            QUEUE => RequestBody::Queue(Wire::read(reader)?),
            GROUP => RequestBody::Group(Wire::read(reader)?),
            GROUP_DESC => RequestBody::GroupDescription,
            GROUP_FEATURES => RequestBody::GroupFeatures,
            METER => RequestBody::Meter(Wire::read(reader)?),
            METER_CONFIG => RequestBody::MeterConfig(Wire::read(reader)?),
            METER_FEATURES => RequestBody::MeterFeatures,
            TABLE_FEATURES => RequestBody::TableFeatures(reader.list(Wire::read)?),
            PORT_DESC => RequestBody::PortDescription,
            EXPERIMENTER => RequestBody::Experimenter(RawExperimenter::read(reader)?),
            _ => return Err(unknown(&at)),
        };
        Ok(MultipartRequest { more, body })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        write_header(self.body.kind(), self.more, writer);
        match &self.body {
            RequestBody::Flow(request) | RequestBody::Aggregate(request) => request.write(writer),
            RequestBody::PortStats(request) => request.write(writer),
            RequestBody::Queue(request) => request.write(writer),
            RequestBody::Group(request) => request.write(writer),
            RequestBody::Meter(request) | RequestBody::MeterConfig(request) => request.write(writer),
            RequestBody::TableFeatures(tables) => write_items(tables, writer),
            RequestBody::Experimenter(raw) => raw.write(writer),
            RequestBody::Description
            | RequestBody::Table
            | RequestBody::GroupDescription
            | RequestBody::GroupFeatures
            | RequestBody::MeterFeatures
            | RequestBody::PortDescription => {}
        }
    }
}

impl ReplyBody {
    const fn kind(&self) -> u16 {
        match self {
            ReplyBody::Description(_) => DESC,
            ReplyBody::Flow(_) => FLOW,
            ReplyBody::Aggregate(_) => AGGREGATE,
            ReplyBody::Table(_) => TABLE,
            ReplyBody::PortStats(_) => PORT_STATS,
            ReplyBody::Queue(_) => QUEUE,
            ReplyBody::Group(_) => GROUP,
            ReplyBody::GroupDescription(_) => GROUP_DESC,
            ReplyBody::GroupFeatures(_) => GROUP_FEATURES,
            ReplyBody::Meter(_) => METER,
            ReplyBody::MeterConfig(_) => METER_CONFIG,
            ReplyBody::MeterFeatures(_) => METER_FEATURES,
            ReplyBody::TableFeatures(_) => TABLE_FEATURES,
            ReplyBody::PortDescription(_) => PORT_DESC,
            ReplyBody::Experimenter(_) => EXPERIMENTER,
        }
    }

    fn write(&self, writer: &mut Writer<'_>) {
        match self {
            ReplyBody::Description(description) => description.write(writer),
            ReplyBody::Flow(flows) => write_items(flows, writer),
            ReplyBody::Aggregate(stats) => stats.write(writer),
            ReplyBody::Table(tables) => write_items(tables, writer),
            ReplyBody::PortStats(ports) => write_items(ports, writer),
            ReplyBody::Queue(queues) => write_items(queues, writer),
            ReplyBody::Group(groups) => write_items(groups, writer),
            ReplyBody::GroupDescription(groups) => write_items(groups, writer),
            ReplyBody::GroupFeatures(features) => features.write(writer),
            ReplyBody::Meter(meters) => write_items(meters, writer),
            ReplyBody::MeterConfig(meters) => write_items(meters, writer),
            ReplyBody::MeterFeatures(features) => features.write(writer),
            ReplyBody::TableFeatures(tables) => write_items(tables, writer),
            ReplyBody::PortDescription(ports) => write_items(ports, writer),
            ReplyBody::Experimenter(raw) => raw.write(writer),
        }
    }
}

impl Wire for MultipartReply {
    fn read(reader: &mut Reader<'_>) -> Result<MultipartReply, DecodeError> {
        let (at, kind, more) = read_header(reader)?;
        let body = match kind {
            DESC => ReplyBody::Description(Box::new(Wire::read(reader)?)),
            FLOW => ReplyBody::Flow(reader.list(Wire::read)?),
            AGGREGATE => ReplyBody::Aggregate(Wire::read(reader)?),
            TABLE => ReplyBody::Table(reader.list(Wire::read)?),
            PORT_STATS => ReplyBody::PortStats(reader.list(Wire::read)?),
            QUEUE => ReplyBody::Queue(reader.list(Wire::read)?),
            GROUP => ReplyBody::Group(reader.list(Wire::read)?),
            GROUP_DESC => ReplyBody::GroupDescription(reader.list(Wire::read)?),
            GROUP_FEATURES => ReplyBody::GroupFeatures(Wire::read(reader)?),
            METER => ReplyBody::Meter(reader.list(Wire::read)?),
            METER_CONFIG => ReplyBody::MeterConfig(reader.list(Wire::read)?),
            METER_FEATURES => ReplyBody::MeterFeatures(Wire::read(reader)?),
            TABLE_FEATURES => ReplyBody::TableFeatures(reader.list(Wire::read)?),
            PORT_DESC => ReplyBody::PortDescription(reader.list(Wire::read)?),
            EXPERIMENTER => ReplyBody::Experimenter(RawExperimenter::read(reader)?),
            _ => return Err(unknown(&at)),
        };
        Ok(MultipartReply { more, body })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        write_header(self.body.kind(), self.more, writer);
        self.body.write(writer);
    }
}

/// Type and flags, and where the type stands.
fn read_header<'a>(reader: &mut Reader<'a>) -> Result<(Reader<'a>, u16, bool), DecodeError> {
    let at = reader.clone();
    let (kind, flags) = (reader.u16()?, reader.u16()?);
    if flags & !MORE != 0 {
        return Err(at.error(BadRequest::BadMultipart, "a flag of the multipart message is unknown"));
    }
    reader.pad(4)?;
    Ok((at, kind, flags == MORE))
}

fn write_header(kind: u16, more: bool, writer: &mut Writer<'_>) {
    writer.u16(kind);
    writer.u16(if more { MORE } else { 0 });
    writer.pad(4);
}

/// Writes items one after another; between any two the message may be cut.
fn write_items<T: Wire>(items: &[T], writer: &mut Writer<'_>) {
    for item in items {
        item.write(writer);
        writer.mark();
    }
}

fn unknown(at: &Reader<'_>) -> DecodeError {
    at.error(BadRequest::BadMultipart, "no multipart message has this type")
}
