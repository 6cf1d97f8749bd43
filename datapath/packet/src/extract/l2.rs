//! Ethernet II, IEEE 802.1Q and 802.1ad tags (two at most), and 802.2 SNAP.

use super::read::{be16, be32, be48};
use crate::layout::Layout;
use crate::{DropReason, Field, FlowKey};

pub(super) const IPV4: u16 = 0x0800;
pub(super) const ARP: u16 = 0x0806;
pub(super) const IPV6: u16 = 0x86dd;
const VLAN: u16 = 0x8100;
const SERVICE_VLAN: u16 = 0x88a8;
/// Below this, the field is a length (IEEE 802.3 §3.2.6).
const FIRST_ETHER_TYPE: u16 = 0x0600;
/// What OpenFlow calls a frame without EtherType (OFP_DL_TYPE_NOT_ETH_TYPE).
const NOT_ETHER_TYPE: u16 = 0x05ff;
/// The bit of a TCI that says in a key that there is a tag.
const PRESENT: u16 = 0x1000;

/// Writes the Ethernet fields; returns the EtherType behind the tags.
#[inline]
pub(super) fn parse(
    ethernet: &[u8; 14],
    bytes: &[u8],
    key: &mut FlowKey,
    layout: &mut Layout,
) -> Result<u16, DropReason> {
    let cut = DropReason::Runt;
    key.set(Field::EthDst, be48(ethernet, 0).ok_or(cut)?.into());
    key.set(Field::EthSrc, be48(ethernet, 6).ok_or(cut)?.into());
    let mut ether_type = be16(ethernet, 12).ok_or(cut)?;
    for tag in [Field::VlanTci, Field::VlanTciInner] {
        if !is_tag(ether_type) {
            break;
        }
        let tci_and_type = be32(bytes, layout.l3()).ok_or(DropReason::MalformedVlan)?;
        let [high, low, type_high, type_low] = tci_and_type.to_be_bytes();
        key.set(tag, u128::from(u16::from_be_bytes([high, low]) | PRESENT));
        ether_type = u16::from_be_bytes([type_high, type_low]);
        layout.tags += 1;
        layout.l3 += 4;
    }
    if is_tag(ether_type) {
        return Err(DropReason::MalformedVlan);
    }
    if ether_type < FIRST_ETHER_TYPE {
        ether_type = snap(bytes, layout);
    }
    key.set(Field::EthType, ether_type.into());
    Ok(ether_type)
}

#[inline]
fn is_tag(ether_type: u16) -> bool {
    ether_type == VLAN || ether_type == SERVICE_VLAN
}

/// The EtherType of a SNAP header of organisation 0 (RFC 1042), which is skipped; any other 802.2 frame has none.
fn snap(bytes: &[u8], layout: &mut Layout) -> u16 {
    let at = layout.l3();
    match (be48(bytes, at), be16(bytes, at + 6)) {
        (Some(0xaaaa_0300_0000), Some(ether_type)) if ether_type >= FIRST_ETHER_TYPE => {
            layout.l3 += 8;
            ether_type
        }
        _ => NOT_ETHER_TYPE,
    }
}
