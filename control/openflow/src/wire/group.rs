//! Groups (OpenFlow 1.3.5 §7.3.4.2).

use super::action::{self, Action, Place};
use super::codec::{Reader, Wire, Writer, wire_enum};
use super::error::{DecodeError, GroupModFailed};
use super::number::{GroupId, PortNo};

const BUCKET_HEADER_BYTES: usize = 16;

/// `OFPT_GROUP_MOD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMod {
    /// What is done.
    pub command: GroupCommand,
    /// The group's type; means nothing in a command that deletes.
    pub kind: GroupType,
    /// Which group; [`GroupId::ALL`] in a command that deletes, never [`GroupId::ANY`].
    pub group: GroupId,
    /// What it does; none in a command that deletes.
    pub buckets: Vec<Bucket>,
}

wire_enum! {
    /// `OFPGC_*`.
    pub enum GroupCommand: u16, else GroupModFailed::BadCommand, "the command is unknown" {
        /// A new one.
        Add = 0,
        /// Another type and other buckets.
        Modify = 1,
        /// It goes, and flows that send to it.
        Delete = 2,
    }
}

wire_enum! {
    /// `OFPGT_*`.
    pub enum GroupType: u8, else GroupModFailed::BadType, "the group's type is unknown" {
        /// All buckets.
        All = 0,
        /// One bucket, by weight.
        Select = 1,
        /// The only bucket.
        Indirect = 2,
        /// The first live bucket.
        FastFailover = 3,
    }
}

/// `struct ofp_bucket`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// How often it is chosen, beside the others', in a group that selects.
    pub weight: u16,
    /// The port by whose state it is live; [`PortNo::ANY`]: none.
    pub watch_port: PortNo,
    /// The group by whose state it is live; [`GroupId::ANY`]: none.
    pub watch_group: GroupId,
    /// What it does.
    pub actions: Vec<Action>,
}

impl GroupMod {
    /// What needs no switch to see: whether the buckets are such that a group of this type can have.
    ///
    /// # Errors
    /// `OFPGMFC_INVALID_GROUP`, `OFPGMFC_WATCH_UNSUPPORTED`; the offset is 0.
    pub fn check(&self) -> Result<(), DecodeError> {
        self.refusal().map_or(Ok(()), |(code, what)| Err(DecodeError { code: code.into(), offset: 0, what }))
    }

    fn refusal(&self) -> Option<(GroupModFailed, &'static str)> {
        let invalid = |what| Some((GroupModFailed::InvalidGroup, what));
        if self.command == GroupCommand::Delete {
            return match self.group {
                GroupId::ANY => invalid("no group has this number"),
                _ if !self.buckets.is_empty() => invalid("a group to be deleted is given buckets"),
                _ => None,
            };
        }
        if !self.group.is_group() {
            return invalid("only a command that deletes names all groups");
        }
        if self.kind == GroupType::Indirect && self.buckets.len() != 1 {
            return invalid("an indirect group has one bucket");
        }
        self.buckets.iter().find_map(|bucket| {
            let watches = bucket.watch_port != PortNo::ANY || bucket.watch_group != GroupId::ANY;
            match self.kind {
                GroupType::FastFailover if !watches => invalid("a bucket of fast failover watches something"),
                GroupType::All | GroupType::Indirect if watches => {
                    Some((GroupModFailed::WatchUnsupported, "a bucket of this type watches nothing"))
                }
                GroupType::All | GroupType::Indirect | GroupType::FastFailover if bucket.weight != 0 => {
                    invalid("only buckets that are selected have a weight")
                }
                _ => None,
            }
        })
    }
}

impl Wire for GroupMod {
    fn read(reader: &mut Reader<'_>) -> Result<GroupMod, DecodeError> {
        let at = reader.clone();
        let command = GroupCommand::read(reader)?;
        let kind = GroupType::read(reader)?;
        reader.pad(1)?;
        let group = GroupId::read(reader)?;
        let buckets = reader.list(Bucket::read)?;
        let group_mod = GroupMod { command, kind, group, buckets };
        match group_mod.refusal() {
            Some((code, what)) => Err(at.error(code, what)),
            None => Ok(group_mod),
        }
    }

    fn write(&self, writer: &mut Writer<'_>) {
        self.command.write(writer);
        self.kind.write(writer);
        writer.pad(1);
        self.group.write(writer);
        self.buckets.iter().for_each(|bucket| bucket.write(writer));
    }
}

impl Wire for Bucket {
    fn read(reader: &mut Reader<'_>) -> Result<Bucket, DecodeError> {
        let mut bucket = reader.with_length_error(GroupModFailed::BadBucket.into());
        let at = bucket.clone();
        let length = usize::from(bucket.u16()?);
        if length < BUCKET_HEADER_BYTES || !length.is_multiple_of(8) {
            return Err(at.bad_length("a bucket is whole units of 8 bytes, at least 16"));
        }
        let mut bucket = at.clone().take(length)?;
        reader.take(length)?;
        bucket.u16()?;
        let weight = bucket.u16()?;
        let at = bucket.clone();
        let watch_port = PortNo::read_or(&mut bucket, GroupModFailed::BadWatch)?;
        if !watch_port.is_physical() && !matches!(watch_port, PortNo::ANY | PortNo::LOCAL) {
            return Err(at.error(GroupModFailed::BadWatch, "a reserved port has no state to watch"));
        }
        let watch_group = GroupId::read_or(&mut bucket, GroupModFailed::BadWatch)?;
        if watch_group == GroupId::ALL {
            return Err(at.error(GroupModFailed::BadWatch, "one group is watched"));
        }
        bucket.pad(4)?;
        let actions = action::read_list(&mut bucket, Place::Bucket)?;
        Ok(Bucket { weight, watch_port, watch_group, actions })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let start = writer.len();
        let length = writer.length_later();
        writer.u16(self.weight);
        self.watch_port.write(writer);
        self.watch_group.write(writer);
        writer.pad(4);
        action::write_list(&self.actions, writer);
        writer.fill_length(length, start);
    }
}
