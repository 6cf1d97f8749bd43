//! VTEPs: our own tunnel end with its addresses and gateways ([`Vtep`]), and others' ([`Remote`]).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;
use std::str::FromStr;

use sluice_packet::DropReason;

/// VXLAN's UDP port as assigned by IANA (RFC 7348 §5).
pub const VXLAN_PORT: NonZeroU16 = match NonZeroU16::new(4789) {
    Some(port) => port,
    None => NonZeroU16::MIN,
};

/// An address, prefix or gateway that a VTEP cannot have; the text names it and says what is wanted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VtepError {
    /// No address with a prefix length.
    #[error("\"{0}\" is no VTEP address: an address with its prefix length is wanted, as in 192.0.2.1/24")]
    NotAPrefix(String),
    /// No IP address.
    #[error("\"{0}\" is no IP address")]
    NotAnAddress(String),
    /// The prefix length is 0 or longer than the address.
    #[error("prefix length {prefix_len} of {address} is out of range: it is between 1 and {most}")]
    PrefixLength {
        /// The address it was given with.
        address: IpAddr,
        /// What was given.
        prefix_len: u8,
        /// The most there is for this family.
        most: u8,
    },
    /// The address cannot be one host's on the underlay.
    #[error("{address} cannot be a tunnel end: it is {kind}, and the address of one host is wanted")]
    NotAHost {
        /// The address.
        address: IpAddr,
        /// What it is instead.
        kind: &'static str,
    },
    /// Two addresses of one family.
    #[error("{first} and {second} are of one family: a VTEP has at most one IPv4 and one IPv6 address")]
    TwoAddresses {
        /// The one.
        first: VtepAddress,
        /// The other.
        second: VtepAddress,
    },
    /// No address at all.
    #[error("a VTEP needs an address")]
    NoAddress,
    /// Two gateways of one family.
    #[error("{first} and {second} are of one family: a VTEP has at most one gateway a family")]
    TwoGateways {
        /// The one.
        first: IpAddr,
        /// The other.
        second: IpAddr,
    },
    /// The gateway is not on the link of the VTEP's address of its family.
    #[error("gateway {0} is not on the link of an address of this VTEP")]
    GatewayOffLink(IpAddr),
    /// The gateway is the VTEP itself.
    #[error("gateway {0} is the VTEP's own address")]
    GatewayIsOwn(IpAddr),
}

/// The address of another VTEP: of one host, neither group, loopback nor unspecified (RFC 7348 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Remote(IpAddr);

impl Remote {
    /// Checks that one host can have the address.
    ///
    /// # Errors
    /// [`VtepError::NotAHost`].
    pub fn new(address: IpAddr) -> Result<Self, VtepError> {
        host(address).map(Remote)
    }

    /// The address.
    #[inline]
    pub const fn address(self) -> IpAddr {
        self.0
    }
}

impl FromStr for Remote {
    type Err = VtepError;

    fn from_str(text: &str) -> Result<Self, VtepError> {
        Remote::new(text.parse().map_err(|_| VtepError::NotAnAddress(text.to_owned()))?)
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One of our own addresses on the underlay with the length of its link's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VtepAddress {
    address: IpAddr,
    prefix_len: u8,
}

impl VtepAddress {
    /// Checks the address and the prefix length.
    ///
    /// # Errors
    /// [`VtepError::PrefixLength`]; [`VtepError::NotAHost`], also for a prefix's network and broadcast address.
    pub fn new(address: IpAddr, prefix_len: u8) -> Result<Self, VtepError> {
        let address = host(address)?;
        let most = width(address);
        if prefix_len == 0 || prefix_len > most {
            return Err(VtepError::PrefixLength { address, prefix_len, most });
        }
        if let IpAddr::V4(v4) = address
            && prefix_len <= 30
        {
            // RFC 1122 §3.2.1.3; the two-address link of RFC 3021 has neither.
            let hosts = u32::MAX >> prefix_len;
            match v4.to_bits() & hosts {
                0 => return Err(VtepError::NotAHost { address, kind: "its prefix's network address" }),
                bits if bits == hosts => {
                    return Err(VtepError::NotAHost { address, kind: "its prefix's broadcast address" });
                }
                _ => {}
            }
        }
        Ok(VtepAddress { address, prefix_len })
    }

    /// The address.
    #[inline]
    pub const fn address(self) -> IpAddr {
        self.address
    }

    /// Bits of the prefix.
    #[inline]
    pub const fn prefix_len(self) -> u8 {
        self.prefix_len
    }

