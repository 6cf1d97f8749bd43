//! The values that operators write, on the command line and in files: each a type that cannot hold an illegal
//! one, with an error that says what would be right.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use sluice_api::MAX_OF_PORT;
use sluice_api::mac::Mac;

/// A text that is not the value it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub(crate) struct ValueError {
    text: String,
    expected: &'static str,
}

impl ValueError {
    pub(crate) fn new(text: &str, expected: &'static str) -> Self {
        Self { text: text.to_owned(), expected }
    }
}

macro_rules! numbers {
    ($($(#[doc = $doc:literal])+ $name:ident($inner:ty) in $low:literal..=$high:expr, $expected:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) struct $name($inner);

        impl $name {
            /// The plain number, as the API carries it.
            pub(crate) fn value(self) -> $inner {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = ValueError;

            fn from_str(text: &str) -> Result<Self, ValueError> {
                number(text)
                    .and_then(|number| <$inner>::try_from(number).ok())
                    .filter(|number| ($low..=$high).contains(number))
                    .map(Self)
                    .ok_or_else(|| ValueError::new(text, $expected))
            }
        }
    )+};
}

numbers! {
    /// An OpenFlow datapath id; 0 lets the name decide.
    DatapathId(u64) in 0..=u64::MAX, "a datapath id: give 0 to 2^64-1, decimal or 0x and hexadecimal";
    /// An OpenFlow port number (OpenFlow 1.3.5 §7.2.1 keeps the rest for itself); 0 takes the lowest free one.
    OfPort(u32) in 0..=MAX_OF_PORT, "an OpenFlow port number: give 1 to 65279 (0xfeff), or 0 for the lowest free one";
    /// A VXLAN network identifier (RFC 7348 §5): 24 bits, and 0 is nobody's.
    Vni(u32) in 1..=0xff_ffff, "a VNI: give 1 to 16777215 (2^24-1)";
    /// Queue pairs of a guest's NIC; 0 is the default.
    QueuePairs(u32) in 0..=16, "a number of queue pairs: give 1 to 16, or 0 for 1";
    /// Receive queues of a device; 0 is the default.
    Queues(u32) in 0..=64, "a number of queues: give 1 to 64, or 0 for 1";
    /// A UDP port; 0 is the default.
    UdpPort(u32) in 0..=65535, "a UDP port: give 1 to 65535, or 0 for 4789";
    /// How many entries a table has; 0 is the default.
    TableSize(u32) in 0..=1 << 20, "a number of table entries: give 1 to 1048576, or 0 for 8192";
    /// A time in whole seconds; 0 is the default.
    Seconds(u32) in 0..=86_400, "a number of seconds: give 1 to 86400, or 0 for the default";
}

/// Bytes of layer-3 payload; 0 is the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mtu(u32);

impl Mtu {
    /// The plain number, as the API carries it.
    pub(crate) fn value(self) -> u32 {
        self.0
    }
}

impl FromStr for Mtu {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let legal = |bytes: &u32| *bytes == 0 || (68..=9216).contains(bytes);
        number(text).and_then(|bytes| u32::try_from(bytes).ok()).filter(legal).map(Self).ok_or_else(|| {
            ValueError::new(text, "an MTU: give bytes of layer-3 payload, 68 to 9216, or 0 for 1500")
        })
    }
}

/// Decimal, or hexadecimal behind `0x`.
fn number(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = digits.map_or((text, 10), |digits| (digits, 16));
    // from_str_radix takes a leading sign; a number here has none.
    if digits.starts_with('+') { None } else { u64::from_str_radix(digits, radix).ok() }
}

impl fmt::Display for DatapathId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#018x}", self.0)
    }
}

impl From<u64> for DatapathId {
    fn from(value: u64) -> Self {
        Self(value)
    }
}

macro_rules! texts {
    ($($(#[doc = $doc:literal])+ $name:ident if $legal:path, $expected:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(crate) struct $name(String);

        impl FromStr for $name {
            type Err = ValueError;

            fn from_str(text: &str) -> Result<Self, ValueError> {
                if $legal(text) { Ok(Self(text.to_owned())) } else { Err(ValueError::new(text, $expected)) }
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    )+};
}

texts! {
    /// The name of an object.
    Name if is_name, "a name: use 1 to 64 of A-Z a-z 0-9 . _ -";
    /// The path of a Unix socket.
    SocketPath if is_socket_path, "a socket path: give an absolute path of at most 107 bytes";
    /// A DPDK device with its arguments.
    Device if is_device, "a DPDK device: give a PCI address or a driver's name with arguments, without spaces";
}

fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=64).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

/// 107 bytes and a NUL are what `sockaddr_un` holds (unix(7)).
fn is_socket_path(text: &str) -> bool {
    text.starts_with('/') && text.len() <= 107 && !text.ends_with('/') && !text.contains('\0')
}

fn is_device(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_whitespace) && !text.contains('\0')
}

/// The Ethernet address of one station: no group, and not all zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StationMac(Mac);

impl FromStr for StationMac {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let mac = text.parse().ok().filter(|mac: &Mac| !mac.is_group() && !mac.is_zero());
        mac.map(Self).ok_or_else(|| {
            ValueError::new(text, "a MAC address of one station: give it like 52:54:00:00:00:01")
        })
    }
}

impl fmt::Display for StationMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The IP address of one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostAddress(IpAddr);

