//! Flows that packets make: Nicira's `learn`.

use crate::wire::codec::{Reader, Wire, Writer, wire_flags};
use crate::wire::error::{BadAction, BadInstruction, DecodeError};
use crate::wire::number::{Cookie, TableId};
use crate::wire::oxm::{Field, Subfield, read_field, read_subfield, write_field};

const BITS: u16 = 0x07ff;
const IMMEDIATE: u16 = 1 << 13;
const TARGET: u16 = 3 << 11;
const MATCH: u16 = 0;
const LOAD: u16 = 1 << 11;
const OUTPUT: u16 = 2 << 11;
/// Bits above source and target, which are reserved.
const RESERVED: u16 = 0xc000;

/// Adds or changes a flow that is made of the packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learn {
    /// Seconds without a packet after which the flow goes; 0: never.
    pub idle_timeout_s: u16,
    /// Seconds after which the flow goes; 0: never.
    pub hard_timeout_s: u16,
    /// The flow's priority.
    pub priority: u16,
    /// The flow's cookie.
    pub cookie: Cookie,
    /// What happens when the flow goes.
    pub flags: LearnFlags,
    /// The flow's table.
    pub table: TableId,
    /// The idle timeout after a FIN or RST; 0: unchanged.
    pub fin_idle_timeout_s: u16,
    /// The hard timeout after a FIN or RST; 0: unchanged.
    pub fin_hard_timeout_s: u16,
    /// What the flow matches and does.
    pub specs: Vec<LearnSpec>,
}

wire_flags! {
    /// What happens when a learned flow, or the one that learned it, goes.
    pub struct LearnFlags: u16, else BadAction::BadArgument, "a flag of learn is unknown" {
        /// A flow-removed message is sent.
        SEND_FLOW_REM = 1;
        /// Learned flows go with the flow that learned them.
        DELETE_LEARNED = 2;
    }
}

/// One match or action of the learned flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LearnSpec {
    /// Matches bits.
    Match {
        /// Which.
        target: Subfield,
        /// With which value.
        source: LearnSource,
    },
    /// Loads bits.
    Load {
        /// Which.
        target: Subfield,
        /// With which value.
        source: LearnSource,
    },
    /// Sends to the port whose number stands in these bits of the packet that is learned from.
    Output(Subfield),
}

/// A value of the learned flow, as many bits as its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LearnSource {
    /// What stands in the packet, from bit `offset` of `field` on.
    Field {
        /// The field.
        field: Field,
        /// The lowest bit.
        offset: u16,
    },
    /// This value.
    Immediate(u128),
}

/// Reads what follows the action's header, padding included.
pub(super) fn read(body: &mut Reader<'_>) -> Result<Learn, DecodeError> {
    let (idle_timeout_s, hard_timeout_s, priority) = (body.u16()?, body.u16()?, body.u16()?);
    let cookie = Cookie::read(body)?;
    let flags = LearnFlags::read(body)?;
    let table = TableId::read_or(body, BadInstruction::BadTableId)?;
    body.pad(1)?;
    let (fin_idle_timeout_s, fin_hard_timeout_s) = (body.u16()?, body.u16()?);
    let mut specs = Vec::new();
    // Padding looks like a specification whose header is 0.
    while body.peek().first_chunk::<2>().is_some_and(|header| *header != [0; 2]) {
        specs.push(read_spec(body)?);
    }
    if body.remaining() >= 8 {
        return Err(body.bad_length("bytes are left over"));
    }
    body.pad(body.remaining())?;
    Ok(Learn {
        idle_timeout_s,
        hard_timeout_s,
        priority,
        cookie,
        flags,
        table,
        fin_idle_timeout_s,
        fin_hard_timeout_s,
        specs,
    })
}

/// Writes what follows the action's header, without the padding at its end.
pub(super) fn write(learn: &Learn, writer: &mut Writer<'_>) {
    writer.u16(learn.idle_timeout_s);
    writer.u16(learn.hard_timeout_s);
    writer.u16(learn.priority);
    learn.cookie.write(writer);
    learn.flags.write(writer);
    learn.table.write(writer);
    writer.pad(1);
    writer.u16(learn.fin_idle_timeout_s);
    writer.u16(learn.fin_hard_timeout_s);
    for spec in &learn.specs {
        match spec {
            LearnSpec::Match { target, source } => write_set(MATCH, *target, *source, writer),
            LearnSpec::Load { target, source } => write_set(LOAD, *target, *source, writer),
            LearnSpec::Output(source) => {
                writer.u16(OUTPUT | source.bits());
                write_bits(source.field(), source.offset(), writer);
            }
        }
    }
}

fn read_spec(body: &mut Reader<'_>) -> Result<LearnSpec, DecodeError> {
    let at = body.clone();
    let header = body.u16()?;
    let bits = header & BITS;
    if header & RESERVED != 0 || bits == 0 {
        return Err(at.error(BadAction::BadArgument, "the specification is unknown"));
    }
    let source = if header & IMMEDIATE != 0 {
        read_immediate(body, bits)?
    } else {
        let (field, offset) = read_bits(body)?;
        read_subfield(&at, field, offset, bits)?;
        LearnSource::Field { field, offset }
    };
    let mut target = || {
        let (field, offset) = read_bits(body)?;
        read_subfield(&at, field, offset, bits)
    };
    match (header & TARGET, source) {
        (MATCH, source) => Ok(LearnSpec::Match { target: target()?, source }),
        (LOAD, source) => {
            let target = target()?;
            if !target.field().can_load() {
                return Err(at.error(BadAction::BadSetArgument, "the field cannot be loaded"));
            }
            Ok(LearnSpec::Load { target, source })
        }
        (OUTPUT, LearnSource::Field { field, offset }) => {
            read_subfield(&at, field, offset, bits).map(LearnSpec::Output)
        }
        _ => Err(at.error(BadAction::BadArgument, "the specification is unknown")),
    }
}

fn write_set(kind: u16, target: Subfield, source: LearnSource, writer: &mut Writer<'_>) {
    match source {
        LearnSource::Field { field, offset } => {
            writer.u16(kind | target.bits());
            write_bits(field, offset, writer);
        }
        LearnSource::Immediate(value) => {
            writer.u16(kind | IMMEDIATE | target.bits());
            writer.number(value, immediate_bytes(target.bits()));
        }
    }
    write_bits(target.field(), target.offset(), writer);
}

/// Immediate values fill units of 16 bits.
fn immediate_bytes(bits: u16) -> usize {
    2 * usize::from(bits.div_ceil(16))
}

fn read_immediate(body: &mut Reader<'_>, bits: u16) -> Result<LearnSource, DecodeError> {
    let at = body.clone();
    if bits > 128 {
        return Err(at.error(BadAction::BadSetLen, "no field has so many bits"));
    }
    let value = body.number(immediate_bytes(bits))?;
    if bits < 128 && value >> bits != 0 {
        return Err(at.error(BadAction::BadArgument, "the value has more bits than its target"));
    }
    Ok(LearnSource::Immediate(value))
}

fn read_bits(body: &mut Reader<'_>) -> Result<(Field, u16), DecodeError> {
    let field = read_field(body)?;
    Ok((field, body.u16()?))
}

fn write_bits(field: Field, offset: u16, writer: &mut Writer<'_>) {
    write_field(field, writer);
    writer.u16(offset);
}
