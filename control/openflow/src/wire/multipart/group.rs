//! Groups, their counters and what they can be (OpenFlow 1.3.5 §7.3.5.9 to §7.3.5.11).

use crate::wire::codec::{Reader, Wire, Writer, wire_flags, wire_struct};
use crate::wire::error::{BadRequest, DecodeError};
use crate::wire::group::{Bucket, GroupType};
use crate::wire::number::GroupId;

wire_struct! {
    /// Which groups.
    pub struct GroupRequest {
        /// One, or [`GroupId::ALL`].
        group: GroupId, pad 4;
    }
}

/// A group's counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupStats {
    /// Which group.
    pub group: GroupId,
    /// How many flows and groups send to it.
    pub references: u32,
    /// Packets.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How long it has been there, in whole seconds.
    pub duration_s: u32,
    /// And nanoseconds beyond.
    pub duration_ns: u32,
    /// Its buckets' counters.
    pub buckets: Vec<BucketStats>,
}

wire_struct! {
    /// A bucket's counters.
    pub struct BucketStats {
        /// Packets.
        packets: u64;
        /// Their bytes.
        bytes: u64;
    }
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDescription {
    /// Its type.
    pub kind: GroupType,
    /// Its number.
    pub group: GroupId,
    /// What it does.
    pub buckets: Vec<Bucket>,
}

wire_struct! {
    /// What groups can be; of arrays the index is a [`GroupType`]'s number.
    pub struct GroupFeatures {
        /// Which types there are.
        types: GroupTypes;
        /// What else they can.
        capabilities: GroupCapabilities;
        /// How many of each type at most.
        max_groups: [u32; 4];
        /// Which actions in each type: bit n for the action of type n.
        actions: [u32; 4];
    }
}

wire_flags! {
    /// Types of groups, as bits.
    pub struct GroupTypes: u32, else BadRequest::BadLen, "a group's type is unknown" {
        /// [`GroupType::All`].
        ALL_BUCKETS = 1;
        /// [`GroupType::Select`].
        SELECT = 2;
        /// [`GroupType::Indirect`].
        INDIRECT = 4;
        /// [`GroupType::FastFailover`].
        FAST_FAILOVER = 8;
    }
}

wire_flags! {
    /// `OFPGFC_*`.
    pub struct GroupCapabilities: u32, else BadRequest::BadLen, "a group's capability is unknown" {
        /// Weights may differ.
        SELECT_WEIGHT = 1;
        /// Buckets that are not live are not selected.
        SELECT_LIVENESS = 2;
        /// Groups can send to groups.
        CHAINING = 4;
        /// And loops are found.
        CHAINING_CHECKS = 8;
    }
}

impl Wire for [u32; 4] {
    fn read(reader: &mut Reader<'_>) -> Result<[u32; 4], DecodeError> {
        Ok([reader.u32()?, reader.u32()?, reader.u32()?, reader.u32()?])
    }

    fn write(&self, writer: &mut Writer<'_>) {
        self.iter().for_each(|number| writer.u32(*number));
    }
}

impl Wire for GroupStats {
    fn read(reader: &mut Reader<'_>) -> Result<GroupStats, DecodeError> {
        let mut body = take_sized(reader)?;
        body.pad(2)?;
        let group = GroupId::read(&mut body)?;
        let references = body.u32()?;
        body.pad(4)?;
        let (packets, bytes) = (body.u64()?, body.u64()?);
        let (duration_s, duration_ns) = (body.u32()?, body.u32()?);
        let buckets = body.list(BucketStats::read)?;
        Ok(GroupStats { group, references, packets, bytes, duration_s, duration_ns, buckets })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let start = writer.len();
        let length = writer.length_later();
        writer.pad(2);
        self.group.write(writer);
        writer.u32(self.references);
        writer.pad(4);
        writer.u64(self.packets);
        writer.u64(self.bytes);
        writer.u32(self.duration_s);
        writer.u32(self.duration_ns);
        self.buckets.iter().for_each(|bucket| bucket.write(writer));
        writer.fill_length(length, start);
    }
}

impl Wire for GroupDescription {
    fn read(reader: &mut Reader<'_>) -> Result<GroupDescription, DecodeError> {
        let mut body = take_sized(reader)?;
        let kind = GroupType::read(&mut body)?;
        body.pad(1)?;
        let group = GroupId::read(&mut body)?;
        Ok(GroupDescription { kind, group, buckets: body.list(Bucket::read)? })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let start = writer.len();
        let length = writer.length_later();
        self.kind.write(writer);
        writer.pad(1);
        self.group.write(writer);
        self.buckets.iter().for_each(|bucket| bucket.write(writer));
        writer.fill_length(length, start);
    }
}

/// What follows a length that counts itself.
fn take_sized<'a>(reader: &mut Reader<'a>) -> Result<Reader<'a>, DecodeError> {
    let at = reader.clone();
    let length = usize::from(reader.u16()?);
    let body = length.checked_sub(2).ok_or_else(|| at.bad_length("the group is shorter than its header"))?;
    reader.take(body)
}
