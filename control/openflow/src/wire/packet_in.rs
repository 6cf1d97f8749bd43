//! Packets to controllers (OpenFlow 1.3.5 §7.4.1).

use super::codec::{Reader, Wire, Writer, wire_enum};
use super::error::{BadRequest, DecodeError};
use super::number::{BufferId, Cookie, TableId};
use super::oxm::Match;

/// `OFPT_PACKET_IN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketIn {
    /// Where the whole packet is kept, if it is.
    pub buffer: Option<BufferId>,
    /// Bytes of the whole packet.
    pub total_len: u16,
    /// Why it comes.
    pub reason: PacketInReason,
    /// The table of the flow that sent it.
    pub table: TableId,
    /// The cookie of the flow that sent it; all ones if none did.
    pub cookie: Cookie,
    /// Where it came in, and the metadata, tunnel and so on.
    pub matching: Match,
    /// Its start, or all of it.
    pub data: Vec<u8>,
}

wire_enum! {
    /// `OFPR_*`.
    pub enum PacketInReason: u8, else BadRequest::BadLen, "the reason of the packet-in is unknown" {
        /// No flow matched: the table-miss flow did.
        NoMatch = 0,
        /// An action said so.
        Action = 1,
        /// Its TTL is invalid.
        InvalidTtl = 2,
    }
}

impl Wire for PacketIn {
    fn read(reader: &mut Reader<'_>) -> Result<PacketIn, DecodeError> {
        let buffer = Option::<BufferId>::read(reader)?;
        let total_len = reader.u16()?;
        let reason = PacketInReason::read(reader)?;
        let table = TableId::read(reader)?;
        let cookie = Cookie::read(reader)?;
        let matching = Match::read(reader)?;
        reader.pad(2)?;
        let data = reader.rest().to_vec();
        Ok(PacketIn { buffer, total_len, reason, table, cookie, matching, data })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        self.buffer.write(writer);
        writer.u16(self.total_len);
        self.reason.write(writer);
        self.table.write(writer);
        self.cookie.write(writer);
        self.matching.write(writer);
        writer.pad(2);
        writer.bytes(&self.data);
    }
}
