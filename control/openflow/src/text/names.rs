//! The fields' names in ovs-fields(7), how each is written and what it needs.

use sluice_api::field::MaskedField;
use sluice_api::v1::Field;

use crate::needs::{ETH_ARP, ETH_IPV4, ETH_IPV6, IP_ICMP, IP_ICMPV6, IP_SCTP, IP_TCP, IP_UDP, Known, Needs};

/// A name under which a field is matched or set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name {
    pub(super) name: &'static str,
    pub(super) field: Field,
    pub(super) format: Format,
    pub(super) needs: Needs,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A number, printed decimal.
    Decimal,
    /// A number, printed hexadecimal.
    Hex,
    /// One byte of a 16-bit field.
    Byte,
    /// A port by number or name.
    Port,
    /// `52:54:00:12:34:56`, with `/mask` of the same form.
    Mac,
    /// `10.0.0.0/8` or `10.0.0.0/255.0.0.0`.
    Ipv4,
    /// `2001:db8::/32` or with a mask of the same form.
    Ipv6,
    /// A VLAN id of a tagged frame; 0xffff: untagged.
    VlanId,
    /// A VLAN id with OpenFlow's "present" bit 0x1000 (OpenFlow 1.3.5 §7.2.3.7).
    VlanVid,
    /// A VLAN priority of a tagged frame.
    VlanPcp,
    /// The DSCP in the upper six bits of a byte.
    Tos,
    /// `no`, `yes`, `first`, `later`, `not_later`.
    Fragment,
    /// `+syn-ack`, `syn|ack`, or a number.
    TcpFlags,
}

const fn name(name: &'static str, field: Field, format: Format, needs: Needs) -> Name {
    Name { name, field, format, needs }
}

/// All names. Of several for the same field the printer picks by what the flow matches.
pub(super) const NAMES: &[Name] = &[
    name("in_port", Field::InPort, Format::Port, Needs::Nothing),
    name("tun_id", Field::TunnelId, Format::Hex, Needs::Nothing),
    name("tunnel_id", Field::TunnelId, Format::Hex, Needs::Nothing),
    name("tun_src", Field::TunnelSrc, Format::Ipv4, Needs::Nothing),
    name("tun_ipv6_src", Field::TunnelSrc6, Format::Ipv6, Needs::Nothing),
    name("metadata", Field::Metadata, Format::Hex, Needs::Nothing),
    name("dl_src", Field::EthSrc, Format::Mac, Needs::Nothing),
    name("eth_src", Field::EthSrc, Format::Mac, Needs::Nothing),
    name("dl_dst", Field::EthDst, Format::Mac, Needs::Nothing),
    name("eth_dst", Field::EthDst, Format::Mac, Needs::Nothing),
    name("dl_type", Field::EthType, Format::Hex, Needs::Nothing),
    name("eth_type", Field::EthType, Format::Hex, Needs::Nothing),
    name("dl_vlan", Field::VlanTci, Format::VlanId, Needs::Nothing),
    name("vlan_vid", Field::VlanTci, Format::VlanVid, Needs::Nothing),
    name("dl_vlan_pcp", Field::VlanTci, Format::VlanPcp, Needs::Nothing),
    name("vlan_pcp", Field::VlanTci, Format::VlanPcp, Needs::Nothing),
    name("vlan_tci", Field::VlanTci, Format::Hex, Needs::Nothing),
    name("nw_src", Field::Ipv4Src, Format::Ipv4, Needs::Ipv4OrArp),
    name("ip_src", Field::Ipv4Src, Format::Ipv4, Needs::Ipv4),
    name("arp_spa", Field::Ipv4Src, Format::Ipv4, Needs::Arp),
    name("nw_dst", Field::Ipv4Dst, Format::Ipv4, Needs::Ipv4OrArp),
    name("ip_dst", Field::Ipv4Dst, Format::Ipv4, Needs::Ipv4),
    name("arp_tpa", Field::Ipv4Dst, Format::Ipv4, Needs::Arp),
    name("ipv6_src", Field::Ipv6Src, Format::Ipv6, Needs::Ipv6),
    name("ipv6_dst", Field::Ipv6Dst, Format::Ipv6, Needs::Ipv6),
    name("ipv6_label", Field::Ipv6Flabel, Format::Hex, Needs::Ipv6),
    name("nw_proto", Field::IpProto, Format::Decimal, Needs::IpOrArp),
    name("ip_proto", Field::IpProto, Format::Decimal, Needs::Ip),
    name("arp_op", Field::IpProto, Format::Decimal, Needs::Arp),
    name("nw_tos", Field::IpDscp, Format::Tos, Needs::Ip),
    name("ip_dscp", Field::IpDscp, Format::Decimal, Needs::Ip),
    name("nw_ecn", Field::IpEcn, Format::Decimal, Needs::Ip),
    name("ip_ecn", Field::IpEcn, Format::Decimal, Needs::Ip),
    name("nw_ttl", Field::IpTtl, Format::Decimal, Needs::Ip),
    name("ip_frag", Field::IpFrag, Format::Fragment, Needs::Ip),
    name("nw_frag", Field::IpFrag, Format::Fragment, Needs::Ip),
    name("tp_src", Field::L4Src, Format::Decimal, Needs::Ports),
    name("tcp_src", Field::L4Src, Format::Decimal, Needs::Tcp),
    name("udp_src", Field::L4Src, Format::Decimal, Needs::Udp),
    name("sctp_src", Field::L4Src, Format::Decimal, Needs::Sctp),
    name("icmp_type", Field::L4Src, Format::Byte, Needs::AnyIcmp),
    name("icmpv6_type", Field::L4Src, Format::Byte, Needs::Icmp6),
    name("tp_dst", Field::L4Dst, Format::Decimal, Needs::Ports),
    name("tcp_dst", Field::L4Dst, Format::Decimal, Needs::Tcp),
    name("udp_dst", Field::L4Dst, Format::Decimal, Needs::Udp),
    name("sctp_dst", Field::L4Dst, Format::Decimal, Needs::Sctp),
    name("icmp_code", Field::L4Dst, Format::Byte, Needs::AnyIcmp),
    name("icmpv6_code", Field::L4Dst, Format::Byte, Needs::Icmp6),
    name("tcp_flags", Field::TcpFlags, Format::TcpFlags, Needs::Tcp),
    name("arp_sha", Field::ArpSha, Format::Mac, Needs::Arp),
    name("nd_sll", Field::ArpSha, Format::Mac, Needs::NdSolicit),
    name("arp_tha", Field::ArpTha, Format::Mac, Needs::Arp),
    name("nd_tll", Field::ArpTha, Format::Mac, Needs::NdAdvert),
    name("nd_target", Field::NdTarget, Format::Ipv6, Needs::Nd),
];

