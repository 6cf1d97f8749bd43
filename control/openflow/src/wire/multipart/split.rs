//! Cutting a long reply into messages (OpenFlow 1.3.5 §7.3.5: all but the last have `OFPMPF_REPLY_MORE`).

use super::{MultipartReply, write_header};
use crate::wire::codec::Writer;
use crate::wire::error::EncodeError;
use crate::wire::header::{HEADER_BYTES, Header, MessageType, VERSION};
use crate::wire::number::Xid;

/// Bytes before the body: the message's header and the multipart's.
const HEADERS_BYTES: usize = HEADER_BYTES + 8;

impl MultipartReply {
    /// The reply as messages of at most `max_bytes` (and 65535), each with whole items and at least one, if there
    /// are any. All but the last say that more follow; the last says what [`MultipartReply::more`] does.
    ///
    /// # Errors
    /// [`EncodeError::TooLong`] if one item alone is longer than a message can be.
    pub fn encode_parts(&self, xid: Xid, max_bytes: usize) -> Result<Vec<Vec<u8>>, EncodeError> {
        let room = max_bytes.min(usize::from(u16::MAX)).saturating_sub(HEADERS_BYTES);
        let mut body = Vec::new();
        let mut writer = Writer::new(&mut body);
        self.body.write(&mut writer);
        if writer.overflowed() {
            return Err(EncodeError::TooLong);
        }
        let ends = writer.into_marks();
        let mut parts = Vec::new();
        let (mut start, mut fits) = (0, 0);
        for end in ends {
            if fits > start && end - start > room {
                parts.push(self.part(xid, body.get(start..fits).unwrap_or_default(), true)?);
                start = fits;
            }
            fits = end;
        }
        parts.push(self.part(xid, body.get(start..).unwrap_or_default(), self.more)?);
        Ok(parts)
    }

    fn part(&self, xid: Xid, body: &[u8], more: bool) -> Result<Vec<u8>, EncodeError> {
        let mut part = Vec::with_capacity(HEADERS_BYTES + body.len());
        let mut writer = Writer::new(&mut part);
        let length = Header::write(VERSION, MessageType::MultipartReply, xid, &mut writer);
        write_header(self.body.kind(), more, &mut writer);
        writer.bytes(body);
        writer.fill_length(length, 0);
        if writer.overflowed() { Err(EncodeError::TooLong) } else { Ok(part) }
    }
}
