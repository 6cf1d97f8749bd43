//! Every field that can be matched, as a table (OpenFlow 1.3.5 §7.2.3.7, tables 11 and 12; the extensions as
//! ovs-fields(7) has them).

use super::Prerequisite;

/// Whether a field takes a mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maskable {
    /// As table 12 says.
    Yes,
    /// Table 12 says no; Open vSwitch takes one, its users write it, and so it is taken here.
    Extended,
    /// Never.
    No,
}

/// `OFPXMC_OPENFLOW_BASIC`.
const BASIC: u16 = 0x8000;
/// `OFPXMC_PACKET_REGS` of OpenFlow 1.5, which Open vSwitch speaks in 1.3 too.
const PACKET_REGISTERS: u16 = 0x8001;
/// `OFPXMC_EXPERIMENTER`: an experimenter's number follows. Here only the ONF's.
pub(in crate::wire) const EXPERIMENTER: u16 = 0xffff;
/// `OFPXMC_NXM_0` and `OFPXMC_NXM_1`: what Nicira had before OXM was.
const NICIRA_0: u16 = 0x0000;
const NICIRA_1: u16 = 0x0001;

macro_rules! fields {
    ($($(#[$doc:meta])* $field:ident: $class:ident $number:literal, $bits:literal bits, mask $mask:ident, needs $needs:ident, $name:literal;)*) => {
        /// A field that can be matched.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Field {
            $($(#[$doc])* $field,)*
        }

        impl Field {
            /// Every field, the 40 of OpenFlow 1.3.5 first.
            pub const ALL: &'static [Field] = &[$(Field::$field),*];

            /// The OXM class and the number in it.
            pub(in crate::wire) const fn class_and_number(self) -> (u16, u8) {
                match self {
                    $(Field::$field => ($class, $number),)*
                }
            }

            /// The field of this class and number.
            pub(in crate::wire) const fn from_class_and_number(class: u16, number: u8) -> Option<Field> {
                match (class, number) {
                    $(($class, $number) => Some(Field::$field),)*
                    _ => None,
                }
            }

            /// How many bits a value has.
            pub const fn width_bits(self) -> u32 {
                match self {
                    $(Field::$field => $bits,)*
                }
            }

            /// Whether it takes a mask.
            pub const fn maskable(self) -> Maskable {
                match self {
                    $(Field::$field => Maskable::$mask,)*
                }
            }

            /// What must be matched before it.
            pub const fn prerequisite(self) -> Prerequisite {
                match self {
                    $(Field::$field => Prerequisite::$needs,)*
                }
            }

            /// The name in ovs-fields(7), by which [`crate::text`] knows it too.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Field::$field => $name,)*
                }
            }
        }
    };
}

fields! {
    /// The port of entry.
    InPort: BASIC 0, 32 bits, mask No, needs Nothing, "in_port";
    /// The physical port below a logical port of entry.
    InPhyPort: BASIC 1, 32 bits, mask No, needs InPort, "in_phy_port";
    /// What earlier tables left for later ones.
    Metadata: BASIC 2, 64 bits, mask Yes, needs Nothing, "metadata";
    /// Destination MAC address.
    EthDst: BASIC 3, 48 bits, mask Yes, needs Nothing, "eth_dst";
    /// Source MAC address.
    EthSrc: BASIC 4, 48 bits, mask Yes, needs Nothing, "eth_src";
    /// EtherType behind VLAN tags.
    EthType: BASIC 5, 16 bits, mask No, needs Nothing, "eth_type";
    /// VLAN id of the outer tag, with `OFPVID_PRESENT` 0x1000; 0: no tag.
    VlanVid: BASIC 6, 13 bits, mask Yes, needs Nothing, "vlan_vid";
    /// VLAN priority of the outer tag.
    VlanPcp: BASIC 7, 3 bits, mask No, needs Vlan, "vlan_pcp";
    /// Differentiated services code point.
    IpDscp: BASIC 8, 6 bits, mask No, needs Ip, "ip_dscp";
    /// Explicit congestion notification.
    IpEcn: BASIC 9, 2 bits, mask No, needs Ip, "ip_ecn";
    /// IP protocol.
    IpProto: BASIC 10, 8 bits, mask No, needs Ip, "ip_proto";
    /// IPv4 source address.
    Ipv4Src: BASIC 11, 32 bits, mask Yes, needs Ipv4, "ip_src";
    /// IPv4 destination address.
    Ipv4Dst: BASIC 12, 32 bits, mask Yes, needs Ipv4, "ip_dst";
    /// TCP source port.
    TcpSrc: BASIC 13, 16 bits, mask Extended, needs Tcp, "tcp_src";
    /// TCP destination port.
    TcpDst: BASIC 14, 16 bits, mask Extended, needs Tcp, "tcp_dst";
    /// UDP source port.
    UdpSrc: BASIC 15, 16 bits, mask Extended, needs Udp, "udp_src";
    /// UDP destination port.
    UdpDst: BASIC 16, 16 bits, mask Extended, needs Udp, "udp_dst";
    /// SCTP source port.
    SctpSrc: BASIC 17, 16 bits, mask Extended, needs Sctp, "sctp_src";
    /// SCTP destination port.
    SctpDst: BASIC 18, 16 bits, mask Extended, needs Sctp, "sctp_dst";
    /// ICMP type.
    Icmpv4Type: BASIC 19, 8 bits, mask No, needs Icmpv4, "icmp_type";
    /// ICMP code.
    Icmpv4Code: BASIC 20, 8 bits, mask No, needs Icmpv4, "icmp_code";
    /// ARP opcode.
    ArpOp: BASIC 21, 16 bits, mask No, needs Arp, "arp_op";
    /// ARP sender's IPv4 address.
    ArpSpa: BASIC 22, 32 bits, mask Yes, needs Arp, "arp_spa";
    /// ARP target's IPv4 address.
    ArpTpa: BASIC 23, 32 bits, mask Yes, needs Arp, "arp_tpa";
    /// ARP sender's MAC address.
    ArpSha: BASIC 24, 48 bits, mask Yes, needs Arp, "arp_sha";
    /// ARP target's MAC address.
    ArpTha: BASIC 25, 48 bits, mask Yes, needs Arp, "arp_tha";
    /// IPv6 source address.
    Ipv6Src: BASIC 26, 128 bits, mask Yes, needs Ipv6, "ipv6_src";
    /// IPv6 destination address.
    Ipv6Dst: BASIC 27, 128 bits, mask Yes, needs Ipv6, "ipv6_dst";
    /// IPv6 flow label.
    Ipv6Flabel: BASIC 28, 20 bits, mask Yes, needs Ipv6, "ipv6_label";
    /// ICMPv6 type.
    Icmpv6Type: BASIC 29, 8 bits, mask No, needs Icmpv6, "icmpv6_type";
    /// ICMPv6 code.
    Icmpv6Code: BASIC 30, 8 bits, mask No, needs Icmpv6, "icmpv6_code";
    /// Target address of neighbour discovery.
    NdTarget: BASIC 31, 128 bits, mask Extended, needs Nd, "nd_target";
    /// Source link-layer address of a neighbour solicitation.
    NdSll: BASIC 32, 48 bits, mask Extended, needs NdSolicit, "nd_sll";
    /// Target link-layer address of a neighbour advertisement.
    NdTll: BASIC 33, 48 bits, mask Extended, needs NdAdvert, "nd_tll";
    /// MPLS label.
    MplsLabel: BASIC 34, 20 bits, mask No, needs Mpls, "mpls_label";
    /// MPLS traffic class.
    MplsTc: BASIC 35, 3 bits, mask No, needs Mpls, "mpls_tc";
    /// MPLS bottom of stack.
    MplsBos: BASIC 36, 1 bits, mask No, needs Mpls, "mpls_bos";
    /// PBB service instance.
    PbbIsid: BASIC 37, 24 bits, mask Yes, needs Pbb, "pbb_isid";
    /// A tunnel's key: the VNI of VXLAN.
    TunnelId: BASIC 38, 64 bits, mask Yes, needs Nothing, "tun_id";
    /// Which IPv6 extension headers there are (`OFPIEH_*`).
    Ipv6Exthdr: BASIC 39, 9 bits, mask Yes, needs Ipv6, "ipv6_exthdr";
    /// TCP flags (ONF EXT-109).
    TcpFlags: EXPERIMENTER 42, 12 bits, mask Yes, needs Tcp, "tcp_flags";
    /// Bit 0: a fragment, bit 1: not the first.
    IpFrag: NICIRA_1 26, 2 bits, mask Yes, needs Ip, "ip_frag";
    /// TTL or hop limit.
    IpTtl: NICIRA_1 29, 8 bits, mask Extended, needs Ip, "nw_ttl";
    /// IPv4 source address of the tunnel a frame came by.
    TunnelSrc: NICIRA_1 31, 32 bits, mask Yes, needs Nothing, "tun_src";
    /// IPv4 destination address of the tunnel a frame came by.
    TunnelDst: NICIRA_1 32, 32 bits, mask Yes, needs Nothing, "tun_dst";
    /// A mark that the host's kernel sees.
    PktMark: NICIRA_1 33, 32 bits, mask Yes, needs Nothing, "pkt_mark";
    /// The conjunction that is met.
    ConjId: NICIRA_1 37, 32 bits, mask No, needs Nothing, "conj_id";
    /// State of the connection: bit 0 new, 1 established, 2 related, 3 reply, 4 invalid, 5 tracked, 6
    /// source-, 7 destination-translated.
    CtState: NICIRA_1 105, 32 bits, mask Yes, needs Nothing, "ct_state";
    /// Zone in which the connection was looked up.
    CtZone: NICIRA_1 106, 16 bits, mask No, needs Nothing, "ct_zone";
    /// The connection's mark.
    CtMark: NICIRA_1 107, 32 bits, mask Yes, needs Nothing, "ct_mark";
    /// The connection's label.
    CtLabel: NICIRA_1 108, 128 bits, mask Yes, needs Nothing, "ct_label";
    /// IPv6 source address of the tunnel a frame came by.
    TunnelSrc6: NICIRA_1 109, 128 bits, mask Yes, needs Nothing, "tun_ipv6_src";
    /// IPv6 destination address of the tunnel a frame came by.
    TunnelDst6: NICIRA_1 110, 128 bits, mask Yes, needs Nothing, "tun_ipv6_dst";
    /// IP protocol of the connection's first packet.
    CtNwProto: NICIRA_1 119, 8 bits, mask No, needs Nothing, "ct_nw_proto";
    /// IPv4 source of the connection's first packet.
    CtNwSrc: NICIRA_1 120, 32 bits, mask Yes, needs Nothing, "ct_nw_src";
    /// IPv4 destination of the connection's first packet.
    CtNwDst: NICIRA_1 121, 32 bits, mask Yes, needs Nothing, "ct_nw_dst";
    /// IPv6 source of the connection's first packet.
    CtIpv6Src: NICIRA_1 122, 128 bits, mask Yes, needs Nothing, "ct_ipv6_src";
    /// IPv6 destination of the connection's first packet.
    CtIpv6Dst: NICIRA_1 123, 128 bits, mask Yes, needs Nothing, "ct_ipv6_dst";
    /// Source port of the connection's first packet.
    CtTpSrc: NICIRA_1 124, 16 bits, mask Yes, needs Nothing, "ct_tp_src";
    /// Destination port of the connection's first packet.
    CtTpDst: NICIRA_1 125, 16 bits, mask Yes, needs Nothing, "ct_tp_dst";
    /// The port of entry in 16 bits, as OpenFlow 1.0 numbers ports; in actions only.
    NxInPort: NICIRA_0 0, 16 bits, mask No, needs Nothing, "in_port";
    /// The outer tag whole: priority, present bit 0x1000, VLAN id.
    VlanTci: NICIRA_0 4, 16 bits, mask Yes, needs Nothing, "vlan_tci";
    /// Register 0.
    Reg0: NICIRA_1 0, 32 bits, mask Yes, needs Nothing, "reg0";
    /// Register 1.
    Reg1: NICIRA_1 1, 32 bits, mask Yes, needs Nothing, "reg1";
    /// Register 2.
    Reg2: NICIRA_1 2, 32 bits, mask Yes, needs Nothing, "reg2";
    /// Register 3.
    Reg3: NICIRA_1 3, 32 bits, mask Yes, needs Nothing, "reg3";
    /// Register 4.
    Reg4: NICIRA_1 4, 32 bits, mask Yes, needs Nothing, "reg4";
    /// Register 5.
    Reg5: NICIRA_1 5, 32 bits, mask Yes, needs Nothing, "reg5";
    /// Register 6.
    Reg6: NICIRA_1 6, 32 bits, mask Yes, needs Nothing, "reg6";
    /// Register 7.
    Reg7: NICIRA_1 7, 32 bits, mask Yes, needs Nothing, "reg7";
    /// Register 8.
    Reg8: NICIRA_1 8, 32 bits, mask Yes, needs Nothing, "reg8";
    /// Register 9.
    Reg9: NICIRA_1 9, 32 bits, mask Yes, needs Nothing, "reg9";
    /// Register 10.
    Reg10: NICIRA_1 10, 32 bits, mask Yes, needs Nothing, "reg10";
    /// Register 11.
    Reg11: NICIRA_1 11, 32 bits, mask Yes, needs Nothing, "reg11";
    /// Register 12.
    Reg12: NICIRA_1 12, 32 bits, mask Yes, needs Nothing, "reg12";
    /// Register 13.
    Reg13: NICIRA_1 13, 32 bits, mask Yes, needs Nothing, "reg13";
    /// Register 14.
    Reg14: NICIRA_1 14, 32 bits, mask Yes, needs Nothing, "reg14";
    /// Register 15.
    Reg15: NICIRA_1 15, 32 bits, mask Yes, needs Nothing, "reg15";
    /// Registers 0 and 1 as one.
    Xreg0: PACKET_REGISTERS 0, 64 bits, mask Yes, needs Nothing, "xreg0";
    /// Registers 2 and 3 as one.
    Xreg1: PACKET_REGISTERS 1, 64 bits, mask Yes, needs Nothing, "xreg1";
    /// Registers 4 and 5 as one.
    Xreg2: PACKET_REGISTERS 2, 64 bits, mask Yes, needs Nothing, "xreg2";
    /// Registers 6 and 7 as one.
    Xreg3: PACKET_REGISTERS 3, 64 bits, mask Yes, needs Nothing, "xreg3";
    /// Registers 8 and 9 as one.
    Xreg4: PACKET_REGISTERS 4, 64 bits, mask Yes, needs Nothing, "xreg4";
    /// Registers 10 and 11 as one.
    Xreg5: PACKET_REGISTERS 5, 64 bits, mask Yes, needs Nothing, "xreg5";
    /// Registers 12 and 13 as one.
    Xreg6: PACKET_REGISTERS 6, 64 bits, mask Yes, needs Nothing, "xreg6";
    /// Registers 14 and 15 as one.
    Xreg7: PACKET_REGISTERS 7, 64 bits, mask Yes, needs Nothing, "xreg7";
    /// Registers 0 to 3 as one.
    Xxreg0: NICIRA_1 111, 128 bits, mask Yes, needs Nothing, "xxreg0";
    /// Registers 4 to 7 as one.
    Xxreg1: NICIRA_1 112, 128 bits, mask Yes, needs Nothing, "xxreg1";
    /// Registers 8 to 11 as one.
    Xxreg2: NICIRA_1 113, 128 bits, mask Yes, needs Nothing, "xxreg2";
    /// Registers 12 to 15 as one.
    Xxreg3: NICIRA_1 114, 128 bits, mask Yes, needs Nothing, "xxreg3";
}

impl Field {
    /// How many bytes a value has on the wire: the width, rounded up, and 4 for the labels of 20 bits.
    pub const fn width_bytes(self) -> usize {
        match self.width_bits() {
            20 => 4,
            bits => bits.div_ceil(8) as usize,
        }
    }

    /// All bits of the field, right-aligned.
    pub const fn all_ones(self) -> u128 {
        u128::MAX >> (128 - self.width_bits())
    }

    /// Whether rules can match it.
    pub const fn can_match(self) -> bool {
        !matches!(self, Field::NxInPort)
    }

    /// Whether set-field may set it: of the standard's fields all but the ports of entry and the metadata (OpenFlow
    /// 1.3.5 §7.2.5), and none that say how a frame came or what is known of its connection.
    pub const fn can_set(self) -> bool {
        !matches!(
            self,
            Field::InPort
                | Field::InPhyPort
                | Field::Metadata
                | Field::NxInPort
                | Field::TcpFlags
                | Field::IpFrag
                | Field::ConjId
        ) && !self.is_connection()
    }

    /// Whether actions may load bits of it: as set-field, and the metadata and the port of entry, which Open vSwitch
    /// lets be written.
    pub const fn can_load(self) -> bool {
        self.can_set() || matches!(self, Field::InPort | Field::NxInPort | Field::Metadata)
    }

    /// Whether only `ct` may set it, in its nested actions.
    pub const fn is_connection_value(self) -> bool {
        matches!(self, Field::CtMark | Field::CtLabel)
    }

    const fn is_connection(self) -> bool {
        matches!(
            self,
            Field::CtState
                | Field::CtZone
                | Field::CtMark
                | Field::CtLabel
                | Field::CtNwProto
                | Field::CtNwSrc
                | Field::CtNwDst
                | Field::CtIpv6Src
                | Field::CtIpv6Dst
                | Field::CtTpSrc
                | Field::CtTpDst
        )
    }

    /// Whether its header is followed by an experimenter's number.
    pub(in crate::wire) const fn has_long_header(self) -> bool {
        self.class_and_number().0 == EXPERIMENTER
    }

    /// The field that another header of Nicira's stands for: the same field had a number there before OXM gave it
    /// one, and is written with OXM's.
    pub(in crate::wire) const fn from_old_number(class: u16, number: u8) -> Option<Field> {
        Some(match (class, number) {
            (NICIRA_0, 1) => Field::EthDst,
            (NICIRA_0, 2) => Field::EthSrc,
            (NICIRA_0, 3) => Field::EthType,
            (NICIRA_0, 6) => Field::IpProto,
            (NICIRA_0, 7) => Field::Ipv4Src,
            (NICIRA_0, 8) => Field::Ipv4Dst,
            (NICIRA_0, 9) => Field::TcpSrc,
            (NICIRA_0, 10) => Field::TcpDst,
            (NICIRA_0, 11) => Field::UdpSrc,
            (NICIRA_0, 12) => Field::UdpDst,
            (NICIRA_0, 13) => Field::Icmpv4Type,
            (NICIRA_0, 14) => Field::Icmpv4Code,
            (NICIRA_0, 15) => Field::ArpOp,
            (NICIRA_0, 16) => Field::ArpSpa,
            (NICIRA_0, 17) => Field::ArpTpa,
            (NICIRA_1, 16) => Field::TunnelId,
            (NICIRA_1, 17) => Field::ArpSha,
            (NICIRA_1, 18) => Field::ArpTha,
            (NICIRA_1, 19) => Field::Ipv6Src,
            (NICIRA_1, 20) => Field::Ipv6Dst,
            (NICIRA_1, 21) => Field::Icmpv6Type,
            (NICIRA_1, 22) => Field::Icmpv6Code,
            (NICIRA_1, 23) => Field::NdTarget,
            (NICIRA_1, 24) => Field::NdSll,
            (NICIRA_1, 25) => Field::NdTll,
            (NICIRA_1, 27) => Field::Ipv6Flabel,
            (NICIRA_1, 28) => Field::IpEcn,
            (NICIRA_1, 34) | (BASIC, 42) => Field::TcpFlags,
            _ => return None,
        })
    }
}
