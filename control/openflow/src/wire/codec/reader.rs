//! A cursor over a message's bytes that never reads past its end.

use std::cell::Cell;

use crate::wire::error::{DecodeError, ErrorCode};

/// What remains of a message, or of a structure in it.
///
/// Knows how far into the message it stands, for errors, and with which error a structure that is too short or too
/// long is refused here ("length problem in actions", "in match" and so on).
#[derive(Clone, Debug)]
pub(in crate::wire) struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
    length_error: ErrorCode,
    loose: &'a Cell<bool>,
}

impl<'a> Reader<'a> {
    /// Reads `bytes`, which start `offset` bytes into the message. `loose` is set when something is read whose
    /// canonical form has other bytes.
    pub(in crate::wire) fn new(
        bytes: &'a [u8],
        offset: usize,
        length_error: ErrorCode,
        loose: &'a Cell<bool>,
    ) -> Reader<'a> {
        Reader { bytes, offset, length_error, loose }
    }

    /// The same bytes, whose length problems are this error.
    pub(in crate::wire) fn with_length_error(&self, length_error: ErrorCode) -> Reader<'a> {
        Reader { length_error, ..self.clone() }
    }

    pub(in crate::wire) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(in crate::wire) fn remaining(&self) -> usize {
        self.bytes.len()
    }

    /// How far into the message the next byte is.
    pub(in crate::wire) fn offset(&self) -> usize {
        self.offset
    }

    /// All remaining bytes, without reading them.
    pub(in crate::wire) fn peek(&self) -> &'a [u8] {
        self.bytes
    }

    /// Notes that the value just read is written otherwise when encoded again.
    pub(in crate::wire) fn loosen(&self) {
        self.loose.set(true);
    }

    /// An error at this place.
    pub(in crate::wire) fn error(&self, code: impl Into<ErrorCode>, what: &'static str) -> DecodeError {
        DecodeError { code: code.into(), offset: self.offset, what }
    }

    /// The error of lengths at this place.
    pub(in crate::wire) fn bad_length(&self, what: &'static str) -> DecodeError {
        self.error(self.length_error, what)
    }

    /// The next `length` bytes as a reader of their own.
    pub(in crate::wire) fn take(&mut self, length: usize) -> Result<Reader<'a>, DecodeError> {
        let Some((taken, rest)) = self.bytes.split_at_checked(length) else {
            return Err(self.bad_length("the structure is cut short"));
        };
        let reader = Reader { bytes: taken, ..self.clone() };
        self.bytes = rest;
        self.offset += length;
        Ok(reader)
    }

    /// The next `length` bytes.
    pub(in crate::wire) fn bytes(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        self.take(length).map(|reader| reader.bytes)
    }

    /// All that is left.
    pub(in crate::wire) fn rest(&mut self) -> &'a [u8] {
        let rest = self.bytes;
        self.offset += rest.len();
        self.bytes = &[];
        rest
    }

    /// The next `N` bytes.
    pub(in crate::wire) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let Some((array, rest)) = self.bytes.split_first_chunk::<N>() else {
            return Err(self.bad_length("the structure is cut short"));
        };
        self.bytes = rest;
        self.offset += N;
        Ok(*array)
    }

    pub(in crate::wire) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(in crate::wire) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(in crate::wire) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(in crate::wire) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_be_bytes)
    }

    /// A number of `length` bytes, at most 16.
    pub(in crate::wire) fn number(&mut self, length: usize) -> Result<u128, DecodeError> {
        let bytes = self.bytes(length)?;
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | u128::from(*byte)))
    }

    /// Skips `length` bytes of padding. Senders write zeros and receivers ignore them (OpenFlow 1.3.5 §7).
    pub(in crate::wire) fn pad(&mut self, length: usize) -> Result<(), DecodeError> {
        if self.bytes(length)?.iter().any(|byte| *byte != 0) {
            self.loosen();
        }
        Ok(())
    }

    /// Requires that all was read.
    pub(in crate::wire) fn finish(&self) -> Result<(), DecodeError> {
        if self.is_empty() { Ok(()) } else { Err(self.bad_length("bytes are left over")) }
    }

    /// Reads values until nothing is left.
    pub(in crate::wire) fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Reader<'a>) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let mut list = Vec::new();
        while !self.is_empty() {
            list.push(read(self)?);
        }
        Ok(list)
    }
}
