//! Nicira's extension actions, as ovs-actions(7) explains them.

use super::conntrack::{self, Ct};
use super::learn::{self, Learn};
use super::nat::{self, Nat};
use super::{Action, Place, read_nested, write_list};
use crate::wire::codec::{Reader, Writer};
use crate::wire::error::{BadAction, DecodeError};
use crate::wire::experimenter::NICIRA;
use crate::wire::number::{PortNo, TableId};
use crate::wire::oxm::{Field, Oxm, Subfield, SubfieldError, read_field, read_subfield, write_field};

/// An action of Nicira's. Those that are not here are refused with `OFPBAC_BAD_EXP_TYPE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NxAction {
    /// `NXAST_RESUBMIT`, `_TABLE`, `_TABLE_CT`: looks the packet up in another table, then goes on.
    Resubmit {
        /// The port of entry to look up with; [`PortNo::IN_PORT`]: the packet's.
        port: PortNo,
        /// The table; `None`: the present one.
        table: Option<TableId>,
        /// Whether by the connection's original addresses.
        with_ct: bool,
    },
    /// `NXAST_SET_TUNNEL`: a tunnel's key of 32 bits.
    SetTunnel(u32),
    /// `NXAST_SET_TUNNEL64`: a tunnel's key.
    SetTunnel64(u64),
    /// `NXAST_POP_QUEUE`: back to the default queue.
    PopQueue,
    /// `NXAST_REG_MOVE`: copies bits.
    RegMove(RegMove),
    /// `NXAST_REG_LOAD`: sets bits.
    RegLoad(RegLoad),
    /// `NXAST_REG_LOAD2`: sets a field where its mask has ones.
    RegLoad2(Oxm),
    /// `NXAST_NOTE`: does nothing. On the wire 6 bytes and whole units of 8 more; zeros are added.
    Note(Vec<u8>),
    /// `NXAST_OUTPUT_REG`: sends to the port whose number stands in a field.
    OutputReg {
        /// Where the number stands.
        port: Subfield,
        /// How many bytes go to a controller.
        max_len: u16,
    },
    /// `NXAST_LEARN`: makes a flow of the packet.
    Learn(Learn),
    /// `NXAST_EXIT`: no action any more.
    Exit,
    /// `NXAST_FIN_TIMEOUT`: other timeouts after a FIN or RST.
    FinTimeout {
        /// Seconds without a packet; 0: unchanged.
        idle_timeout_s: u16,
        /// Seconds; 0: unchanged.
        hard_timeout_s: u16,
    },
    /// `NXAST_CONTROLLER`: to one controller.
    Controller {
        /// How many bytes.
        max_len: u16,
        /// Which; 0: those that did not name themselves.
        controller_id: u16,
        /// The packet-in's reason.
        reason: u8,
    },
    /// `NXAST_DEC_TTL_CNT_IDS`: as `DecNwTtl`, and these controllers are told of a TTL that ends; at least one.
    DecTtlControllers(Vec<u16>),
    /// `NXAST_STACK_PUSH`: keeps bits.
    StackPush(Subfield),
    /// `NXAST_STACK_POP`: takes them back.
    StackPop(Subfield),
    /// `NXAST_CONJUNCTION`: this flow is one part of a conjunctive match.
    Conjunction {
        /// Which part, from 0.
        clause: u8,
        /// Of how many, 2 to 64.
        clauses: u8,
        /// Of which match.
        id: u32,
    },
    /// `NXAST_CT`: looks the packet's connection up.
    Ct(Ct),
    /// `NXAST_NAT`: translates addresses; only in [`NxAction::Ct`].
    Nat(Nat),
    /// `NXAST_OUTPUT_TRUNC`: sends out at most so many bytes, 14 or more.
    OutputTrunc {
        /// Where.
        port: PortNo,
        /// Bytes.
        max_len: u32,
    },
    /// `NXAST_CLONE`: does these to a copy.
    Clone(Vec<Action>),
    /// `NXAST_CT_CLEAR`: forgets the packet's connection.
    CtClear,
}

/// Copies as many bits from one field as the other takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RegMove {
    source: Subfield,
    target: Subfield,
}

