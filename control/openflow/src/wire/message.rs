//! A message of any type.

use std::cell::Cell;

use super::asynchronous::AsyncConfig;
use super::codec::{Reader, Wire, Writer};
use super::config::SwitchConfig;
use super::error::{BadRequest, DecodeError, EncodeError, ErrorMessage};
use super::experimenter::Experimenter;
use super::features::Features;
use super::flow_mod::FlowMod;
use super::flow_removed::FlowRemoved;
use super::group::GroupMod;
use super::header::{HEADER_BYTES, Header, MessageType, VERSION};
use super::hello::Hello;
use super::meter::MeterMod;
use super::multipart::{MultipartReply, MultipartRequest};
use super::number::Xid;
use super::packet_in::PacketIn;
use super::packet_out::PacketOut;
use super::port::{PortMod, PortStatus};
use super::queue::{QueueConfigReply, QueueConfigRequest};
use super::role::Role;
use super::table_mod::TableMod;

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// `OFPT_HELLO` (§7.5.1).
    Hello(Hello),
    /// `OFPT_ERROR` (§7.4.4).
    Error(ErrorMessage),
    /// `OFPT_ECHO_REQUEST` (§7.5.2), with any bytes.
    EchoRequest(Vec<u8>),
    /// `OFPT_ECHO_REPLY` (§7.5.3), with the request's bytes.
    EchoReply(Vec<u8>),
    /// `OFPT_EXPERIMENTER` (§7.5.4).
    Experimenter(Experimenter),
    /// `OFPT_FEATURES_REQUEST` (§7.3.1).
    FeaturesRequest,
    /// `OFPT_FEATURES_REPLY` (§7.3.1).
    FeaturesReply(Features),
    /// `OFPT_GET_CONFIG_REQUEST` (§7.3.2).
    GetConfigRequest,
    /// `OFPT_GET_CONFIG_REPLY` (§7.3.2).
    GetConfigReply(SwitchConfig),
    /// `OFPT_SET_CONFIG` (§7.3.2).
    SetConfig(SwitchConfig),
    /// `OFPT_PACKET_IN` (§7.4.1).
    PacketIn(PacketIn),
    /// `OFPT_FLOW_REMOVED` (§7.4.2).
    FlowRemoved(FlowRemoved),
    /// `OFPT_PORT_STATUS` (§7.4.3).
    PortStatus(PortStatus),
    /// `OFPT_PACKET_OUT` (§7.3.7).
    PacketOut(PacketOut),
    /// `OFPT_FLOW_MOD` (§7.3.4.1).
    FlowMod(FlowMod),
    /// `OFPT_GROUP_MOD` (§7.3.4.2).
    GroupMod(GroupMod),
    /// `OFPT_PORT_MOD` (§7.3.4.3).
    PortMod(PortMod),
    /// `OFPT_TABLE_MOD` (§7.3.3).
    TableMod(TableMod),
    /// `OFPT_MULTIPART_REQUEST` (§7.3.5).
    MultipartRequest(MultipartRequest),
    /// `OFPT_MULTIPART_REPLY` (§7.3.5).
    MultipartReply(MultipartReply),
    /// `OFPT_BARRIER_REQUEST` (§7.3.8).
    BarrierRequest,
    /// `OFPT_BARRIER_REPLY` (§7.3.8).
    BarrierReply,
    /// `OFPT_QUEUE_GET_CONFIG_REQUEST` (§7.3.6).
    QueueGetConfigRequest(QueueConfigRequest),
    /// `OFPT_QUEUE_GET_CONFIG_REPLY` (§7.3.6).
    QueueGetConfigReply(QueueConfigReply),
    /// `OFPT_ROLE_REQUEST` (§7.3.9).
    RoleRequest(Role),
    /// `OFPT_ROLE_REPLY` (§7.3.9).
    RoleReply(Role),
    /// `OFPT_GET_ASYNC_REQUEST` (§7.3.10).
    GetAsyncRequest,
    /// `OFPT_GET_ASYNC_REPLY` (§7.3.10).
    GetAsyncReply(AsyncConfig),
    /// `OFPT_SET_ASYNC` (§7.3.10).
    SetAsync(AsyncConfig),
    /// `OFPT_METER_MOD` (§7.3.4.4).
    MeterMod(MeterMod),
}

