//! Actions (OpenFlow 1.3.5 §7.2.5), and Nicira's among them.

mod conntrack;
mod consistency;
mod learn;
mod nat;
mod nicira;

pub use conntrack::{Ct, CtFlags, CtZone};
pub(super) use consistency::check_list as check_consistency;
pub(super) use consistency::check_set as check_set_consistency;
pub use learn::{Learn, LearnFlags, LearnSource, LearnSpec};
pub use nat::{Nat, NatAddresses, NatFlags, NatPorts, NatSide};
pub use nicira::{NxAction, RegLoad, RegMove};

use super::codec::{Reader, Wire, Writer};
use super::error::{BadAction, DecodeError};
use super::number::{GroupId, PortNo, QueueId};
use super::oxm::Oxm;
use super::oxm::{ETH_MPLS, ETH_MPLS_MULTICAST, ETH_PBB};

/// The most bytes of a packet that can be asked for by number (`OFPCML_MAX`).
pub const MAX_LEN_MAX: u16 = 0xffe5;
/// Ask for the whole packet, unbuffered (`OFPCML_NO_BUFFER`).
pub const MAX_LEN_NO_BUFFER: u16 = 0xffff;

const HEADER_BYTES: usize = 4;
/// How deep lists of actions may lie in one another.
const MAX_DEPTH: u8 = 8;

/// One thing to do to a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// `OFPAT_OUTPUT`: send it out.
    Output {
        /// Where; never [`PortNo::ANY`], and [`PortNo::TABLE`] only in a packet-out.
        port: PortNo,
        /// How many bytes go to a controller, if that is where; 0: none but the headers, [`MAX_LEN_NO_BUFFER`]: all.
        max_len: u16,
    },
    /// `OFPAT_COPY_TTL_OUT`: from the next-to-outermost to the outermost header.
    CopyTtlOut,
    /// `OFPAT_COPY_TTL_IN`: from the outermost to the next-to-outermost header.
    CopyTtlIn,
    /// `OFPAT_SET_MPLS_TTL`.
    SetMplsTtl(u8),
    /// `OFPAT_DEC_MPLS_TTL`.
    DecMplsTtl,
    /// `OFPAT_PUSH_VLAN`: the tag's EtherType, 0x8100 or 0x88a8.
    PushVlan(u16),
    /// `OFPAT_POP_VLAN`.
    PopVlan,
    /// `OFPAT_PUSH_MPLS`: 0x8847 or 0x8848.
    PushMpls(u16),
    /// `OFPAT_POP_MPLS`: the EtherType of what is below.
    PopMpls(u16),
    /// `OFPAT_SET_QUEUE`.
    SetQueue(QueueId),
    /// `OFPAT_GROUP`: never a reserved number.
    Group(GroupId),
    /// `OFPAT_SET_NW_TTL`.
    SetNwTtl(u8),
    /// `OFPAT_DEC_NW_TTL`.
    DecNwTtl,
    /// `OFPAT_SET_FIELD`: exact, of a field that can be set.
    SetField(Oxm),
    /// `OFPAT_PUSH_PBB`: 0x88e7.
    PushPbb(u16),
    /// `OFPAT_POP_PBB`.
    PopPbb,
    /// `OFPAT_EXPERIMENTER` of Nicira.
    Nicira(NxAction),
}

/// Where actions stand, which limits what they may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a flow's instruction.
    Flow,
    /// In a group's bucket.
    Bucket,
    /// In a packet-out.
    PacketOut,
    /// In `ct`, where only the connection's mark and label are set and addresses translated.
    Connection,
}

/// Reads actions until nothing is left.
pub(super) fn read_list(reader: &mut Reader<'_>, place: Place) -> Result<Vec<Action>, DecodeError> {
    read_nested(reader, place, 0)
}

/// Reads actions that lie in as many others as `depth` says.
fn read_nested(reader: &mut Reader<'_>, place: Place, depth: u8) -> Result<Vec<Action>, DecodeError> {
    if depth > MAX_DEPTH {
        return Err(reader.error(BadAction::TooMany, "actions lie too deep in one another"));
    }
    let mut actions = reader.with_length_error(BadAction::BadLen.into());
    let list = actions.list(|reader| read_one(reader, place, depth))?;
    reader.rest();
    Ok(list)
}

/// Writes actions one after another.
pub(super) fn write_list(actions: &[Action], writer: &mut Writer<'_>) {
    actions.iter().for_each(|action| action.write(writer));
}

fn read_one(reader: &mut Reader<'_>, place: Place, depth: u8) -> Result<Action, DecodeError> {
    let at = reader.clone();
    let mut header = reader.clone();
    let (kind, length) = (header.u16()?, usize::from(header.u16()?));
    if length < 8 || !length.is_multiple_of(8) {
        return Err(at.bad_length("an action is whole units of 8 bytes"));
    }
    let mut body = reader.take(length)?;
    body.bytes(HEADER_BYTES)?;
    let action = Action::read_body(kind, &mut body, place, depth)?;
    body.finish()?;
    if place == Place::Connection && !action.is_for_connection() {
        return Err(at.error(BadAction::BadArgument, "ct holds only what sets mark, label and addresses"));
    }
    Ok(action)
}

