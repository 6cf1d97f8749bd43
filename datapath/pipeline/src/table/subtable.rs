//! The rules of a table that share a mask.

use std::cmp::Reverse;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, LazyLock};

use imbl::shared_ptr::DefaultSharedPtr;
use imbl::{GenericHashMap, OrdMap};
use sluice_packet::{FieldMask, FlowKey};

use crate::hash::Seed;
use crate::{Match, Rule, RuleKey};

/// Rules with one mask, by their masked key.
#[derive(Clone, Debug)]
pub(crate) struct Subtable {
    mask: Box<[MaskWord]>,
    /// The highest priority of a rule.
    top: u16,
    /// One bit, of 256, for the hash of each rule that there is or was: with few rules, a key that matches none
    /// mostly goes no further. 500 masks of two rules each would otherwise be 500 searches.
    filter: [u64; 4],
    rules: GenericHashMap<u64, Bucket, BuildHasherDefault<Hashed>, DefaultSharedPtr>,
    priorities: OrdMap<u16, u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MaskWord {
    index: u8,
    mask: u64,
}

/// The rules of one hash, the highest priority first: nearly always one.
#[derive(Clone, Debug)]
enum Bucket {
    One(Arc<Rule>),
    Many(Arc<[Arc<Rule>]>),
}

static SEED: LazyLock<Seed> = LazyLock::new(Seed::random);

impl Subtable {
    /// An empty subtable with the mask of `matching`.
    pub(crate) fn new(matching: &Match) -> Subtable {
        let mask = matching.words().iter().map(|word| MaskWord { index: word.index, mask: word.mask });
        Subtable {
            mask: mask.collect(),
            top: 0,
            filter: [0; 4],
            rules: GenericHashMap::default(),
            priorities: OrdMap::new(),
        }
    }

    #[inline(always)]
    pub(crate) fn top(&self) -> u16 {
        self.top
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.priorities.is_empty()
    }

    /// What subtables are ordered by.
    pub(crate) fn rank(&self) -> (Reverse<u16>, &[MaskWord]) {
        (Reverse(self.top), &self.mask)
    }

    pub(crate) fn mask(&self) -> FieldMask {
        let mut mask = FieldMask::EMPTY;
        self.mask.iter().for_each(|word| mask.add_word(word.index.into(), word.mask));
        mask
    }

    pub(crate) fn has_mask_of(&self, matching: &Match) -> bool {
        let words = matching.words();
        words.len() == self.mask.len()
            && words
                .iter()
                .zip(&self.mask)
                .all(|(word, mask)| word.index == mask.index && word.mask == mask.mask)
    }

    /// The rule of the highest priority that the key matches.
    #[inline]
    pub(crate) fn lookup(&self, key: &FlowKey) -> Option<&Arc<Rule>> {
        let hash = self.hash(key);
        if self.filter_word(hash) & filter_bit(hash) == 0 {
            return None;
        }
        self.rules.get(&hash)?.rules().iter().find(|rule| rule.key.matching.matches(key))
    }

    pub(crate) fn rule(&self, key: &RuleKey) -> Option<&Arc<Rule>> {
        let hash = self.hash(&key.matching.key());
        self.rules.get(&hash)?.rules().iter().find(|rule| rule.key == *key)
    }

    pub(crate) fn rules(&self) -> impl Iterator<Item = &Arc<Rule>> {
        self.rules.values().flat_map(Bucket::rules)
    }

    /// Adds a rule; returns the one of the same name that it replaced.
    pub(crate) fn insert(&mut self, rule: Arc<Rule>) -> Option<Arc<Rule>> {
        let priority = rule.key.priority;
        let hash = self.hash(&rule.key.matching.key());
        if let Some(word) = self.filter.get_mut(filter_index(hash)) {
            *word |= filter_bit(hash);
        }
        let (bucket, replaced) = match self.rules.get(&hash) {
            None => (Bucket::One(rule), None),
            Some(bucket) => bucket.with(rule),
        };
        self.rules.insert(hash, bucket);
        if replaced.is_none() {
            *self.priorities.entry(priority).or_insert(0) += 1;
            self.top = self.top.max(priority);
        }
        replaced
    }

    /// Takes a rule out.
    pub(crate) fn remove(&mut self, key: &RuleKey) -> Option<Arc<Rule>> {
        let hash = self.hash(&key.matching.key());
        let (rest, removed) = self.rules.get(&hash)?.without(key)?;
        match rest {
            Some(bucket) => self.rules.insert(hash, bucket),
            None => self.rules.remove(&hash),
        };
        match self.priorities.get(&key.priority) {
            Some(&count) if count > 1 => self.priorities.insert(key.priority, count - 1),
            _ => self.priorities.remove(&key.priority),
        };
        self.top = self.priorities.get_max().map_or(0, |&(priority, _)| priority);
        Some(removed)
    }

    #[inline(always)]
    fn hash(&self, key: &FlowKey) -> u64 {
        let seed = &*SEED;
        self.mask.iter().fold(seed.start(0), |hash, word| {
            let index = usize::from(word.index);
            seed.add(hash, index, key.word(index) & word.mask)
        })
    }

    #[inline(always)]
    fn filter_word(&self, hash: u64) -> u64 {
        self.filter.get(filter_index(hash)).copied().unwrap_or(u64::MAX)
    }
}

impl Bucket {
    #[inline]
    fn rules(&self) -> &[Arc<Rule>] {
        match self {
            Bucket::One(rule) => std::slice::from_ref(rule),
            Bucket::Many(rules) => rules,
        }
    }

    fn from(mut rules: Vec<Arc<Rule>>) -> Option<Bucket> {
        rules.sort_by_key(|rule| Reverse(rule.key.priority));
        match rules.len() {
            0 | 1 => rules.pop().map(Bucket::One),
            _ => Some(Bucket::Many(rules.into())),
        }
    }

    fn with(&self, rule: Arc<Rule>) -> (Bucket, Option<Arc<Rule>>) {
        let mut rules = self.rules().to_vec();
        let same = rules.iter().position(|other| other.key == rule.key);
        let replaced = same.map(|position| rules.swap_remove(position));
        rules.push(rule.clone());
        (Bucket::from(rules).unwrap_or(Bucket::One(rule)), replaced)
    }

    fn without(&self, key: &RuleKey) -> Option<(Option<Bucket>, Arc<Rule>)> {
        let mut rules = self.rules().to_vec();
        let removed = rules.swap_remove(rules.iter().position(|rule| rule.key == *key)?);
        Some((Bucket::from(rules), removed))
    }
}

#[inline(always)]
fn filter_index(hash: u64) -> usize {
    usize::try_from(hash >> 62).unwrap_or(0)
}

#[inline(always)]
fn filter_bit(hash: u64) -> u64 {
    1 << (hash >> 56 & 63)
}

/// Passes on what is a hash already.
#[derive(Default)]
pub(crate) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
