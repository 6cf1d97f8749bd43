//! [`SetField`]: bits of one field, and the place and checksums they have in a frame.

use super::VLAN_PRESENT;
use crate::checksum::Sum;
use crate::extract::nd;
use crate::layout::{Network, Transport};
use crate::{Depth, DropReason, Field, Layout};

/// Bits to be written to a field that can be written.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SetField {
    // Two halves each: a `u128` would align, and pad, everything that holds this to 16 bytes.
    value: [u64; 2],
    mask: [u64; 2],
    field: Field,
}

/// Why something is no [`SetField`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetFieldError {
    /// The field tells what a frame is or where it came from.
    ReadOnly(Field),
    /// The value or the mask has bits beyond the field's width.
    TooWide(Field),
    /// The value has bits that the mask does not.
    OutsideMask(Field),
    /// The mask has no bit.
    EmptyMask(Field),
    /// The bit that says that there is a VLAN tag would be cleared; popping the tag does that.
    ClearsTag,
}

impl SetField {
    /// Sets the bits of `field` that `mask` names to those of `value`.
    ///
    /// # Errors
    /// Whatever cannot be carried out, see [`SetFieldError`].
    pub const fn new(field: Field, value: u128, mask: u128) -> Result<SetField, SetFieldError> {
        if !writable(field) {
            return Err(SetFieldError::ReadOnly(field));
        }
        if (value | mask) & !field.full() != 0 {
            return Err(SetFieldError::TooWide(field));
        }
        if mask == 0 {
            return Err(SetFieldError::EmptyMask(field));
        }
        if value & !mask != 0 {
            return Err(SetFieldError::OutsideMask(field));
        }
        if matches!(field, Field::VlanTci) && mask & VLAN_PRESENT != 0 && value & VLAN_PRESENT == 0 {
            return Err(SetFieldError::ClearsTag);
        }
        Ok(SetField { value: split(value), mask: split(mask), field })
    }

    /// The field.
    #[inline]
    pub fn field(&self) -> Field {
        self.field
    }

    /// The bits' values; 0 outside the mask.
    #[inline]
    pub fn value(&self) -> u128 {
        join(self.value)
    }

    /// The bits that are written.
    #[inline]
    pub fn mask(&self) -> u128 {
        join(self.mask)
    }

    pub(super) fn depth(&self) -> Depth {
        match self.field {
            Field::EthDst | Field::EthSrc | Field::VlanTci => Depth::L2,
            // Pipeline state: nothing in the frame.
            Field::Metadata => Depth::Port,
            // Addresses are covered by the transport's checksum.
            _ => Depth::L4,
        }
    }

    pub(super) fn apply(&self, bytes: &mut [u8], layout: &Layout) -> Result<(), DropReason> {
        if self.field == Field::Metadata {
            return Ok(());
        }
        Place::of(self.field, bytes, layout)
            .and_then(|place| place.write(bytes, layout, self.value(), self.mask()))
            .ok_or(DropReason::RewriteImpossible)
    }
}

impl core::fmt::Debug for SetField {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}={:#x}/{:#x}", self.field, self.value(), self.mask())
    }
}

impl core::fmt::Display for SetFieldError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            SetFieldError::ReadOnly(field) => write!(f, "{field} cannot be written"),
            SetFieldError::TooWide(field) => write!(f, "{field} has only {} bits", field.width()),
            SetFieldError::OutsideMask(field) => write!(f, "{field}: the value has bits outside its mask"),
            SetFieldError::EmptyMask(field) => write!(f, "{field}: the mask is empty"),
            SetFieldError::ClearsTag => {
                f.write_str("vlan_tci: its present bit cannot be cleared; pop the tag")
            }
        }
    }
}

impl core::error::Error for SetFieldError {}

const fn writable(field: Field) -> bool {
    !matches!(
        field,
        Field::InPort
            | Field::TunnelId
            | Field::TunnelSrc
            | Field::TunnelSrc6
            | Field::TunnelRemote
            | Field::EthType
            | Field::VlanTciInner
            | Field::IpFrag
            | Field::TcpFlags
    )
}

/// Which checksums cover a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Covered {
    /// None.
    No,
    /// IPv4's header.
    Header,
    /// IPv4's header, and the transport's by the pseudo header.
    HeaderAndTransport,
    /// The transport's, as part of IPv6's pseudo header.
    Pseudo,
    /// The transport's.
    Transport,
}

/// Where a field lies in a frame: in `len` bytes from `at` on, `shift` bits from their end. `at` is an even number
/// of bytes into what a checksum covers, and `len` is even, at most 16.
struct Place {
    at: usize,
    len: usize,
    shift: u32,
    /// The bits of the field that the frame has.
    bits: u128,
    covered: Covered,
}

