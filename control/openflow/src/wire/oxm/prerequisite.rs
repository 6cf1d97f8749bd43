//! What a match must say before a field means something (OpenFlow 1.3.5 §7.2.3.6, table 11).

use super::{Field, Oxm};
use crate::needs::{ETH_ARP, ETH_IPV4, ETH_IPV6, IP_ICMP, IP_ICMPV6, IP_SCTP, IP_TCP, IP_UDP};

/// EtherTypes of MPLS: unicast and multicast (RFC 5332 §3).
pub(in crate::wire) const ETH_MPLS: u16 = 0x8847;
pub(in crate::wire) const ETH_MPLS_MULTICAST: u16 = 0x8848;
/// EtherType of IEEE 802.1ah (PBB).
pub(in crate::wire) const ETH_PBB: u16 = 0x88e7;
const ND_SOLICIT: u8 = 135;
const ND_ADVERT: u8 = 136;

/// `OFPVID_PRESENT`: the frame has a VLAN tag.
pub(in crate::wire) const VLAN_PRESENT: u128 = 0x1000;

/// What a field needs before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prerequisite {
    /// Nothing.
    Nothing,
    /// The port of entry.
    InPort,
    /// A VLAN tag.
    Vlan,
    /// IPv4 or IPv6.
    Ip,
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
    /// ARP.
    Arp,
    /// MPLS.
    Mpls,
    /// PBB.
    Pbb,
    /// TCP over IPv4 or IPv6.
    Tcp,
    /// UDP over IPv4 or IPv6.
    Udp,
    /// SCTP over IPv4 or IPv6.
    Sctp,
    /// ICMP over IPv4.
    Icmpv4,
    /// ICMPv6 over IPv6.
    Icmpv6,
    /// A neighbour solicitation or advertisement.
    Nd,
    /// A neighbour solicitation.
    NdSolicit,
    /// A neighbour advertisement.
    NdAdvert,
}

/// What is known of the frames that a match selects, and later of what actions made of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::wire) struct Facts {
    in_port: bool,
    vlan: bool,
    maybe_vlan: bool,
    eth_type: Option<u16>,
    ip_proto: Option<u8>,
    icmpv6_type: Option<u8>,
}

impl Facts {
    /// Takes in what one more field says.
    pub(in crate::wire) fn learn(&mut self, oxm: Oxm) {
        if matches!(oxm.field(), Field::VlanVid | Field::VlanTci) {
            self.vlan = oxm.value() & VLAN_PRESENT != 0;
        }
        if !oxm.is_exact() {
            return;
        }
        match oxm.field() {
            Field::InPort => self.in_port = true,
            Field::EthType => self.eth_type = u16::try_from(oxm.value()).ok(),
            Field::IpProto => self.ip_proto = u8::try_from(oxm.value()).ok(),
            Field::Icmpv6Type => self.icmpv6_type = u8::try_from(oxm.value()).ok(),
            _ => {}
        }
    }

    /// A VLAN tag was pushed.
    pub(in crate::wire) fn push_vlan(&mut self) {
        self.vlan = true;
    }

    /// A VLAN tag was popped, if there was one. Whether another is left nobody knows, so it may be popped too, but
    /// not set.
    pub(in crate::wire) fn pop_vlan(&mut self) -> bool {
        let popped = self.vlan || self.maybe_vlan;
        (self.vlan, self.maybe_vlan) = (false, popped);
        popped
    }

    /// Another header came before the VLAN tags.
    pub(in crate::wire) fn hide_vlan(&mut self) {
        (self.vlan, self.maybe_vlan) = (false, false);
    }

    /// The EtherType changed, and with it all that lies behind.
    pub(in crate::wire) fn set_eth_type(&mut self, eth_type: Option<u16>) {
        *self = Facts { eth_type, ip_proto: None, icmpv6_type: None, ..*self };
    }

    /// Whether frames of which this is known have what is needed.
    pub(in crate::wire) fn meet(self, needed: Prerequisite) -> bool {
        let is_ipv4 = self.eth_type == Some(ETH_IPV4);
        let is_ipv6 = self.eth_type == Some(ETH_IPV6);
        let is_ip = is_ipv4 || is_ipv6;
        let carries = |proto: u8| self.ip_proto == Some(proto);
        let is_icmpv6 = is_ipv6 && carries(IP_ICMPV6);
        let is_nd = |kind: u8| is_icmpv6 && self.icmpv6_type == Some(kind);
        match needed {
            Prerequisite::Nothing => true,
            Prerequisite::InPort => self.in_port,
            Prerequisite::Vlan => self.vlan,
            Prerequisite::Ip => is_ip,
            Prerequisite::Ipv4 => is_ipv4,
            Prerequisite::Ipv6 => is_ipv6,
            Prerequisite::Arp => self.eth_type == Some(ETH_ARP),
            Prerequisite::Mpls => matches!(self.eth_type, Some(ETH_MPLS | ETH_MPLS_MULTICAST)),
            Prerequisite::Pbb => self.eth_type == Some(ETH_PBB),
            Prerequisite::Tcp => is_ip && carries(IP_TCP),
            Prerequisite::Udp => is_ip && carries(IP_UDP),
            Prerequisite::Sctp => is_ip && carries(IP_SCTP),
            Prerequisite::Icmpv4 => is_ipv4 && carries(IP_ICMP),
            Prerequisite::Icmpv6 => is_icmpv6,
            Prerequisite::Nd => is_nd(ND_SOLICIT) || is_nd(ND_ADVERT),
            Prerequisite::NdSolicit => is_nd(ND_SOLICIT),
            Prerequisite::NdAdvert => is_nd(ND_ADVERT),
        }
    }
}
