//! [`DecapTable`]: which tunnel a decapsulated frame came in by, and whether its sender may use it.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;

use sluice_packet::DropReason;

use crate::mix::mix;
use crate::vxlan::{self, Decline, Ecn, Outer};
use crate::{Remote, Vni};

/// Tunnels by local VTEP address and VNI, with the remote VTEPs that they take frames from, and a value of the
/// datapath's for each of these.
///
/// One probe finds the value from (local address, VNI, remote address); only a frame that is to be dropped costs more.
/// Built by the control side and then only read: lookups neither write nor allocate.
#[derive(Clone, Debug)]
pub struct DecapTable<T> {
    /// The hot part: everyone who may send, with their value's place in `values`.
    senders_v4: HashMap<SenderV4, u32, BuildHasherDefault<Mixed>>,
    senders_v6: HashMap<SenderV6, u32, BuildHasherDefault<Mixed>>,
    values: Vec<T>,
    /// What tells the drop reasons apart.
    known: HashSet<(IpAddr, Vni)>,
    locals: HashSet<IpAddr>,
}

/// A frame from a known sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted<'a, T> {
    /// The sender's value.
    pub value: &'a T,
    /// Where the inner frame begins, in bytes from the frame's start.
    pub inner_offset: usize,
    /// Bytes of the inner frame, at least an Ethernet header; what follows it is padding.
    pub inner_len: usize,
    /// The congestion mark to be carried over ([`Ecn::apply_to_inner`]).
    pub ecn: Ecn,
}

/// A tunnel that cannot be put into the table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecapTableError {
    /// Another tunnel has this VNI at this address.
    #[error("VNI {vni} is taken at {local}: a VNI has one tunnel a VTEP")]
    Taken {
        /// The local VTEP's address.
        local: IpAddr,
        /// The VNI.
        vni: Vni,
    },
    /// More than 2^32 senders.
    #[error("too many remote VTEPs")]
    Full,
}

impl<T> Default for DecapTable<T> {
    fn default() -> Self {
        DecapTable {
            senders_v4: HashMap::default(),
            senders_v6: HashMap::default(),
            values: Vec::new(),
            known: HashSet::new(),
            locals: HashSet::new(),
        }
    }
}

impl<T> DecapTable<T> {
    /// A table without tunnels.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a local VTEP's address known, so that frames to it count as [`DropReason::VniUnknown`] while it has no
    /// tunnel.
    pub fn insert_local(&mut self, local: IpAddr) {
        self.locals.insert(local);
    }

