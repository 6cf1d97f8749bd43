//! Instructions (OpenFlow 1.3.5 §7.2.4): what a flow does to a packet that it matches.

use super::action::{self, Action, Place};
use super::codec::{Reader, Wire, Writer};
use super::error::{BadInstruction, DecodeError, Onf};
use super::number::{MeterId, TableId};

const HEADER_BYTES: usize = 4;
const GOTO_TABLE: u16 = 1;
const WRITE_METADATA: u16 = 2;
const WRITE_ACTIONS: u16 = 3;
const APPLY_ACTIONS: u16 = 4;
const CLEAR_ACTIONS: u16 = 5;
const METER: u16 = 6;
const EXPERIMENTER: u16 = 0xffff;

/// A flow's instructions, each kind at most once. They are carried out, and written, in the order of these fields
/// (OpenFlow 1.3.5 §5.9); any order is read.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Instructions {
    /// `OFPIT_METER`: what is above the meter's rate is dropped or remarked. A real meter.
    pub meter: Option<MeterId>,
    /// `OFPIT_APPLY_ACTIONS`: done at once. An empty list is another thing than none on the wire only.
    pub apply_actions: Option<Vec<Action>>,
    /// `OFPIT_CLEAR_ACTIONS`: the action set is emptied.
    pub clear_actions: bool,
    /// `OFPIT_WRITE_ACTIONS`: merged into the action set.
    pub write_actions: Option<Vec<Action>>,
    /// `OFPIT_WRITE_METADATA`.
    pub write_metadata: Option<Metadata>,
    /// `OFPIT_GOTO_TABLE`: goes on there; the action set is carried out if `None`.
    pub goto_table: Option<TableId>,
}

/// Bits of the metadata to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Metadata {
    /// To what; bits that the mask ignores mean nothing and are kept.
    pub value: u64,
    /// Which.
    pub mask: u64,
}

impl Instructions {
    /// Nothing to do: the packet is dropped unless the action set says otherwise.
    pub const NONE: Instructions = Instructions {
        meter: None,
        apply_actions: None,
        clear_actions: false,
        write_actions: None,
        write_metadata: None,
        goto_table: None,
    };

    /// Reads instructions until nothing is left.
    pub(super) fn read_all(reader: &mut Reader<'_>) -> Result<Instructions, DecodeError> {
        let mut list = reader.with_length_error(BadInstruction::BadLen.into());
        let mut read = Instructions::NONE;
        let mut last = 0;
        while !list.is_empty() {
            let at = list.clone();
            let mut header = list.clone();
            let (kind, length) = (header.u16()?, usize::from(header.u16()?));
            if length < 8 || !length.is_multiple_of(8) {
                return Err(at.bad_length("an instruction is whole units of 8 bytes"));
            }
            let mut body = list.take(length)?;
            body.bytes(HEADER_BYTES)?;
            if read.add(kind, &mut body, &at)? {
                return Err(at.error(Onf::DuplicateInstruction, "an instruction is given twice"));
            }
            body.finish()?;
            let rank = rank(kind);
            if rank < last {
                at.loosen();
            }
            last = rank;
        }
        reader.rest();
        Ok(read)
    }

    /// Takes one instruction in and says whether there was one of its kind.
    fn add(&mut self, kind: u16, body: &mut Reader<'_>, at: &Reader<'_>) -> Result<bool, DecodeError> {
        Ok(match kind {
            GOTO_TABLE => {
                let table = TableId::read_or(body, BadInstruction::BadTableId)?;
                body.pad(3)?;
                self.goto_table.replace(table).is_some()
            }
            WRITE_METADATA => {
                body.pad(4)?;
                let metadata = Metadata { value: body.u64()?, mask: body.u64()? };
                self.write_metadata.replace(metadata).is_some()
            }
            WRITE_ACTIONS => self.write_actions.replace(actions(body)?).is_some(),
            APPLY_ACTIONS => self.apply_actions.replace(actions(body)?).is_some(),
            CLEAR_ACTIONS => {
                // The body has no actions (OpenFlow 1.3.5 §7.2.4).
                body.pad(4)?;
                std::mem::replace(&mut self.clear_actions, true)
            }
            METER => {
                let at = body.clone();
                let meter = MeterId::read(body)?;
                if !meter.is_meter() {
                    return Err(at.error(
                        super::error::MeterModFailed::InvalidMeter,
                        "flows cannot name a virtual meter",
                    ));
                }
                self.meter.replace(meter).is_some()
            }
            EXPERIMENTER => {
                return Err(
                    at.error(BadInstruction::BadExperimenter, "no experimenter's instruction is known")
                );
            }
            _ => return Err(at.error(BadInstruction::UnknownInst, "the instruction is unknown")),
        })
    }

    /// Writes them in the order in which they are carried out.
    pub(super) fn write_all(&self, writer: &mut Writer<'_>) {
        if let Some(meter) = self.meter {
            one(writer, METER, |writer| meter.write(writer));
        }
        if let Some(actions) = &self.apply_actions {
            one(writer, APPLY_ACTIONS, |writer| write_actions(actions, writer));
        }
        if self.clear_actions {
            one(writer, CLEAR_ACTIONS, |writer| writer.pad(4));
        }
        if let Some(actions) = &self.write_actions {
            one(writer, WRITE_ACTIONS, |writer| write_actions(actions, writer));
        }
        if let Some(metadata) = self.write_metadata {
            one(writer, WRITE_METADATA, |writer| {
                writer.pad(4);
                writer.u64(metadata.value);
                writer.u64(metadata.mask);
            });
        }
        if let Some(table) = self.goto_table {
            one(writer, GOTO_TABLE, |writer| {
                table.write(writer);
                writer.pad(3);
            });
        }
    }
}

/// Where an instruction stands in the order of carrying out.
fn rank(kind: u16) -> u8 {
    match kind {
        METER => 0,
        APPLY_ACTIONS => 1,
        CLEAR_ACTIONS => 2,
        WRITE_ACTIONS => 3,
        WRITE_METADATA => 4,
        _ => 5,
    }
}

fn actions(body: &mut Reader<'_>) -> Result<Vec<Action>, DecodeError> {
    body.pad(4)?;
    action::read_list(body, Place::Flow)
}

fn write_actions(actions: &[Action], writer: &mut Writer<'_>) {
    writer.pad(4);
    action::write_list(actions, writer);
}

fn one(writer: &mut Writer<'_>, kind: u16, body: impl FnOnce(&mut Writer<'_>)) {
    let start = writer.len();
    writer.u16(kind);
    let length = writer.length_later();
    body(writer);
    writer.fill_length(length, start);
}
