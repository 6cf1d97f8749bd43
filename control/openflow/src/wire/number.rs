//! The numbers that name ports, tables, groups, meters, queues, flows and messages.

use super::codec::{Reader, Wire, Writer};
use super::error::{BadRequest, DecodeError, ErrorCode};

macro_rules! plain_number {
    ($($(#[$doc:meta])* $name:ident($integer:ident);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $name(pub $integer);

        impl Wire for $name {
            fn read(reader: &mut Reader<'_>) -> Result<$name, DecodeError> {
                reader.$integer().map($name)
            }

            fn write(&self, writer: &mut Writer<'_>) {
                writer.$integer(self.0);
            }
        }
    )*};
}

plain_number! {
    /// A transaction id: an answer has its request's.
    Xid(u32);
    /// What a controller attached to a flow entry.
    Cookie(u64);
    /// Which bits of a cookie must be as given for a flow to be modified or deleted; 0: none.
    CookieMask(u64);
    /// A switch's identity: usually a MAC address in the lower 48 bits.
    DatapathId(u64);
}

/// A port's number, or a reserved one (`OFPP_*`, OpenFlow 1.3.5 §7.2.1).
///
/// Never 0, and never between [`PortNo::MAX`] and the reserved numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortNo(u32);

impl PortNo {
    /// The highest number of a port.
    pub const MAX: PortNo = PortNo(0xffff_ff00);
    /// Out of the port of entry.
    pub const IN_PORT: PortNo = PortNo(0xffff_fff8);
    /// Into the first table; packet-out only.
    pub const TABLE: PortNo = PortNo(0xffff_fff9);
    /// As an Ethernet switch forwards.
    pub const NORMAL: PortNo = PortNo(0xffff_fffa);
    /// All ports but the one of entry and those that are blocked.
    pub const FLOOD: PortNo = PortNo(0xffff_fffb);
    /// All ports but the one of entry.
    pub const ALL: PortNo = PortNo(0xffff_fffc);
    /// The controllers.
    pub const CONTROLLER: PortNo = PortNo(0xffff_fffd);
    /// The switch's own port.
    pub const LOCAL: PortNo = PortNo(0xffff_fffe);
    /// Every port, or none: a wildcard in requests.
    pub const ANY: PortNo = PortNo(0xffff_ffff);

    /// The port of this number, if it can be one.
    pub const fn new(number: u32) -> Option<PortNo> {
        match number {
            0 => None,
            1..=0xffff_ff00 | 0xffff_fff8.. => Some(PortNo(number)),
            _ => None,
        }
    }

    /// The number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Whether it is a port's number and not a reserved one.
    pub const fn is_physical(self) -> bool {
        self.0 <= PortNo::MAX.0
    }

    /// Whether frames can come in by it: a port, [`PortNo::LOCAL`] or, of packet-outs, [`PortNo::CONTROLLER`].
    pub const fn is_ingress(self) -> bool {
        self.is_physical() || self.0 == PortNo::LOCAL.0 || self.0 == PortNo::CONTROLLER.0
    }

    /// The port of a field that only holds valid ones, else `error`.
    pub(super) fn read_or(
        reader: &mut Reader<'_>,
        error: impl Into<ErrorCode>,
    ) -> Result<PortNo, DecodeError> {
        let at = reader.clone();
        PortNo::new(reader.u32()?).ok_or_else(|| at.error(error, "no port has this number"))
    }
}

impl Wire for PortNo {
    fn read(reader: &mut Reader<'_>) -> Result<PortNo, DecodeError> {
        PortNo::read_or(reader, BadRequest::BadPort)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.0);
    }
}

/// A table's number, 0 to 0xfe (`OFPTT_MAX`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TableId(u8);

impl TableId {
    /// The first table.
    pub const FIRST: TableId = TableId(0);
    /// The highest table.
    pub const MAX: TableId = TableId(0xfe);

    /// The table of this number, if it can be one.
    pub const fn new(number: u8) -> Option<TableId> {
        if number <= TableId::MAX.0 { Some(TableId(number)) } else { None }
    }

    /// The number.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The table of a field that only holds valid ones, else `error`.
    pub(super) fn read_or(
        reader: &mut Reader<'_>,
        error: impl Into<ErrorCode>,
    ) -> Result<TableId, DecodeError> {
        let at = reader.clone();
        TableId::new(reader.u8()?).ok_or_else(|| at.error(error, "no table has this number"))
    }
}

