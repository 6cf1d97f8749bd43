//! Prerequisites: what a flow must match before one of its fields means something (OpenFlow 1.3.5 §7.2.3.8).

use sluice_api::field::MaskedField;
use sluice_api::v1::Field;

/// EtherType of IPv4.
pub const ETH_IPV4: u16 = 0x0800;
/// EtherType of ARP.
pub const ETH_ARP: u16 = 0x0806;
/// EtherType of IPv6.
pub const ETH_IPV6: u16 = 0x86dd;

/// IP protocol number of ICMP.
pub const IP_ICMP: u8 = 1;
/// IP protocol number of TCP.
pub const IP_TCP: u8 = 6;
/// IP protocol number of UDP.
pub const IP_UDP: u8 = 17;
/// IP protocol number of ICMPv6.
pub const IP_ICMPV6: u8 = 58;
/// IP protocol number of SCTP.
pub const IP_SCTP: u8 = 132;

/// ICMPv6 type of a neighbour solicitation (RFC 4861 §4.3).
pub const ND_SOLICIT: u16 = 135;
/// ICMPv6 type of a neighbour advertisement (RFC 4861 §4.4).
pub const ND_ADVERT: u16 = 136;

/// What the matches of a flow say for sure about its frames' protocols.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The EtherType, if matched.
    pub eth_type: Option<u16>,
    /// The IP protocol (the opcode in ARP), if matched.
    pub ip_proto: Option<u8>,
    /// The source port or ICMP type, if matched.
    pub l4_src: Option<u16>,
}

impl Known {
    /// What these matches say.
    pub fn from_matches(matches: &[MaskedField]) -> Known {
        let mut known = Known::default();
        for masked in matches.iter().filter(|masked| masked.is_exact()) {
            match masked.field() {
                Field::EthType => known.eth_type = u16::try_from(masked.value()).ok(),
                Field::IpProto => known.ip_proto = u8::try_from(masked.value()).ok(),
                Field::L4Src => known.l4_src = u16::try_from(masked.value()).ok(),
                _ => {}
            }
        }
        known
    }

    /// Whether the frames are ARP.
    pub fn is_arp(self) -> bool {
        self.eth_type == Some(ETH_ARP)
    }

    /// Whether the frames are ICMP or ICMPv6.
    pub fn is_icmp(self) -> bool {
        Needs::AnyIcmp.met(self)
    }
}

/// A prerequisite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: every frame has the field.
    Nothing,
    /// IPv4 or IPv6.
    Ip,
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
    /// ARP.
    Arp,
    /// IPv4, whose addresses and ARP's share fields, or ARP.
    Ipv4OrArp,
    /// IPv4, IPv6 or ARP.
    IpOrArp,
    /// A protocol with ports, or ICMP.
    L4,
    /// TCP, UDP or SCTP.
    Ports,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
    /// ICMP.
    Icmp,
    /// ICMPv6.
    Icmp6,
    /// ICMP or ICMPv6.
    AnyIcmp,
    /// A neighbour solicitation.
    NdSolicit,
    /// A neighbour advertisement.
    NdAdvert,
    /// A neighbour solicitation or advertisement.
    Nd,
    /// ARP, or a neighbour solicitation.
    ArpOrNdSolicit,
    /// ARP, or a neighbour advertisement.
    ArpOrNdAdvert,
}

impl Needs {
    /// What a field of the API needs at least.
    pub const fn of(field: Field) -> Needs {
        match field {
            Field::Unspecified
            | Field::InPort
            | Field::TunnelId
            | Field::TunnelSrc
            | Field::TunnelSrc6
            | Field::EthDst
            | Field::EthSrc
            | Field::EthType
            | Field::VlanTci
            | Field::Metadata => Needs::Nothing,
            Field::IpDscp | Field::IpEcn | Field::IpTtl | Field::IpFrag => Needs::Ip,
            Field::IpProto => Needs::IpOrArp,
            Field::Ipv4Src | Field::Ipv4Dst => Needs::Ipv4OrArp,
            Field::Ipv6Src | Field::Ipv6Dst | Field::Ipv6Flabel => Needs::Ipv6,
            Field::L4Src | Field::L4Dst => Needs::L4,
            Field::TcpFlags => Needs::Tcp,
            Field::ArpSha => Needs::ArpOrNdSolicit,
            Field::ArpTha => Needs::ArpOrNdAdvert,
            Field::NdTarget => Needs::Nd,
        }
    }

