//! Every reason for which a frame is dropped, by name. No frame is dropped without one of these being counted.

macro_rules! drop_reasons {
    ($($(#[doc = $doc:literal])+ $reason:ident = $name:literal,)+) => {
        /// Why a frame was dropped; its [`name`](DropReason::name) is what operators see.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum DropReason {
            $($(#[doc = $doc])+ $reason,)+
        }

        impl DropReason {
            /// All reasons, in the order of their discriminants.
            pub const ALL: &'static [DropReason] = &[$(DropReason::$reason,)+];

            /// The stable name that counters, CLI and metrics show.
            pub const fn name(self) -> &'static str {
                match self {
                    $(DropReason::$reason => $name,)+
                }
            }

            /// One sentence for an operator.
            pub const fn describe(self) -> &'static str {
                match self {
                    $(DropReason::$reason => concat!($($doc),+).trim_ascii(),)+
                }
            }
        }
    };
}

drop_reasons! {
    /// Shorter than an Ethernet header.
    Runt = "runt",
    /// Longer than the port or the switch can carry.
    Oversize = "oversize",
    /// A VLAN tag is cut short or tags are nested deeper than two.
    MalformedVlan = "malformed_vlan",
    /// An IPv4 header is cut short or its lengths contradict each other.
    MalformedIpv4 = "malformed_ipv4",
    /// An IPv6 header or extension header is cut short or its lengths contradict each other.
    MalformedIpv6 = "malformed_ipv6",
    /// An ARP packet is cut short or not for IPv4 over Ethernet.
    MalformedArp = "malformed_arp",
    /// A TCP, UDP, SCTP or ICMP header is cut short.
    MalformedL4 = "malformed_l4",
    /// IP options or extension headers reach beyond the bytes that the switch looks at.
    HeadersTooDeep = "headers_too_deep",
    /// The guest's buffer chain is shorter than a virtio-net header.
    MalformedVirtioHeader = "malformed_virtio_header",
    /// The guest's buffer chain has more buffers than a frame can need.
    ChainTooLong = "chain_too_long",
    /// No rule matched and the table's miss behaviour is drop.
    TableMiss = "table_miss",
    /// A rule says drop, or has no action that outputs.
    RuleDrop = "rule_drop",
    /// An output would have sent the frame back out of its port of entry, or from tunnel to tunnel.
    SplitHorizon = "split_horizon",
    /// A frame to 01-80-c2-00-00-0x, which no bridge forwards (IEEE 802.1Q §8.6.3), met the action NORMAL.
    LinkLocal = "link_local",
    /// The TTL or hop limit reached zero.
    TtlExpired = "ttl_expired",
    /// A rule rewrites a header that the frame does not have or that lies too deep.
    RewriteImpossible = "rewrite_impossible",
    /// The port of exit is down or its guest is not connected.
    PortDown = "port_down",
    /// The guest offered no receive buffers in time.
    RingFull = "ring_full",
    /// The device's transmit queue is full.
    TxQueueFull = "tx_queue_full",
    /// No mbuf was free.
    MbufExhausted = "mbuf_exhausted",
    /// The frame came in several mbufs, which this port does not take.
    MultiSegment = "multi_segment",
    /// The queue of frames for the control process is full.
    PuntQueueFull = "punt_queue_full",
    /// A frame on an uplink that is neither VXLAN for a local VTEP nor a neighbour message, on an uplink without a bridge.
    NotForVtep = "not_for_vtep",
    /// The outer IP or UDP header of a tunnel frame is cut short or contradicts itself.
    OuterMalformed = "outer_malformed",
    /// The outer packet is an IP fragment.
    OuterFragment = "outer_fragment",
    /// The outer IPv4 header checksum is wrong, or the outer UDP checksum is present and wrong.
    OuterChecksum = "outer_checksum",
    /// The VXLAN header's I flag is not set.
    VxlanFlags = "vxlan_flags",
    /// No tunnel port has that VNI on this VTEP.
    VniUnknown = "vni_unknown",
    /// The outer source address is no known VTEP of that VNI.
    VtepUnknown = "vtep_unknown",
    /// The outer packet was marked congestion-experienced and the inner cannot carry the mark (RFC 6040).
    EcnNotCapable = "ecn_not_capable",
    /// The next hop's link-layer address is not known yet.
    NeighbourUnresolved = "neighbour_unresolved",
    /// The encapsulated frame is longer than the underlay's MTU.
    EncapExceedsMtu = "encap_exceeds_mtu",
    /// The tunnel's remote VTEP has no local address of its family or no next hop.
    NoRoute = "no_route",
}

impl DropReason {
    /// How many reasons there are: the length of a counter array.
    pub const COUNT: usize = Self::ALL.len();
}
