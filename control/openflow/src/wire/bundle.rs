//! Bundles: several changes that are made all at once or not at all (ONF EXT-230; OpenFlow 1.4.0 §7.3.9 has the same
//! as messages of its own).

use super::codec::{Reader, Wire, Writer, wire_enum, wire_flags, wire_struct};
use super::error::{DecodeError, Onf};
use super::header::{HEADER_BYTES, Header, MessageType};
use super::message::Message;
use super::number::Xid;

/// The ONF's number of bundle control.
pub(super) const CONTROL: u32 = 2300;
/// The ONF's number of adding to a bundle.
pub(super) const ADD: u32 = 2301;

wire_struct! {
    /// `OFPT_BUNDLE_CONTROL`. Properties behind it are refused with `OFPBRC_BAD_LEN`: none are defined.
    pub struct BundleControl {
        /// Which bundle of the connection.
        bundle: BundleId;
        /// What happens to it.
        command: BundleCommand;
        /// What it promises.
        flags: BundleFlags;
    }
}

/// A bundle's number, which a controller chooses; of its connection only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BundleId(pub u32);

impl Wire for BundleId {
    fn read(reader: &mut Reader<'_>) -> Result<BundleId, DecodeError> {
        reader.u32().map(BundleId)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u32(self.0);
    }
}

wire_enum! {
    /// `OFPBCT_*`.
    pub enum BundleCommand: u16, else Onf::BundleBadType, "the bundle control is unknown" {
        /// Begins.
        OpenRequest = 0,
        /// Has begun.
        OpenReply = 1,
        /// Nothing more is added.
        CloseRequest = 2,
        /// Was closed.
        CloseReply = 3,
        /// Is to be carried out.
        CommitRequest = 4,
        /// Was carried out.
        CommitReply = 5,
        /// Is to be forgotten.
        DiscardRequest = 6,
        /// Was forgotten.
        DiscardReply = 7,
    }
}

wire_flags! {
    /// `OFPBF_*`.
    pub struct BundleFlags: u16, else Onf::BundleBadFlags, "a flag of the bundle is unknown" {
        /// All or nothing, also where packets can see it.
        ATOMIC = 1;
        /// In the order in which they were added.
        ORDERED = 2;
    }
}

/// `OFPT_BUNDLE_ADD_MESSAGE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleAdd {
    /// To which bundle.
    pub bundle: BundleId,
    /// What it promises: as when it was opened.
    pub flags: BundleFlags,
    /// What is added: a flow, group, meter, port or table mod, or a packet-out. It has this message's transaction id.
    pub message: Box<Message>,
}

impl BundleAdd {
    pub(super) fn read(xid: Xid, reader: &mut Reader<'_>) -> Result<BundleAdd, DecodeError> {
        let bundle = BundleId::read(reader)?;
        reader.pad(2)?;
        let flags = BundleFlags::read(reader)?;
        let mut inner = reader.with_length_error(Onf::MessageBadLen.into());
        let at = inner.clone();
        let header = Header::read(&mut inner)?;
        if header.xid != xid {
            return Err(at.error(Onf::MessageBadXid, "the message in the bundle has another transaction id"));
        }
        if !can_be_bundled(header.kind) {
            return Err(at.error(Onf::MessageUnsupported, "the message does not belong into a bundle"));
        }
        let length = usize::from(header.length);
        if length > reader.remaining() {
            return Err(at.error(Onf::MessageBadLen, "the message is longer than what is added"));
        }
        let mut body = reader.take(length)?;
        body.bytes(HEADER_BYTES)?;
        let message = Box::new(Message::read_body(&header, &mut body)?);
        Ok(BundleAdd { bundle, flags, message })
    }

    pub(super) fn write(&self, xid: Xid, writer: &mut Writer<'_>) {
        self.bundle.write(writer);
        writer.pad(2);
        self.flags.write(writer);
        self.message.write(xid, writer);
    }
}

/// Whether messages of this kind change a switch in a way that can be put off.
fn can_be_bundled(kind: MessageType) -> bool {
    matches!(
        kind,
        MessageType::FlowMod
            | MessageType::GroupMod
            | MessageType::MeterMod
            | MessageType::PortMod
            | MessageType::TableMod
            | MessageType::PacketOut
    )
}
