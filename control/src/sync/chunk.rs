//! Spreading a transaction over messages.

use prost::Message;
use sluice_api::v1::{Operation, Transaction};

/// Most operations of a message.
const MAX_OPERATIONS: usize = 1024;
/// Bytes of operations after which a message is full: a quarter of the longest that the datapath takes.
const MAX_BYTES: usize = sluice_api::MAX_DATAPATH_MESSAGE_BYTES / 4;

/// The messages of one transaction; the last, which may be empty, commits it.
pub(super) struct Chunks<I: Iterator<Item = Operation>> {
    operations: std::iter::Peekable<I>,
    number: u64,
    snapshot: bool,
    is_done: bool,
}

impl<I: Iterator<Item = Operation>> Chunks<I> {
    pub(super) fn new(number: u64, snapshot: bool, operations: I) -> Chunks<I> {
        Chunks { operations: operations.peekable(), number, snapshot, is_done: false }
    }
}

impl<I: Iterator<Item = Operation>> Iterator for Chunks<I> {
    type Item = Transaction;

    fn next(&mut self) -> Option<Transaction> {
        if self.is_done {
            return None;
        }
        let (mut operations, mut bytes) = (Vec::new(), 0);
        while operations.len() < MAX_OPERATIONS && bytes < MAX_BYTES {
            let Some(operation) = self.operations.next() else { break };
            bytes += operation.encoded_len();
            operations.push(operation);
        }
        self.is_done = self.operations.peek().is_none();
        Some(Transaction { number: self.number, snapshot: self.snapshot, operations, commit: self.is_done })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_api::v1::{Bridge, Object, object, operation};

    fn operation(name: String) -> Operation {
        let object = Object { kind: Some(object::Kind::Bridge(Bridge { name, ..Bridge::default() })) };
        Operation { kind: Some(operation::Kind::Set(object)) }
    }

    fn sizes(operations: Vec<Operation>) -> Vec<usize> {
        let chunks: Vec<Transaction> = Chunks::new(7, true, operations.into_iter()).collect();
        assert!(chunks.iter().all(|chunk| chunk.number == 7 && chunk.snapshot));
        assert!(chunks.iter().rev().skip(1).all(|chunk| !chunk.commit));
        assert!(chunks.last().unwrap().commit);
        chunks.iter().map(|chunk| chunk.operations.len()).collect()
    }

    #[test]
    fn the_last_commits() {
        assert_eq!(sizes(vec![]), [0]);
        assert_eq!(sizes(vec![operation("a".into()); 1024]), [1024]);
        assert_eq!(sizes(vec![operation("a".into()); 2050]), [1024, 1024, 2]);
    }

    #[test]
    fn long_operations_fill_a_message_sooner() {
        assert_eq!(sizes(vec![operation("x".repeat(MAX_BYTES / 2)); 5]), [2, 2, 1]);
    }
}
