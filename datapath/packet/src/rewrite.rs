//! [`Rewrite`]: what a rule changes in a frame, done in place with the checksums adjusted (RFC 1624).
//!
//! A rewrite can be carried out on the frame's bytes ([`Rewrite::apply`]) and on its key ([`Rewrite::apply_to_key`]);
//! parsing the rewritten frame gives the rewritten key.

mod set;

pub use set::{SetField, SetFieldError};

use crate::layout::Network;
use crate::{Depth, DropReason, Field, FlowKey, Head, Layout, checksum};

/// The tag protocol identifiers that can be pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Tpid {
    /// Customer tag (IEEE 802.1Q).
    Customer = 0x8100,
    /// Service tag (IEEE 802.1ad).
    Service = 0x88a8,
}

impl Tpid {
    /// The identifier of this number.
    pub const fn new(number: u32) -> Option<Tpid> {
        match number {
            0x8100 => Some(Tpid::Customer),
            0x88a8 => Some(Tpid::Service),
            _ => None,
        }
    }
}

/// One change to a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rewrite {
    /// Writes some or all bits of a field.
    Set(SetField),
    /// Pushes a tag with the VLAN and priority of the present outer one, or 0 (OpenFlow 1.3.5 §5.12.1).
    PushVlan(Tpid),
    /// Pops the outer tag.
    PopVlan,
    /// Decrements the TTL or hop limit.
    DecTtl,
}

impl Rewrite {
    /// How deep a frame has to be parsed for this rewrite.
    pub fn depth(&self) -> Depth {
        match self {
            Rewrite::Set(set) => set.depth(),
            Rewrite::PushVlan(_) | Rewrite::PopVlan => Depth::L2,
            Rewrite::DecTtl => Depth::L3,
        }
    }

    /// Changes the frame. `layout` must come from [`extract`](crate::extract) at [`Rewrite::depth`] or deeper and
    /// follows the change.
    ///
    /// An IPv4 frame's header checksum and the TCP, UDP, ICMP or ICMPv6 checksum are adjusted; a UDP checksum of 0
    /// (none) stays 0. With an IPv6 routing header, the destination counts as the one that the checksum covers.
    ///
    /// # Errors
    /// [`DropReason::TtlExpired`]; [`DropReason::RewriteImpossible`] if the frame does not have that header or its
    /// checksum lies behind the head. The frame is then unchanged.
    #[inline]
    pub fn apply(&self, head: &mut Head, layout: &mut Layout) -> Result<(), DropReason> {
        if layout.depth < self.depth() {
            return Err(DropReason::RewriteImpossible);
        }
        match self {
            Rewrite::Set(set) => set.apply(head.bytes_mut(), layout),
            Rewrite::PushVlan(tpid) => push_vlan(*tpid, head, layout).ok_or(DropReason::RewriteImpossible),
            Rewrite::PopVlan => pop_vlan(head, layout).ok_or(DropReason::RewriteImpossible),
            Rewrite::DecTtl => dec_ttl(head.bytes_mut(), layout),
        }
    }

    /// Changes the key as the frame would change.
    ///
    /// # Errors
    /// [`DropReason::RewriteImpossible`] for a third tag, or for popping from an untagged frame.
    #[inline]
    pub fn apply_to_key(&self, key: &mut FlowKey) -> Result<(), DropReason> {
        let outer = key.get(Field::VlanTci);
        let inner = key.get(Field::VlanTciInner);
        match self {
            Rewrite::Set(set) => key.set_masked(set.field(), set.value(), set.mask()),
            Rewrite::PushVlan(_) if inner != 0 => return Err(DropReason::RewriteImpossible),
            Rewrite::PushVlan(_) => {
                key.set(Field::VlanTciInner, outer);
                key.set(Field::VlanTci, outer | VLAN_PRESENT);
            }
            Rewrite::PopVlan if outer == 0 => return Err(DropReason::RewriteImpossible),
            Rewrite::PopVlan => {
                key.set(Field::VlanTci, inner);
                key.set(Field::VlanTciInner, 0);
            }
            Rewrite::DecTtl => key.set(Field::IpTtl, key.get(Field::IpTtl).saturating_sub(1)),
        }
        Ok(())
    }
}

/// The bit of [`Field::VlanTci`] that says that there is a tag.
pub const VLAN_PRESENT: u128 = 0x1000;

const TAG: usize = 4;
const MACS: usize = 12;

fn push_vlan(tpid: Tpid, head: &mut Head, layout: &mut Layout) -> Option<()> {
    let tci = match layout.tags {
        0 => [0, 0],
        // VLAN and priority; not the drop eligible indicator, whose place the key needs.
        1 => head.bytes().get(MACS + 2..)?.first_chunk().map(|[high, low]| [high & 0xef, *low])?,
        _ => return None,
    };
    let bytes = head.push_front(TAG)?;
    bytes.copy_within(TAG..TAG + MACS, 0);
    let [tpid_high, tpid_low] = (tpid as u16).to_be_bytes();
    let [tci_high, tci_low] = tci;
    *bytes.get_mut(MACS..)?.first_chunk_mut()? = [tpid_high, tpid_low, tci_high, tci_low];
    layout.tags += 1;
    layout.l3 += 4;
    layout.l4 += 4;
    Some(())
}

fn pop_vlan(head: &mut Head, layout: &mut Layout) -> Option<()> {
    if layout.tags == 0 || head.len() < MACS + TAG + 2 {
        return None;
    }
    head.bytes_mut().copy_within(..MACS, TAG);
    head.pull_front(TAG)?;
    layout.tags -= 1;
    layout.l3 -= 4;
    layout.l4 -= 4;
    Some(())
}

fn dec_ttl(bytes: &mut [u8], layout: &Layout) -> Result<(), DropReason> {
    let ip = bytes.get_mut(layout.l3()..).ok_or(DropReason::RewriteImpossible)?;
    match (layout.network, ip) {
        (Network::Ipv4, [_, _, _, _, _, _, _, _, ttl, protocol, sum_high, sum_low, ..]) => {
            let old = u16::from_be_bytes([*ttl, *protocol]);
            *ttl = ttl.checked_sub(1).filter(|&ttl| ttl != 0).ok_or(DropReason::TtlExpired)?;
            let new = u16::from_be_bytes([*ttl, *protocol]);
            let sum = u16::from_be_bytes([*sum_high, *sum_low]);
            [*sum_high, *sum_low] = checksum::adjust(sum, old, new).to_be_bytes();
            Ok(())
        }
        (Network::Ipv6, [_, _, _, _, _, _, _, hop_limit, ..]) => {
            *hop_limit = hop_limit.checked_sub(1).filter(|&ttl| ttl != 0).ok_or(DropReason::TtlExpired)?;
            Ok(())
        }
        _ => Err(DropReason::RewriteImpossible),
    }
}
