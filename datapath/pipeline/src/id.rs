//! What things are called: bridges, ports, remotes, tables, rules' counters, and the time.

use std::fmt;
use std::num::NonZeroU16;

use sluice_overlay::Vni;

macro_rules! numbers {
    ($($(#[doc = $doc:literal])+ $name:ident($type:ty), $what:literal;)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
            #[repr(transparent)]
            pub struct $name(pub $type);

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    write!(f, concat!($what, " {}"), self.0)
                }
            }
        )+
    };
}

numbers! {
    /// A bridge of this datapath.
    BridgeId(u16), "bridge";
    /// A port of this datapath, on whatever bridge.
    PortId(u16), "port";
    /// OpenFlow's number of a port on its bridge.
    OfPort(u32), "OpenFlow port";
    /// Where a rule counts, see [`RuleCounters`](crate::RuleCounters).
    RuleSlot(u32), "counter";
    /// Coarse time: seconds since any fixed moment.
    Tick(u32), "tick";
}

impl Tick {
    /// Seconds since `earlier`; 0 if that is later.
    #[inline]
    pub fn since(self, earlier: Tick) -> u32 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A rule table of a bridge: 0 to 253 (OpenFlow 1.3.5 §7.2.3.1 keeps 254 and 255 for itself).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId(u8);

impl TableId {
    /// The table at which judging starts.
    pub const FIRST: TableId = TableId(0);
    /// How many tables a bridge can have.
    pub const COUNT: usize = 254;

    /// The table of this number, if there is one.
    pub const fn new(number: u8) -> Option<TableId> {
        if (number as usize) < Self::COUNT { Some(TableId(number)) } else { None }
    }

    /// Its number.
    #[inline]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for TableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table {}", self.0)
    }
}

/// The address of a VTEP on another host, interned by the datapath.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct RemoteId(NonZeroU16);

impl RemoteId {
    /// Largest index.
    pub const MAX_INDEX: u16 = u16::MAX - 1;

    /// The remote of this index in the datapath's list; `None` for 65535.
    #[inline]
    pub const fn new(index: u16) -> Option<RemoteId> {
        match NonZeroU16::MIN.checked_add(index) {
            Some(number) => Some(RemoteId(number)),
            None => None,
        }
    }

    /// Its index in the datapath's list.
    #[inline]
    pub const fn index(self) -> usize {
        self.0.get() as usize - 1
    }

    /// The number that stands for it where 0 stands for none.
    #[inline]
    pub(crate) const fn number(self) -> u16 {
        self.0.get()
    }

    #[inline]
    pub(crate) const fn from_number(number: u16) -> Option<RemoteId> {
        match NonZeroU16::new(number) {
            Some(number) => Some(RemoteId(number)),
            None => None,
        }
    }
}

impl fmt::Display for RemoteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "remote {}", self.index())
    }
}

/// Where a tunnel leads: a VNI at a VTEP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TunnelTarget {
    /// The tenant's network.
    pub vni: Vni,
    /// The VTEP.
    pub remote: RemoteId,
}
