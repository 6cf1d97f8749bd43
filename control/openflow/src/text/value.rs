//! Reading and writing the values of fields.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use sluice_api::MAX_OF_PORT;
use sluice_api::field::MaskedField;
use sluice_api::mac::Mac;
use sluice_api::v1::Field;

use super::PortNames;
use super::error::{Reason, SyntaxError};
use super::names::Format;
use super::token::Token;

/// The bit of [`Field::VlanTci`] that says that there is a tag.
pub(super) const VLAN_PRESENT: u128 = 0x1000;
/// The bits of [`Field::VlanTci`] that `vlan_vid` covers: id and presence.
pub(super) const VLAN_VID_MASK: u128 = 0x1fff;
/// The bits of [`Field::VlanTci`] that `vlan_pcp` covers: priority and presence.
pub(super) const VLAN_PCP_MASK: u128 = 0xf000;

const TCP_FLAGS: [&str; 12] =
    ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns", "[200]", "[400]", "[800]"];

const FRAGMENTS: [(&str, u128, u128); 5] =
    [("no", 0, 3), ("yes", 1, 1), ("first", 1, 3), ("later", 3, 3), ("not_later", 0, 2)];

/// Reads a field's value.
pub(super) fn parse(
    field: Field,
    format: Format,
    token: Token<'_>,
    ports: &PortNames<'_>,
) -> Result<MaskedField, SyntaxError> {
    let masked = |value, mask| MaskedField::masked(field, value, mask);
    let exact = |value| MaskedField::exact(field, value);
    Ok(match format {
        Format::Decimal | Format::Hex => with_mask(token, |part| number(part, 0, field.all_ones()))
            .map(|(value, mask)| masked(value, mask.unwrap_or(u128::MAX)))?,
        Format::Byte => exact(number(token, 0, 0xff)?),
        Format::Port => exact(port(token, ports)?.into()),
        Format::Mac => {
            let (value, mask) = with_mask(token, mac)?;
            masked(value.number().into(), mask.map_or(u128::MAX, |mask| mask.number().into()))
        }
        Format::Ipv4 => {
            let address =
                |part: Token<'_>| part.text.parse::<Ipv4Addr>().map(|a| u128::from(a.to_bits())).ok();
            let (value, mask) =
                prefix(token, 32, "an IPv4 address: 10.0.0.1, 10.0.0.0/8 or 10.0.0.0/255.0.0.0", address)?;
            masked(value, mask)
        }
        Format::Ipv6 => {
            let address = |part: Token<'_>| part.text.parse::<Ipv6Addr>().map(Ipv6Addr::to_bits).ok();
            let (value, mask) = prefix(token, 128, "an IPv6 address: 2001:db8::1 or 2001:db8::/32", address)?;
            masked(value, mask)
        }
        Format::VlanId => match number(token, 0, 0xffff)? {
            0xffff => exact(0),
            vid @ 0..=0xfff => masked(VLAN_PRESENT | vid, VLAN_VID_MASK),
            _ => return Err(token.error(Reason::Range(0, 0xfff))),
        },
        Format::VlanVid => {
            let (value, mask) = with_mask(token, |part| number(part, 0, VLAN_VID_MASK))?;
            masked(value, mask.unwrap_or(VLAN_VID_MASK))
        }
        Format::VlanPcp => masked(VLAN_PRESENT | number(token, 0, 7)? << 13, VLAN_PCP_MASK),
        Format::Tos => match number(token, 0, 0xff)? {
            tos if tos & 3 == 0 => exact(tos >> 2),
            _ => return Err(token.error(Reason::Expected("a TOS byte whose lowest two bits (ECN) are 0"))),
        },
        Format::Fragment => {
            let (value, mask) = fragment(token)?;
            masked(value, mask)
        }
        Format::TcpFlags => {
            let (value, mask) = tcp_flags(token)?;
            masked(value, mask)
        }
    })
}