    /// Whether frames of which this is known have what is needed.
    pub fn met(self, known: Known) -> bool {
        let is_ipv4 = known.eth_type == Some(ETH_IPV4);
        let is_ipv6 = known.eth_type == Some(ETH_IPV6);
        let is_ip = is_ipv4 || is_ipv6;
        let carries = |proto: u8| is_ip && known.ip_proto == Some(proto);
        let is_icmp6 = is_ipv6 && known.ip_proto == Some(IP_ICMPV6);
        let is_nd = |kind: u16| is_icmp6 && known.l4_src == Some(kind);
        match self {
            Needs::Nothing => true,
            Needs::Ip => is_ip,
            Needs::Ipv4 => is_ipv4,
            Needs::Ipv6 => is_ipv6,
            Needs::Arp => known.is_arp(),
            Needs::Ipv4OrArp => is_ipv4 || known.is_arp(),
            Needs::IpOrArp => is_ip || known.is_arp(),
            Needs::L4 => Needs::Ports.met(known) || known.is_icmp(),
            Needs::Ports => carries(IP_TCP) || carries(IP_UDP) || carries(IP_SCTP),
            Needs::Tcp => carries(IP_TCP),
            Needs::Udp => carries(IP_UDP),
            Needs::Sctp => carries(IP_SCTP),
            Needs::Icmp => is_ipv4 && known.ip_proto == Some(IP_ICMP),
            Needs::Icmp6 => is_icmp6,
            Needs::AnyIcmp => Needs::Icmp.met(known) || is_icmp6,
            Needs::NdSolicit => is_nd(ND_SOLICIT),
            Needs::NdAdvert => is_nd(ND_ADVERT),
            Needs::Nd => is_nd(ND_SOLICIT) || is_nd(ND_ADVERT),
            Needs::ArpOrNdSolicit => known.is_arp() || is_nd(ND_SOLICIT),
            Needs::ArpOrNdAdvert => known.is_arp() || is_nd(ND_ADVERT),
        }
    }

    /// What to write into the flow so that it is met.
    pub const fn describe(self) -> &'static str {
        match self {
            Needs::Nothing => "nothing",
            Needs::Ip => "ip or ipv6",
            Needs::Ipv4 => "ip",
            Needs::Ipv6 => "ipv6",
            Needs::Arp => "arp",
            Needs::Ipv4OrArp => "ip or arp",
            Needs::IpOrArp => "ip, ipv6 or arp",
            Needs::L4 => "tcp, udp, sctp, icmp, tcp6, udp6, sctp6 or icmp6",
            Needs::Ports => "tcp, udp, sctp, tcp6, udp6 or sctp6",
            Needs::Tcp => "tcp or tcp6",
            Needs::Udp => "udp or udp6",
            Needs::Sctp => "sctp or sctp6",
            Needs::Icmp => "icmp",
            Needs::Icmp6 => "icmp6",
            Needs::AnyIcmp => "icmp or icmp6",
            Needs::NdSolicit => "icmp6,icmp_type=135",
            Needs::NdAdvert => "icmp6,icmp_type=136",
            Needs::Nd => "icmp6,icmp_type=135 or icmp6,icmp_type=136",
            Needs::ArpOrNdSolicit => "arp, or icmp6,icmp_type=135",
            Needs::ArpOrNdAdvert => "arp, or icmp6,icmp_type=136",
        }
    }
}
