//! Flows and their counters (OpenFlow 1.3.5 §7.3.5.2, §7.3.5.3).

use crate::wire::codec::{Reader, Wire, Writer, wire_struct};
use crate::wire::error::DecodeError;
use crate::wire::flow_mod::FlowFlags;
use crate::wire::instruction::Instructions;
use crate::wire::number::{Cookie, CookieMask, GroupId, PortNo, TableId, Tables};
use crate::wire::oxm::Match;

wire_struct! {
    /// Which flows.
    pub struct FlowStatsRequest {
        /// Of which tables.
        tables: Tables, pad 3;
        /// Only those that send to this port; [`PortNo::ANY`]: whichever.
        out_port: PortNo;
        /// Only those that send to this group; [`GroupId::ANY`]: whichever.
        out_group: GroupId, pad 4;
        /// What their cookies are,
        cookie: Cookie;
        /// in these bits.
        cookie_mask: CookieMask;
        /// Only those that match no more than this.
        matching: Match;
    }
}

wire_struct! {
    /// Flows' counters added up.
    pub struct AggregateStats {
        /// Packets.
        packets: u64;
        /// Their bytes.
        bytes: u64;
        /// Flows.
        flows: u32, pad 4;
    }
}

/// A flow with its counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowStats {
    /// Its table.
    pub table: TableId,
    /// How long it has been there, in whole seconds.
    pub duration_s: u32,
    /// And nanoseconds beyond.
    pub duration_ns: u32,
    /// The highest wins.
    pub priority: u16,
    /// Seconds without a packet after which it goes; 0: never.
    pub idle_timeout_s: u16,
    /// Seconds after which it goes; 0: never.
    pub hard_timeout_s: u16,
    /// How it behaves.
    pub flags: FlowFlags,
    /// Its cookie.
    pub cookie: Cookie,
    /// Packets that matched.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What it matches.
    pub matching: Match,
    /// What it does.
    pub instructions: Instructions,
}

impl Wire for FlowStats {
    fn read(reader: &mut Reader<'_>) -> Result<FlowStats, DecodeError> {
        let at = reader.clone();
        let length = usize::from(reader.u16()?);
        let body =
            length.checked_sub(2).ok_or_else(|| at.bad_length("the flow is shorter than its header"))?;
        let mut body = reader.take(body)?;
        let table = TableId::read(&mut body)?;
        body.pad(1)?;
        let (duration_s, duration_ns) = (body.u32()?, body.u32()?);
        let (priority, idle_timeout_s, hard_timeout_s) = (body.u16()?, body.u16()?, body.u16()?);
        let flags = FlowFlags::read(&mut body)?;
        body.pad(4)?;
        let cookie = Cookie::read(&mut body)?;
        let (packets, bytes) = (body.u64()?, body.u64()?);
        let matching = Match::read(&mut body)?;
        let instructions = Instructions::read_all(&mut body)?;
        Ok(FlowStats {
            table,
            duration_s,
            duration_ns,
            priority,
            idle_timeout_s,
            hard_timeout_s,
            flags,
            cookie,
            packets,
            bytes,
            matching,
            instructions,
        })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let start = writer.len();
        let length = writer.length_later();
        self.table.write(writer);
        writer.pad(1);
        writer.u32(self.duration_s);
        writer.u32(self.duration_ns);
        writer.u16(self.priority);
        writer.u16(self.idle_timeout_s);
        writer.u16(self.hard_timeout_s);
        self.flags.write(writer);
        writer.pad(4);
        self.cookie.write(writer);
        writer.u64(self.packets);
        writer.u64(self.bytes);
        self.matching.write(writer);
        self.instructions.write_all(writer);
        writer.fill_length(length, start);
    }
}
