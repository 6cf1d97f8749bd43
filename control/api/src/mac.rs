//! Link-layer addresses as users write them.

use std::fmt;
use std::str::FromStr;

/// An IEEE 802 MAC address, most significant byte first. Written as six pairs of hexadecimal digits with colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac(pub [u8; 6]);

/// The text is not six pairs of hexadecimal digits with colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a MAC address, which is written like 52:54:00:12:34:56")]
pub struct MacSyntaxError;

impl Mac {
    /// Whether the group bit is set (multicast and broadcast): no interface's own address.
    pub const fn is_group(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// Whether all bits are zero.
    pub const fn is_zero(self) -> bool {
        self.number() == 0
    }

    /// The address as a number of 48 bits.
    pub const fn number(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }

    /// The lowest 48 bits of a number as an address.
    pub const fn from_number(number: u64) -> Mac {
        let [_, _, a, b, c, d, e, f] = number.to_be_bytes();
        Mac([a, b, c, d, e, f])
    }
}

impl FromStr for Mac {
    type Err = MacSyntaxError;

    fn from_str(text: &str) -> Result<Mac, MacSyntaxError> {
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts.next().ok_or(MacSyntaxError)?;
            if !matches!(part.len(), 1 | 2) || !part.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(MacSyntaxError);
            }
            *byte = u8::from_str_radix(part, 16).map_err(|_| MacSyntaxError)?;
        }
        if parts.next().is_some() { Err(MacSyntaxError) } else { Ok(Mac(bytes)) }
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        let mac: Mac = "52:54:00:AB:cd:6".parse().unwrap();
        assert_eq!(mac.to_string(), "52:54:00:ab:cd:06");
        assert_eq!(Mac::from_number(mac.number()), mac);
        assert!(!mac.is_group() && !mac.is_zero());
    }

    #[test]
    fn other_text_is_refused() {
        for text in [
            "",
            "52:54:00:ab:cd",
            "52:54:00:ab:cd:06:07",
            "52:54:00:ab:cd:+6",
            "52:54:00:ab:cd:006",
            "525400abcd06",
        ] {
            assert_eq!(text.parse::<Mac>(), Err(MacSyntaxError), "{text}");
        }
    }
}
