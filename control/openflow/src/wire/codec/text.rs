//! Names and descriptions: text in fields of a fixed size, ended by a zero byte.

use std::fmt;

use super::{Reader, Wire, Writer};
use crate::wire::error::DecodeError;

/// Text of at most `N - 1` bytes, none of them zero; on the wire `N` bytes, the rest zeros.
///
/// The specification says ASCII; other bytes are kept as they are and shown as Unicode's replacement character.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Text<const N: usize>(Vec<u8>);

impl<const N: usize> Text<N> {
    /// The text up to a zero byte, and no more of it than fits.
    pub fn new(text: &str) -> Text<N> {
        let mut end = text.find('\0').unwrap_or(text.len()).min(N.saturating_sub(1));
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Text(text.as_bytes().iter().take(end).copied().collect())
    }

    /// The bytes, without the zeros behind them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

impl<const N: usize> Wire for Text<N> {
    /// What stands behind the first zero byte is dropped, and a text without one loses its last byte.
    fn read(reader: &mut Reader<'_>) -> Result<Text<N>, DecodeError> {
        let bytes = reader.bytes(N)?;
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(N.saturating_sub(1));
        if bytes.iter().skip(end).any(|byte| *byte != 0) {
            reader.loosen();
        }
        Ok(Text(bytes.iter().take(end).copied().collect()))
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.bytes(&self.0);
        writer.pad(N.saturating_sub(self.0.len()));
    }
}
