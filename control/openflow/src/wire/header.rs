//! The header that every message starts with (OpenFlow 1.3.5 §7.1).

use std::cell::Cell;

use super::codec::{Reader, Wire, Writer, wire_enum};
use super::error::{BadRequest, DecodeError};
use super::number::Xid;

/// The version on the wire of OpenFlow 1.3.
pub const VERSION: u8 = 4;

/// Bytes of a header, which are the shortest message.
pub const HEADER_BYTES: usize = 8;

/// A message's first 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The protocol's version: [`VERSION`] but in a hello.
    pub version: u8,
    /// What follows.
    pub kind: MessageType,
    /// Bytes of the message, these 8 included.
    pub length: u16,
    /// Which request this is, or answers.
    pub xid: Xid,
}

impl Header {
    /// The transaction id of a message of any version and type, for the answer to one that is refused.
    pub fn xid_of(message: &[u8]) -> Xid {
        message
            .get(4..8)
            .and_then(|bytes| bytes.try_into().ok())
            .map_or(Xid(0), |bytes| Xid(u32::from_be_bytes(bytes)))
    }

    /// Reads a message's header.
    ///
    /// # Errors
    /// `OFPBRC_BAD_LEN` for fewer than 8 bytes or a length below 8, `OFPBRC_BAD_VERSION` for another version in
    /// anything but a hello, `OFPBRC_BAD_TYPE` for an unknown type.
    pub fn decode(message: &[u8]) -> Result<Header, DecodeError> {
        Header::read(&mut Reader::new(message, 0, BadRequest::BadLen.into(), &Cell::new(false)))
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Header, DecodeError> {
        let start = reader.clone();
        let version = reader.u8()?;
        let at = reader.clone();
        let kind = reader.u8()?;
        if version != VERSION && kind != MessageType::Hello.number() {
            return Err(start.error(BadRequest::BadVersion, "only version 4, OpenFlow 1.3, is spoken"));
        }
        let kind = MessageType::from_number(kind)
            .ok_or_else(|| at.error(BadRequest::BadType, "no message has this type"))?;
        let at = reader.clone();
        let length = reader.u16()?;
        if usize::from(length) < HEADER_BYTES {
            return Err(at.error(BadRequest::BadLen, "shorter than its header"));
        }
        let xid = Xid::read(reader)?;
        Ok(Header { version, kind, length, xid })
    }

    /// Writes a header; where its length has to be filled in is returned.
    pub(super) fn write(version: u8, kind: MessageType, xid: Xid, writer: &mut Writer<'_>) -> usize {
        writer.u8(version);
        writer.u8(kind.number());
        let length = writer.length_later();
        xid.write(writer);
        length
    }
}

wire_enum! {
    /// A message's type (`OFPT_*`, OpenFlow 1.3.5 §7.1).
    pub enum MessageType: u8, else BadRequest::BadType, "no message has this type" {
        /// `OFPT_HELLO`.
        Hello = 0,
        /// `OFPT_ERROR`.
        Error = 1,
        /// `OFPT_ECHO_REQUEST`.
        EchoRequest = 2,
        /// `OFPT_ECHO_REPLY`.
        EchoReply = 3,
        /// `OFPT_EXPERIMENTER`.
        Experimenter = 4,
        /// `OFPT_FEATURES_REQUEST`.
        FeaturesRequest = 5,
        /// `OFPT_FEATURES_REPLY`.
        FeaturesReply = 6,
        /// `OFPT_GET_CONFIG_REQUEST`.
        GetConfigRequest = 7,
        /// `OFPT_GET_CONFIG_REPLY`.
        GetConfigReply = 8,
        /// `OFPT_SET_CONFIG`.
        SetConfig = 9,
        /// `OFPT_PACKET_IN`.
        PacketIn = 10,
        /// `OFPT_FLOW_REMOVED`.
        FlowRemoved = 11,
        /// `OFPT_PORT_STATUS`.
        PortStatus = 12,
        /// `OFPT_PACKET_OUT`.
        PacketOut = 13,
        /// `OFPT_FLOW_MOD`.
        FlowMod = 14,
        /// `OFPT_GROUP_MOD`.
        GroupMod = 15,
        /// `OFPT_PORT_MOD`.
        PortMod = 16,
        /// `OFPT_TABLE_MOD`.
        TableMod = 17,
        /// `OFPT_MULTIPART_REQUEST`.
        MultipartRequest = 18,
        /// `OFPT_MULTIPART_REPLY`.
        MultipartReply = 19,
        /// `OFPT_BARRIER_REQUEST`.
        BarrierRequest = 20,
        /// `OFPT_BARRIER_REPLY`.
        BarrierReply = 21,
        /// `OFPT_QUEUE_GET_CONFIG_REQUEST`.
        QueueGetConfigRequest = 22,
        /// `OFPT_QUEUE_GET_CONFIG_REPLY`.
        QueueGetConfigReply = 23,
        /// `OFPT_ROLE_REQUEST`.
        RoleRequest = 24,
        /// `OFPT_ROLE_REPLY`.
        RoleReply = 25,
        /// `OFPT_GET_ASYNC_REQUEST`.
        GetAsyncRequest = 26,
        /// `OFPT_GET_ASYNC_REPLY`.
        GetAsyncReply = 27,
        /// `OFPT_SET_ASYNC`.
        SetAsync = 28,
        /// `OFPT_METER_MOD`.
        MeterMod = 29,
    }
}