impl FromStr for HostAddress {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        text.parse().ok().filter(is_host).map(Self).ok_or_else(|| {
            ValueError::new(
                text,
                "a host's IP address: give it like 192.168.0.2 or fd00::2, without a prefix length",
            )
        })
    }
}

impl fmt::Display for HostAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A host's IP address with the length of its subnet's prefix in bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InterfaceAddress {
    address: IpAddr,
    prefix: u8,
}

impl FromStr for InterfaceAddress {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let error = || {
            ValueError::new(
                text,
                "an address with its prefix length: give it like 192.168.0.1/24 or fd00::1/64",
            )
        };
        let (address, prefix) = text.split_once('/').ok_or_else(error)?;
        let address: IpAddr = address.parse().ok().filter(is_host).ok_or_else(error)?;
        let prefix = prefix.parse().map_err(|_| error())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        if (1..=longest).contains(&prefix) { Ok(Self { address, prefix }) } else { Err(error()) }
    }
}

impl fmt::Display for InterfaceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

fn is_host(address: &IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    !address.is_unspecified() && !address.is_multicast() && !broadcast
}

/// A time in seconds, with a fraction if need be; more than nothing, at most a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval(Duration);

impl FromStr for Interval {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let legal =
            |time: &Duration| *time >= Duration::from_millis(1) && *time <= Duration::from_secs(86_400);
        seconds
            .filter(legal)
            .map(Self)
            .ok_or_else(|| ValueError::new(text, "a time in seconds: give 0.001 to 86400"))
    }
}

impl From<Interval> for Duration {
    fn from(interval: Interval) -> Self {
        interval.0
    }
}

/// A value of an option that may be cleared: `''` on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrEmpty<T>(Option<T>);

impl<T: FromStr> FromStr for OrEmpty<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        if text.is_empty() { Ok(Self(None)) } else { text.parse().map(|value| Self(Some(value))) }
    }
}

impl<T: ToString> OrEmpty<T> {
    /// As the API carries it: an empty text for none.
    pub(crate) fn text(&self) -> String {
        self.0.as_ref().map(T::to_string).unwrap_or_default()
    }

    /// The values of a list option; a single `''` is the empty list.
    pub(crate) fn texts(list: &[Self]) -> Vec<String> {
        list.iter().filter_map(|value| value.0.as_ref()).map(T::to_string).collect()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error<T: FromStr<Err = ValueError> + fmt::Debug>(text: &str) -> String {
        text.parse::<T>().unwrap_err().to_string()
    }

    #[test]
    fn numbers_know_their_limits() {
        assert_eq!(error::<Vni>("0"), "`0` is not a VNI: give 1 to 16777215 (2^24-1)");
        assert!("16777215".parse::<Vni>().is_ok());
        error::<Vni>("16777216");
        error::<Vni>("-1");
        error::<Vni>("+1");
        error::<Vni>("99999999999999999999");
        assert_eq!("0xfeff".parse::<OfPort>().unwrap().value(), 0xfeff);
        error::<OfPort>("0xff00");
        assert_eq!("0x10".parse::<DatapathId>().unwrap().to_string(), "0x0000000000000010");
        error::<DatapathId>("0x");
    }

    #[test]
    fn names_are_plain() {
        for good in ["br0", "red-a", "tap_1.2", "0"] {
            assert!(good.parse::<Name>().is_ok(), "{good}");
        }
        for bad in ["", "a b", "a/b", "é", &"x".repeat(65)] {
            error::<Name>(bad);
        }
    }

    #[test]
    fn addresses_are_of_one_host() {
        assert_eq!("52:54:00:00:00:0A".parse::<StationMac>().unwrap().to_string(), "52:54:00:00:00:0a");
        for bad in ["", "52:54:00:00:00", "52:54:00:00:00:01:02", "01:00:5e:00:00:01", "00:00:00:00:00:00"] {
            error::<StationMac>(bad);
        }
        for good in ["192.168.0.2", "fd00::2"] {
            assert_eq!(good.parse::<HostAddress>().unwrap().to_string(), good);
        }
        for bad in ["192.168.0.0/24", "224.0.0.1", "0.0.0.0", "ff02::1", "host"] {
            error::<HostAddress>(bad);
        }
        assert_eq!("fd00:0::1/64".parse::<InterfaceAddress>().unwrap().to_string(), "fd00::1/64");
        for bad in ["192.168.0.1", "192.168.0.1/33", "192.168.0.1/0", "fd00::1/129", "/24"] {
            error::<InterfaceAddress>(bad);
        }
    }

    #[test]
    fn times_are_more_than_nothing() {
        assert_eq!(Duration::from("0.5".parse::<Interval>().unwrap()), Duration::from_millis(500));
        for bad in ["0", "-1", "inf", "NaN", "1e9", "1s"] {
            error::<Interval>(bad);
        }
    }

    #[test]
    fn an_empty_text_clears() {
        assert_eq!("".parse::<OrEmpty<Name>>().unwrap().text(), "");
        assert_eq!("br0".parse::<OrEmpty<Name>>().unwrap().text(), "br0");
        assert!("a b".parse::<OrEmpty<Name>>().is_err());
    }

    #[test]
    fn socket_paths_fit_a_sockaddr() {
        assert!("/run/vm1.sock".parse::<SocketPath>().is_ok());
        for bad in ["vm1.sock", "", "/run/", &format!("/{}", "x".repeat(107))] {
            error::<SocketPath>(bad);
        }
    }
}
