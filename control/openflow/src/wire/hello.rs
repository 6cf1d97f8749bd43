//! Agreeing on a version (OpenFlow 1.3.5 §7.5.1, §6.3.1).

use super::codec::{Reader, Writer};
use super::error::DecodeError;
use super::header::VERSION;

const VERSION_BITMAP: u16 = 1;
const HEADER_BYTES: usize = 4;

/// `OFPT_HELLO`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The highest version that the sender speaks, as the header says it.
    pub version: u8,
    /// All versions that it speaks, if it says so: bit n of word n / 32 is version n.
    pub versions: Option<Vec<u32>>,
}

impl Hello {
    /// What one says who speaks OpenFlow 1.3 and nothing else.
    pub fn ours() -> Hello {
        Hello { version: VERSION, versions: Some(vec![1 << VERSION]) }
    }

    /// Whether its sender speaks OpenFlow 1.3: it is among the versions that it names, or, if it names none, not
    /// above its highest (OpenFlow 1.3.5 §6.3.1).
    pub fn speaks_1_3(&self) -> bool {
        match &self.versions {
            Some(versions) => versions.first().is_some_and(|word| word & 1 << VERSION != 0),
            None => self.version >= VERSION,
        }
    }

    /// Elements that are unknown are read over, as §7.5.1 wants it, and so is a second bitmap.
    pub(super) fn read(version: u8, reader: &mut Reader<'_>) -> Result<Hello, DecodeError> {
        let mut versions = None;
        while !reader.is_empty() {
            let at = reader.clone();
            let (kind, length) = (reader.u16()?, usize::from(reader.u16()?));
            let body = length
                .checked_sub(HEADER_BYTES)
                .ok_or_else(|| at.bad_length("the element is shorter than its header"))?;
            let mut body = reader.take(body)?;
            // Peers are known to leave the padding of the last element out.
            let padding = length.next_multiple_of(8) - length;
            if padding > reader.remaining() {
                at.loosen();
            }
            reader.pad(padding.min(reader.remaining()))?;
            if kind == VERSION_BITMAP && versions.is_none() {
                versions = Some(body.list(Reader::u32)?);
            } else {
                at.loosen();
            }
        }
        Ok(Hello { version, versions })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        if let Some(versions) = &self.versions {
            let start = writer.len();
            writer.u16(VERSION_BITMAP);
            let length = writer.length_later();
            versions.iter().for_each(|word| writer.u32(*word));
            writer.fill_length(length, start);
            writer.pad8(start);
        }
    }
}
