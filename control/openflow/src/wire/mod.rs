//! OpenFlow 1.3.5 on the wire: bytes ⇄ [`Message`]. Pure: no sockets, no state of a switch.
//!
//! ```
//! use sluice_openflow::wire::{Framer, Hello, Message, Xid};
//!
//! let mut bytes = Vec::new();
//! Message::Hello(Hello::ours()).encode(Xid(1), &mut bytes)?;
//! let mut framer = Framer::new(65535);
//! framer.push(&bytes);
//! let (header, message) = Message::decode(framer.next_message()?.ok_or("no message")?)?;
//! assert_eq!((header.xid, message), (Xid(1), Message::Hello(Hello::ours())));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`Framer`] cuts a stream into messages; [`Message::decode`] reads one; [`Message::encode`] and
//!   [`MultipartReply::encode_parts`] write.
//! - What a message says is checked as far as no switch is needed for it: lengths, ranges, matches' prerequisites,
//!   whether actions can apply to what is matched. A [`DecodeError`] names the error that the specification gives a
//!   switch to answer with.
//! - What a switch decides for itself (whether a port, table, group or meter is there, and what it supports) is not
//!   judged here.
//!
//! What is read and written again has the same bytes but for these, whose canonical form is written: padding that is
//! not zero, text behind its end, instructions in another order than that of carrying out, fields of a match with a
//! mask of all ones or all zeros, fields under a number that Nicira gave them before OXM did, elements of a hello
//! that are unknown, what means nothing (filters of a flow-mod that does not delete, data behind a buffer's number,
//! the table of a resubmit to the present one).

mod action;
mod asynchronous;
mod bundle;
mod codec;
mod config;
mod error;
mod experimenter;
mod features;
mod flow_mod;
mod flow_removed;
mod framer;
mod group;
mod header;
mod hello;
mod instruction;
mod message;
mod meter;
pub mod multipart;
mod number;
mod oxm;
mod packet_in;
mod packet_out;
mod port;
mod queue;
mod role;
mod table_mod;

pub use action::{
    Action, Ct, CtFlags, CtZone, Learn, LearnFlags, LearnSource, LearnSpec, MAX_LEN_MAX, MAX_LEN_NO_BUFFER,
    Nat, NatAddresses, NatFlags, NatPorts, NatSide, NxAction, RegLoad, RegMove,
};
pub use asynchronous::{AsyncConfig, Masks};
pub use bundle::{BundleAdd, BundleCommand, BundleControl, BundleFlags, BundleId};
pub use codec::Text;
pub use config::{Fragments, SwitchConfig};
pub use error::{
    BadAction, BadInstruction, BadMatch, BadRequest, DecodeError, EncodeError, ErrorCode, ErrorKind,
    ErrorMessage, FlowModFailed, GroupModFailed, HelloFailed, MeterModFailed, Onf, PortModFailed,
    QueueOpFailed, RoleRequestFailed, SwitchConfigFailed, TableFeaturesFailed, TableModFailed,
};
pub use experimenter::{Experimenter, NICIRA, ONF, RawExperimenter};
pub use features::{Capabilities, Features};
pub use flow_mod::{FlowCommand, FlowFlags, FlowMod};
pub use flow_removed::{FlowRemoved, FlowRemovedReason};
pub use framer::{FrameError, Framer};
pub use group::{Bucket, GroupCommand, GroupMod, GroupType};
pub use header::{HEADER_BYTES, Header, MessageType, VERSION};
pub use hello::Hello;
pub use instruction::{Instructions, Metadata};
pub use message::Message;
pub use meter::{Band, BandKind, MeterCommand, MeterFlags, MeterMod};
pub use multipart::{MultipartReply, MultipartRequest};
pub use number::{
    BufferId, Cookie, CookieMask, DatapathId, GroupId, MeterId, PortNo, QueueId, TableId, Tables, Xid,
};
pub use oxm::{
    Field, Maskable, Match, MatchError, Oxm, OxmError, OxmId, Prerequisite, Subfield, SubfieldError,
};
pub use packet_in::{PacketIn, PacketInReason};
pub use packet_out::{OutPacket, PacketOut};
pub use port::{Port, PortConfig, PortFeatures, PortMod, PortReason, PortState, PortStatus};
pub use queue::{Queue, QueueConfigReply, QueueConfigRequest, QueueProperty};
pub use role::{ControllerRole, Role};
pub use table_mod::TableMod;

#[cfg(test)]
mod tests;
