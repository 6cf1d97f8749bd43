//! What every [`Field`] is wide, and the canonical form of its values.

use crate::v1::{Field, FieldMatch};

impl Field {
    /// Every field that a rule can name, in the order in which matches are kept.
    pub const ALL: [Field; 25] = [
        Field::InPort,
        Field::TunnelId,
        Field::TunnelSrc,
        Field::TunnelSrc6,
        Field::EthDst,
        Field::EthSrc,
        Field::EthType,
        Field::VlanTci,
        Field::IpDscp,
        Field::IpEcn,
        Field::IpProto,
        Field::IpTtl,
        Field::IpFrag,
        Field::Ipv4Src,
        Field::Ipv4Dst,
        Field::Ipv6Src,
        Field::Ipv6Dst,
        Field::Ipv6Flabel,
        Field::L4Src,
        Field::L4Dst,
        Field::TcpFlags,
        Field::ArpSha,
        Field::ArpTha,
        Field::NdTarget,
        Field::Metadata,
    ];

    /// The field's width in bits; 0 for `FIELD_UNSPECIFIED`.
    pub const fn width_bits(self) -> u32 {
        match self {
            Field::Unspecified => 0,
            Field::IpEcn | Field::IpFrag => 2,
            Field::IpDscp => 6,
            Field::IpProto | Field::IpTtl => 8,
            Field::TcpFlags => 12,
            Field::EthType | Field::VlanTci | Field::L4Src | Field::L4Dst => 16,
            Field::Ipv6Flabel => 20,
            Field::InPort | Field::TunnelSrc | Field::Ipv4Src | Field::Ipv4Dst => 32,
            Field::EthDst | Field::EthSrc | Field::ArpSha | Field::ArpTha => 48,
            Field::TunnelId | Field::Metadata => 64,
            Field::TunnelSrc6 | Field::Ipv6Src | Field::Ipv6Dst | Field::NdTarget => 128,
        }
    }

    /// How many bytes a [`FieldMatch`]'s value has: the width, rounded up.
    pub const fn width_bytes(self) -> usize {
        self.width_bits().div_ceil(8) as usize
    }

    /// All bits of the field, right-aligned.
    pub const fn all_ones(self) -> u128 {
        match self.width_bits() {
            0 => 0,
            bits => u128::MAX >> (128 - bits),
        }
    }
}

/// Why a [`FieldMatch`] means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldMatchError {
    /// `field` is no number of the enumeration, or `FIELD_UNSPECIFIED`.
    #[error("field {0} is unknown")]
    UnknownField(i32),
    /// The value, or a mask that is not empty, has another length than the field.
    #[error("{} takes {} bytes, not {given}", .field.as_str_name(), .field.width_bytes())]
    Length {
        /// The field.
        field: Field,
        /// The length that was given.
        given: usize,
    },
    /// Bits above the field's width are set.
    #[error("{} is {} bits wide and a higher bit is set", .0.as_str_name(), .0.width_bits())]
    Width(Field),
}

/// A field with the bits that it must have: a [`FieldMatch`] in numbers, always canonical (no bit of `value` is
/// set that `mask` ignores, none lies outside the field).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MaskedField {
    field: Field,
    value: u128,
    mask: u128,
}

impl MaskedField {
    /// Exactly `value`; bits beyond the field's width are cut off.
    pub const fn exact(field: Field, value: u128) -> MaskedField {
        MaskedField::masked(field, value, u128::MAX)
    }

    /// The bits of `value` that `mask` selects; bits beyond the field's width are cut off.
    pub const fn masked(field: Field, value: u128, mask: u128) -> MaskedField {
        let mask = mask & field.all_ones();
        MaskedField { field, value: value & mask, mask }
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

    /// Whether every bit of the field counts.
    pub const fn is_exact(self) -> bool {
        self.mask == self.field.all_ones()
    }

    /// Whether no bit counts, so that everything matches.
    pub const fn is_wildcard(self) -> bool {
        self.mask == 0
    }
}

impl TryFrom<&FieldMatch> for MaskedField {
    type Error = FieldMatchError;

    fn try_from(from: &FieldMatch) -> Result<MaskedField, FieldMatchError> {
        let field = match Field::try_from(from.field) {
            Ok(Field::Unspecified) | Err(_) => return Err(FieldMatchError::UnknownField(from.field)),
            Ok(field) => field,
        };
        let value = number(field, &from.value)?;
        let mask = if from.mask.is_empty() { field.all_ones() } else { number(field, &from.mask)? };
        Ok(MaskedField::masked(field, value, mask))
    }
}

impl From<MaskedField> for FieldMatch {
    fn from(from: MaskedField) -> FieldMatch {
        let mask = if from.is_exact() { Vec::new() } else { bytes(from.field, from.mask) };
        FieldMatch { field: from.field.into(), value: bytes(from.field, from.value), mask }
    }
}

fn number(field: Field, bytes: &[u8]) -> Result<u128, FieldMatchError> {
    if bytes.len() != field.width_bytes() {
        return Err(FieldMatchError::Length { field, given: bytes.len() });
    }
    let number = bytes.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    if number & !field.all_ones() != 0 {
        return Err(FieldMatchError::Width(field));
    }
    Ok(number)
}

fn bytes(field: Field, number: u128) -> Vec<u8> {
    number.to_be_bytes().into_iter().skip(16 - field.width_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_fields_are_listed_in_order() {
        for (index, field) in Field::ALL.into_iter().enumerate() {
            assert_eq!(field as usize, index + 1);
            assert!(field.width_bits() > 0);
        }
        assert!(Field::try_from(26).is_err());
    }

    #[test]
    fn canonical_form_drops_ignored_bits_and_full_masks() {
        let loose = FieldMatch { field: 14, value: vec![10, 1, 2, 3], mask: vec![255, 0, 0, 0] };
        let masked = MaskedField::try_from(&loose).unwrap();
        assert_eq!(masked, MaskedField::masked(Field::Ipv4Src, 0x0a00_0000, 0xff00_0000));
        assert_eq!(FieldMatch::from(masked).value, [10, 0, 0, 0]);
        let full = FieldMatch { field: 16, value: vec![1; 16], mask: vec![255; 16] };
        assert_eq!(FieldMatch::from(MaskedField::try_from(&full).unwrap()).mask, []);
    }

    #[test]
    fn wrong_lengths_and_widths_are_refused() {
        let of =
            |field: i32, value: Vec<u8>| MaskedField::try_from(&FieldMatch { field, value, mask: vec![] });
        assert_eq!(of(0, vec![]), Err(FieldMatchError::UnknownField(0)));
        assert_eq!(of(99, vec![]), Err(FieldMatchError::UnknownField(99)));
        assert_eq!(of(1, vec![1]), Err(FieldMatchError::Length { field: Field::InPort, given: 1 }));
        assert_eq!(of(9, vec![64]), Err(FieldMatchError::Width(Field::IpDscp)));
    }
}
