//! A match: the fields of a flow, a packet-in or a request.

use super::prerequisite::VLAN_PRESENT;
use super::{Facts, Field, Oxm, OxmError, OxmId};
use crate::wire::codec::{Reader, Wire, Writer};
use crate::wire::error::{BadAction, BadMatch, DecodeError, ErrorCode};

/// `OFPMT_OXM`.
const OXM: u16 = 1;
/// Type and length.
const HEADER_BYTES: usize = 4;

/// Fields that all must have their bits; none: every frame. Each field stands once, and behind what it needs.
///
/// The order is kept, and counts when two matches are compared as messages; what they mean does not depend on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Match(Vec<Oxm>);

/// Why fields are no match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// A field stands twice.
    #[error("{} is given twice", .0.name())]
    Twice(Field),
    /// What a field needs is not matched before it.
    #[error("{} is given without what it needs", .0.name())]
    Prerequisite(Field),
    /// The field cannot be matched.
    #[error("{} cannot be matched", .0.name())]
    Unmatchable(Field),
}

impl MatchError {
    /// The error to answer with.
    pub fn code(&self) -> ErrorCode {
        match self {
            MatchError::Twice(_) => BadMatch::DupField,
            MatchError::Prerequisite(_) => BadMatch::BadPrereq,
            MatchError::Unmatchable(_) => BadMatch::BadField,
        }
        .into()
    }

    fn what(self) -> &'static str {
        match self {
            MatchError::Twice(_) => "a field is given twice",
            MatchError::Prerequisite(_) => "a field is given without what it needs",
            MatchError::Unmatchable(_) => "the field cannot be matched",
        }
    }
}

impl Match {
    /// The match of these fields, in this order. Those whose mask is all zeros are left out: giving one means the
    /// same as not giving it (OpenFlow 1.3.5 §7.2.3.5).
    ///
    /// # Errors
    /// See [`MatchError`].
    pub fn new(fields: impl IntoIterator<Item = Oxm>) -> Result<Match, MatchError> {
        let mut checked = Checked::default();
        for oxm in fields {
            checked.push(oxm)?;
        }
        Ok(Match(checked.fields))
    }

    /// The fields, in their order.
    pub fn fields(&self) -> &[Oxm] {
        &self.0
    }

    /// The value and mask of a field, if it is matched.
    pub fn field(&self, field: Field) -> Option<Oxm> {
        self.0.iter().copied().find(|oxm| oxm.field() == field)
    }

    /// What is known of the frames that match.
    pub(in crate::wire) fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        self.0.iter().for_each(|oxm| facts.learn(*oxm));
        facts
    }
}

impl Wire for Match {
    /// OpenFlow 1.3.5 §7.2.3.1: the length does not count the padding, which fills 8 bytes.
    fn read(reader: &mut Reader<'_>) -> Result<Match, DecodeError> {
        let mut outer = reader.with_length_error(BadMatch::BadLen.into());
        let at = outer.clone();
        let (kind, length) = (outer.u16()?, usize::from(outer.u16()?));
        if kind != OXM {
            return Err(at.error(BadMatch::BadType, "only OXM matches are known"));
        }
        let body = length
            .checked_sub(HEADER_BYTES)
            .ok_or_else(|| at.bad_length("the match is shorter than its header"))?;
        let mut fields = outer.take(body)?;
        outer.pad(length.next_multiple_of(8) - length)?;
        let mut checked = Checked::default();
        while !fields.is_empty() {
            let at = fields.clone();
            let oxm = read_matched(&mut fields)?;
            if oxm.is_wildcard() {
                at.loosen();
            }
            checked.push(oxm).map_err(|error| at.error(error.code(), error.what()))?;
        }
        reader.take(length.next_multiple_of(8))?;
        Ok(Match(checked.fields))
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let start = writer.len();
        writer.u16(OXM);
        let length = writer.length_later();
        self.0.iter().for_each(|oxm| oxm.write(writer));
        writer.fill_length(length, start);
        writer.pad8(start);
    }
}

impl Oxm {
    fn write(self, writer: &mut Writer<'_>) {
        let field = self.field();
        OxmId::of(field, !self.is_exact()).write(writer);
        writer.number(self.value(), field.width_bytes());
        if !self.is_exact() {
            writer.number(self.mask(), field.width_bytes());
        }
    }

