//! [`KeyPlan`]: the part of a key that a bridge's verdicts depend on.

use sluice_packet::{Depth, Field, FieldMask, FlowKey, KEY_WORDS, VLAN_PRESENT};

use crate::hash::Seed;
use crate::table::Needs;

/// Words of a key that lie in a session's first cache line: the first ones, which hold all of an IPv4 connection and of
/// Ethernet switching.
pub(crate) const HEAD_WORDS: usize = 5;
/// Words of a key that can lie behind it: all others but the metadata.
pub(crate) const TAIL_WORDS: usize = KEY_WORDS - 1 - HEAD_WORDS;

/// Which bits of a key the verdicts of a bridge depend on: all that rules reachable from table 0 match, and what their
/// actions look at. Two frames that agree in these bits get the same verdict, and share a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPlan {
    depth: Depth,
    mask: FieldMask,
    head: [u64; HEAD_WORDS],
    /// Whether the last two words of the head matter: addresses of Ethernet, and VLAN tags.
    ethernet: bool,
    tail: Box<[PlanWord]>,
}

/// A word of the tail that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PlanWord {
    index: usize,
    mask: u64,
}

/// The head of a key, with the bits that a plan names, and its hash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HashedHead {
    pub(crate) words: [u64; HEAD_WORDS],
    pub(crate) hash: u64,
}

impl KeyPlan {
    /// The plan of a bridge with tables of these needs.
    pub(crate) fn of<'a>(tables: impl Iterator<Item = &'a Needs> + Clone) -> KeyPlan {
        // Nearly every action depends on the port of entry: no frame goes back.
        let mut mask = FieldMask::of(&[Field::InPort]);
        tables.clone().for_each(|needs| mask.unite(&needs.mask));
        let any = |need: fn(&Needs) -> bool| tables.clone().any(need);
        if any(Needs::normal) {
            mask.unite(&FieldMask::of(&[Field::EthSrc, Field::EthDst, Field::TunnelRemote]));
            mask.add(Field::VlanTci, VLAN_ID);
        }
        if any(Needs::in_port) {
            mask.add(Field::TunnelRemote, Field::TunnelRemote.full());
        }
        if any(Needs::vlan) {
            // Pushing and popping move bits from one tag to the other.
            let bits = mask.get(Field::VlanTci) | VLAN_PRESENT;
            mask.add(Field::VlanTci, bits);
            mask.add(Field::VlanTciInner, bits);
        }
        if any(Needs::dec_ttl) && mask.has(Field::IpTtl) {
            // Subtraction carries: every bit depends on those below.
            mask.add(Field::IpTtl, Field::IpTtl.full());
        }
        // Always 0 at table 0.
        mask.remove(Field::Metadata);
        let written = tables.map(Needs::depth).max().unwrap_or(Depth::Port);
        KeyPlan::new(mask, written)
    }

    fn new(mask: FieldMask, written: Depth) -> KeyPlan {
        let depth = mask.fields().map(depth_of).fold(written, Depth::max);
        let [a, b, c, d, e, tail @ ..] = *mask.words();
        let tail = (HEAD_WORDS..).zip(tail).filter(|&(_, mask)| mask != 0);
        let tail = tail.map(|(index, mask)| PlanWord { index, mask }).collect();
        KeyPlan { depth, mask, head: [a, b, c, d, e], ethernet: d | e != 0, tail }
    }

    /// How deep frames have to be parsed. [`Depth::Port`]: not at all; all frames of a burst from one port then share
    /// one session.
    #[inline(always)]
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// The bits that matter.
    pub fn mask(&self) -> &FieldMask {
        &self.mask
    }

    /// The fields of which some bit matters.
    pub fn fields(&self) -> impl Iterator<Item = Field> + '_ {
        self.mask.fields()
    }

    /// Gathers the bits of the head that matter, and hashes them.
    #[inline(always)]
    pub(crate) fn gather_head(
        &self,
        [a, b, c, d, e]: &[u64; HEAD_WORDS],
        seed: &Seed,
        salt: u64,
    ) -> HashedHead {
        let [mask_a, mask_b, mask_c, mask_d, mask_e] = &self.head;
        let [a, b, c] = [a & mask_a, b & mask_b, c & mask_c];
        if self.ethernet {
            let words = [a, b, c, d & mask_d, e & mask_e];
            HashedHead { words, hash: seed.head(&words, salt) }
        } else {
            HashedHead { words: [a, b, c, 0, 0], hash: seed.connection(&[a, b, c], salt) }
        }
    }

    /// Whether this bridge looks beyond the head.
    #[inline(always)]
    pub(crate) fn has_tail(&self) -> bool {
        !self.tail.is_empty()
    }

    /// Gathers the bits behind the head that matter, without gaps between words, filled up with 0. Returns whether there
    /// is any: else it is as if there were no tail.
    #[inline(never)]
    pub(crate) fn gather_tail(&self, key: &FlowKey, tail: &mut [u64; TAIL_WORDS]) -> bool {
        tail.fill(0);
        let mut any = 0;
        for (slot, word) in tail.iter_mut().zip(&self.tail) {
            *slot = key.word(word.index) & word.mask;
            any |= *slot;
        }
        any != 0
    }
}

/// The bits of a VLAN tag that name the VLAN.
pub(crate) const VLAN_ID: u128 = 0x0fff;

fn depth_of(field: Field) -> Depth {
    match field {
        Field::InPort
        | Field::TunnelId
        | Field::TunnelSrc
        | Field::TunnelSrc6
        | Field::TunnelRemote
        | Field::Metadata => Depth::Port,
        Field::EthDst | Field::EthSrc | Field::EthType | Field::VlanTci | Field::VlanTciInner => Depth::L2,
        Field::IpDscp
        | Field::IpEcn
        | Field::IpProto
        | Field::IpTtl
        | Field::IpFrag
        | Field::Ipv4Src
        | Field::Ipv4Dst
        | Field::Ipv6Src
        | Field::Ipv6Dst
        | Field::Ipv6Flabel => Depth::L3,
        // ARP's at depth L3, ND's at L4.
        Field::L4Src | Field::L4Dst | Field::TcpFlags | Field::ArpSha | Field::ArpTha | Field::NdTarget => {
            Depth::L4
        }
    }
}
