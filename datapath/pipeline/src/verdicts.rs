//! [`Verdicts`]: a worker's verdicts, each once.

use std::collections::HashMap;
use std::sync::Arc;

use crate::Verdict;

/// Names a verdict of one worker's [`Verdicts`]. A small number, so that a burst can be grouped by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct VerdictId(pub(crate) u32);

impl VerdictId {
    /// Its number; below the largest number of verdicts that there were at once.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Verdicts, each held once however many sessions share it, and counted by them.
#[derive(Debug, Default)]
pub struct Verdicts {
    slots: Vec<Option<Shared>>,
    free: Vec<VerdictId>,
    by_value: HashMap<Arc<Verdict>, VerdictId>,
    /// Those without a session, perhaps: they stay until the worker has done with them.
    released: Vec<VerdictId>,
}

#[derive(Debug)]
struct Shared {
    verdict: Arc<Verdict>,
    sessions: u32,
}

impl Verdicts {
    /// The verdict of this name.
    #[inline]
    pub fn get(&self, id: VerdictId) -> Option<&Verdict> {
        self.slots.get(id.index())?.as_ref().map(|shared| &*shared.verdict)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_value.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_value.is_empty()
    }

    /// Names a verdict. Unless a session [`holds`](Verdicts::hold) it, it stays until [`Verdicts::reclaim`].
    pub(crate) fn intern(&mut self, verdict: Verdict) -> VerdictId {
        if let Some(&id) = self.by_value.get(&verdict) {
            return id;
        }
        let verdict = Arc::new(verdict);
        let shared = Shared { verdict: verdict.clone(), sessions: 0 };
        let id = match self.free.pop() {
            Some(id) => id,
            None => {
                self.slots.push(None);
                // 2^32 verdicts do not fit into memory.
                VerdictId(u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX))
            }
        };
        if let Some(slot) = self.slots.get_mut(id.index()) {
            *slot = Some(shared);
        }
        self.by_value.insert(verdict, id);
        self.released.push(id);
        id
    }

    /// One more session has the verdict.
    #[inline]
    pub(crate) fn hold(&mut self, id: VerdictId) {
        if let Some(shared) = self.shared(id) {
            shared.sessions += 1;
        }
    }

    /// One session less has it.
    #[inline]
    pub(crate) fn release(&mut self, id: VerdictId) {
        if let Some(shared) = self.shared(id) {
            shared.sessions -= 1;
            if shared.sessions == 0 {
                self.released.push(id);
            }
        }
    }

    /// Forgets verdicts that no session has.
    #[inline]
    pub(crate) fn reclaim(&mut self) {
        while let Some(id) = self.released.pop() {
            if let Some(slot) = self.slots.get_mut(id.index())
                && let Some(shared) = slot.take_if(|shared| shared.sessions == 0)
            {
                self.by_value.remove(&shared.verdict);
                self.free.push(id);
            }
        }
    }

    #[inline]
    fn shared(&mut self, id: VerdictId) -> Option<&mut Shared> {
        self.slots.get_mut(id.index())?.as_mut()
    }
}