    /// Adds the tunnel of `vni` at a VTEP's addresses `locals` (at most one a family), with its remotes and their
    /// values. Remotes of a family without a local address cannot reach it and are left out.
    ///
    /// # Errors
    /// [`DecapTableError`]; a tunnel that is taken is left as it was.
    pub fn insert(
        &mut self,
        locals: &[IpAddr],
        vni: Vni,
        senders: impl IntoIterator<Item = (Remote, T)>,
    ) -> Result<(), DecapTableError> {
        if let Some(&local) = locals.iter().find(|&&local| self.known.contains(&(local, vni))) {
            return Err(DecapTableError::Taken { local, vni });
        }
        for &local in locals {
            self.locals.insert(local);
            self.known.insert((local, vni));
        }
        for (remote, value) in senders {
            let place = u32::try_from(self.values.len()).map_err(|_| DecapTableError::Full)?;
            self.values.push(value);
            for &local in locals {
                match (local, remote.address()) {
                    (IpAddr::V4(dst), IpAddr::V4(src)) => {
                        self.senders_v4.insert(SenderV4 { src, dst, vni }, place);
                    }
                    (IpAddr::V6(dst), IpAddr::V6(src)) => {
                        self.senders_v6.insert(SenderV6 { src, dst, vni }, place);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// The value of who sent a frame from `src` to `dst` with `vni`.
    ///
    /// # Errors
    /// [`DropReason::NotForVtep`] when `dst` is no local VTEP's, [`DropReason::VniUnknown`] when it has no such tunnel,
    /// [`DropReason::VtepUnknown`] when `src` is none of the tunnel's remotes.
    #[inline]
    pub fn lookup(&self, dst: IpAddr, vni: Vni, src: IpAddr) -> Result<&T, DropReason> {
        let place = match (src, dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => self.senders_v4.get(&SenderV4 { src, dst, vni }),
            (IpAddr::V6(src), IpAddr::V6(dst)) => self.senders_v6.get(&SenderV6 { src, dst, vni }),
            _ => None,
        };
        match place.and_then(|&place| self.values.get(place as usize)) {
            Some(value) => Ok(value),
            None => Err(self.reason(dst, vni)),
        }
    }

    /// Judges a received frame whole: its outer headers as [`vxlan::parse`] reads them, its sender as
    /// [`DecapTable::lookup`] knows it, and its UDP checksum if there is one. `head` and `payload` are the frame's bytes
    /// in the two pieces in which they lie, `udp_port` the port VXLAN is expected on.
    ///
    /// For the common frame this is quicker than the three one after the other: its headers never go through memory.
    ///
    /// # Errors
    /// [`Decline`]; a frame to no local VTEP's address is [`Decline::NotVxlan`].
    #[inline]
    pub fn decapsulate(
        &self,
        head: &[u8],
        payload: &[u8],
        udp_port: NonZeroU16,
    ) -> Result<Admitted<'_, T>, Decline> {
        if let Some(start) = head.first_chunk()
            && let Some(outer) = vxlan::plain_v4(start, head.len() + payload.len(), udp_port)
            && outer.udp_checksum == 0
        {
            return self.admit(&outer);
        }
        self.decapsulate_other(head, payload, udp_port)
    }

    #[inline(never)]
    fn decapsulate_other(
        &self,
        head: &[u8],
        payload: &[u8],
        udp_port: NonZeroU16,
    ) -> Result<Admitted<'_, T>, Decline> {
        if let Some(start) = head.first_chunk()
            && let Some(outer) = vxlan::plain_v6(start, head.len() + payload.len(), udp_port)
        {
            return self.admit_verified(&outer, head, payload);
        }
        let outer = vxlan::parse(head, head.len() + payload.len(), udp_port)?;
        self.admit_verified(&outer, head, payload)
    }

    #[inline]
    fn admit_verified(&self, outer: &Outer, head: &[u8], payload: &[u8]) -> Result<Admitted<'_, T>, Decline> {
        let admitted = self.admit(outer)?;
        // The dearest check comes last.
        outer.verify_checksum(head, payload).map_err(Decline::Drop)?;
        Ok(admitted)
    }

    #[inline]
    fn admit(&self, outer: &Outer) -> Result<Admitted<'_, T>, Decline> {
        match self.lookup(outer.dst, outer.vni, outer.src) {
            Ok(value) => Ok(Admitted {
                value,
                inner_offset: outer.inner_offset,
                inner_len: outer.inner_len,
                ecn: outer.ecn,
            }),
            Err(DropReason::NotForVtep) => Err(Decline::NotVxlan),
            Err(reason) => Err(Decline::Drop(reason)),
        }
    }

    #[cold]
    fn reason(&self, dst: IpAddr, vni: Vni) -> DropReason {
        if !self.locals.contains(&dst) {
            DropReason::NotForVtep
        } else if !self.known.contains(&(dst, vni)) {
            DropReason::VniUnknown
        } else {
            DropReason::VtepUnknown
        }
    }
}

/// Who may send, over IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SenderV4 {
    src: Ipv4Addr,
    dst: Ipv4Addr,
    vni: Vni,
}

/// Who may send, over IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SenderV6 {
    src: Ipv6Addr,
    dst: Ipv6Addr,
    vni: Vni,
}

