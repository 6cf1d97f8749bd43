//! Small numbers for things with names, used again when they are free.

use std::collections::BTreeSet;

/// Hands out the lowest free number below a limit.
#[derive(Debug)]
pub(crate) struct Ids {
    limit: u16,
    next: u16,
    free: BTreeSet<u16>,
}

impl Ids {
    pub(crate) fn new(limit: u16) -> Ids {
        Ids { limit, next: 0, free: BTreeSet::new() }
    }

    /// A free number; `None` if all are taken.
    pub(crate) fn take(&mut self) -> Option<u16> {
        if let Some(id) = self.free.pop_first() {
            return Some(id);
        }
        let id = self.next;
        if id >= self.limit {
            return None;
        }
        self.next += 1;
        Some(id)
    }

    /// Takes a number back. Only once nothing uses it: not before every worker has left the snapshots with it.
    pub(crate) fn give_back(&mut self, id: u16) {
        self.free.insert(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_used_again_and_end_at_the_limit() {
        let mut ids = Ids::new(3);
        assert_eq!([ids.take(), ids.take(), ids.take(), ids.take()], [Some(0), Some(1), Some(2), None]);
        ids.give_back(1);
        assert_eq!([ids.take(), ids.take()], [Some(1), None]);
    }
}
