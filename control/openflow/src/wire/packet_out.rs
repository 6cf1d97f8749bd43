//! Packets from controllers (OpenFlow 1.3.5 §7.3.7).

use super::action::{self, Action, Place};
use super::codec::{Reader, Wire, Writer};
use super::error::{BadRequest, DecodeError};
use super::number::{BufferId, PortNo};

/// `OFPT_PACKET_OUT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketOut {
    /// The packet.
    pub packet: OutPacket,
    /// By which port it is said to have come: a port, [`PortNo::LOCAL`] or [`PortNo::CONTROLLER`]; also
    /// [`PortNo::ANY`], which the specification does not have and controllers send.
    pub in_port: PortNo,
    /// What is done to it; nothing: it is dropped.
    pub actions: Vec<Action>,
}

/// A packet that a controller sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutPacket {
    /// One that the switch keeps.
    Buffered(BufferId),
    /// This one.
    Data(Vec<u8>),
}

impl Wire for PacketOut {
    /// Data behind the number of a buffer is dropped (§7.3.7: it means something only without one).
    fn read(reader: &mut Reader<'_>) -> Result<PacketOut, DecodeError> {
        let buffer = Option::<BufferId>::read(reader)?;
        let at = reader.clone();
        let in_port = PortNo::read(reader)?;
        if !in_port.is_ingress() && in_port != PortNo::ANY {
            return Err(at.error(BadRequest::BadPort, "no packet comes in by this port"));
        }
        let length = usize::from(reader.u16()?);
        reader.pad(6)?;
        let mut actions = reader.take(length)?;
        let actions = action::read_list(&mut actions, Place::PacketOut)?;
        let packet = match buffer {
            Some(buffer) => {
                if !reader.rest().is_empty() {
                    reader.loosen();
                }
                OutPacket::Buffered(buffer)
            }
            None => OutPacket::Data(reader.rest().to_vec()),
        };
        Ok(PacketOut { packet, in_port, actions })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let (buffer, data) = match &self.packet {
            OutPacket::Buffered(buffer) => (Some(*buffer), &[][..]),
            OutPacket::Data(data) => (None, &data[..]),
        };
        buffer.write(writer);
        self.in_port.write(writer);
        let length = writer.length_later();
        writer.pad(6);
        let start = writer.len();
        action::write_list(&self.actions, writer);
        writer.fill_length(length, start);
        writer.bytes(data);
    }
}