/// A protocol's name: the EtherType and IP protocol that it stands for.
pub(super) struct Shorthand {
    pub(super) name: &'static str,
    pub(super) eth_type: u16,
    pub(super) ip_proto: Option<u8>,
}

const fn shorthand(name: &'static str, eth_type: u16, ip_proto: Option<u8>) -> Shorthand {
    Shorthand { name, eth_type, ip_proto }
}

/// All protocols' names; the first that fits is printed.
pub(super) const SHORTHANDS: &[Shorthand] = &[
    shorthand("icmp", ETH_IPV4, Some(IP_ICMP)),
    shorthand("tcp", ETH_IPV4, Some(IP_TCP)),
    shorthand("udp", ETH_IPV4, Some(IP_UDP)),
    shorthand("sctp", ETH_IPV4, Some(IP_SCTP)),
    shorthand("ip", ETH_IPV4, None),
    shorthand("ipv4", ETH_IPV4, None),
    shorthand("icmp6", ETH_IPV6, Some(IP_ICMPV6)),
    shorthand("icmpv6", ETH_IPV6, Some(IP_ICMPV6)),
    shorthand("tcp6", ETH_IPV6, Some(IP_TCP)),
    shorthand("udp6", ETH_IPV6, Some(IP_UDP)),
    shorthand("sctp6", ETH_IPV6, Some(IP_SCTP)),
    shorthand("ipv6", ETH_IPV6, None),
    shorthand("arp", ETH_ARP, None),
];

impl Shorthand {
    /// The matches that the name stands for.
    pub(super) fn matches(&self) -> impl Iterator<Item = MaskedField> {
        let eth_type = MaskedField::exact(Field::EthType, self.eth_type.into());
        let ip_proto = self.ip_proto.map(|proto| MaskedField::exact(Field::IpProto, proto.into()));
        std::iter::once(eth_type).chain(ip_proto)
    }

    /// The name that says most of what is known.
    pub(super) fn of(known: Known) -> Option<&'static Shorthand> {
        SHORTHANDS.iter().find(|short| {
            known.eth_type == Some(short.eth_type)
                && (short.ip_proto.is_none() || known.ip_proto == short.ip_proto)
        })
    }
}

/// The entry of this name.
pub(super) fn find(name: &str) -> Option<&'static Name> {
    NAMES.iter().find(|entry| entry.name == name)
}

/// What OVS matches and Sluice does not, with what to do instead.
pub(super) fn unsupported(name: &str) -> Option<&'static str> {
    Some(match name {
        "ct_state" | "ct_zone" | "ct_mark" | "ct_label" => "connection tracking comes with security groups",
        "pkt_mark" | "skb_priority" | "recirc_id" | "dp_hash" => "it belongs to the kernel's datapath",
        "mpls" | "mplsm" | "mpls_label" | "mpls_tc" | "mpls_bos" | "mpls_ttl" => {
            "frames with MPLS can be matched by dl_type alone"
        }
        "rarp" => "match dl_type=0x8035",
        "idle_timeout" | "hard_timeout" | "importance" => "flows stay until they are deleted",
        "tun_dst" | "tun_ipv6_dst" => "a tunnel's local address is its VTEP's; match in_port",
        _ if name.starts_with("reg") || name.starts_with("xreg") => "pass values between tables in metadata",
        _ => return None,
    })
}
