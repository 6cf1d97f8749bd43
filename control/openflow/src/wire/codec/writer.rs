//! Appends a message to a buffer and fills lengths in afterwards.

/// Writes at the end of a vector.
///
/// Lengths that do not fit their 16 bits are noted and make the whole message fail at its end
/// ([`Writer::overflowed`]), so that writing needs no check at every step.
#[derive(Debug)]
pub(in crate::wire) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    overflowed: bool,
    /// Where each item of a list ended, from `start`.
    marks: Vec<usize>,
}

impl<'a> Writer<'a> {
    /// Writes behind what `out` has.
    pub(in crate::wire) fn new(out: &'a mut Vec<u8>) -> Writer<'a> {
        let start = out.len();
        Writer { out, start, overflowed: false, marks: Vec::new() }
    }

    /// Bytes written so far.
    pub(in crate::wire) fn len(&self) -> usize {
        self.out.len() - self.start
    }

    /// Whether a length did not fit.
    pub(in crate::wire) fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// Takes back all that was written.
    pub(in crate::wire) fn discard(&mut self) {
        self.out.truncate(self.start);
    }

    /// Notes that the message may be cut here.
    pub(in crate::wire) fn mark(&mut self) {
        let len = self.len();
        self.marks.push(len);
    }

    /// Where the message may be cut, in bytes from its start.
    pub(in crate::wire) fn into_marks(self) -> Vec<usize> {
        self.marks
    }

    pub(in crate::wire) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(in crate::wire) fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    pub(in crate::wire) fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    pub(in crate::wire) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    pub(in crate::wire) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_be_bytes());
    }

    /// The lowest `length` bytes of a number, at most 16.
    pub(in crate::wire) fn number(&mut self, value: u128, length: usize) {
        let bytes = value.to_be_bytes();
        self.bytes(bytes.get(bytes.len().saturating_sub(length)..).unwrap_or_default());
    }

    /// A length or count; one that needs more than 16 bits fails the message.
    pub(in crate::wire) fn length(&mut self, length: usize) {
        let length = u16::try_from(length).unwrap_or_else(|_| {
            self.overflowed = true;
            0
        });
        self.u16(length);
    }

    /// Zeros.
    pub(in crate::wire) fn pad(&mut self, length: usize) {
        self.out.resize(self.out.len() + length, 0);
    }

    /// Zeros until what was written since `start` (as [`Writer::len`] said) fills whole units of 8 bytes.
    pub(in crate::wire) fn pad8(&mut self, start: usize) {
        let written = self.len().saturating_sub(start);
        self.pad(written.next_multiple_of(8) - written);
    }

    /// Leaves room for a 16-bit length, to be given to [`Writer::fill_length`].
    pub(in crate::wire) fn length_later(&mut self) -> usize {
        let place = self.len();
        self.u16(0);
        place
    }

    /// Writes into `place` how many bytes were written since `start`.
    pub(in crate::wire) fn fill_length(&mut self, place: usize, start: usize) {
        let Ok(length) = u16::try_from(self.len().saturating_sub(start)) else {
            self.overflowed = true;
            return;
        };
        let at = self.start + place;
        if let Some(bytes) = self.out.get_mut(at..at + 2) {
            bytes.copy_from_slice(&length.to_be_bytes());
        }
    }
}