impl RegMove {
    /// Copies `source` to `target`.
    ///
    /// # Errors
    /// If they have not the same number of bits.
    pub fn new(source: Subfield, target: Subfield) -> Result<RegMove, SubfieldError> {
        if source.bits() == target.bits() { Ok(RegMove { source, target }) } else { Err(SubfieldError) }
    }

    /// From where.
    pub const fn source(self) -> Subfield {
        self.source
    }

    /// To where.
    pub const fn target(self) -> Subfield {
        self.target
    }
}

/// Sets bits of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RegLoad {
    target: Subfield,
    value: u64,
}

impl RegLoad {
    /// Sets `target` to `value`.
    ///
    /// # Errors
    /// If it is longer than 64 bits, or the value than it.
    pub fn new(target: Subfield, value: u64) -> Result<RegLoad, SubfieldError> {
        let fits = target.bits() < 64 && value >> target.bits() == 0 || target.bits() == 64;
        if fits { Ok(RegLoad { target, value }) } else { Err(SubfieldError) }
    }

    /// Which bits.
    pub const fn target(self) -> Subfield {
        self.target
    }

    /// To what, right-aligned.
    pub const fn value(self) -> u64 {
        self.value
    }
}

const RESUBMIT: u16 = 1;
const SET_TUNNEL: u16 = 2;
const POP_QUEUE: u16 = 5;
const REG_MOVE: u16 = 6;
const REG_LOAD: u16 = 7;
const NOTE: u16 = 8;
const SET_TUNNEL64: u16 = 9;
const RESUBMIT_TABLE: u16 = 14;
const OUTPUT_REG: u16 = 15;
const LEARN: u16 = 16;
const EXIT: u16 = 17;
const FIN_TIMEOUT: u16 = 19;
const CONTROLLER: u16 = 20;
const DEC_TTL_CNT_IDS: u16 = 21;
const STACK_PUSH: u16 = 27;
const STACK_POP: u16 = 28;
const REG_LOAD2: u16 = 33;
const CONJUNCTION: u16 = 34;
const CT: u16 = 35;
const NAT: u16 = 36;
const OUTPUT_TRUNC: u16 = 39;
const CLONE: u16 = 42;
const CT_CLEAR: u16 = 43;
const RESUBMIT_TABLE_CT: u16 = 44;

/// Where the present table is meant.
const THIS_TABLE: u8 = 0xff;
/// Bytes of the stack's actions behind their subtype.
const STACK_BODY_BYTES: usize = 14;
/// The shortest frame that `OutputTrunc` leaves: an Ethernet header.
const SHORTEST_FRAME: u32 = 14;

/// Reads what follows the action's type and length.
pub(super) fn read(body: &mut Reader<'_>, place: Place, depth: u8) -> Result<NxAction, DecodeError> {
    let at = body.clone();
    if body.u32()? != NICIRA {
        return Err(at.error(BadAction::BadExperimenter, "the experimenter is unknown"));
    }
    let at = body.clone();
    Ok(match body.u16()? {
        kind @ (RESUBMIT | RESUBMIT_TABLE | RESUBMIT_TABLE_CT) => resubmit(body, kind)?,
        SET_TUNNEL => {
            body.pad(2)?;
            NxAction::SetTunnel(body.u32()?)
        }
        SET_TUNNEL64 => {
            body.pad(6)?;
            NxAction::SetTunnel64(body.u64()?)
        }
        POP_QUEUE => plain(body, NxAction::PopQueue)?,
        REG_MOVE => reg_move(body, place)?,
        REG_LOAD => reg_load(body, place)?,
        REG_LOAD2 => reg_load2(body, place)?,
        NOTE => NxAction::Note(body.rest().to_vec()),
        OUTPUT_REG => {
            let range = body.u16()?;
            let field = read_short_field(body)?;
            let port = read_subfield(&at, field, range >> 6, (range & 0x3f) + 1)?;
            let max_len = body.u16()?;
            body.pad(6)?;
            NxAction::OutputReg { port, max_len }
        }
        LEARN => NxAction::Learn(learn::read(body)?),
        EXIT => plain(body, NxAction::Exit)?,
        FIN_TIMEOUT => {
            let (idle_timeout_s, hard_timeout_s) = (body.u16()?, body.u16()?);
            body.pad(2)?;
            NxAction::FinTimeout { idle_timeout_s, hard_timeout_s }
        }
        CONTROLLER => {
            let (max_len, controller_id, reason) = (body.u16()?, body.u16()?, body.u8()?);
            body.pad(1)?;
            NxAction::Controller { max_len, controller_id, reason }
        }
        DEC_TTL_CNT_IDS => dec_ttl_controllers(body)?,
        STACK_PUSH => NxAction::StackPush(stack(body)?),
        STACK_POP => {
            let subfield = stack(body)?;
            loadable(&at, subfield, place)?;
            NxAction::StackPop(subfield)
        }
        CONJUNCTION => conjunction(body)?,
        CT => NxAction::Ct(conntrack::read(body, depth)?),
        NAT if place == Place::Connection => NxAction::Nat(nat::read(body)?),
        NAT => return Err(at.error(BadAction::BadArgument, "nat stands in ct only")),
        OUTPUT_TRUNC => output_trunc(body)?,
        CLONE => {
            body.pad(6)?;
            NxAction::Clone(read_nested(body, place, depth + 1)?)
        }
        CT_CLEAR => plain(body, NxAction::CtClear)?,
        other => return Err(at.error(BadAction::BadExpType, unsupported(other))),
    })
}

