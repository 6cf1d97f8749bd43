//! [`Layout`]: where the headers of a frame lie, so that rewrites need not parse it again.

/// How deep a frame is parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Depth {
    /// Not at all: only that there is an Ethernet header.
    Port,
    /// Ethernet and VLAN tags.
    L2,
    /// … and ARP, IPv4 or IPv6 with its extension headers.
    L3,
    /// … and TCP, UDP, SCTP, ICMP or ND.
    L4,
}

/// What the frame carries behind Ethernet and its tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Network {
    /// Something the switch does not parse, or it was not asked to.
    Other,
    /// ARP for IPv4 over Ethernet (RFC 826).
    Arp,
    /// IPv4 (RFC 791).
    Ipv4,
    /// IPv6 (RFC 8200).
    Ipv6,
}

/// What the IP packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Transport {
    /// Something the switch does not parse, a later fragment, or it was not asked to.
    Other,
    /// TCP (RFC 9293).
    Tcp,
    /// UDP (RFC 768).
    Udp,
    /// SCTP (RFC 9260).
    Sctp,
    /// ICMP (RFC 792).
    Icmp,
    /// ICMPv6 (RFC 4443).
    Icmp6,
}

/// Where the headers of a frame lie. Offsets are bytes from the frame's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    pub(crate) depth: Depth,
    pub(crate) tags: u8,
    pub(crate) l3: u8,
    pub(crate) l4: u8,
    pub(crate) network: Network,
    pub(crate) transport: Transport,
}

impl Layout {
    /// A frame of which nothing but the Ethernet header is known.
    pub const ETHERNET: Layout = Layout {
        depth: Depth::Port,
        tags: 0,
        l3: 14,
        l4: 14,
        network: Network::Other,
        transport: Transport::Other,
    };

    /// How deep the frame was parsed.
    #[inline]
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// VLAN tags of the frame, 0 to 2 (3 after a push).
    #[inline]
    pub fn tags(&self) -> usize {
        usize::from(self.tags)
    }

    /// Offset of what follows Ethernet, its tags and a SNAP header.
    #[inline]
    pub fn l3(&self) -> usize {
        usize::from(self.l3)
    }

    /// Offset of what follows the IP header and its extension headers; without IP, the same as [`Layout::l3`].
    #[inline]
    pub fn l4(&self) -> usize {
        usize::from(self.l4)
    }

    /// What lies at [`Layout::l3`].
    #[inline]
    pub fn network(&self) -> Network {
        self.network
    }

    /// What lies at [`Layout::l4`].
    #[inline]
    pub fn transport(&self) -> Transport {
        self.transport
    }
}
