//! [`Match`]: what a rule demands of a key.

use std::fmt;

use sluice_packet::{Field, FieldMask, FlowKey, KEY_WORDS};

/// Values and masks of a key's words: a key matches if all masked words are equal. Never a value bit outside its mask.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Match {
    words: Box<[MatchWord]>,
}

/// One word of a match; its mask is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct MatchWord {
    pub(crate) index: u8,
    pub(crate) mask: u64,
    pub(crate) value: u64,
}

/// Why a field cannot be matched so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// The value or mask needs more bits than the field has.
    #[error("{0} has only {bits} bits", bits = .0.width())]
    TooWide(Field),
    /// The value has bits that the mask does not (OFPBMC_BAD_WILDCARDS).
    #[error("{0}: the value has bits outside its mask")]
    OutsideMask(Field),
    /// The field is matched twice (OFPBMC_DUP_FIELD).
    #[error("{0} is matched twice")]
    Duplicate(Field),
    /// The field exists inside the switch only.
    #[error("{0} cannot be matched")]
    Internal(Field),
}

/// Builds a [`Match`] field by field.
#[derive(Clone, Debug, Default)]
pub struct MatchBuilder {
    key: FlowKey,
    mask: FieldMask,
}

impl Match {
    /// What every key matches.
    pub fn any() -> Match {
        Match { words: Box::new([]) }
    }

    /// Starts with a match that every key fulfils.
    pub fn builder() -> MatchBuilder {
        MatchBuilder::default()
    }

    /// Whether the key fulfils it.
    #[inline]
    pub fn matches(&self, key: &FlowKey) -> bool {
        self.words.iter().all(|word| (key.word(word.index.into()) ^ word.value) & word.mask == 0)
    }

    /// The bits that it looks at.
    pub fn mask(&self) -> FieldMask {
        let mut mask = FieldMask::EMPTY;
        self.words.iter().for_each(|word| mask.add_word(word.index.into(), word.mask));
        mask
    }

    /// A key with the values that it demands, and 0 where it demands nothing.
    pub fn key(&self) -> FlowKey {
        let mut words = [0; KEY_WORDS];
        for word in &self.words {
            if let Some(slot) = words.get_mut(usize::from(word.index)) {
                *slot = word.value;
            }
        }
        FlowKey::from_words(words)
    }

    /// The fields it looks at with values and masks, in the order of [`Field`].
    pub fn fields(&self) -> impl Iterator<Item = (Field, u128, u128)> {
        let (key, mask) = (self.key(), self.mask());
        Field::ALL.iter().filter(move |&&field| mask.has(field)).map(move |&field| {
            let bits = mask.get(field);
            (field, key.get(field) & bits, bits)
        })
    }

    pub(crate) fn words(&self) -> &[MatchWord] {
        &self.words
    }
}

impl MatchBuilder {
    /// Demands that `field` has `value` in the bits of `mask`. An empty mask demands nothing.
    ///
    /// # Errors
    /// See [`MatchError`].
    pub fn field(mut self, field: Field, value: u128, mask: u128) -> Result<Self, MatchError> {
        if matches!(field, Field::TunnelRemote | Field::VlanTciInner) {
            return Err(MatchError::Internal(field));
        }
        if (value | mask) & !field.full() != 0 {
            return Err(MatchError::TooWide(field));
        }
        if value & !mask != 0 {
            return Err(MatchError::OutsideMask(field));
        }
        if self.mask.has(field) {
            return Err(MatchError::Duplicate(field));
        }
        self.key.set(field, value);
        self.mask.add(field, mask);
        Ok(self)
    }

    /// Demands that `field` is `value`.
    ///
    /// # Errors
    /// See [`MatchError`].
    pub fn exact(self, field: Field, value: u128) -> Result<Self, MatchError> {
        self.field(field, value, field.full())
    }

    /// The match.
    pub fn build(self) -> Match {
        let pairs = self.mask.words().iter().zip(self.key.words());
        let words = (0..).zip(pairs).filter(|&(_, (&mask, _))| mask != 0);
        Match { words: words.map(|(index, (&mask, &value))| MatchWord { index, mask, value }).collect() }
    }
}

impl fmt::Debug for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (field, value, mask) in self.fields() {
            write!(f, "{separator}{field}={value:#x}")?;
            if mask != field.full() {
                write!(f, "/{mask:#x}")?;
            }
            separator = ",";
        }
        if separator.is_empty() { f.write_str("any") } else { Ok(()) }
    }
}
