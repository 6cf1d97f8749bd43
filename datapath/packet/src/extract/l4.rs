//! TCP, UDP, SCTP, ICMP and ICMPv6 with neighbour discovery.

use super::l3::Payload;
use super::nd;
use super::read::{be8, be16, be48, be128};
use crate::layout::{Layout, Network, Transport};
use crate::{DropReason, Field, FlowKey, protocol};

/// Writes the transport's fields. A protocol that the switch does not know has none.
pub(super) fn parse(
    bytes: &[u8],
    payload: Payload,
    key: &mut FlowKey,
    layout: &mut Layout,
) -> Result<(), DropReason> {
    let at = layout.l4();
    let transport = match (payload.protocol, layout.network) {
        (protocol::TCP, _) => Transport::Tcp,
        (protocol::UDP, _) => Transport::Udp,
        (protocol::SCTP, _) => Transport::Sctp,
        (protocol::ICMP, Network::Ipv4) => Transport::Icmp,
        (protocol::ICMP6, Network::Ipv6) => Transport::Icmp6,
        _ => return Ok(()),
    };
    let least = match transport {
        Transport::Tcp => 20,
        Transport::Sctp => 12,
        Transport::Icmp6 => 4,
        Transport::Udp | Transport::Icmp | Transport::Other => 8,
    };
    if payload.len < least {
        return Err(DropReason::MalformedL4);
    }
    let header = bytes.get(at..at + least).ok_or(DropReason::HeadersTooDeep)?;
    layout.transport = transport;
    fields(header, transport, payload, key).ok_or(DropReason::MalformedL4)?;
    if transport == Transport::Icmp6 {
        return neighbour_discovery(bytes, payload, key, layout);
    }
    Ok(())
}

/// `None` if lengths contradict each other.
fn fields(header: &[u8], transport: Transport, payload: Payload, key: &mut FlowKey) -> Option<()> {
    match transport {
        Transport::Icmp | Transport::Icmp6 => {
            key.set(Field::L4Src, be8(header, 0)?.into());
            key.set(Field::L4Dst, be8(header, 1)?.into());
            return Some(());
        }
        Transport::Tcp => {
            let offset_and_flags = be16(header, 12)?;
            let header_len = usize::from(offset_and_flags >> 12) * 4;
            // Options may go on in the next fragment.
            if header_len < 20 || (header_len > payload.len && !payload.fragment) {
                return None;
            }
            key.set(Field::TcpFlags, (offset_and_flags & 0xfff).into());
        }
        Transport::Udp => {
            let len = usize::from(be16(header, 4)?);
            if len < 8 || (len > payload.len && !payload.fragment) {
                return None;
            }
        }
        Transport::Sctp | Transport::Other => {}
    }
    key.set(Field::L4Src, be16(header, 0)?.into());
    key.set(Field::L4Dst, be16(header, 2)?.into());
    Some(())
}

/// The target and the link-layer address of a neighbour solicitation or advertisement, as far as they are there.
fn neighbour_discovery(
    bytes: &[u8],
    payload: Payload,
    key: &mut FlowKey,
    layout: &Layout,
) -> Result<(), DropReason> {
    let at = layout.l4();
    let target = nd::target(bytes, layout).and_then(|offset| be128(bytes, at + offset));
    key.set(Field::NdTarget, target.unwrap_or(0));
    let source = nd::source_address(bytes, layout).map(|offset| (Field::ArpSha, offset));
    match source.or_else(|| nd::target_address(bytes, layout).map(|offset| (Field::ArpTha, offset))) {
        Some((field, offset)) => {
            key.set(field, be48(bytes, at + offset).ok_or(DropReason::MalformedL4)?.into());
        }
        // An address must not hide from the rules behind other headers or options.
        None if nd::is_message(bytes, at) && at + payload.len > bytes.len() => {
            return Err(DropReason::HeadersTooDeep);
        }
        None => {}
    }
    Ok(())
}
