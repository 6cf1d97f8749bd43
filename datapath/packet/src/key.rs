//! [`FlowKey`]: all that rules and sessions can see of a frame, as a fixed array of words.
//!
//! ```text
//! word  bits 63 … 0
//!  0    –(16) tunnel_remote(16) in_port(32)                              ┐ where the frame came in
//!  1    ipv4_src(32) ipv4_dst(32)                                        │ an IPv4 connection: words 0, 1 and 2
//!  2    l4_src(16) l4_dst(16) eth_type(16) ip_proto(8) dscp(6) ecn(2)    ┘
//!  3    eth_dst(48) vlan_tci(16)                                         ┐ Ethernet switching: words 0, 3 and 4
//!  4    eth_src(48) vlan_tci_inner(16)                                   ┘
//!  5    –(12) ipv6_flabel(20) –(4) tcp_flags(12) –(6) ip_frag(2) ip_ttl(8)
//!  6,7  ipv6_src      8,9  ipv6_dst      10,11  nd_target
//!  12   arp_sha(48)   13   arp_tha(48)
//!  14   tunnel_id     15   tunnel_src(32)      16,17  tunnel_src6
//!  18   metadata
//! ```
//!
//! Words 1 to 13 come from the frame's bytes ([`extract`](crate::extract) writes all of them), the others from the
//! port of entry and the pipeline. Values are in host order.

use core::fmt;

/// Words of a key.
pub const KEY_WORDS: usize = 19;

/// Words that come from the frame's bytes.
pub(crate) const FRAME_WORDS: core::ops::Range<usize> = 1..14;

/// A frame's fields as rules match them. A field that the frame does not have is 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowKey {
    pub(crate) words: [u64; KEY_WORDS],
}

/// The bits of a key that matter to somebody.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldMask {
    words: [u64; KEY_WORDS],
}

/// Where a field lies in a key: `width` bits from bit `shift` of `word` on; fields of 128 bits fill `word` (high
/// half) and the one behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldSpec {
    /// Index of the word that holds the field, or its high half.
    pub word: usize,
    /// Lowest bit of the field in the word.
    pub shift: u32,
    /// Width in bits.
    pub width: u32,
}