impl Place {
    /// `None` if the frame does not have the field.
    fn of(field: Field, bytes: &[u8], layout: &Layout) -> Option<Place> {
        use Network::{Arp, Ipv4, Ipv6};
        let (l3, l4) = (layout.l3(), layout.l4());
        let icmp = matches!(layout.transport, Transport::Icmp | Transport::Icmp6);
        let ports = matches!(layout.transport, Transport::Tcp | Transport::Udp);
        let tag = (layout.tags > 0).then_some(14);
        let (at, len, shift, covered) = match (field, layout.network) {
            (Field::EthDst, _) => (0, 6, 0, Covered::No),
            (Field::EthSrc, _) => (6, 6, 0, Covered::No),
            (Field::VlanTci, _) => (tag?, 2, 0, Covered::No),
            (Field::IpProto, Arp) => (l3 + 6, 2, 0, Covered::No),
            (Field::ArpSha, Arp) => (l3 + 8, 6, 0, Covered::No),
            (Field::Ipv4Src, Arp) => (l3 + 14, 4, 0, Covered::No),
            (Field::ArpTha, Arp) => (l3 + 18, 6, 0, Covered::No),
            (Field::Ipv4Dst, Arp) => (l3 + 24, 4, 0, Covered::No),
            (Field::IpDscp, Ipv4) => (l3, 2, 2, Covered::Header),
            (Field::IpEcn, Ipv4) => (l3, 2, 0, Covered::Header),
            (Field::IpTtl, Ipv4) => (l3 + 8, 2, 8, Covered::Header),
            (Field::Ipv4Src, Ipv4) => (l3 + 12, 4, 0, Covered::HeaderAndTransport),
            (Field::Ipv4Dst, Ipv4) => (l3 + 16, 4, 0, Covered::HeaderAndTransport),
            (Field::IpDscp, Ipv6) => (l3, 2, 6, Covered::No),
            (Field::IpEcn, Ipv6) => (l3, 2, 4, Covered::No),
            (Field::Ipv6Flabel, Ipv6) => (l3, 4, 0, Covered::No),
            (Field::IpTtl, Ipv6) => (l3 + 6, 2, 0, Covered::No),
            (Field::Ipv6Src, Ipv6) => (l3 + 8, 16, 0, Covered::Pseudo),
            (Field::Ipv6Dst, Ipv6) => (l3 + 24, 16, 0, Covered::Pseudo),
            (Field::L4Src, _) if ports => (l4, 2, 0, Covered::Transport),
            (Field::L4Dst, _) if ports => (l4 + 2, 2, 0, Covered::Transport),
            (Field::L4Src, _) if icmp => (l4, 2, 8, Covered::Transport),
            (Field::L4Dst, _) if icmp => (l4, 2, 0, Covered::Transport),
            (Field::NdTarget, Ipv6) => (l4 + nd::target(bytes, layout)?, 16, 0, Covered::Transport),
            (Field::ArpSha, Ipv6) => (l4 + nd::source_address(bytes, layout)?, 6, 0, Covered::Transport),
            (Field::ArpTha, Ipv6) => (l4 + nd::target_address(bytes, layout)?, 6, 0, Covered::Transport),
            _ => return None,
        };
        let bits = match field {
            // The key's present bit is the drop eligible indicator's place in the frame.
            Field::VlanTci => field.full() & !VLAN_PRESENT,
            Field::L4Src | Field::L4Dst if icmp => 0xff,
            _ => field.full(),
        };
        Some(Place { at, len, shift, bits, covered })
    }

    /// Writes and adjusts checksums; `None`, and nothing done, if the field or a checksum is not in `bytes`.
    fn write(&self, bytes: &mut [u8], layout: &Layout, value: u128, mask: u128) -> Option<()> {
        let window = bytes.get(self.at..self.at + self.len)?;
        let mut old = [0; 16];
        let padding = old.len() - self.len;
        old.get_mut(padding..)?.copy_from_slice(window);
        let mask = (mask & self.bits) << self.shift;
        let new = u128::from_be_bytes(old) & !mask | value << self.shift & mask;
        let change = Change { old, new: new.to_be_bytes() };

        let ip_sum = layout.l3() + 10;
        let transport_sum = match (layout.transport, self.covered) {
            (_, Covered::No | Covered::Header) | (Transport::Other, _) => None,
            // Only ICMPv6 has a pseudo header.
            (Transport::Icmp, Covered::HeaderAndTransport | Covered::Pseudo) => None,
            (Transport::Icmp | Transport::Icmp6, _) => Some(layout.l4() + 2),
            (Transport::Tcp, _) => Some(layout.l4() + 16),
            (Transport::Udp, _) => Some(layout.l4() + 6),
            // CRC32c over all of the packet, without a pseudo header: addresses are free, ports have no place.
            (Transport::Sctp, _) => None,
        };
        if transport_sum.is_some_and(|at| at + 2 > bytes.len()) {
            return None;
        }
        if matches!(self.covered, Covered::Header | Covered::HeaderAndTransport) {
            change.adjust(bytes.get_mut(ip_sum..)?.first_chunk_mut()?);
        }
        if let Some(at) = transport_sum {
            let sum = bytes.get_mut(at..)?.first_chunk_mut()?;
            match layout.transport {
                Transport::Udp => change.adjust_udp(sum),
                _ => change.adjust(sum),
            }
        }
        bytes.get_mut(self.at..self.at + self.len)?.copy_from_slice(change.new.get(padding..)?);
        Some(())
    }
}

/// 16 bytes that a checksum covers, before and after.
struct Change {
    old: [u8; 16],
    new: [u8; 16],
}

impl Change {
    /// RFC 1624 §3, equation 3.
    fn adjust(&self, sum: &mut [u8; 2]) {
        let without_old = Sum::ZERO.u16(!u16::from_be_bytes(*sum)).bytes(&self.old.map(|byte| !byte));
        *sum = without_old.bytes(&self.new).checksum().to_be_bytes();
    }

    /// 0 says that there is no checksum (RFC 768).
    fn adjust_udp(&self, sum: &mut [u8; 2]) {
        if *sum == [0, 0] {
            return;
        }
        self.adjust(sum);
        if *sum == [0, 0] {
            *sum = [0xff, 0xff];
        }
    }
}

const fn split(value: u128) -> [u64; 2] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = value.to_be_bytes();
    [u64::from_be_bytes([a, b, c, d, e, f, g, h]), u64::from_be_bytes([i, j, k, l, m, n, o, p])]
}

#[inline]
fn join([high, low]: [u64; 2]) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}
