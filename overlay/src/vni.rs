//! [`Vni`]: the VXLAN network identifier, the wall between tenants.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

/// A VXLAN network identifier (RFC 7348 §5): 24 bits, never 0.
///
/// RFC 7348 does not reserve 0, but the switch does: a frame without a tunnel must never look like a tenant's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Vni(NonZeroU32);

/// A number or text that is no [`Vni`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VniError {
    /// The number is 0 or needs more than 24 bits.
    #[error("VNI {0} is out of range: a VNI is between 1 and 16777215")]
    OutOfRange(u64),
    /// The text is no decimal number.
    #[error("\"{0}\" is no VNI: a VNI is a number between 1 and 16777215")]
    NotANumber(String),
}

impl Vni {
    /// The smallest VNI.
    pub const MIN: Vni = Vni(NonZeroU32::MIN);
    /// The largest VNI, 2^24 - 1.
    pub const MAX: Vni = match NonZeroU32::new(0xff_ffff) {
        Some(value) => Vni(value),
        None => Vni::MIN,
    };

    /// Checks the range.
    ///
    /// # Errors
    /// [`VniError::OutOfRange`] for 0 and for what is above [`Vni::MAX`].
    #[inline]
    pub const fn new(value: u32) -> Result<Self, VniError> {
        match NonZeroU32::new(value) {
            Some(vni) if value <= Self::MAX.get() => Ok(Vni(vni)),
            _ => Err(VniError::OutOfRange(value as u64)),
        }
    }

    /// The number.
    #[inline]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// The three bytes of the VXLAN header, most significant first.
    #[inline]
    pub const fn to_be_bytes(self) -> [u8; 3] {
        let [_, a, b, c] = self.get().to_be_bytes();
        [a, b, c]
    }

    /// From the three bytes of a VXLAN header; `None` for 0.
    #[inline]
    pub const fn from_be_bytes([a, b, c]: [u8; 3]) -> Option<Self> {
        match NonZeroU32::new(u32::from_be_bytes([0, a, b, c])) {
            Some(vni) => Some(Vni(vni)),
            None => None,
        }
    }
}

impl TryFrom<u32> for Vni {
    type Error = VniError;

    fn try_from(value: u32) -> Result<Self, VniError> {
        Self::new(value)
    }
}

impl TryFrom<u64> for Vni {
    type Error = VniError;

    fn try_from(value: u64) -> Result<Self, VniError> {
        u32::try_from(value).map_err(|_| VniError::OutOfRange(value)).and_then(Self::new)
    }
}

impl From<Vni> for u32 {
    fn from(vni: Vni) -> u32 {
        vni.get()
    }
}

impl FromStr for Vni {
    type Err = VniError;

    fn from_str(text: &str) -> Result<Self, VniError> {
        text.parse::<u64>().map_err(|_| VniError::NotANumber(text.to_owned())).and_then(Vni::try_from)
    }
}

impl fmt::Display for Vni {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_and_two_to_the_24_are_refused_by_value_and_range() {
        for value in [0, 1 << 24, u32::MAX] {
            let text = Vni::new(value).unwrap_err().to_string();
            assert_eq!(text, format!("VNI {value} is out of range: a VNI is between 1 and 16777215"));
        }
        assert_eq!(Vni::try_from(1_u64 << 40), Err(VniError::OutOfRange(1 << 40)));
        assert!("seven".parse::<Vni>().unwrap_err().to_string().contains("\"seven\""));
    }

    #[test]
    fn bytes_go_there_and_back() {
        for value in [1, 0x01_0203, 0xff_ffff] {
            let vni = Vni::new(value).unwrap();
            assert_eq!(Vni::from_be_bytes(vni.to_be_bytes()), Some(vni));
            assert_eq!(vni.to_string().parse::<Vni>(), Ok(vni));
        }
        assert_eq!(Vni::new(0x01_0203).unwrap().to_be_bytes(), [1, 2, 3]);
        assert_eq!(Vni::from_be_bytes([0; 3]), None);
    }
}