/// Writes a field's value, so that [`parse`] reads it again.
pub(super) fn write(f: &mut fmt::Formatter<'_>, format: Format, masked: MaskedField) -> fmt::Result {
    let (value, mask, exact) = (masked.value(), masked.mask(), masked.is_exact());
    let low64 = |number: u128| Mac::from_number(u64::try_from(number).unwrap_or(u64::MAX));
    let ipv4 = |number: u128| Ipv4Addr::from_bits(u32::try_from(number).unwrap_or(u32::MAX));
    match format {
        Format::VlanId => write!(f, "{}", value & 0xfff),
        Format::VlanVid => write!(f, "{value}"),
        Format::VlanPcp => write!(f, "{}", value >> 13),
        Format::Tos if exact => write!(f, "{}", value << 2),
        Format::Decimal | Format::Byte | Format::Port if exact => write!(f, "{value}"),
        Format::Fragment => match FRAGMENTS.iter().find(|(_, v, m)| (*v, *m) == (value, mask)) {
            Some((name, ..)) => f.write_str(name),
            None => write!(f, "{value:#x}/{mask:#x}"),
        },
        Format::TcpFlags => write_tcp_flags(f, value, mask, exact),
        Format::Mac if exact => write!(f, "{}", low64(value)),
        Format::Mac => write!(f, "{}/{}", low64(value), low64(mask)),
        Format::Ipv4 => match prefix_length(mask, 32) {
            Some(32) => write!(f, "{}", ipv4(value)),
            Some(length) => write!(f, "{}/{length}", ipv4(value)),
            None => write!(f, "{}/{}", ipv4(value), ipv4(mask)),
        },
        Format::Ipv6 => match prefix_length(mask, 128) {
            Some(128) => write!(f, "{}", Ipv6Addr::from_bits(value)),
            Some(length) => write!(f, "{}/{length}", Ipv6Addr::from_bits(value)),
            None => write!(f, "{}/{}", Ipv6Addr::from_bits(value), Ipv6Addr::from_bits(mask)),
        },
        Format::Hex if exact && masked.field() == Field::EthType => write!(f, "{value:#06x}"),
        Format::Hex if masked.field() == Field::VlanTci && exact => write!(f, "{value:#06x}"),
        Format::Hex if masked.field() == Field::VlanTci => write!(f, "{value:#06x}/{mask:#06x}"),
        Format::Hex if masked.field() == Field::Ipv6Flabel && exact => write!(f, "{value:#07x}"),
        Format::Hex if exact => write!(f, "{value:#x}"),
        Format::Hex | Format::Decimal | Format::Byte | Format::Port | Format::Tos => {
            write!(f, "{value:#x}/{mask:#x}")
        }
    }
}

/// Reads a number, decimal or hexadecimal with 0x.
pub(super) fn number(token: Token<'_>, low: u128, high: u128) -> Result<u128, SyntaxError> {
    let text = token.text;
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
            u128::from_str_radix(digits, 16)
        }
        None if text.bytes().all(|digit| digit.is_ascii_digit()) => text.parse(),
        _ => return Err(token.error(Reason::Range(low, high))),
    };
    parsed
        .ok()
        .filter(|number| (low..=high).contains(number))
        .ok_or_else(|| token.error(Reason::Range(low, high)))
}

/// Reads a number of at most 32 bits.
pub(super) fn number32(token: Token<'_>, low: u32, high: u32) -> Result<u32, SyntaxError> {
    let number = number(token, low.into(), high.into())?;
    u32::try_from(number).map_err(|_| token.error(Reason::Range(low.into(), high.into())))
}

/// Reads an OpenFlow port, by number or by name.
pub(super) fn port(token: Token<'_>, ports: &PortNames<'_>) -> Result<u32, SyntaxError> {
    let name = token.text.trim_matches('"');
    if name.starts_with(|c: char| c.is_ascii_digit())
        && let Ok(number) = number32(token, 1, MAX_OF_PORT)
    {
        return Ok(number);
    }
    if let Some(number) = ports(name) {
        return Ok(number);
    }
    Err(token.error(match name {
        "LOCAL" | "local" => Reason::Unsupported("bridges have no local port of the host"),
        _ if name.starts_with(|c: char| c.is_ascii_digit()) => Reason::Range(1, MAX_OF_PORT.into()),
        _ => Reason::UnknownPort,
    }))
}

/// Reads a MAC address.
pub(super) fn mac(token: Token<'_>) -> Result<Mac, SyntaxError> {
    token.text.parse().map_err(|_| token.error(Reason::Expected("a MAC address like 52:54:00:12:34:56")))
}