    /// Whether `other` is reached on this address's link without a gateway (RFC 1122 §3.3.1.1, RFC 4861 §5.2).
    /// Link-local IPv6 addresses always are.
    pub fn on_link(self, other: IpAddr) -> bool {
        let beyond = width(self.address) - self.prefix_len;
        match (self.address, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (own.to_bits() ^ other.to_bits()) >> beyond == 0,
            (IpAddr::V6(_), IpAddr::V6(other)) if other.is_unicast_link_local() => true,
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits() ^ other.to_bits()) >> beyond == 0,
            _ => false,
        }
    }
}

impl FromStr for VtepAddress {
    type Err = VtepError;

    fn from_str(text: &str) -> Result<Self, VtepError> {
        let error = || VtepError::NotAPrefix(text.to_owned());
        let (address, prefix_len) = text.split_once('/').ok_or_else(error)?;
        VtepAddress::new(address.parse().map_err(|_| error())?, prefix_len.parse().map_err(|_| error())?)
    }
}

impl fmt::Display for VtepAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_len)
    }
}

/// A local tunnel end: at most one address and one gateway a family, and the UDP port it sends to and listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vtep {
    v4: Option<End>,
    v6: Option<End>,
    udp_port: NonZeroU16,
}

/// One family's half of a [`Vtep`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    own: VtepAddress,
    gateway: Option<IpAddr>,
}

/// How a remote VTEP is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// Our address of the remote's family: the outer source.
    pub local: IpAddr,
    /// Whose link-layer address the outer frame goes to: the remote itself or the gateway.
    pub next_hop: IpAddr,
}

impl Vtep {
    /// Checks that addresses and gateways fit together.
    ///
    /// # Errors
    /// [`VtepError`]: no address, two of one family, or a gateway that is off the link or the VTEP itself.
    pub fn new(
        addresses: &[VtepAddress],
        gateways: &[IpAddr],
        udp_port: NonZeroU16,
    ) -> Result<Self, VtepError> {
        let mut vtep = Vtep { v4: None, v6: None, udp_port };
        for &own in addresses {
            let end = vtep.end_mut(own.address);
            if let Some(End { own: first, .. }) = *end {
                return Err(VtepError::TwoAddresses { first, second: own });
            }
            *end = Some(End { own, gateway: None });
        }
        if addresses.is_empty() {
            return Err(VtepError::NoAddress);
        }
        for &gateway in gateways {
            let Some(end) = vtep.end_mut(gateway).as_mut().filter(|end| end.own.on_link(gateway)) else {
                return Err(VtepError::GatewayOffLink(gateway));
            };
            host(gateway)?;
            if gateway == end.own.address {
                return Err(VtepError::GatewayIsOwn(gateway));
            }
            if let Some(first) = end.gateway {
                return Err(VtepError::TwoGateways { first, second: gateway });
            }
            end.gateway = Some(gateway);
        }
        Ok(vtep)
    }

    /// The port VXLAN is sent to and expected on.
    #[inline]
    pub const fn udp_port(&self) -> NonZeroU16 {
        self.udp_port
    }

    /// Our addresses, IPv4 first.
    pub fn addresses(&self) -> impl Iterator<Item = VtepAddress> + use<> {
        [self.v4, self.v6].into_iter().flatten().map(|end| end.own)
    }

    /// Whether `address` is ours.
    #[inline]
    pub fn owns(&self, address: IpAddr) -> bool {
        self.end(address).is_some_and(|end| end.own.address == address)
    }

    /// Our address of the family of `address`.
    #[inline]
    pub fn local(&self, address: IpAddr) -> Option<IpAddr> {
        self.end(address).map(|end| end.own.address)
    }

    /// How to reach `remote`.
    ///
    /// # Errors
    /// [`DropReason::NoRoute`]: no local address of its family, off the link without a gateway, or ourselves.
    pub fn route(&self, remote: Remote) -> Result<Route, DropReason> {
        let remote = remote.address();
        let end = self.end(remote).filter(|end| end.own.address != remote).ok_or(DropReason::NoRoute)?;
        let next_hop = if end.own.on_link(remote) { Some(remote) } else { end.gateway };
        Ok(Route { local: end.own.address, next_hop: next_hop.ok_or(DropReason::NoRoute)? })
    }

    fn end(&self, family: IpAddr) -> Option<&End> {
        match family {
            IpAddr::V4(_) => self.v4.as_ref(),
            IpAddr::V6(_) => self.v6.as_ref(),
        }
    }