/// What is refused, in words.
fn unsupported(kind: u16) -> &'static str {
    match kind {
        4 => "Nicira's set_queue is not supported; OFPAT_SET_QUEUE is",
        10 => "Nicira's multipath is not supported",
        12 | 13 => "Nicira's bundle is not supported",
        18 | 23..=26 | 30 | 31 => "Nicira's copies of OpenFlow 1.3's own actions are not supported",
        22 => "Nicira's write_metadata is not supported; OFPIT_WRITE_METADATA is",
        29 | 38 | 41 | 51 => "Nicira's sample is not supported",
        32 => "Nicira's output_reg2 is not supported; output_reg is",
        37 => "Nicira's controller2 is not supported; controller is",
        45 => "Nicira's learn2 is not supported; learn is",
        46 | 47 => "Nicira's encap and decap are not supported",
        48 => "Nicira's dec_nsh_ttl is not supported",
        49 => "Nicira's check_pkt_larger is not supported",
        50 => "Nicira's delete_field is not supported",
        _ => "the action of Nicira is unknown",
    }
}

/// Writes what follows the action's type and length, without the padding at its end.
pub(super) fn write(action: &NxAction, writer: &mut Writer<'_>) {
    writer.u32(NICIRA);
    match action {
        NxAction::Resubmit { port, table, with_ct } => {
            let kind = match (table, with_ct) {
                (_, true) => RESUBMIT_TABLE_CT,
                (Some(_), false) => RESUBMIT_TABLE,
                (None, false) => RESUBMIT,
            };
            writer.u16(kind);
            write_short_port(*port, writer);
            match (table, kind) {
                (None, RESUBMIT) => writer.pad(4),
                (table, _) => {
                    writer.u8(table.map_or(THIS_TABLE, TableId::number));
                    writer.pad(3);
                }
            }
        }
        NxAction::SetTunnel(id) => {
            writer.u16(SET_TUNNEL);
            writer.pad(2);
            writer.u32(*id);
        }
        NxAction::SetTunnel64(id) => {
            writer.u16(SET_TUNNEL64);
            writer.pad(6);
            writer.u64(*id);
        }
        NxAction::PopQueue => write_plain(POP_QUEUE, writer),
        NxAction::RegMove(RegMove { source, target }) => {
            writer.u16(REG_MOVE);
            writer.u16(source.bits());
            writer.u16(source.offset());
            writer.u16(target.offset());
            write_field(source.field(), writer);
            write_field(target.field(), writer);
        }
        NxAction::RegLoad(RegLoad { target, value }) => {
            writer.u16(REG_LOAD);
            write_range(*target, writer);
            write_field(target.field(), writer);
            writer.u64(*value);
        }
        NxAction::RegLoad2(oxm) => {
            writer.u16(REG_LOAD2);
            oxm.write_set(writer);
        }
        NxAction::Note(note) => {
            writer.u16(NOTE);
            writer.bytes(note);
        }
        NxAction::OutputReg { port, max_len } => {
            writer.u16(OUTPUT_REG);
            write_range(*port, writer);
            write_field(port.field(), writer);
            writer.u16(*max_len);
            writer.pad(6);
        }
        NxAction::Learn(learn) => {
            writer.u16(LEARN);
            learn::write(learn, writer);
        }
        NxAction::Exit => write_plain(EXIT, writer),
        NxAction::FinTimeout { idle_timeout_s, hard_timeout_s } => {
            writer.u16(FIN_TIMEOUT);
            writer.u16(*idle_timeout_s);
            writer.u16(*hard_timeout_s);
            writer.pad(2);
        }
        NxAction::Controller { max_len, controller_id, reason } => {
            writer.u16(CONTROLLER);
            writer.u16(*max_len);
            writer.u16(*controller_id);
            writer.u8(*reason);
            writer.pad(1);
        }
        NxAction::DecTtlControllers(ids) => {
            writer.u16(DEC_TTL_CNT_IDS);
            writer.length(ids.len());
            writer.pad(4);
            ids.iter().for_each(|id| writer.u16(*id));
        }
        NxAction::StackPush(subfield) => write_stack(STACK_PUSH, *subfield, writer),
        NxAction::StackPop(subfield) => write_stack(STACK_POP, *subfield, writer),
        NxAction::Conjunction { clause, clauses, id } => {
            writer.u16(CONJUNCTION);
            writer.u8(*clause);
            writer.u8(*clauses);
            writer.u32(*id);
        }
        NxAction::Ct(ct) => {
            writer.u16(CT);
            conntrack::write(ct, writer);
        }
        NxAction::Nat(nat) => {
            writer.u16(NAT);
            nat::write(nat, writer);
        }
        NxAction::OutputTrunc { port, max_len } => {
            writer.u16(OUTPUT_TRUNC);
            write_short_port(*port, writer);
            writer.u32(*max_len);
        }
        NxAction::Clone(actions) => {
            write_plain(CLONE, writer);
            write_list(actions, writer);
        }
        NxAction::CtClear => write_plain(CT_CLEAR, writer),
    }
}

