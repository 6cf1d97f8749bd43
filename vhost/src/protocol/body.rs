//! Taking a message's body apart.

use super::ProtocolError;
use crate::memory::RegionLayout;

/// What is left of the body of a request.
pub(super) struct Body<'a> {
    request: u32,
    len: usize,
    rest: &'a [u8],
}

impl<'a> Body<'a> {
    pub(super) fn new(request: u32, bytes: &'a [u8]) -> Self {
        Body { request, len: bytes.len(), rest: bytes }
    }

    /// The body of a request that has none.
    pub(super) fn empty(self) -> Result<(), ProtocolError> {
        self.end()
    }

    /// The body of a request that is one integer.
    pub(super) fn only_u64(mut self) -> Result<u64, ProtocolError> {
        let value = self.u64()?;
        self.end()?;
        Ok(value)
    }

    /// The body of a request about a ring: its index and one value.
    pub(super) fn vring_state(mut self) -> Result<(u32, u32), ProtocolError> {
        let state = (self.u32()?, self.u32()?);
        self.end()?;
        Ok(state)
    }

    pub(super) fn u32(&mut self) -> Result<u32, ProtocolError> {
        self.array().map(u32::from_ne_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, ProtocolError> {
        self.array().map(u64::from_ne_bytes)
    }

    pub(super) fn region(&mut self) -> Result<RegionLayout, ProtocolError> {
        Ok(RegionLayout {
            guest: self.u64()?,
            size: self.u64()?,
            user: self.u64()?,
            file_offset: self.u64()?,
        })
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), ProtocolError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.wrong_length()) }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ProtocolError> {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else { return Err(self.wrong_length()) };
        self.rest = rest;
        Ok(*bytes)
    }

    fn wrong_length(&self) -> ProtocolError {
        ProtocolError::Length { request: self.request, len: self.len }
    }
}