impl Message {
    /// Reads one whole message, header included, as [`super::Framer`] gives it.
    ///
    /// # Errors
    /// Why the bytes are no message, with what a switch answers; never panics.
    pub fn decode(bytes: &[u8]) -> Result<(Header, Message), DecodeError> {
        Message::decode_noting(bytes, &Cell::new(false))
    }

    /// As [`Message::decode`]; sets `loose` if the message has other bytes when encoded again.
    pub(super) fn decode_noting(bytes: &[u8], loose: &Cell<bool>) -> Result<(Header, Message), DecodeError> {
        let mut reader = Reader::new(bytes, 0, BadRequest::BadLen.into(), loose);
        let header = Header::read(&mut reader)?;
        if usize::from(header.length) != bytes.len() {
            return Err(reader.error(BadRequest::BadLen, "the header's length is another than the message's"));
        }
        let message = Message::read_body(&header, &mut reader)?;
        Ok((header, message))
    }

    /// Appends the message to `out`.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`], and `out` is as it was; replies of many parts are written by
    /// [`MultipartReply::encode_parts`].
    pub fn encode(&self, xid: Xid, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let mut writer = Writer::new(out);
        self.write(xid, &mut writer);
        if writer.overflowed() {
            writer.discard();
            return Err(EncodeError::TooLong);
        }
        Ok(())
    }

    /// The message's type.
    pub const fn kind(&self) -> MessageType {
        match self {
            Message::Hello(_) => MessageType::Hello,
            Message::Error(_) => MessageType::Error,
            Message::EchoRequest(_) => MessageType::EchoRequest,
            Message::EchoReply(_) => MessageType::EchoReply,
            Message::Experimenter(_) => MessageType::Experimenter,
            Message::FeaturesRequest => MessageType::FeaturesRequest,
            Message::FeaturesReply(_) => MessageType::FeaturesReply,
            Message::GetConfigRequest => MessageType::GetConfigRequest,
            Message::GetConfigReply(_) => MessageType::GetConfigReply,
            Message::SetConfig(_) => MessageType::SetConfig,
            Message::PacketIn(_) => MessageType::PacketIn,
            Message::FlowRemoved(_) => MessageType::FlowRemoved,
            Message::PortStatus(_) => MessageType::PortStatus,
            Message::PacketOut(_) => MessageType::PacketOut,
            Message::FlowMod(_) => MessageType::FlowMod,
            Message::GroupMod(_) => MessageType::GroupMod,
            Message::PortMod(_) => MessageType::PortMod,
            Message::TableMod(_) => MessageType::TableMod,
            Message::MultipartRequest(_) => MessageType::MultipartRequest,
            Message::MultipartReply(_) => MessageType::MultipartReply,
            Message::BarrierRequest => MessageType::BarrierRequest,
            Message::BarrierReply => MessageType::BarrierReply,
            Message::QueueGetConfigRequest(_) => MessageType::QueueGetConfigRequest,
            Message::QueueGetConfigReply(_) => MessageType::QueueGetConfigReply,
            Message::RoleRequest(_) => MessageType::RoleRequest,
            Message::RoleReply(_) => MessageType::RoleReply,
            Message::GetAsyncRequest => MessageType::GetAsyncRequest,
            Message::GetAsyncReply(_) => MessageType::GetAsyncReply,
            Message::SetAsync(_) => MessageType::SetAsync,
            Message::MeterMod(_) => MessageType::MeterMod,
        }
    }