// Only the control side inserts, so nobody outside can pile up collisions, and a fast hash will do.
impl Hash for SenderV4 {
    #[inline]
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let addresses = u64::from(self.src.to_bits()) << 32 | u64::from(self.dst.to_bits());
        hasher.write_u64(mix(addresses, u64::from(self.vni.get())));
    }
}

impl Hash for SenderV6 {
    #[inline]
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let halves = |address: Ipv6Addr| {
            let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = address.octets();
            (u64::from_ne_bytes([a, b, c, d, e, f, g, h]), u64::from_ne_bytes([i, j, k, l, m, n, o, p]))
        };
        let (src_net, src_host) = halves(self.src);
        let (dst_net, dst_host) = halves(self.dst);
        let nets = src_net.rotate_left(32) ^ dst_net ^ u64::from(self.vni.get());
        hasher.write_u64(mix(mix(src_host, dst_host), nets));
    }
}

/// Passes on what a key has mixed by itself.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    #[inline]
    fn write_u64(&mut self, mixed: u64) {
        self.0 = mixed;
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = mix(self.0, u64::from(byte));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn senders<'a>(tunnel: &'a str, remotes: &'a [&str]) -> impl Iterator<Item = (Remote, String)> + 'a {
        remotes.iter().map(move |text| (text.parse().unwrap(), format!("{tunnel} from {text}")))
    }

    fn vni(value: u32) -> Vni {
        Vni::new(value).unwrap()
    }

    fn table() -> DecapTable<String> {
        let locals = [ip("192.0.2.1"), ip("2001:db8::1")];
        let mut table = DecapTable::new();
        table.insert(&locals, vni(7), senders("seven", &["192.0.2.2", "2001:db8::2"])).unwrap();
        table.insert(&locals, vni(8), senders("eight", &["192.0.2.3"])).unwrap();
        table.insert(&[ip("198.51.100.1")], vni(7), senders("other seven", &["192.0.2.3"])).unwrap();
        table.insert_local(ip("203.0.113.1"));
        table
    }

    #[test]
    fn only_a_tunnels_remotes_get_in() {
        let table = table();
        let lookup = |dst, number, src| table.lookup(ip(dst), vni(number), ip(src)).map(String::as_str);
        assert_eq!(lookup("192.0.2.1", 7, "192.0.2.2"), Ok("seven from 192.0.2.2"));
        assert_eq!(lookup("2001:db8::1", 7, "2001:db8::2"), Ok("seven from 2001:db8::2"));
        assert_eq!(lookup("192.0.2.1", 8, "192.0.2.3"), Ok("eight from 192.0.2.3"));
        assert_eq!(lookup("198.51.100.1", 7, "192.0.2.3"), Ok("other seven from 192.0.2.3"));

        assert_eq!(lookup("192.0.2.1", 8, "192.0.2.2"), Err(DropReason::VtepUnknown));
        assert_eq!(lookup("2001:db8::1", 8, "2001:db8::2"), Err(DropReason::VtepUnknown));
        assert_eq!(lookup("192.0.2.1", 9, "192.0.2.2"), Err(DropReason::VniUnknown));
        assert_eq!(lookup("203.0.113.1", 7, "192.0.2.2"), Err(DropReason::VniUnknown));
        assert_eq!(lookup("192.0.2.9", 7, "192.0.2.2"), Err(DropReason::NotForVtep));
        assert_eq!(lookup("192.0.2.1", 7, "2001:db8::2"), Err(DropReason::VtepUnknown));
    }

    #[test]
    fn a_vni_has_one_tunnel_a_vtep() {
        let mut table = table();
        let taken = table.insert(&[ip("192.0.2.1")], vni(7), senders("again", &["192.0.2.9"]));
        assert_eq!(
            taken.unwrap_err().to_string(),
            "VNI 7 is taken at 192.0.2.1: a VNI has one tunnel a VTEP"
        );
        assert_eq!(
            table.lookup(ip("192.0.2.1"), vni(7), ip("192.0.2.9")),
            Err(DropReason::VtepUnknown),
            "a refused tunnel changes nothing"
        );
    }
}
