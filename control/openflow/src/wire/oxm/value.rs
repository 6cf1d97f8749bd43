//! A field with the bits that it must have, and a range of a field's bits.

use super::Field;
use super::field::Maskable;
use super::prerequisite::VLAN_PRESENT;
use crate::wire::number::PortNo;

/// A field with a value and a mask, always canonical: no bit outside the field, none of the value that the mask
/// ignores, no mask where the field takes none.
///
/// A mask of all ones is no mask (OpenFlow 1.3.5 §7.2.3.5). One of all zeros says nothing: see
/// [`super::Match::new`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Oxm {
    field: Field,
    value: u128,
    mask: u128,
}

/// Why a field cannot have a value and mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OxmError {
    /// The value has bits that the field has not, or is none that the field can have.
    #[error("the field cannot have this value")]
    Value,
    /// The field takes no mask, or the mask has bits that the field has not.
    #[error("the field does not take this mask")]
    Mask,
    /// The value has bits that the mask ignores.
    #[error("the value has a bit that the mask ignores")]
    Ignored,
}

impl Oxm {
    /// The field with exactly this value, right-aligned.
    ///
    /// # Errors
    /// [`OxmError::Value`].
    pub fn exact(field: Field, value: u128) -> Result<Oxm, OxmError> {
        Oxm::masked(field, value, field.all_ones())
    }

    /// The field with these bits where the mask has ones.
    ///
    /// # Errors
    /// See [`OxmError`].
    pub fn masked(field: Field, value: u128, mask: u128) -> Result<Oxm, OxmError> {
        if value & !field.all_ones() != 0 {
            return Err(OxmError::Value);
        }
        if mask & !field.all_ones() != 0 || mask != field.all_ones() && field.maskable() == Maskable::No {
            return Err(OxmError::Mask);
        }
        if value & !mask != 0 {
            return Err(OxmError::Ignored);
        }
        let possible = match field {
            Field::InPort | Field::InPhyPort => {
                u32::try_from(value).ok().and_then(PortNo::new).is_some_and(PortNo::is_ingress)
            }
            // OpenFlow 1.3.5 §7.2.3.7: an id comes with OFPVID_PRESENT; without it there is no tag, and no id.
            Field::VlanVid => mask & VLAN_PRESENT == 0 || value & VLAN_PRESENT != 0 || value == 0,
            _ => true,
        };
        if possible { Ok(Oxm { field, value, mask }) } else { Err(OxmError::Value) }
    }

    /// The field.
    pub const fn field(self) -> Field {
        self.field
    }

    /// The bits, right-aligned.
    pub const fn value(self) -> u128 {
        self.value
    }

    /// Which bits count, right-aligned.
    pub const fn mask(self) -> u128 {
        self.mask
    }

    /// Whether every bit counts.
    pub const fn is_exact(self) -> bool {
        self.mask == self.field.all_ones()
    }

    /// Whether no bit counts.
    pub const fn is_wildcard(self) -> bool {
        self.mask == 0
    }
}

/// Some neighbouring bits of a field, at least one; never beyond its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subfield {
    field: Field,
    offset: u16,
    bits: u16,
}

/// Why bits are no part of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the field does not have these bits")]
pub struct SubfieldError;

impl Subfield {
    /// `bits` bits of `field`, of which the lowest is bit `offset`.
    ///
    /// # Errors
    /// If there are none, or not so many.
    pub fn new(field: Field, offset: u16, bits: u16) -> Result<Subfield, SubfieldError> {
        if bits > 0 && u32::from(offset) + u32::from(bits) <= field.width_bits() {
            Ok(Subfield { field, offset, bits })
        } else {
            Err(SubfieldError)
        }
    }

    /// The field.
    pub const fn field(self) -> Field {
        self.field
    }

    /// The lowest bit.
    pub const fn offset(self) -> u16 {
        self.offset
    }

    /// How many bits.
    pub const fn bits(self) -> u16 {
        self.bits
    }
}