impl Action {
    /// `OFPAT_*`.
    pub const fn kind(&self) -> u16 {
        match self {
            Action::Output { .. } => 0,
            Action::CopyTtlOut => 11,
            Action::CopyTtlIn => 12,
            Action::SetMplsTtl(_) => 15,
            Action::DecMplsTtl => 16,
            Action::PushVlan(_) => 17,
            Action::PopVlan => 18,
            Action::PushMpls(_) => 19,
            Action::PopMpls(_) => 20,
            Action::SetQueue(_) => 21,
            Action::Group(_) => 22,
            Action::SetNwTtl(_) => 23,
            Action::DecNwTtl => 24,
            Action::SetField(_) => 25,
            Action::PushPbb(_) => 26,
            Action::PopPbb => 27,
            Action::Nicira(_) => 0xffff,
        }
    }

    fn read_body(kind: u16, body: &mut Reader<'_>, place: Place, depth: u8) -> Result<Action, DecodeError> {
        let at = body.clone();
        Ok(match kind {
            0 => {
                let port = output_port(body, place)?;
                let max_len = body.u16()?;
                body.pad(6)?;
                Action::Output { port, max_len }
            }
            11 => padded(body, Action::CopyTtlOut)?,
            12 => padded(body, Action::CopyTtlIn)?,
            15 => Action::SetMplsTtl(byte(body)?),
            16 => padded(body, Action::DecMplsTtl)?,
            17 => Action::PushVlan(tag(body, &[0x8100, 0x88a8])?),
            18 => padded(body, Action::PopVlan)?,
            19 => Action::PushMpls(tag(body, &[ETH_MPLS, ETH_MPLS_MULTICAST])?),
            20 => Action::PopMpls(tag(body, &[])?),
            21 => match QueueId::read(body)? {
                QueueId::ALL => return Err(at.error(BadAction::BadQueue, "no queue has this number")),
                queue => Action::SetQueue(queue),
            },
            22 => match GroupId::read_or(body, BadAction::BadOutGroup)? {
                group if group.is_group() => Action::Group(group),
                _ => return Err(at.error(BadAction::BadOutGroup, "no group has this number")),
            },
            23 => Action::SetNwTtl(byte(body)?),
            24 => padded(body, Action::DecNwTtl)?,
            25 => set_field(body, place)?,
            26 => Action::PushPbb(tag(body, &[ETH_PBB])?),
            27 => padded(body, Action::PopPbb)?,
            0xffff => Action::Nicira(nicira::read(body, place, depth)?),
            _ => return Err(at.error(BadAction::BadType, "the action is unknown")),
        })
    }

    /// Whether it may stand in `ct`.
    fn is_for_connection(&self) -> bool {
        match self {
            Action::SetField(oxm) => oxm.field().is_connection_value(),
            Action::Nicira(NxAction::RegLoad(load)) => load.target().field().is_connection_value(),
            Action::Nicira(NxAction::RegLoad2(oxm)) => oxm.field().is_connection_value(),
            Action::Nicira(NxAction::RegMove(moved)) => moved.target().field().is_connection_value(),
            Action::Nicira(NxAction::Nat(_)) => true,
            _ => false,
        }
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let start = writer.len();
        writer.u16(self.kind());
        let length = writer.length_later();
        match self {
            Action::Output { port, max_len } => {
                port.write(writer);
                writer.u16(*max_len);
                writer.pad(6);
            }
            Action::CopyTtlOut
            | Action::CopyTtlIn
            | Action::DecMplsTtl
            | Action::PopVlan
            | Action::DecNwTtl
            | Action::PopPbb => writer.pad(4),
            Action::SetMplsTtl(byte) | Action::SetNwTtl(byte) => writer.u8(*byte),
            Action::PushVlan(tag) | Action::PushMpls(tag) | Action::PopMpls(tag) | Action::PushPbb(tag) => {
                writer.u16(*tag);
            }
            Action::SetQueue(queue) => queue.write(writer),
            Action::Group(group) => group.write(writer),
            Action::SetField(oxm) => oxm.write_set(writer),
            Action::Nicira(action) => nicira::write(action, writer),
        }
        writer.pad8(start);
        writer.fill_length(length, start);
    }
}

fn padded(body: &mut Reader<'_>, action: Action) -> Result<Action, DecodeError> {
    body.pad(4)?;
    Ok(action)
}

fn byte(body: &mut Reader<'_>) -> Result<u8, DecodeError> {
    let byte = body.u8()?;
    body.pad(3)?;
    Ok(byte)
}

/// An EtherType, one of these if there are any.
fn tag(body: &mut Reader<'_>, allowed: &[u16]) -> Result<u16, DecodeError> {
    let at = body.clone();
    let tag = body.u16()?;
    body.pad(2)?;
    if !allowed.is_empty() && !allowed.contains(&tag) {
        return Err(at.error(BadAction::BadArgument, "the EtherType is none of this kind of tag"));
    }
    Ok(tag)
}

fn output_port(body: &mut Reader<'_>, place: Place) -> Result<PortNo, DecodeError> {
    let at = body.clone();
    match PortNo::read_or(body, BadAction::BadOutPort)? {
        PortNo::ANY => Err(at.error(BadAction::BadOutPort, "any is no port to send to")),
        PortNo::TABLE if place != Place::PacketOut => {
            Err(at.error(BadAction::BadOutPort, "into the tables only goes a packet-out"))
        }
        port => Ok(port),
    }
}

fn set_field(body: &mut Reader<'_>, place: Place) -> Result<Action, DecodeError> {
    let at = body.clone();
    let oxm = Oxm::read_set(body)?;
    let allowed = oxm.field().can_set() || place == Place::Connection && oxm.field().is_connection_value();
    if !allowed {
        return Err(at.error(BadAction::BadSetType, "the field cannot be set"));
    }
    if body.remaining() >= 8 {
        return Err(body.bad_length("bytes are left over"));
    }
    body.pad(body.remaining())?;
    Ok(Action::SetField(oxm))
}
