//! Cuts a stream of bytes into messages.

use super::error::{BadRequest, ErrorCode};
use super::header::HEADER_BYTES;

/// Why a stream cannot be cut any further: it is to be closed, since where the next message starts is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A header says a length below its own.
    #[error("a message says that it is {0} bytes long, shorter than its header")]
    TooShort(u16),
    /// A header says a length above the most that is taken.
    #[error("a message is {length} bytes long, more than the {max} that are taken")]
    TooLong {
        /// What the header says.
        length: u16,
        /// The most.
        max: usize,
    },
}

impl FrameError {
    /// What to tell the peer before closing.
    pub fn code(&self) -> ErrorCode {
        BadRequest::BadLen.into()
    }
}

/// Takes bytes as they come from a socket and gives whole messages, header included, in order.
///
/// Only lengths are looked at. No more is kept than has arrived and was not yet given out.
#[derive(Debug)]
pub struct Framer {
    max_bytes: usize,
    buffer: Vec<u8>,
    /// How much of `buffer` was given out.
    taken: usize,
    failed: Option<FrameError>,
}

impl Framer {
    /// A framer that refuses messages of more than `max_bytes`; OpenFlow's own limit is 65535.
    pub fn new(max_bytes: usize) -> Framer {
        Framer { max_bytes: max_bytes.max(HEADER_BYTES), buffer: Vec::new(), taken: 0, failed: None }
    }

    /// Takes the next bytes of the stream; none are kept after an error.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole message, or nothing until more bytes are pushed.
    ///
    /// # Errors
    /// A length that cannot be one; from then on always the same error.
    pub fn next_message(&mut self) -> Result<Option<&[u8]>, FrameError> {
        match self.next_length() {
            Ok(length) => {
                let message = length.and_then(|length| self.buffer.get(self.taken..self.taken + length));
                self.taken += message.map_or(0, <[u8]>::len);
                Ok(message)
            }
            Err(error) => {
                self.failed = Some(error);
                self.buffer = Vec::new();
                self.taken = 0;
                Err(error)
            }
        }
    }

    /// The next message's length, if its header's first half is there.
    fn next_length(&self) -> Result<Option<usize>, FrameError> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let rest = self.buffer.get(self.taken..).unwrap_or_default();
        let Some([_, _, high, low]) = rest.first_chunk::<4>() else {
            return Ok(None);
        };
        let length = u16::from_be_bytes([*high, *low]);
        let bytes = usize::from(length);
        if bytes < HEADER_BYTES {
            Err(FrameError::TooShort(length))
        } else if bytes > self.max_bytes {
            Err(FrameError::TooLong { length, max: self.max_bytes })
        } else {
            Ok(Some(bytes))
        }
    }

    /// How many bytes wait for the rest of their message, or to be given out.
    pub fn pending_bytes(&self) -> usize {
        self.buffer.len() - self.taken
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn message(body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![4, 2, 0, 0, 0, 0, 0, 1];
        bytes.extend_from_slice(body);
        let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
        bytes[2..4].copy_from_slice(&length);
        bytes
    }

    proptest! {
        #[test]
        fn messages_come_out_as_they_went_in_however_they_are_cut(
            bodies in vec(vec(any::<u8>(), 0..40), 0..20),
            cuts in vec(1..30_usize, 1..40),
        ) {
            let messages: Vec<Vec<u8>> = bodies.iter().map(|body| message(body)).collect();
            let stream = messages.concat();
            let mut framer = Framer::new(65535);
            let (mut rest, mut got) = (&stream[..], Vec::new());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                rest = later;
                framer.push(now);
                while let Some(message) = framer.next_message().unwrap() {
                    got.push(message.to_vec());
                }
                prop_assert!(framer.buffer.capacity() <= 2 * stream.len() + 64);
            }
            prop_assert_eq!(got, messages);
            prop_assert_eq!(framer.pending_bytes(), 0);
        }

        #[test]
        fn any_bytes_are_cut_or_refused(pieces in vec(vec(any::<u8>(), 0..100), 0..20)) {
            let mut framer = Framer::new(128);
            let (mut pushed, mut taken) = (0, 0);
            for piece in &pieces {
                framer.push(piece);
                pushed += piece.len();
                loop {
                    match framer.next_message() {
                        Ok(Some(message)) => taken += message.len(),
                        Ok(None) => break,
                        Err(error) => {
                            prop_assert_eq!(framer.next_message(), Err(error));
                            prop_assert_eq!(framer.pending_bytes(), 0);
                            return Ok(());
                        }
                    }
                }
                prop_assert_eq!(taken + framer.pending_bytes(), pushed);
            }
        }
    }

    #[test]
    fn impossible_lengths_end_the_stream() {
        let mut framer = Framer::new(100);
        framer.push(&[4, 0, 0, 7]);
        assert_eq!(framer.next_message(), Err(FrameError::TooShort(7)));
        let mut framer = Framer::new(100);
        framer.push(&[4, 0, 0, 101]);
        assert_eq!(framer.next_message(), Err(FrameError::TooLong { length: 101, max: 100 }));
        framer.push(&message(&[]));
        assert_eq!(framer.next_message(), Err(FrameError::TooLong { length: 101, max: 100 }));
    }
}
