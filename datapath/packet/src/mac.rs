//! [`MacAddr`]: an Ethernet address.

use std::fmt;
use std::str::FromStr;

/// A 48-bit Ethernet address, its bytes in the order of the wire (IEEE 802-2014 §8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct MacAddr([u8; 6]);

/// Text that is no [`MacAddr`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MacAddrError(String);

impl MacAddr {
    /// ff:ff:ff:ff:ff:ff.
    pub const BROADCAST: MacAddr = MacAddr([0xff; 6]);
    /// 00:00:00:00:00:00, the address of nobody.
    pub const ZERO: MacAddr = MacAddr([0; 6]);

    /// From six bytes in the order of the wire.
    #[inline]
    pub const fn new(bytes: [u8; 6]) -> Self {
        MacAddr(bytes)
    }

    /// The six bytes in the order of the wire.
    #[inline]
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }

    /// Whether the group bit is set (also in the broadcast address).
    #[inline]
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 != 0
    }

    /// Whether one station can have this address: no group address and not all zeros.
    #[inline]
    pub const fn is_unicast(self) -> bool {
        !self.is_multicast() && !matches!(self.0, [0, 0, 0, 0, 0, 0])
    }
}

impl From<[u8; 6]> for MacAddr {
    #[inline]
    fn from(bytes: [u8; 6]) -> Self {
        MacAddr(bytes)
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl FromStr for MacAddr {
    type Err = MacAddrError;

    fn from_str(text: &str) -> Result<Self, MacAddrError> {
        let error = || MacAddrError(text.to_owned());
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts.next().filter(|part| (1..=2).contains(&part.len())).ok_or_else(error)?;
            // A sign would pass from_str_radix.
            *byte = match part.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                true => u8::from_str_radix(part, 16).map_err(|_| error())?,
                false => return Err(error()),
            };
        }
        if parts.next().is_some() {
            return Err(error());
        }
        Ok(MacAddr(bytes))
    }
}

impl fmt::Display for MacAddrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" is no MAC address: six hexadecimal bytes are wanted, as in 52:54:00:12:34:56",
            self.0
        )
    }
}

impl std::error::Error for MacAddrError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_there_and_back() {
        let mac = MacAddr::new([0x52, 0x54, 0, 0x12, 0x0a, 0xff]);
        assert_eq!(mac.to_string(), "52:54:00:12:0a:ff");
        assert_eq!(mac.to_string().parse(), Ok(mac));
        assert_eq!("52:54:0:12:A:fF".parse(), Ok(mac));
    }

    #[test]
    fn what_is_no_address_is_refused_by_name() {
        for text in
            ["", "52:54:00:12:34", "52:54:00:12:34:56:78", "52:54:00:12:34:+6", "52:54:00:12:34:056", "g"]
        {
            let error = text.parse::<MacAddr>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("\"{text}\" is no MAC address")), "{error}");
        }
    }

    #[test]
    fn kinds_of_addresses() {
        assert!(MacAddr::BROADCAST.is_multicast() && !MacAddr::BROADCAST.is_unicast());
        assert!(!MacAddr::ZERO.is_multicast() && !MacAddr::ZERO.is_unicast());
        assert!(MacAddr::new([2, 0, 0, 0, 0, 1]).is_unicast());
    }
}
