//! Values that cannot be illegal.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use sluice_api::MAX_OF_PORT;
use sluice_api::mac::Mac;

/// Why a value is illegal: what would be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// A name is empty, too long or has other characters.
    #[error("\"{text}\" is no name: 1 to {most} characters of A-Z a-z 0-9 . _ -")]
    Name {
        /// What was given.
        text: String,
        /// The longest name, in characters.
        most: usize,
    },
    /// A VNI is out of range.
    #[error("VNI {0} is out of range: 1 to 16777215")]
    Vni(u32),
    /// A number is out of range.
    #[error("{given} is out of range: {lowest} to {highest}")]
    Range {
        /// What was given.
        given: u64,
        /// The lowest number accepted.
        lowest: u64,
        /// The highest number accepted.
        highest: u64,
    },
    /// The text is no MAC address of an interface.
    #[error("\"{0}\" is no MAC address of an interface, which is written like 52:54:00:12:34:56 (unicast)")]
    Mac(String),
    /// The text is no address of a host.
    #[error("\"{0}\" is no IP address of a host, which is written like 192.0.2.1 or 2001:db8::1 (unicast)")]
    Address(String),
    /// The text is no address with prefix length.
    #[error(
        "\"{0}\" is no IP address with its prefix length, which is written like 192.0.2.1/24 or 2001:db8::1/64"
    )]
    Prefix(String),
    /// Two of a family where one is allowed.
    #[error("{0} and {1} are of one family: at most one IPv4 and one IPv6 address")]
    Family(String, String),
    /// There is none where one is needed.
    #[error("there is none: at least one is needed")]
    None,
    /// Twice in a list.
    #[error("{0} is given twice")]
    Twice(IpAddr),
    /// The gateway is in no prefix of the VTEP.
    #[error("{0} lies in no prefix of the VTEP's addresses")]
    OffLink(IpAddr),
    /// The gateway is the VTEP's own address.
    #[error("{0} is the VTEP's own address")]
    Own(IpAddr),
    /// The path is relative, too long or has a NUL.
    #[error("\"{0}\" is no path of a Unix socket: absolute, at most {MAX_SOCKET_PATH} bytes")]
    SocketPath(String),
    /// The text is no DPDK device.
    #[error("\"{0}\" is no DPDK device, which is written like 0000:3b:00.0 or net_af_packet0,iface=eth1")]
    Device(String),
    /// The enumeration has no such value.
    #[error("{0} is unknown")]
    Enumeration(i32),
}

/// The longest path of a Unix socket, in bytes (sun_path with its NUL has 108).
pub const MAX_SOCKET_PATH: usize = 107;

/// The longest name, in characters.
pub const MAX_NAME: usize = 64;

/// An object's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Arc<str>);

impl Name {
    /// Checks a name.
    pub fn new(text: &str) -> Result<Name, ValueError> {
        Name::at_most(text, MAX_NAME)
    }

    /// Checks a name that has a narrower limit.
    pub fn at_most(text: &str, most: usize) -> Result<Name, ValueError> {
        let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        match (1..=most).contains(&text.len()) && text.bytes().all(is_legal) {
            true => Ok(Name(text.into())),
            false => Err(ValueError::Name { text: text.to_owned(), most }),
        }
    }