fn plain(body: &mut Reader<'_>, action: NxAction) -> Result<NxAction, DecodeError> {
    body.pad(6)?;
    Ok(action)
}

fn write_plain(kind: u16, writer: &mut Writer<'_>) {
    writer.u16(kind);
    writer.pad(6);
}

fn write_range(subfield: Subfield, writer: &mut Writer<'_>) {
    writer.u16(subfield.offset() << 6 | (subfield.bits() - 1));
}

/// A field's header where there is room for no experimenter's number.
fn read_short_field(body: &mut Reader<'_>) -> Result<Field, DecodeError> {
    let mut header = body.take(4)?;
    let field = read_field(&mut header)?;
    if field.has_long_header() {
        return Err(header.error(BadAction::BadSetType, "the field has no short header"));
    }
    Ok(field)
}

/// A port's number in 16 bits, as OpenFlow 1.0 has them.
fn read_short_port(body: &mut Reader<'_>) -> Result<PortNo, DecodeError> {
    let at = body.clone();
    let short = body.u16()?;
    let number = if short >= 0xff00 { 0xffff_0000 | u32::from(short) } else { short.into() };
    PortNo::new(number)
        .filter(|port| number != 0xffff_ff00 && port.number() == number)
        .ok_or_else(|| at.error(BadAction::BadOutPort, "no port has this number"))
}

/// Ports above what 16 bits hold are written as none.
fn write_short_port(port: PortNo, writer: &mut Writer<'_>) {
    let number = if port.is_physical() { port.number() } else { port.number() & 0xffff };
    writer.u16(u16::try_from(number).unwrap_or(0xffff));
}

fn resubmit(body: &mut Reader<'_>, kind: u16) -> Result<NxAction, DecodeError> {
    let port = read_short_port(body)?;
    if kind == RESUBMIT {
        body.pad(4)?;
        return Ok(NxAction::Resubmit { port, table: None, with_ct: false });
    }
    let table = TableId::new(body.u8()?);
    body.pad(3)?;
    let with_ct = kind == RESUBMIT_TABLE_CT;
    if table.is_none() && !with_ct {
        body.loosen();
    }
    Ok(NxAction::Resubmit { port, table, with_ct })
}

/// Whether actions here may set bits of the field.
fn loadable(at: &Reader<'_>, target: Subfield, place: Place) -> Result<(), DecodeError> {
    let field = target.field();
    if field.can_load() || place == Place::Connection && field.is_connection_value() {
        Ok(())
    } else {
        Err(at.error(BadAction::BadSetArgument, "the field cannot be set"))
    }
}