    fn end_mut(&mut self, family: IpAddr) -> &mut Option<End> {
        match family {
            IpAddr::V4(_) => &mut self.v4,
            IpAddr::V6(_) => &mut self.v6,
        }
    }
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The address if one host on a network can have it (RFC 1122 §3.2.1.3, RFC 4291 §2.5).
fn host(address: IpAddr) -> Result<IpAddr, VtepError> {
    let kind = match address {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) | IpAddr::V6(Ipv6Addr::UNSPECIFIED) => "the unspecified address",
        IpAddr::V4(Ipv4Addr::BROADCAST) => "the broadcast address",
        _ if address.is_multicast() => "a multicast address",
        _ if address.is_loopback() => "a loopback address",
        IpAddr::V4(v4) if v4.octets()[0] == 0 || v4.octets()[0] >= 240 => "a reserved address",
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => "an IPv4-mapped address",
        _ => return Ok(address),
    };
    Err(VtepError::NotAHost { address, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> VtepAddress {
        text.parse().unwrap()
    }

    fn remote(text: &str) -> Remote {
        text.parse().unwrap()
    }

    fn vtep(addresses: &[&str], gateways: &[&str]) -> Result<Vtep, VtepError> {
        let addresses: Vec<_> = addresses.iter().map(|text| address(text)).collect();
        let gateways: Vec<_> = gateways.iter().map(|text| text.parse().unwrap()).collect();
        Vtep::new(&addresses, &gateways, VXLAN_PORT)
    }

    #[test]
    fn bad_addresses_are_refused_by_name() {
        for (text, why) in [
            ("192.0.2.1", "\"192.0.2.1\" is no VTEP address"),
            ("192.0.2.1/x", "\"192.0.2.1/x\" is no VTEP address"),
            ("192.0.2.1/33", "prefix length 33 of 192.0.2.1 is out of range: it is between 1 and 32"),
            ("2001:db8::1/0", "prefix length 0 of 2001:db8::1 is out of range: it is between 1 and 128"),
            ("192.0.2.0/24", "192.0.2.0 cannot be a tunnel end: it is its prefix's network address"),
            ("192.0.2.255/24", "it is its prefix's broadcast address"),
            ("239.1.1.1/24", "it is a multicast address"),
            ("ff02::1/64", "it is a multicast address"),
            ("127.0.0.1/8", "it is a loopback address"),
            ("0.0.0.0/8", "it is the unspecified address"),
            ("::/64", "it is the unspecified address"),
            ("0.1.2.3/8", "it is a reserved address"),
            ("::ffff:192.0.2.1/96", "it is an IPv4-mapped address"),
        ] {
            let error = text.parse::<VtepAddress>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
        assert!(address("192.0.2.0/31").on_link("192.0.2.1".parse().unwrap()));
        assert_eq!(address("2001:db8::1/64").to_string(), "2001:db8::1/64");
    }

    #[test]
    fn a_vtep_has_one_address_and_gateway_a_family() {
        assert_eq!(vtep(&[], &[]), Err(VtepError::NoAddress));
        let two = vtep(&["192.0.2.1/24", "198.51.100.1/24"], &[]).unwrap_err().to_string();
        assert!(two.starts_with("192.0.2.1/24 and 198.51.100.1/24 are of one family"), "{two}");
        let gateway = "192.0.2.254".parse().unwrap();
        assert_eq!(vtep(&["2001:db8::1/64"], &["192.0.2.254"]), Err(VtepError::GatewayOffLink(gateway)));
        assert_eq!(vtep(&["192.0.2.254/24"], &["192.0.2.254"]), Err(VtepError::GatewayIsOwn(gateway)));
        assert!(matches!(
            vtep(&["192.0.2.1/24"], &["192.0.2.2", "192.0.2.3"]),
            Err(VtepError::TwoGateways { .. })
        ));
    }

    #[test]
    fn routes_go_to_the_link_or_the_gateway() {
        let vtep = vtep(&["192.0.2.1/24", "2001:db8::1/64"], &["192.0.2.254", "fe80::1"]).unwrap();
        let hop = |text| vtep.route(remote(text)).map(|route| route.next_hop.to_string());
        assert_eq!(hop("192.0.2.9").unwrap(), "192.0.2.9");
        assert_eq!(hop("198.51.100.9").unwrap(), "192.0.2.254");
        assert_eq!(hop("2001:db8::9").unwrap(), "2001:db8::9");
        assert_eq!(hop("2001:db8:1::9").unwrap(), "fe80::1");
        assert_eq!(hop("192.0.2.1"), Err(DropReason::NoRoute));
        assert_eq!(vtep.route(remote("192.0.2.9")).unwrap().local.to_string(), "192.0.2.1");
        assert!(vtep.owns("2001:db8::1".parse().unwrap()));
    }

    #[test]
    fn without_gateway_or_family_there_is_no_route() {
        let vtep = vtep(&["192.0.2.1/24"], &[]).unwrap();
        assert_eq!(vtep.route(remote("198.51.100.9")), Err(DropReason::NoRoute));
        assert_eq!(vtep.route(remote("2001:db8::9")), Err(DropReason::NoRoute));
    }
}