impl Wire for TableId {
    fn read(reader: &mut Reader<'_>) -> Result<TableId, DecodeError> {
        TableId::read_or(reader, BadRequest::BadTableId)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u8(self.0);
    }
}

/// One table or all (`OFPTT_ALL`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tables {
    /// This one.
    One(TableId),
    /// All.
    All,
}

impl Wire for Tables {
    fn read(reader: &mut Reader<'_>) -> Result<Tables, DecodeError> {
        Ok(TableId::new(reader.u8()?).map_or(Tables::All, Tables::One))
    }

    fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Tables::One(table) => table.write(writer),
            Tables::All => writer.u8(0xff),
        }
    }
}

/// A group's number, or a reserved one (`OFPG_*`, OpenFlow 1.3.5 §7.3.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(u32);

impl GroupId {
    /// The highest number of a group.
    pub const MAX: GroupId = GroupId(0xffff_ff00);
    /// All groups, in commands that delete and in requests.
    pub const ALL: GroupId = GroupId(0xffff_fffc);
    /// A wildcard: no restriction, nothing watched.
    pub const ANY: GroupId = GroupId(0xffff_ffff);

    /// The group of this number, if it can be one.
    pub const fn new(number: u32) -> Option<GroupId> {
        let group = GroupId(number);
        if group.is_group() || number == GroupId::ALL.0 || number == GroupId::ANY.0 {
            Some(group)
        } else {
            None
        }
    }

    /// The number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Whether it is a group's number and not a reserved one.
    pub const fn is_group(self) -> bool {
        self.0 <= GroupId::MAX.0
    }

    /// The group of a field that only holds valid ones, else `error`.
    pub(super) fn read_or(
        reader: &mut Reader<'_>,
        error: impl Into<ErrorCode>,
    ) -> Result<GroupId, DecodeError> {
        let at = reader.clone();
        GroupId::new(reader.u32()?).ok_or_else(|| at.error(error, "no group has this number"))
    }
}

impl Wire for GroupId {
    fn read(reader: &mut Reader<'_>) -> Result<GroupId, DecodeError> {
        GroupId::read_or(reader, super::error::GroupModFailed::InvalidGroup)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.0);
    }
}

/// A meter's number, or a virtual one (`OFPM_*`, OpenFlow 1.3.5 §7.3.4.4). Never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MeterId(u32);

impl MeterId {
    /// The highest number of a meter.
    pub const MAX: MeterId = MeterId(0xffff_0000);
    /// The virtual meter of the slow path.
    pub const SLOWPATH: MeterId = MeterId(0xffff_fffd);
    /// The virtual meter of what goes to controllers.
    pub const CONTROLLER: MeterId = MeterId(0xffff_fffe);
    /// All meters, in commands that delete and in requests.
    pub const ALL: MeterId = MeterId(0xffff_ffff);

    /// The meter of this number, if it can be one.
    pub const fn new(number: u32) -> Option<MeterId> {
        match number {
            1..=0xffff_0000 | 0xffff_fffd.. => Some(MeterId(number)),
            _ => None,
        }
    }

    /// The number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// Whether flows can name it: neither virtual nor a wildcard.
    pub const fn is_meter(self) -> bool {
        self.0 <= MeterId::MAX.0
    }
}

impl Wire for MeterId {
    fn read(reader: &mut Reader<'_>) -> Result<MeterId, DecodeError> {
        let at = reader.clone();
        MeterId::new(reader.u32()?)
            .ok_or_else(|| at.error(super::error::MeterModFailed::InvalidMeter, "no meter has this number"))
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.0);
    }
}

plain_number! {
    /// A queue's number; [`QueueId::ALL`] in requests.
    QueueId(u32);
}

impl QueueId {
    /// All queues (`OFPQ_ALL`).
    pub const ALL: QueueId = QueueId(0xffff_ffff);
}

/// A packet that the switch keeps; never `OFP_NO_BUFFER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BufferId(u32);

impl BufferId {
    const NONE: u32 = 0xffff_ffff;

    /// The buffer of this number, if it can be one.
    pub const fn new(number: u32) -> Option<BufferId> {
        if number == BufferId::NONE { None } else { Some(BufferId(number)) }
    }

    /// The number.
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl Wire for Option<BufferId> {
    fn read(reader: &mut Reader<'_>) -> Result<Option<BufferId>, DecodeError> {
        reader.u32().map(BufferId::new)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.map_or(BufferId::NONE, BufferId::number));
    }
}
