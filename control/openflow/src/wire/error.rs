//! Errors: why bytes are no message, and what OpenFlow says about it (OpenFlow 1.3.5 §7.4.4).

mod code;

pub use code::{
    BadAction, BadInstruction, BadMatch, BadRequest, ErrorCode, FlowModFailed, GroupModFailed, HelloFailed,
    MeterModFailed, Onf, PortModFailed, QueueOpFailed, RoleRequestFailed, SwitchConfigFailed,
    TableFeaturesFailed, TableModFailed,
};

use super::codec::{Reader, Wire, Writer};
use super::experimenter::ONF;

/// Why bytes are no message that a switch may carry out.
///
/// A switch answers with [`DecodeError::code`] and the first 64 bytes or more of what it refuses; the transaction id
/// is that of the refused message ([`super::Header::decode`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code} at byte {offset}: {what}")]
pub struct DecodeError {
    /// The type and code that the specification gives for it.
    pub code: ErrorCode,
    /// Where in the message, in bytes from its header's start.
    pub offset: usize,
    /// What is wrong there.
    pub what: &'static str,
}

/// Why a message has no form on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The message, or a structure in it, is longer than the 65535 bytes that its length can say.
    #[error("longer than the 65535 bytes of an OpenFlow message")]
    TooLong,
}

/// `OFPT_ERROR` (OpenFlow 1.3.5 §7.4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorMessage {
    /// What went wrong.
    pub kind: ErrorKind,
    /// At least the first 64 bytes of the message at fault, or all of a shorter one; text for
    /// [`ErrorCode::HelloFailed`].
    pub data: Vec<u8>,
}

/// An error's type and code, also those that this version has no name for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// One with a name.
    Known(ErrorCode),
    /// A type and code without a name here.
    Other {
        /// `OFPET_*`, not `OFPET_EXPERIMENTER`.
        kind: u16,
        /// The code within the type.
        code: u16,
    },
    /// `OFPET_EXPERIMENTER`: of an experimenter, without a name here.
    Experimenter {
        /// Whose error.
        experimenter: u32,
        /// The experimenter's number of it.
        exp_type: u16,
    },
}

impl ErrorMessage {
    /// The answer to `message`, which was refused with `code`: its first bytes, as far as they fit any message.
    pub fn answer(code: ErrorCode, message: &[u8]) -> ErrorMessage {
        const MOST: usize = 1024;
        ErrorMessage { kind: ErrorKind::Known(code), data: message.iter().take(MOST).copied().collect() }
    }
}

impl Wire for ErrorMessage {
    fn read(reader: &mut Reader<'_>) -> Result<ErrorMessage, DecodeError> {
        let (kind, code) = (reader.u16()?, reader.u16()?);
        let kind = if kind == code::EXPERIMENTER {
            let experimenter = reader.u32()?;
            match Onf::from_number(code) {
                Some(error) if experimenter == ONF => ErrorKind::Known(ErrorCode::Onf(error)),
                _ => ErrorKind::Experimenter { experimenter, exp_type: code },
            }
        } else {
            ErrorCode::from_numbers(kind, code).map_or(ErrorKind::Other { kind, code }, ErrorKind::Known)
        };
        Ok(ErrorMessage { kind, data: reader.rest().to_vec() })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        match self.kind {
            ErrorKind::Known(known) => {
                let (kind, code) = known.numbers();
                writer.u16(kind);
                writer.u16(code);
                if let Some(experimenter) = known.experimenter() {
                    writer.u32(experimenter);
                }
            }
            ErrorKind::Other { kind, code } => {
                writer.u16(kind);
                writer.u16(code);
            }
            ErrorKind::Experimenter { experimenter, exp_type } => {
                writer.u16(code::EXPERIMENTER);
                writer.u16(exp_type);
                writer.u32(experimenter);
            }
        }
        writer.bytes(&self.data);
    }
}