    /// Writes it as the argument of set-field, which has no mask.
    pub(in crate::wire) fn write_set(self, writer: &mut Writer<'_>) {
        self.write(writer);
    }

    /// Reads the argument of Nicira's load of a whole field, which may have a mask.
    pub(in crate::wire) fn read_load(reader: &mut Reader<'_>) -> Result<Oxm, DecodeError> {
        let mut value = reader.with_length_error(BadAction::BadSetLen.into());
        let at = value.clone();
        let (id, RawValue { field, value: bits, mask }) = read_value(&mut value, BadAction::BadSetType)?;
        reader.take(reader.remaining() - value.remaining())?;
        if !id.is_canonical() || mask == Some(field.all_ones()) {
            at.loosen();
        }
        Oxm::masked(field, bits, mask.unwrap_or(field.all_ones()))
            .map_err(|_| at.error(BadAction::BadSetArgument, "the field cannot have this value and mask"))
    }

    /// Reads the argument of set-field: a field without mask.
    pub(in crate::wire) fn read_set(reader: &mut Reader<'_>) -> Result<Oxm, DecodeError> {
        let mut value = reader.with_length_error(BadAction::BadSetLen.into());
        let at = value.clone();
        let (id, RawValue { field, value: bits, mask }) = read_value(&mut value, BadAction::BadSetType)?;
        if mask.is_some() {
            return Err(at.error(BadAction::BadSetType, "a set-field takes no mask"));
        }
        reader.take(reader.remaining() - value.remaining())?;
        if !id.is_canonical() {
            at.loosen();
        }
        if field == Field::VlanVid && bits & VLAN_PRESENT == 0 {
            return Err(at.error(BadAction::BadSetArgument, "an id is set with OFPVID_PRESENT"));
        }
        Oxm::exact(field, bits)
            .map_err(|_| at.error(BadAction::BadSetArgument, "the field cannot have this value"))
    }
}

/// Reads one field of a match.
fn read_matched(reader: &mut Reader<'_>) -> Result<Oxm, DecodeError> {
    let at = reader.clone();
    let (id, RawValue { field, value, mask }) = read_value(reader, BadMatch::BadField)?;
    let mask_or_all = mask.unwrap_or(field.all_ones());
    if !id.is_canonical() || mask == Some(field.all_ones()) {
        at.loosen();
    }
    Oxm::masked(field, value, mask_or_all).map_err(|error| match error {
        OxmError::Value => at.error(BadMatch::BadValue, "the field cannot have this value"),
        OxmError::Mask => at.error(BadMatch::BadMask, "the field does not take this mask"),
        OxmError::Ignored => at.error(BadMatch::BadWildcards, "the value has a bit that the mask ignores"),
    })
}

struct RawValue {
    field: Field,
    value: u128,
    mask: Option<u128>,
}

/// Reads a header with its value and mask, which must be as long as the field.
fn read_value(
    reader: &mut Reader<'_>,
    unknown: impl Into<ErrorCode>,
) -> Result<(OxmId, RawValue), DecodeError> {
    let at = reader.clone();
    let id = OxmId::read(reader)?;
    let length = usize::from(id.length) - if id.experimenter.is_some() { 4 } else { 0 };
    let mut payload = reader.take(length)?;
    let field = id.field().ok_or_else(|| at.error(unknown, "the field is unknown"))?;
    let width = field.width_bytes();
    if length != if id.has_mask { 2 * width } else { width } {
        return Err(at.bad_length("the field has another length"));
    }
    let value = payload.number(width)?;
    let mask = if id.has_mask { Some(payload.number(width)?) } else { None };
    Ok((id, RawValue { field, value, mask }))
}

/// Fields that are a match so far.
#[derive(Default)]
struct Checked {
    fields: Vec<Oxm>,
    facts: Facts,
}

impl Checked {
    fn push(&mut self, oxm: Oxm) -> Result<(), MatchError> {
        let field = oxm.field();
        if !field.can_match() {
            return Err(MatchError::Unmatchable(field));
        }
        if self.fields.iter().any(|other| other.field() == field) {
            return Err(MatchError::Twice(field));
        }
        if oxm.is_wildcard() {
            return Ok(());
        }
        if !self.facts.meet(field.prerequisite()) {
            return Err(MatchError::Prerequisite(field));
        }
        self.facts.learn(oxm);
        self.fields.push(oxm);
        Ok(())
    }
}