fn with_mask<T>(
    token: Token<'_>,
    parse: impl Fn(Token<'_>) -> Result<T, SyntaxError>,
) -> Result<(T, Option<T>), SyntaxError> {
    match token.split_once('/') {
        None => Ok((parse(token)?, None)),
        Some((value, mask)) => Ok((parse(value)?, Some(parse(mask)?))),
    }
}

fn prefix(
    token: Token<'_>,
    bits: u32,
    expected: &'static str,
    address: impl Fn(Token<'_>) -> Option<u128>,
) -> Result<(u128, u128), SyntaxError> {
    let Some((value, mask)) = token.split_once('/') else {
        return Ok((address(token).ok_or_else(|| token.error(Reason::Expected(expected)))?, u128::MAX));
    };
    let address_of = |part: Token<'_>| address(part).ok_or_else(|| part.error(Reason::Expected(expected)));
    let is_length = !mask.text.contains(['.', ':']);
    let mask = match is_length {
        true => number32(mask, 0, bits).map(|length| {
            (u128::MAX >> (128 - bits)) & !(u128::MAX >> (128 - bits)).checked_shr(length).unwrap_or(0)
        })?,
        false => address_of(mask)?,
    };
    Ok((address_of(value)?, mask))
}

fn prefix_length(mask: u128, bits: u32) -> Option<u32> {
    let length = mask.count_ones();
    let low_zeros = if mask == 0 { bits } else { mask.trailing_zeros() };
    (length + low_zeros == bits).then_some(length)
}

fn fragment(token: Token<'_>) -> Result<(u128, u128), SyntaxError> {
    if let Some((_, value, mask)) = FRAGMENTS.iter().find(|(name, ..)| *name == token.text) {
        return Ok((*value, *mask));
    }
    if token.text.starts_with(|c: char| c.is_ascii_digit()) {
        return with_mask(token, |part| number(part, 0, 3)).map(|(value, mask)| (value, mask.unwrap_or(3)));
    }
    Err(token.error(Reason::Expected("no, yes, first, later or not_later")))
}

fn tcp_flags(token: Token<'_>) -> Result<(u128, u128), SyntaxError> {
    let all = Field::TcpFlags.all_ones();
    if token.text.starts_with(|c: char| c.is_ascii_digit()) {
        let (value, mask) = with_mask(token, |part| number(part, 0, all))?;
        return Ok((value, mask.unwrap_or(all)));
    }
    let expected = || {
        token.error(Reason::Expected("flags like +syn-ack (these bits), syn|ack (exactly these) or a number"))
    };
    let bit = |name: &str| TCP_FLAGS.iter().position(|flag| *flag == name).map(|bit| 1_u128 << bit);
    if !token.text.starts_with(['+', '-']) {
        let flags = token.text.split('|').map(bit).try_fold(0, |flags, bit| Some(flags | bit?));
        return Ok((flags.ok_or_else(expected)?, all));
    }
    let (mut value, mut mask, mut rest) = (0, 0, token.text);
    while let Some(after) = rest.strip_prefix(['+', '-']) {
        let end = after.find(['+', '-']).unwrap_or(after.len());
        let (name, next) = after.split_at_checked(end).ok_or_else(expected)?;
        let bit = bit(name).ok_or_else(expected)?;
        mask |= bit;
        if rest.starts_with('+') {
            value |= bit;
        }
        rest = next;
    }
    Ok((value, mask))
}

fn write_tcp_flags(f: &mut fmt::Formatter<'_>, value: u128, mask: u128, exact: bool) -> fmt::Result {
    let named = || TCP_FLAGS.iter().enumerate().map(|(bit, name)| (1_u128 << bit, *name));
    if !exact {
        for (bit, name) in named().filter(|(bit, _)| mask & bit != 0) {
            write!(f, "{}{name}", if value & bit != 0 { '+' } else { '-' })?;
        }
        return Ok(());
    }
    if value == 0 {
        return f.write_str("0");
    }
    for (index, (_, name)) in named().filter(|(bit, _)| value & bit != 0).enumerate() {
        write!(f, "{}{name}", if index == 0 { "" } else { "|" })?;
    }
    Ok(())
}