    /// Reads what follows the header, and requires that nothing is left.
    pub(super) fn read_body(header: &Header, reader: &mut Reader<'_>) -> Result<Message, DecodeError> {
        let message = match header.kind {
            MessageType::Hello => Message::Hello(Hello::read(header.version, reader)?),
            MessageType::Error => Message::Error(Wire::read(reader)?),
            MessageType::EchoRequest => Message::EchoRequest(reader.rest().to_vec()),
            MessageType::EchoReply => Message::EchoReply(reader.rest().to_vec()),
            MessageType::Experimenter => Message::Experimenter(Experimenter::read(header.xid, reader)?),
            MessageType::FeaturesRequest => Message::FeaturesRequest,
            MessageType::FeaturesReply => Message::FeaturesReply(Wire::read(reader)?),
            MessageType::GetConfigRequest => Message::GetConfigRequest,
            MessageType::GetConfigReply => Message::GetConfigReply(Wire::read(reader)?),
            MessageType::SetConfig => Message::SetConfig(Wire::read(reader)?),
            MessageType::PacketIn => Message::PacketIn(Wire::read(reader)?),
            MessageType::FlowRemoved => Message::FlowRemoved(Wire::read(reader)?),
            MessageType::PortStatus => Message::PortStatus(Wire::read(reader)?),
            MessageType::PacketOut => Message::PacketOut(Wire::read(reader)?),
            MessageType::FlowMod => Message::FlowMod(Wire::read(reader)?),
            MessageType::GroupMod => Message::GroupMod(Wire::read(reader)?),
            MessageType::PortMod => Message::PortMod(Wire::read(reader)?),
            MessageType::TableMod => Message::TableMod(Wire::read(reader)?),
            MessageType::MultipartRequest => Message::MultipartRequest(Wire::read(reader)?),
            MessageType::MultipartReply => Message::MultipartReply(Wire::read(reader)?),
            MessageType::BarrierRequest => Message::BarrierRequest,
            MessageType::BarrierReply => Message::BarrierReply,
            MessageType::QueueGetConfigRequest => Message::QueueGetConfigRequest(Wire::read(reader)?),
            MessageType::QueueGetConfigReply => Message::QueueGetConfigReply(Wire::read(reader)?),
            MessageType::RoleRequest => Message::RoleRequest(Wire::read(reader)?),
            MessageType::RoleReply => Message::RoleReply(Wire::read(reader)?),
            MessageType::GetAsyncRequest => Message::GetAsyncRequest,
            MessageType::GetAsyncReply => Message::GetAsyncReply(Wire::read(reader)?),
            MessageType::SetAsync => Message::SetAsync(Wire::read(reader)?),
            MessageType::MeterMod => Message::MeterMod(Wire::read(reader)?),
        };
        reader.finish()?;
        Ok(message)
    }

    /// Writes header and body.
    pub(super) fn write(&self, xid: Xid, writer: &mut Writer<'_>) {
        let start = writer.len();
        let version = if let Message::Hello(hello) = self { hello.version } else { VERSION };
        let length = Header::write(version, self.kind(), xid, writer);
        match self {
            Message::Hello(hello) => hello.write(writer),
            Message::Error(error) => error.write(writer),
            Message::EchoRequest(data) | Message::EchoReply(data) => writer.bytes(data),
            Message::Experimenter(experimenter) => experimenter.write(xid, writer),
            Message::FeaturesReply(features) => features.write(writer),
            Message::GetConfigReply(config) | Message::SetConfig(config) => config.write(writer),
            Message::PacketIn(packet_in) => packet_in.write(writer),
            Message::FlowRemoved(removed) => removed.write(writer),
            Message::PortStatus(status) => status.write(writer),
            Message::PacketOut(packet_out) => packet_out.write(writer),
            Message::FlowMod(flow_mod) => flow_mod.write(writer),
            Message::GroupMod(group_mod) => group_mod.write(writer),
            Message::PortMod(port_mod) => port_mod.write(writer),
            Message::TableMod(table_mod) => table_mod.write(writer),
            Message::MultipartRequest(request) => request.write(writer),
            Message::MultipartReply(reply) => reply.write(writer),
            Message::QueueGetConfigRequest(request) => request.write(writer),
            Message::QueueGetConfigReply(reply) => reply.write(writer),
            Message::RoleRequest(role) | Message::RoleReply(role) => role.write(writer),
            Message::GetAsyncReply(config) | Message::SetAsync(config) => config.write(writer),
            Message::MeterMod(meter_mod) => meter_mod.write(writer),
            Message::FeaturesRequest
            | Message::GetConfigRequest
            | Message::BarrierRequest
            | Message::BarrierReply
            | Message::GetAsyncRequest => {}
        }
        debug_assert!(writer.len() >= start + HEADER_BYTES);
        writer.fill_length(length, start);
    }
}
