//! The header of an OXM TLV: class, field, whether a mask follows, and the length (OpenFlow 1.3.5 §7.2.3.2).

use super::field::EXPERIMENTER;
use super::{Field, Subfield};
use crate::wire::codec::{Reader, Wire, Writer};
use crate::wire::error::{BadAction, DecodeError};
use crate::wire::experimenter::ONF;

/// Bytes of an experimenter's number behind the header.
const EXPERIMENTER_BYTES: u8 = 4;

/// A field as a header says it, also one that is unknown here: what tables' features list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OxmId {
    /// The OXM class.
    pub class: u16,
    /// The number in the class, 0 to 127.
    pub number: u8,
    /// Whether a mask follows, or may.
    pub has_mask: bool,
    /// Bytes of value, mask and experimenter's number.
    pub length: u8,
    /// Whose field, in the experimenters' class.
    pub experimenter: Option<u32>,
}

impl OxmId {
    /// The header of a field.
    pub fn of(field: Field, has_mask: bool) -> OxmId {
        let (class, number) = field.class_and_number();
        let experimenter = (class == EXPERIMENTER).then_some(ONF);
        let width = u8::try_from(field.width_bytes()).unwrap_or(u8::MAX);
        let values = if has_mask { width.saturating_mul(2) } else { width };
        let length = values.saturating_add(experimenter.map_or(0, |_| EXPERIMENTER_BYTES));
        OxmId { class, number, has_mask, length, experimenter }
    }

    /// The field, if it is known here. A Nicira number from before OXM names the same field as OXM's.
    pub fn field(self) -> Option<Field> {
        match self.experimenter {
            None => Field::from_class_and_number(self.class, self.number)
                .or_else(|| Field::from_old_number(self.class, self.number)),
            Some(ONF) => Field::from_class_and_number(self.class, self.number),
            Some(_) => None,
        }
    }

    /// Whether the header is the one that the field is written with.
    pub(in crate::wire) fn is_canonical(self) -> bool {
        self.field().is_some_and(|field| OxmId::of(field, self.has_mask) == self)
    }
}

impl Wire for OxmId {
    fn read(reader: &mut Reader<'_>) -> Result<OxmId, DecodeError> {
        let class = reader.u16()?;
        let (field, length) = (reader.u8()?, reader.u8()?);
        let experimenter = if class == EXPERIMENTER { Some(reader.u32()?) } else { None };
        if experimenter.is_some() && length < EXPERIMENTER_BYTES {
            return Err(reader.bad_length("the field's length has no room for its experimenter"));
        }
        Ok(OxmId { class, number: field >> 1, has_mask: field & 1 != 0, length, experimenter })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u16(self.class);
        writer.u8(self.number << 1 | u8::from(self.has_mask));
        writer.u8(self.length);
        if let Some(experimenter) = self.experimenter {
            writer.u32(experimenter);
        }
    }
}

/// Reads a header in an action, where it names a field and no mask.
pub(in crate::wire) fn read_field(reader: &mut Reader<'_>) -> Result<Field, DecodeError> {
    let at = reader.clone();
    let id = OxmId::read(reader)?;
    let field = id.field().ok_or_else(|| at.error(BadAction::BadSetType, "the field is unknown"))?;
    if id.has_mask {
        return Err(at.error(BadAction::BadSetType, "a mask has no place here"));
    }
    let experimenter = if id.experimenter.is_some() { EXPERIMENTER_BYTES } else { 0 };
    if usize::from(id.length) != field.width_bytes() + usize::from(experimenter) {
        return Err(at.error(BadAction::BadSetLen, "the field has another length"));
    }
    if !id.is_canonical() {
        at.loosen();
    }
    Ok(field)
}

/// Writes the header that names a field.
pub(in crate::wire) fn write_field(field: Field, writer: &mut Writer<'_>) {
    OxmId::of(field, false).write(writer);
}

/// The bits of a field that `offset` and `bits` say, else the error of actions for it.
pub(in crate::wire) fn read_subfield(
    at: &Reader<'_>,
    field: Field,
    offset: u16,
    bits: u16,
) -> Result<Subfield, DecodeError> {
    Subfield::new(field, offset, bits)
        .map_err(|_| at.error(BadAction::BadSetLen, "the field does not have these bits"))
}
