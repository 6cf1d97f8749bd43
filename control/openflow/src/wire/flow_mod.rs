//! Changing flow entries (OpenFlow 1.3.5 §7.3.4.1).

use super::action::{check_consistency, check_set_consistency};
use super::codec::{Reader, Wire, Writer, wire_flags};
use super::error::{BadInstruction, DecodeError, FlowModFailed};
use super::instruction::Instructions;
use super::number::{BufferId, Cookie, CookieMask, GroupId, PortNo, TableId, Tables};
use super::oxm::Match;

/// `OFPT_FLOW_MOD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowMod {
    /// The flow's cookie; in commands that modify or delete, what the entries' cookies are compared with.
    pub cookie: Cookie,
    /// Which bits of entries' cookies must be those of `cookie`, in commands that modify or delete.
    pub cookie_mask: CookieMask,
    /// What is done.
    pub command: FlowCommand,
    /// Seconds without a packet after which the flow goes; 0: never.
    pub idle_timeout_s: u16,
    /// Seconds after which the flow goes; 0: never.
    pub hard_timeout_s: u16,
    /// The highest wins.
    pub priority: u16,
    /// A buffered packet that goes through the tables afterwards; means nothing in commands that delete.
    pub buffer: Option<BufferId>,
    /// How the flow behaves.
    pub flags: FlowFlags,
    /// Which packets.
    pub matching: Match,
    /// What is done to them.
    pub instructions: Instructions,
}

/// What a flow-mod does, and in which table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FlowCommand {
    /// `OFPFC_ADD`: adds a flow, or replaces the one of the same match and priority.
    Add {
        /// Where.
        table: TableId,
    },
    /// `OFPFC_MODIFY`, `OFPFC_MODIFY_STRICT`: gives entries other instructions.
    Modify {
        /// Where.
        table: TableId,
        /// Whether only the entry of exactly this match and priority.
        strict: bool,
    },
    /// `OFPFC_DELETE`, `OFPFC_DELETE_STRICT`: removes entries.
    Delete {
        /// Where.
        tables: Tables,
        /// Whether only the entry of exactly this match and priority.
        strict: bool,
        /// Only entries that send to this port; [`PortNo::ANY`]: whichever.
        out_port: PortNo,
        /// Only entries that send to this group; [`GroupId::ANY`]: whichever.
        out_group: GroupId,
    },
}

wire_flags! {
    /// `OFPFF_*`.
    pub struct FlowFlags: u16, else FlowModFailed::BadFlags, "a flag of the flow is unknown" {
        /// Tell when the flow goes.
        SEND_FLOW_REM = 1;
        /// Refuse a flow that overlaps another of the same priority.
        CHECK_OVERLAP = 2;
        /// Counters start at 0.
        RESET_COUNTS = 4;
        /// Packets need not be counted.
        NO_PKT_COUNTS = 8;
        /// Bytes need not be counted.
        NO_BYT_COUNTS = 16;
    }
}

impl FlowCommand {
    const fn number(self) -> u8 {
        match self {
            FlowCommand::Add { .. } => 0,
            FlowCommand::Modify { strict: false, .. } => 1,
            FlowCommand::Modify { strict: true, .. } => 2,
            FlowCommand::Delete { strict: false, .. } => 3,
            FlowCommand::Delete { strict: true, .. } => 4,
        }
    }

    const fn tables(self) -> Tables {
        match self {
            FlowCommand::Add { table } | FlowCommand::Modify { table, .. } => Tables::One(table),
            FlowCommand::Delete { tables, .. } => tables,
        }
    }
}

impl FlowMod {
    /// What needs no switch to see: that each action can apply to what is matched, and that `goto_table` goes on.
    ///
    /// A message that was decoded has passed it.
    ///
    /// # Errors
    /// `OFPBAC_MATCH_INCONSISTENT`, `OFPBIC_BAD_TABLE_ID`. The offset is 0: that of the message.
    pub fn check(&self) -> Result<(), DecodeError> {
        self.check_at(0)
    }

    fn check_at(&self, offset: usize) -> Result<(), DecodeError> {
        // What a command that deletes says about instructions means nothing (OpenFlow 1.3.5 §7.3.4.1).
        if matches!(self.command, FlowCommand::Delete { .. }) {
            return Ok(());
        }
        if let (Some(goto), Tables::One(table)) = (self.instructions.goto_table, self.command.tables())
            && goto <= table
        {
            let code = BadInstruction::BadTableId.into();
            return Err(DecodeError { code, offset, what: "goto_table goes to a later table only" });
        }
        let mut facts = self.matching.facts();
        if let Some(actions) = &self.instructions.apply_actions {
            check_consistency(actions, &mut facts).map_err(|error| error.at(offset))?;
        }
        if let Some(actions) = &self.instructions.write_actions {
            check_set_consistency(actions, facts).map_err(|error| error.at(offset))?;
        }
        Ok(())
    }
}

impl Wire for FlowMod {
    fn read(reader: &mut Reader<'_>) -> Result<FlowMod, DecodeError> {
        let (cookie, cookie_mask) = (Cookie::read(reader)?, CookieMask::read(reader)?);
        let at_table = reader.clone();
        let tables = Tables::read(reader)?;
        let at_command = reader.clone();
        let command = reader.u8()?;
        let (idle_timeout_s, hard_timeout_s, priority) = (reader.u16()?, reader.u16()?, reader.u16()?);
        let buffer = Option::<BufferId>::read(reader)?;
        let mut filter = reader.take(8)?;
        let flags = FlowFlags::read(reader)?;
        reader.pad(2)?;
        let one_table = || match tables {
            Tables::One(table) => Ok(table),
            Tables::All => {
                Err(at_table.error(FlowModFailed::BadTableId, "all tables can only be deleted from"))
            }
        };
        let command = match command {
            0 => FlowCommand::Add { table: one_table()? },
            1 | 2 => FlowCommand::Modify { table: one_table()?, strict: command == 2 },
            3 | 4 => {
                let (out_port, out_group) = (PortNo::read(&mut filter)?, GroupId::read(&mut filter)?);
                FlowCommand::Delete { tables, strict: command == 4, out_port, out_group }
            }
            _ => return Err(at_command.error(FlowModFailed::BadCommand, "the command is unknown")),
        };
        // Only commands that delete look at the filter (OpenFlow 1.3.5 §7.3.4.1).
        if filter.remaining() == 8 && filter.peek() != [0xff; 8] {
            filter.loosen();
        }
        let matching = Match::read(reader)?;
        let offset = reader.offset();
        let instructions = Instructions::read_all(reader)?;
        let flow_mod = FlowMod {
            cookie,
            cookie_mask,
            command,
            idle_timeout_s,
            hard_timeout_s,
            priority,
            buffer,
            flags,
            matching,
            instructions,
        };
        flow_mod.check_at(offset)?;
        Ok(flow_mod)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        self.cookie.write(writer);
        self.cookie_mask.write(writer);
        self.command.tables().write(writer);
        writer.u8(self.command.number());
        writer.u16(self.idle_timeout_s);
        writer.u16(self.hard_timeout_s);
        writer.u16(self.priority);
        self.buffer.write(writer);
        let (out_port, out_group) = match self.command {
            FlowCommand::Delete { out_port, out_group, .. } => (out_port, out_group),
            _ => (PortNo::ANY, GroupId::ANY),
        };
        out_port.write(writer);
        out_group.write(writer);
        self.flags.write(writer);
        writer.pad(2);
        self.matching.write(writer);
        self.instructions.write_all(writer);
    }
}