macro_rules! fields {
    ($($(#[doc = $doc:literal])+ $field:ident = $number:literal, $name:literal, ($word:literal, $shift:literal, $width:literal);)+) => {
        /// A field of the key. Discriminants are the numbers of the public API's `Field`; the fields from
        /// [`Field::TunnelRemote`] on exist inside the switch only.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Field {
            $($(#[doc = $doc])+ $field = $number,)+
        }

        impl Field {
            /// All fields, in the order of their numbers.
            pub const ALL: &'static [Field] = &[$(Field::$field,)+];

            /// Where the field lies.
            #[inline]
            pub const fn spec(self) -> FieldSpec {
                match self {
                    $(Field::$field => FieldSpec { word: $word, shift: $shift, width: $width },)+
                }
            }

            /// The field's name, as users read and write it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Field::$field => $name,)+
                }
            }

            /// The field of the public API with this number.
            pub const fn from_number(number: i32) -> Option<Field> {
                match number {
                    $($number => Some(Field::$field),)+
                    _ => None,
                }
            }
        }
    };
}

fields! {
    /// OpenFlow number of the port of entry.
    InPort = 1, "in_port", (0, 0, 32);
    /// VNI of a frame that came by a tunnel port.
    TunnelId = 2, "tunnel_id", (14, 0, 64);
    /// IPv4 address of the VTEP the frame came from.
    TunnelSrc = 3, "tunnel_src", (15, 0, 32);
    /// IPv6 address of the VTEP the frame came from.
    TunnelSrc6 = 4, "tunnel_src6", (16, 0, 128);
    /// Destination MAC address.
    EthDst = 5, "eth_dst", (3, 16, 48);
    /// Source MAC address.
    EthSrc = 6, "eth_src", (4, 16, 48);
    /// EtherType behind the VLAN tags; 0x05ff for 802.2 frames without one (OpenFlow 1.3.5 §7.2.3.7).
    EthType = 7, "eth_type", (2, 16, 16);
    /// Outer VLAN tag: PCP(3) present(1) VID(12); 0 for an untagged frame.
    VlanTci = 8, "vlan_tci", (3, 0, 16);
    /// Differentiated services code point.
    IpDscp = 9, "ip_dscp", (2, 2, 6);
    /// Explicit congestion notification.
    IpEcn = 10, "ip_ecn", (2, 0, 2);
    /// IP protocol, behind IPv6 extension headers; the opcode's low byte in ARP.
    IpProto = 11, "ip_proto", (2, 8, 8);
    /// IPv4 TTL or IPv6 hop limit.
    IpTtl = 12, "ip_ttl", (5, 0, 8);
    /// Bit 0: a fragment; bit 1: not the first one.
    IpFrag = 13, "ip_frag", (5, 8, 2);
    /// IPv4 source; the sender's protocol address in ARP.
    Ipv4Src = 14, "ipv4_src", (1, 32, 32);
    /// IPv4 destination; the target's protocol address in ARP.
    Ipv4Dst = 15, "ipv4_dst", (1, 0, 32);
    /// IPv6 source.
    Ipv6Src = 16, "ipv6_src", (6, 0, 128);
    /// IPv6 destination.
    Ipv6Dst = 17, "ipv6_dst", (8, 0, 128);
    /// IPv6 flow label.
    Ipv6Flabel = 18, "ipv6_flabel", (5, 32, 20);
    /// TCP, UDP or SCTP source port; ICMP type.
    L4Src = 19, "l4_src", (2, 48, 16);
    /// TCP, UDP or SCTP destination port; ICMP code.
    L4Dst = 20, "l4_dst", (2, 32, 16);
    /// TCP flags.
    TcpFlags = 21, "tcp_flags", (5, 16, 12);
    /// ARP sender's hardware address; ND source link-layer address.
    ArpSha = 22, "arp_sha", (12, 0, 48);
    /// ARP target's hardware address; ND target link-layer address.
    ArpTha = 23, "arp_tha", (13, 0, 48);
    /// ND target address.
    NdTarget = 24, "nd_target", (10, 0, 128);
    /// What tables tell each other; 0 at table 0.
    Metadata = 25, "metadata", (18, 0, 64);
    /// The interned VTEP the frame came from, plus 1; 0 if by no tunnel. Not matched by rules: learning needs it.
    TunnelRemote = 200, "tunnel_remote", (0, 32, 16);
    /// Inner VLAN tag of a frame with two, as [`Field::VlanTci`]. Not matched by rules: popping a tag needs it.
    VlanTciInner = 201, "vlan_tci_inner", (4, 0, 16);
}

impl Field {
    /// The field's width in bits.
    #[inline]
    pub const fn width(self) -> u32 {
        self.spec().width
    }

    /// A value with all of the field's bits set.
    #[inline]
    pub const fn full(self) -> u128 {
        u128::MAX >> (128 - self.spec().width)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FlowKey {
    /// All fields 0.
    pub const EMPTY: FlowKey = FlowKey { words: [0; KEY_WORDS] };

    /// A key of these words.
    #[inline]
    pub const fn from_words(words: [u64; KEY_WORDS]) -> FlowKey {
        FlowKey { words }
    }

    /// The value of `field`.
    #[inline]
    pub fn get(&self, field: Field) -> u128 {
        read(&self.words, field)
    }

    /// Sets `field`; bits of `value` beyond its width are ignored.
    #[inline]
    pub fn set(&mut self, field: Field, value: u128) {
        write(&mut self.words, field, value, field.full());
    }

    /// Sets the bits of `field` that `mask` names.
    #[inline]
    pub fn set_masked(&mut self, field: Field, value: u128, mask: u128) {
        write(&mut self.words, field, value, mask & field.full());
    }

    /// The key's words.
    #[inline(always)]
    pub fn words(&self) -> &[u64; KEY_WORDS] {
        &self.words
    }

    /// Word `index`, 0 beyond the last.
    #[inline(always)]
    pub fn word(&self, index: usize) -> u64 {
        self.words.get(index).copied().unwrap_or(0)
    }

    /// Sets words 1 to 5 to these, and the others that come from the frame to 0.
    #[inline(always)]
    pub(crate) fn set_frame(&mut self, words: &[u64; 5]) {
        let [_, first @ .., _, _, _, _, _, _, _, _, _, _, _, _, _] = &mut self.words;
        *first = *words;
        self.words[6..FRAME_WORDS.end].fill(0);
    }

    /// Sets all fields that come from the frame to 0.
    #[inline]
    pub(crate) fn clear_frame(&mut self) {
        if let Some(words) = self.words.get_mut(FRAME_WORDS) {
            words.fill(0);
        }
    }

    /// The key with all bits cleared that `mask` does not have.
    pub fn masked(&self, mask: &FieldMask) -> FlowKey {
        let mut words = self.words;
        words.iter_mut().zip(&mask.words).for_each(|(word, mask)| *word &= mask);
        FlowKey { words }
    }
}

impl Default for FlowKey {
    fn default() -> Self {
        FlowKey::EMPTY
    }
}

impl fmt::Debug for FlowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for &field in Field::ALL {
            let value = self.get(field);
            if value != 0 {
                map.entry(&format_args!("{field}"), &format_args!("{value:#x}"));
            }
        }
        map.finish()
    }
}

impl FieldMask {
    /// No bit.
    pub const EMPTY: FieldMask = FieldMask { words: [0; KEY_WORDS] };

    /// All bits of `fields`.
    pub fn of(fields: &[Field]) -> FieldMask {
        let mut mask = FieldMask::EMPTY;
        fields.iter().for_each(|&field| mask.add(field, field.full()));
        mask
    }

    /// The bits of `field` that matter.
    #[inline]
    pub fn get(&self, field: Field) -> u128 {
        read(&self.words, field)
    }

    /// Adds bits of `field`.
    pub fn add(&mut self, field: Field, bits: u128) {
        let all = self.get(field) | bits;
        write(&mut self.words, field, all, field.full());
    }

    /// Takes all bits of `field` away.
    pub fn remove(&mut self, field: Field) {
        write(&mut self.words, field, 0, field.full());
    }

    /// Adds bits of a word.
    #[inline]
    pub fn add_word(&mut self, index: usize, bits: u64) {
        if let Some(word) = self.words.get_mut(index) {
            *word |= bits;
        }
    }

    /// Adds all bits of `other`.
    pub fn unite(&mut self, other: &FieldMask) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    /// Whether any bit of `field` matters.
    #[inline]
    pub fn has(&self, field: Field) -> bool {
        self.get(field) != 0
    }

    /// Whether every bit of `other` is in this mask.
    pub fn covers(&self, other: &FieldMask) -> bool {
        self.words.iter().zip(&other.words).all(|(word, other)| other & !word == 0)
    }

    /// The fields of which some bit matters.
    pub fn fields(&self) -> impl Iterator<Item = Field> + '_ {
        Field::ALL.iter().copied().filter(|&field| self.has(field))
    }

    /// The mask's words.
    #[inline(always)]
    pub fn words(&self) -> &[u64; KEY_WORDS] {
        &self.words
    }
}

