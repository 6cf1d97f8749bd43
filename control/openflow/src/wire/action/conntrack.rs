//! Connection tracking: Nicira's `ct`.

use super::{Action, Place, read_nested, write_list};
use crate::wire::codec::{Reader, Wire, Writer, wire_flags};
use crate::wire::error::{BadAction, DecodeError};
use crate::wire::number::TableId;
use crate::wire::oxm::{Subfield, read_field, read_subfield, write_field};

/// `NX_CT_RECIRC_NONE`.
const NO_RECIRCULATION: u8 = 0xff;
/// Bits of a zone.
const ZONE_BITS: u16 = 16;

/// Looks a packet's connection up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ct {
    /// Whether the connection is kept.
    pub flags: CtFlags,
    /// Among which connections.
    pub zone: CtZone,
    /// Where the packet goes on with its connection's state known; `None`: on with the next action, unknown.
    pub table: Option<TableId>,
    /// The well-known port of the protocol whose related connections are found (21: FTP, 69: TFTP); 0: none.
    pub alg: u16,
    /// What sets the connection's mark, label and addresses.
    pub actions: Vec<Action>,
}

wire_flags! {
    /// What happens to a connection.
    pub struct CtFlags: u16, else BadAction::BadArgument, "a flag of ct is unknown" {
        /// It is kept beyond this packet.
        COMMIT = 1;
        /// It replaces one that runs the other way; only with `COMMIT`.
        FORCE = 2;
    }
}

/// Connections of different zones are different, even with equal addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CtZone {
    /// This zone.
    Number(u16),
    /// The zone that stands in 16 bits of a field.
    Field(Subfield),
}

/// Reads what follows the action's header, padding included.
pub(super) fn read(body: &mut Reader<'_>, depth: u8) -> Result<Ct, DecodeError> {
    let at = body.clone();
    let flags = CtFlags::read(body)?;
    if flags == CtFlags::FORCE {
        return Err(at.error(BadAction::BadArgument, "force needs commit"));
    }
    let zone = read_zone(body)?;
    let table = TableId::new(body.u8()?);
    body.pad(3)?;
    let alg = body.u16()?;
    let actions = read_nested(body, Place::Connection, depth + 1)?;
    Ok(Ct { flags, zone, table, alg, actions })
}

/// Writes what follows the action's header.
pub(super) fn write(ct: &Ct, writer: &mut Writer<'_>) {
    ct.flags.write(writer);
    match ct.zone {
        CtZone::Number(zone) => {
            writer.u32(0);
            writer.u16(zone);
        }
        CtZone::Field(subfield) => {
            write_field(subfield.field(), writer);
            writer.u16(subfield.offset() << 6 | (subfield.bits() - 1));
        }
    }
    writer.u8(ct.table.map_or(NO_RECIRCULATION, TableId::number));
    writer.pad(3);
    writer.u16(ct.alg);
    write_list(&ct.actions, writer);
}

fn read_zone(body: &mut Reader<'_>) -> Result<CtZone, DecodeError> {
    let at = body.clone();
    let mut source = body.take(4)?;
    if source.peek() == [0; 4] {
        return body.u16().map(CtZone::Number);
    }
    let field = read_field(&mut source)?;
    let range = body.u16()?;
    let subfield = read_subfield(&at, field, range >> 6, (range & 0x3f) + 1)?;
    if subfield.bits() != ZONE_BITS {
        return Err(at.error(BadAction::BadSetLen, "a zone has 16 bits"));
    }
    Ok(CtZone::Field(subfield))
}
