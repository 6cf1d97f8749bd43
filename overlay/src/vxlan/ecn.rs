//! Explicit congestion notification through tunnels (RFC 6040).

use sluice_packet::{DropReason, checksum};

use super::{ETHERNET_LEN, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_QINQ, ETHERTYPE_VLAN};

/// The ECN field of an IP header (RFC 3168 §5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Ecn {
    /// The transport does not know ECN. Also said of frames that are not IP.
    #[default]
    NotEct = 0,
    /// ECN-capable, ECT(1).
    Ect1 = 1,
    /// ECN-capable, ECT(0).
    Ect0 = 2,
    /// Congestion was experienced.
    Ce = 3,
}

impl Ecn {
    /// From the two low bits of an IPv4 TOS byte or IPv6 traffic class.
    #[inline]
    pub const fn from_tos(tos: u8) -> Self {
        match tos & 3 {
            0 => Ecn::NotEct,
            1 => Ecn::Ect1,
            2 => Ecn::Ect0,
            _ => Ecn::Ce,
        }
    }

    /// Carries the outer header's mark over to the inner frame on decapsulation (RFC 6040 §4.2, figure 4), with the
    /// inner IPv4 header checksum kept right. `inner` are the inner frame's first bytes; what is not IP is left alone.
    ///
    /// # Errors
    /// [`DropReason::EcnNotCapable`]: the outer packet met congestion, and the inner flow cannot be told but by loss.
    #[inline]
    pub fn apply_to_inner(self, inner: &mut [u8]) -> Result<(), DropReason> {
        match self {
            // The inner field stands whatever it is: the case of nearly every frame.
            Ecn::NotEct | Ecn::Ect0 => Ok(()),
            Ecn::Ect1 | Ecn::Ce => mark(self, inner),
        }
    }
}

#[cold]
fn mark(outer: Ecn, inner: &mut [u8]) -> Result<(), DropReason> {
    let Some(mut ip) = IpField::find(inner) else { return Ok(()) };
    let marked = match (outer, ip.ecn()) {
        (Ecn::Ce, Ecn::NotEct) => return Err(DropReason::EcnNotCapable),
        (Ecn::Ce, _) => Ecn::Ce,
        (Ecn::Ect1, Ecn::Ect0) => Ecn::Ect1,
        (_, inner) => inner,
    };
    ip.set_ecn(marked);
    Ok(())
}

/// Where an inner frame keeps its ECN field.
enum IpField<'a> {
    /// Version, header length, TOS; up to and with the header checksum.
    V4(&'a mut [u8; 12]),
    /// Version, traffic class, flow label.
    V6(&'a mut [u8; 2]),
}

impl<'a> IpField<'a> {
    /// Behind at most two VLAN tags.
    fn find(inner: &'a mut [u8]) -> Option<Self> {
        let mut at = ETHERNET_LEN - 2;
        for _ in 0..3 {
            let ethertype = u16::from_be_bytes(*inner.get(at..)?.first_chunk()?);
            match ethertype {
                ETHERTYPE_VLAN | ETHERTYPE_QINQ => at += 4,
                ETHERTYPE_IPV4 => return inner.get_mut(at + 2..)?.first_chunk_mut().map(IpField::V4),
                ETHERTYPE_IPV6 => return inner.get_mut(at + 2..)?.first_chunk_mut().map(IpField::V6),
                _ => return None,
            }
        }
        None
    }

    fn ecn(&self) -> Ecn {
        match self {
            IpField::V4([_, tos, ..]) => Ecn::from_tos(*tos),
            IpField::V6([_, low]) => Ecn::from_tos(*low >> 4),
        }
    }

    fn set_ecn(&mut self, ecn: Ecn) {
        match self {
            IpField::V4([version, tos, _, _, _, _, _, _, _, _, high, low]) => {
                let old = u16::from_be_bytes([*version, *tos]);
                *tos = *tos & !3 | ecn as u8;
                let new = u16::from_be_bytes([*version, *tos]);
                let sum = checksum::adjust(u16::from_be_bytes([*high, *low]), old, new);
                [*high, *low] = sum.to_be_bytes();
            }
            IpField::V6([_, low]) => *low = *low & !0x30 | (ecn as u8) << 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(tos: u8) -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend([0x08, 0, 0x45, tos, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
        let sum = checksum::checksum(&frame[14..34]);
        frame[24..26].copy_from_slice(&sum.to_be_bytes());
        frame
    }

    fn v6(class: u8) -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend([0x81, 0, 0, 7, 0x86, 0xdd, 0x60 | class >> 4, class << 4 | 0x0f]);
        frame
    }

    /// RFC 6040, figure 4: rows are the inner field, columns the outer, both in the order of [`ORDER`].
    const FIGURE_4: [[Option<Ecn>; 4]; 4] = {
        use Ecn::{Ce, Ect0, Ect1, NotEct};
        [
            [Some(NotEct), Some(NotEct), Some(NotEct), None],
            [Some(Ect0), Some(Ect0), Some(Ect1), Some(Ce)],
            [Some(Ect1), Some(Ect1), Some(Ect1), Some(Ce)],
            [Some(Ce), Some(Ce), Some(Ce), Some(Ce)],
        ]
    };
    const ORDER: [Ecn; 4] = [Ecn::NotEct, Ecn::Ect0, Ecn::Ect1, Ecn::Ce];

    #[test]
    fn decapsulation_follows_figure_4_of_rfc_6040() {
        for (inner, row) in ORDER.iter().zip(FIGURE_4) {
            for (outer, wanted) in ORDER.iter().zip(row) {
                let mut frame = v4(0xb8 | *inner as u8);
                let mut frame6 = v6(0xb8 | *inner as u8);
                let done = outer.apply_to_inner(&mut frame);
                assert_eq!(outer.apply_to_inner(&mut frame6), done);
                match wanted {
                    Some(ecn) => {
                        assert_eq!(done, Ok(()), "{outer:?} over {inner:?}");
                        assert_eq!(frame[15], 0xb8 | ecn as u8, "{outer:?} over {inner:?}");
                        assert_eq!(checksum::checksum(&frame[14..34]), 0);
                        assert_eq!(frame6, v6(0xb8 | ecn as u8));
                    }
                    None => assert_eq!(done, Err(DropReason::EcnNotCapable)),
                }
            }
        }
    }

    #[test]
    fn what_is_not_ip_passes() {
        for frame in [&mut [0_u8; 20][..], &mut [0; 3], &mut []] {
            assert_eq!(Ecn::Ce.apply_to_inner(frame), Ok(()));
        }
    }
}