    /// Checks a name that may be empty.
    pub fn optional(text: &str) -> Result<Option<Name>, ValueError> {
        if text.is_empty() { Ok(None) } else { Name::new(text).map(Some) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A VXLAN network identifier (RFC 7348 §5), 1 to 2^24 - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Vni(NonZeroU32);

impl Vni {
    /// Checks a VNI.
    pub fn new(number: u32) -> Result<Vni, ValueError> {
        NonZeroU32::new(number).filter(|vni| vni.get() < 1 << 24).map(Vni).ok_or(ValueError::Vni(number))
    }

    /// The number.
    pub const fn number(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for Vni {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// An OpenFlow port number, 1 to 0xfeff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OfPort(NonZeroU32);

impl OfPort {
    /// The highest.
    pub const MAX: OfPort = match NonZeroU32::new(MAX_OF_PORT) {
        Some(number) => OfPort(number),
        None => OfPort(NonZeroU32::MIN),
    };
    /// The lowest.
    pub const MIN: OfPort = OfPort(NonZeroU32::MIN);

    /// Checks a number; 0 is none.
    pub fn optional(number: u32) -> Result<Option<OfPort>, ValueError> {
        match NonZeroU32::new(number) {
            Some(number) if number.get() > MAX_OF_PORT => {
                Err(range(number.get().into(), 1, MAX_OF_PORT.into()))
            }
            number => Ok(number.map(OfPort)),
        }
    }

    /// The number above, if there is one.
    pub fn next(self) -> Option<OfPort> {
        self.0.checked_add(1).map(OfPort).filter(|next| *next <= OfPort::MAX)
    }

    /// The number.
    pub const fn number(self) -> u32 {
        self.0.get()
    }
}

/// Checks that a number is in a range; 0 stands for a default.
pub fn optional_in(number: u32, lowest: u32, highest: u32) -> Result<Option<NonZeroU32>, ValueError> {
    match NonZeroU32::new(number) {
        Some(given) if !(lowest..=highest).contains(&number) => {
            Err(range(given.get().into(), lowest.into(), highest.into()))
        }
        number => Ok(number),
    }
}

fn range(given: u64, lowest: u64, highest: u64) -> ValueError {
    ValueError::Range { given, lowest, highest }
}

/// Checks the MAC address of an interface; empty is none.
pub fn optional_mac(text: &str) -> Result<Option<Mac>, ValueError> {
    if text.is_empty() {
        return Ok(None);
    }
    let mac = text.parse::<Mac>().ok().filter(|mac| !mac.is_group() && !mac.is_zero());
    mac.map(Some).ok_or_else(|| ValueError::Mac(text.to_owned()))
}

/// Checks the IP address of a host.
pub fn host_address(text: &str) -> Result<IpAddr, ValueError> {
    let is_host =
        |address: &IpAddr| !address.is_unspecified() && !address.is_multicast() && !is_broadcast(address);
    text.parse().ok().filter(is_host).ok_or_else(|| ValueError::Address(text.to_owned()))
}

fn is_broadcast(address: &IpAddr) -> bool {
    *address == IpAddr::V4(Ipv4Addr::BROADCAST)
}

/// A host's address with the length of its network's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefixed {
    address: IpAddr,
    length: u8,
}

impl Prefixed {
    /// Checks `address/length`.
    pub fn new(text: &str) -> Result<Prefixed, ValueError> {
        let error = || ValueError::Prefix(text.to_owned());
        let (address, length) = text.split_once('/').ok_or_else(error)?;
        let address = host_address(address)?;
        let is_number = !length.is_empty() && length.bytes().all(|digit| digit.is_ascii_digit());
        let length = length.parse::<u8>().ok().filter(|length| is_number && *length <= bits(address));
        Ok(Prefixed { address, length: length.ok_or_else(error)? })
    }

    /// The host's address.
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// Whether an address is in the same network.
    pub fn contains(self, other: IpAddr) -> bool {
        let differing = match (self.address, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros(),
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits() ^ other.to_bits()).leading_zeros(),
            _ => return false,
        };
        differing >= u32::from(self.length)
    }
}

impl fmt::Display for Prefixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Whether an address is fe80::/10, which is on every link.
pub fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if Ipv6Addr::is_unicast_link_local(&address))
}

/// The path of a Unix socket: absolute and short enough.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketPath(Arc<str>);

impl SocketPath {
    /// Checks a path.
    pub fn new(text: &str) -> Result<SocketPath, ValueError> {
        let is_legal = Path::new(text).is_absolute() && text.len() <= MAX_SOCKET_PATH && !text.contains('\0');
        let names_file = Path::new(text).file_name().is_some() && !text.ends_with('/');
        match is_legal && names_file {
            true => Ok(SocketPath(text.into())),
            false => Err(ValueError::SocketPath(text.to_owned())),
        }
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A DPDK device: its name and, behind a comma, its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Device(Arc<str>);

impl Device {
    /// Checks a device.
    pub fn new(text: &str) -> Result<Device, ValueError> {
        let is_legal = |c: char| c.is_ascii_graphic();
        let name = text.split(',').next().unwrap_or_default();
        match !name.is_empty() && text.len() <= 1024 && text.chars().all(is_legal) {
            true => Ok(Device(text.into())),
            false => Err(ValueError::Device(text.to_owned())),
        }
    }

    /// The device with its arguments.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The device's name alone.
    pub fn name(&self) -> &str {
        self.0.split(',').next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for legal in ["a", "vm-1.eth_0", &"x".repeat(64)] {
            assert_eq!(Name::new(legal).unwrap().as_str(), legal);
        }
        for illegal in ["", "a b", "é", "a/b", "a,b", &"x".repeat(65)] {
            assert!(Name::new(illegal).is_err(), "{illegal}");
        }
        assert_eq!(Name::optional(""), Ok(None));
    }

    #[test]
    fn numbers() {
        assert_eq!(Vni::new(0), Err(ValueError::Vni(0)));
        assert_eq!(Vni::new(1 << 24), Err(ValueError::Vni(1 << 24)));
        assert_eq!(Vni::new((1 << 24) - 1).unwrap().number(), 16_777_215);
        assert_eq!(OfPort::optional(0), Ok(None));
        assert_eq!(OfPort::optional(0xfeff), Ok(Some(OfPort::MAX)));
        assert!(OfPort::optional(0xff00).is_err());
        assert_eq!(OfPort::MAX.next(), None);
        assert!(optional_in(67, 68, 9216).is_err());
    }

    #[test]
    fn addresses() {
        assert!(host_address("192.0.2.1").is_ok());
        for illegal in
            ["", "0.0.0.0", "255.255.255.255", "224.0.0.1", "ff02::1", "::", "192.0.2.1/24", "host"]
        {
            assert!(host_address(illegal).is_err(), "{illegal}");
        }
        let prefix = Prefixed::new("192.0.2.1/24").unwrap();
        assert!(prefix.contains("192.0.2.200".parse().unwrap()));
        assert!(!prefix.contains("192.0.3.1".parse().unwrap()));
        assert!(!prefix.contains("2001:db8::1".parse().unwrap()));
        assert_eq!(Prefixed::new("2001:DB8::0:1/64").unwrap().to_string(), "2001:db8::1/64");
        for illegal in ["192.0.2.1", "192.0.2.1/33", "192.0.2.1/", "192.0.2.1/+8", "2001:db8::1/129", "/24"] {
            assert!(Prefixed::new(illegal).is_err(), "{illegal}");
        }
    }

    #[test]
    fn macs_paths_and_devices() {
        assert_eq!(optional_mac("52:54:00:AA:0b:1").unwrap().unwrap().to_string(), "52:54:00:aa:0b:01");
        for illegal in ["01:00:5e:00:00:01", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "x"] {
            assert!(optional_mac(illegal).is_err(), "{illegal}");
        }
        assert!(SocketPath::new("/run/vm1.sock").is_ok());
        for illegal in ["", "vm1.sock", "/", "/run/", "/a\0b", &format!("/{}", "x".repeat(107))] {
            assert!(SocketPath::new(illegal).is_err(), "{illegal}");
        }
        assert_eq!(Device::new("net_af_packet0,iface=eth1").unwrap().name(), "net_af_packet0");
        for illegal in ["", ",iface=eth1", "a b", "a\n"] {
            assert!(Device::new(illegal).is_err(), "{illegal}");
        }
    }
}