impl Default for FieldMask {
    fn default() -> Self {
        FieldMask::EMPTY
    }
}

impl fmt::Debug for FieldMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.fields().map(|field| (field.name(), format!("{:#x}", self.get(field)))))
            .finish()
    }
}

#[inline(always)]
fn read(words: &[u64; KEY_WORDS], field: Field) -> u128 {
    let FieldSpec { word, shift, width } = field.spec();
    let at = |index: usize| u128::from(words.get(index).copied().unwrap_or(0));
    if width > 64 { at(word) << 64 | at(word + 1) } else { at(word) >> shift & field.full() }
}

#[inline(always)]
fn write(words: &mut [u64; KEY_WORDS], field: Field, value: u128, mask: u128) {
    let FieldSpec { word, shift, width } = field.spec();
    let (value, mask) = (value << shift, mask << shift);
    let mut put = |index: usize, value: u64, mask: u64| {
        if let Some(word) = words.get_mut(index) {
            *word = *word & !mask | value & mask;
        }
    };
    if width > 64 {
        put(word, high(value), high(mask));
        put(word + 1, low(value), low(mask));
    } else {
        put(word, low(value), low(mask));
    }
}

#[inline(always)]
fn high(value: u128) -> u64 {
    low(value >> 64)
}

#[inline(always)]
fn low(value: u128) -> u64 {
    let [.., a, b, c, d, e, f, g, h] = value.to_be_bytes();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_overlap() {
        for &field in Field::ALL {
            let mut key = FlowKey::EMPTY;
            key.set(field, u128::MAX);
            assert_eq!(key.get(field), field.full(), "{field}");
            for &other in Field::ALL.iter().filter(|&&other| other != field) {
                assert_eq!(key.get(other), 0, "{field} and {other}");
            }
        }
    }

    #[test]
    fn an_ipv4_connection_takes_three_words() {
        use Field::{EthType, InPort, IpProto, Ipv4Dst, Ipv4Src, L4Dst, L4Src};
        let mask = FieldMask::of(&[InPort, EthType, IpProto, Ipv4Src, Ipv4Dst, L4Src, L4Dst]);
        assert_eq!(mask.words().iter().filter(|&&word| word != 0).count(), 3);
    }

    #[test]
    fn masked_writes_leave_other_bits() {
        let mut key = FlowKey::EMPTY;
        key.set(Field::Ipv6Dst, 0xffff_0000_0000_0000_1234_0000_0000_5678);
        key.set_masked(Field::Ipv6Dst, 0xaaaa, 0xff);
        assert_eq!(key.get(Field::Ipv6Dst), 0xffff_0000_0000_0000_1234_0000_0000_56aa);
    }

    #[test]
    fn numbers_are_the_apis() {
        for &field in Field::ALL {
            assert_eq!(Field::from_number(i32::from(field as u8)), Some(field));
        }
        assert_eq!(Field::from_number(0), None);
    }
}
