//! Ethernet around the messages.

use sluice_packet::MacAddr;
use smoltcp::wire::{EthernetAddress, EthernetFrame, EthernetProtocol, EthernetRepr};

const HEADER_LEN: usize = 14;

/// A frame that came to us or to a group.
pub(super) struct Received<'a> {
    pub(super) src: MacAddr,
    pub(super) ethertype: EthernetProtocol,
    pub(super) payload: &'a [u8],
}

impl<'a> Received<'a> {
    /// `None` if it is cut short, to somebody else, or from no host.
    pub(super) fn parse(frame: &'a [u8], own: MacAddr) -> Option<Self> {
        let frame = EthernetFrame::new_checked(frame).ok()?;
        let src = MacAddr::new(frame.src_addr().0);
        let dst = MacAddr::new(frame.dst_addr().0);
        if (dst != own && !dst.is_multicast()) || !src.is_unicast() {
            return None;
        }
        Some(Received { src, ethertype: frame.ethertype(), payload: frame.payload() })
    }
}

/// Writes an Ethernet header into `out` and lets `body` write exactly `len` bytes behind it; the frame's length.
/// `None` if `out` is too short.
pub(super) fn emit(
    out: &mut [u8],
    src: MacAddr,
    dst: MacAddr,
    ethertype: EthernetProtocol,
    len: usize,
    body: impl FnOnce(&mut [u8]),
) -> Option<usize> {
    let len = HEADER_LEN.checked_add(len)?;
    let mut frame = EthernetFrame::new_checked(out.get_mut(..len)?).ok()?;
    let header = EthernetRepr { src_addr: address(src), dst_addr: address(dst), ethertype };
    header.emit(&mut frame);
    body(frame.payload_mut());
    Some(len)
}

/// smoltcp's own type of address.
pub(super) const fn address(mac: MacAddr) -> EthernetAddress {
    EthernetAddress(mac.octets())
}
