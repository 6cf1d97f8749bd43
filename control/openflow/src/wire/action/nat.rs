//! Network address translation of a connection: Nicira's `nat`, as it stands in `ct`.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::wire::codec::{Reader, Writer, wire_flags};
use crate::wire::error::{BadAction, DecodeError};

const SOURCE: u16 = 1;
const DESTINATION: u16 = 2;
const IPV4_MIN: u16 = 1;
const IPV4_MAX: u16 = 2;
const IPV6_MIN: u16 = 4;
const IPV6_MAX: u16 = 8;
const PORT_MIN: u16 = 16;
const PORT_MAX: u16 = 32;

/// How a connection's addresses are translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nat {
    /// As was decided when the connection was committed.
    Established,
    /// A new connection's, from now on.
    Translate {
        /// Which end.
        side: NatSide,
        /// How a value is chosen.
        flags: NatFlags,
        /// To which addresses; the present one if none.
        addresses: Option<NatAddresses>,
        /// To which ports; any that is free if none.
        ports: Option<NatPorts>,
    },
}

/// Which end of a connection is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NatSide {
    /// The source.
    Source,
    /// The destination.
    Destination,
}

wire_flags! {
    /// How an address and port are chosen from a range.
    pub struct NatFlags: u16, else BadAction::BadArgument, "a flag of nat is unknown" {
        /// The same for the same source, even after a restart.
        PERSISTENT = 4;
        /// By a hash of the connection's addresses.
        HASH = 8;
        /// At random.
        RANDOM = 16;
    }
}

/// Addresses to choose from, `min` to `max`; without `max` only `min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NatAddresses {
    /// IPv4.
    V4 {
        /// The lowest.
        min: Ipv4Addr,
        /// The highest, not below `min`.
        max: Option<Ipv4Addr>,
    },
    /// IPv6.
    V6 {
        /// The lowest.
        min: Ipv6Addr,
        /// The highest, not below `min`.
        max: Option<Ipv6Addr>,
    },
}

/// Ports to choose from, `min` to `max`; without `max` only `min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NatPorts {
    /// The lowest, not 0.
    pub min: u16,
    /// The highest, not below `min`.
    pub max: Option<u16>,
}

/// Reads what follows the action's header, padding included.
pub(super) fn read(body: &mut Reader<'_>) -> Result<Nat, DecodeError> {
    let at = body.clone();
    let bad = |what| Err(at.error(BadAction::BadArgument, what));
    body.pad(2)?;
    let (flags, present) = (body.u16()?, body.u16()?);
    let addresses = read_addresses(body, &at, present)?;
    let ports = read_ports(body, &at, present)?;
    if present >= PORT_MAX << 1 {
        return bad("a range of nat is unknown");
    }
    if body.remaining() >= 8 {
        return Err(body.bad_length("bytes are left over"));
    }
    body.pad(body.remaining())?;
    let side = match flags & (SOURCE | DESTINATION) {
        0 if flags == 0 && present == 0 => return Ok(Nat::Established),
        SOURCE => NatSide::Source,
        DESTINATION => NatSide::Destination,
        _ => return bad("nat translates the source or the destination"),
    };
    let flags = match NatFlags::from_bits(flags & !(SOURCE | DESTINATION)) {
        Some(flags) if !flags.contains(NatFlags::HASH | NatFlags::RANDOM) => flags,
        _ => return bad("flags of nat are unknown or exclude each other"),
    };
    Ok(Nat::Translate { side, flags, addresses, ports })
}

/// Writes what follows the action's header, without the padding at its end.
pub(super) fn write(nat: &Nat, writer: &mut Writer<'_>) {
    writer.pad(2);
    let Nat::Translate { side, flags, addresses, ports } = nat else {
        writer.u16(0);
        writer.u16(0);
        return;
    };
    let side = match side {
        NatSide::Source => SOURCE,
        NatSide::Destination => DESTINATION,
    };
    writer.u16(side | flags.bits());
    let in_addresses = match addresses {
        None => 0,
        Some(NatAddresses::V4 { max, .. }) => IPV4_MIN | if max.is_some() { IPV4_MAX } else { 0 },
        Some(NatAddresses::V6 { max, .. }) => IPV6_MIN | if max.is_some() { IPV6_MAX } else { 0 },
    };
    let in_ports = match ports {
        None => 0,
        Some(NatPorts { max, .. }) => PORT_MIN | if max.is_some() { PORT_MAX } else { 0 },
    };
    writer.u16(in_addresses | in_ports);
    match addresses {
        None => {}
        Some(NatAddresses::V4 { min, max }) => {
            std::iter::once(min).chain(max).for_each(|address| writer.bytes(&address.octets()));
        }
        Some(NatAddresses::V6 { min, max }) => {
            std::iter::once(min).chain(max).for_each(|address| writer.bytes(&address.octets()));
        }
    }
    if let Some(NatPorts { min, max }) = ports {
        std::iter::once(min).chain(max).for_each(|port| writer.u16(*port));
    }
}

fn read_addresses(
    body: &mut Reader<'_>,
    at: &Reader<'_>,
    present: u16,
) -> Result<Option<NatAddresses>, DecodeError> {
    let bad = |what| Err(at.error(BadAction::BadArgument, what));
    match present & (IPV4_MIN | IPV4_MAX | IPV6_MIN | IPV6_MAX) {
        0 => Ok(None),
        v4 if v4 & IPV4_MIN != 0 && v4 & (IPV6_MIN | IPV6_MAX) == 0 => {
            let min = body.array::<4>().map(Ipv4Addr::from)?;
            let max = if v4 & IPV4_MAX != 0 { Some(body.array::<4>().map(Ipv4Addr::from)?) } else { None };
            if max.is_some_and(|max| max < min) {
                return bad("the range of addresses is empty");
            }
            Ok(Some(NatAddresses::V4 { min, max }))
        }
        v6 if v6 & IPV6_MIN != 0 && v6 & (IPV4_MIN | IPV4_MAX) == 0 => {
            let min = body.array::<16>().map(Ipv6Addr::from)?;
            let max = if v6 & IPV6_MAX != 0 { Some(body.array::<16>().map(Ipv6Addr::from)?) } else { None };
            if max.is_some_and(|max| max < min) {
                return bad("the range of addresses is empty");
            }
            Ok(Some(NatAddresses::V6 { min, max }))
        }
        _ => bad("a range of addresses is of one family and has a lowest one"),
    }
}

fn read_ports(body: &mut Reader<'_>, at: &Reader<'_>, present: u16) -> Result<Option<NatPorts>, DecodeError> {
    let bad = |what| Err(at.error(BadAction::BadArgument, what));
    match (present & PORT_MIN != 0, present & PORT_MAX != 0) {
        (false, false) => Ok(None),
        (false, true) => bad("a range of ports has a lowest one"),
        (true, has_max) => {
            let min = body.u16()?;
            let max = if has_max { Some(body.u16()?) } else { None };
            if min == 0 || max.is_some_and(|max| max < min) {
                return bad("the range of ports is empty");
            }
            Ok(Some(NatPorts { min, max }))
        }
    }
}