fn reg_move(body: &mut Reader<'_>, place: Place) -> Result<NxAction, DecodeError> {
    let at = body.clone();
    let (bits, source_offset, target_offset) = (body.u16()?, body.u16()?, body.u16()?);
    let source = read_subfield(&at, read_field(body)?, source_offset, bits)?;
    let target = read_subfield(&at, read_field(body)?, target_offset, bits)?;
    loadable(&at, target, place)?;
    if body.remaining() >= 8 {
        return Err(body.bad_length("bytes are left over"));
    }
    body.pad(body.remaining())?;
    Ok(NxAction::RegMove(RegMove { source, target }))
}

fn reg_load(body: &mut Reader<'_>, place: Place) -> Result<NxAction, DecodeError> {
    let at = body.clone();
    let range = body.u16()?;
    let field = read_short_field(body)?;
    let target = read_subfield(&at, field, range >> 6, (range & 0x3f) + 1)?;
    loadable(&at, target, place)?;
    let value = body.u64()?;
    RegLoad::new(target, value)
        .map(NxAction::RegLoad)
        .map_err(|_| at.error(BadAction::BadArgument, "the value has more bits than its target"))
}

fn reg_load2(body: &mut Reader<'_>, place: Place) -> Result<NxAction, DecodeError> {
    let at = body.clone();
    let oxm = Oxm::read_load(body)?;
    let target = read_subfield(&at, oxm.field(), 0, 1)?;
    loadable(&at, target, place)?;
    if body.remaining() >= 8 {
        return Err(body.bad_length("bytes are left over"));
    }
    body.pad(body.remaining())?;
    Ok(NxAction::RegLoad2(oxm))
}

fn dec_ttl_controllers(body: &mut Reader<'_>) -> Result<NxAction, DecodeError> {
    let at = body.clone();
    let count = usize::from(body.u16()?);
    body.pad(4)?;
    let mut ids = body.take(2 * count)?;
    let ids = ids.list(Reader::u16)?;
    if ids.is_empty() {
        return Err(at.error(BadAction::BadArgument, "no controller is named"));
    }
    if body.remaining() >= 8 {
        return Err(body.bad_length("bytes are left over"));
    }
    body.pad(body.remaining())?;
    Ok(NxAction::DecTtlControllers(ids))
}

fn stack(body: &mut Reader<'_>) -> Result<Subfield, DecodeError> {
    let at = body.clone();
    if body.remaining() != STACK_BODY_BYTES {
        return Err(at.bad_length("the action is 24 bytes long"));
    }
    let offset = body.u16()?;
    let field = read_field(body)?;
    let bits = body.u16()?;
    body.pad(body.remaining())?;
    read_subfield(&at, field, offset, bits)
}

fn write_stack(kind: u16, subfield: Subfield, writer: &mut Writer<'_>) {
    writer.u16(kind);
    let start = writer.len();
    writer.u16(subfield.offset());
    write_field(subfield.field(), writer);
    writer.u16(subfield.bits());
    writer.pad((start + STACK_BODY_BYTES).saturating_sub(writer.len()));
}

fn conjunction(body: &mut Reader<'_>) -> Result<NxAction, DecodeError> {
    let at = body.clone();
    let (clause, clauses, id) = (body.u8()?, body.u8()?, body.u32()?);
    if !(2..=64).contains(&clauses) || clause >= clauses {
        return Err(at.error(BadAction::BadArgument, "a conjunction has 2 to 64 parts, counted from 0"));
    }
    Ok(NxAction::Conjunction { clause, clauses, id })
}

fn output_trunc(body: &mut Reader<'_>) -> Result<NxAction, DecodeError> {
    let at = body.clone();
    let port = read_short_port(body)?;
    let max_len = body.u32()?;
    if matches!(port, PortNo::ANY | PortNo::TABLE) {
        return Err(at.error(BadAction::BadOutPort, "no port to send to"));
    }
    if max_len < SHORTEST_FRAME {
        return Err(at.error(BadAction::BadArgument, "a frame has at least 14 bytes"));
    }
    Ok(NxAction::OutputTrunc { port, max_len })
}
