//! What a rule must be like to be taken.

use std::fmt;

use sluice_packet::{Field, Rewrite, SetField, VLAN_PRESENT};

use super::{Rule, RuleKey};
use crate::action_set::ActionSet;
use crate::{Action, Match, PortId, TableId};

/// Why a rule was refused: which, and the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {kind}")]
pub struct RuleError {
    /// The rule.
    pub rule: Box<RuleKey>,
    /// The reason.
    pub kind: RuleErrorKind,
}

/// The reason for which a rule was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleErrorKind {
    /// A field is matched without what it takes (OpenFlow 1.3.5 §7.2.3.6; OFPBMC_BAD_PREREQ).
    #[error("{0} can only be matched together with {1}")]
    MatchPrerequisite(Field, Prerequisite),
    /// A field is written without what it takes in the match (OpenFlow 1.3.5 §7.2.5; OFPBAC_MATCH_INCONSISTENT).
    #[error("{0} can only be written if the rule matches {1}")]
    SetPrerequisite(Field, Prerequisite),
    /// The TTL is decremented of what may be no IP packet.
    #[error("the TTL can only be decremented if the rule matches {0}")]
    TtlPrerequisite(Prerequisite),
    /// A tag is popped or written that may not be there.
    #[error(
        "a VLAN tag can only be popped or written if the rule matches tagged frames or pushes one before"
    )]
    NotTagged,
    /// Bits of a VLAN tag are demanded of untagged frames.
    #[error("vlan_tci: VLAN or priority bits are matched, but the present bit as 0")]
    VlanOfUntagged,
    /// SCTP's checksum is over all of the packet and cannot be adjusted.
    #[error("{0} cannot be written in SCTP packets")]
    SctpPort(Field),
    /// ICMP's types and codes have 8 bits.
    #[error("{0} of an ICMP message has only 8 bits")]
    IcmpByte(Field),
    /// An action names a port that the bridge does not have (OFPBAC_BAD_OUT_PORT).
    #[error("the bridge has no {0}")]
    UnknownPort(PortId),
    /// `goto` does not lead forward (OFPBIC_BAD_TABLE_ID).
    #[error("goto leads to {0}, which is not a later table")]
    GotoNotForward(TableId),
    /// `drop` stands with other actions or a goto.
    #[error("drop must be the only action")]
    DropNotAlone,
    /// There is no such rule.
    #[error("there is no such rule")]
    NotFound,
}

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prerequisite {
    /// eth_type IPv4 or IPv6.
    Ip,
    /// eth_type IPv4, IPv6 or ARP.
    IpOrArp,
    /// eth_type IPv4 or ARP.
    Ipv4OrArp,
    /// eth_type IPv6.
    Ipv6,
    /// ip_proto TCP, UDP, SCTP, ICMP or ICMPv6.
    Transport,
    /// ip_proto TCP.
    Tcp,
    /// eth_type ARP.
    Arp,
    /// eth_type ARP, or a neighbour solicitation.
    ArpOrSolicitation,
    /// eth_type ARP, or a neighbour advertisement.
    ArpOrAdvertisement,
    /// A neighbour solicitation or advertisement.
    NeighbourDiscovery,
}

/// Everything that can be checked without knowing the bridge but its ports.
pub(crate) fn check(rule: &Rule, has_port: impl Fn(PortId) -> bool) -> Result<(), RuleError> {
    let kind = check_match(&rule.key.matching)
        .and_then(|()| check_actions(rule))
        .and_then(|()| check_goto(rule))
        .and_then(|()| match rule.all_actions().filter_map(Action::port).find(|&port| !has_port(port)) {
            Some(port) => Err(RuleErrorKind::UnknownPort(port)),
            None => Ok(()),
        });
    kind.map_err(|kind| RuleError { rule: Box::new(rule.key.clone()), kind })
}

fn check_match(matching: &Match) -> Result<(), RuleErrorKind> {
    let known = Known::of(matching);
    for (field, value, mask) in matching.fields() {
        if let Some(needed) = prerequisite(field)
            && !known.fulfils(needed)
        {
            return Err(RuleErrorKind::MatchPrerequisite(field, needed));
        }
        let untagged = mask & VLAN_PRESENT != 0 && value & VLAN_PRESENT == 0;
        if field == Field::VlanTci && untagged && value != 0 {
            return Err(RuleErrorKind::VlanOfUntagged);
        }
    }
    Ok(())
}

fn check_actions(rule: &Rule) -> Result<(), RuleErrorKind> {
    let known = Known::of(&rule.key.matching);
    let mut tags = u32::from(known.tagged);
    let alone = rule.actions.len() == 1 && rule.write.is_empty() && rule.goto.is_none();
    if rule.all_actions().any(|action| matches!(action, Action::Drop)) && !alone {
        return Err(RuleErrorKind::DropNotAlone);
    }
    let mut set = ActionSet::default();
    set.write(&rule.write, ());
    // What other tables do in between is not known here: a frame that has not what is needed by then is dropped.
    for action in rule.actions.iter().chain(set.iter().map(|(action, ())| action)) {
        match action {
            Action::Rewrite(Rewrite::PushVlan(_)) => tags += 1,
            Action::Rewrite(Rewrite::PopVlan) => {
                tags = tags.checked_sub(1).ok_or(RuleErrorKind::NotTagged)?;
            }
            Action::Rewrite(Rewrite::DecTtl) if !known.fulfils(Prerequisite::Ip) => {
                return Err(RuleErrorKind::TtlPrerequisite(Prerequisite::Ip));
            }
            Action::Rewrite(Rewrite::Set(set)) => check_set(*set, &known, tags)?,
            _ => {}
        }
    }
    Ok(())
}

fn check_set(set: SetField, known: &Known, tags: u32) -> Result<(), RuleErrorKind> {
    let field = set.field();
    let needed = match field {
        Field::VlanTci if tags == 0 => return Err(RuleErrorKind::NotTagged),
        // What says what an IP packet carries cannot be written; ARP's opcode can.
        Field::IpProto => Some(Prerequisite::Arp),
        _ => prerequisite(field),
    };
    match needed {
        Some(needed) if !known.fulfils(needed) => Err(RuleErrorKind::SetPrerequisite(field, needed)),
        _ if matches!(field, Field::L4Src | Field::L4Dst) => match known.ip_proto {
            Some(SCTP) => Err(RuleErrorKind::SctpPort(field)),
            Some(ICMP | ICMP6) if set.value() > 0xff => Err(RuleErrorKind::IcmpByte(field)),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

fn check_goto(rule: &Rule) -> Result<(), RuleErrorKind> {
    match rule.goto {
        Some(table) if table <= rule.key.table => Err(RuleErrorKind::GotoNotForward(table)),
        _ => Ok(()),
    }
}

const IPV4: u128 = 0x0800;
const ARP: u128 = 0x0806;
const IPV6: u128 = 0x86dd;
const ICMP: u128 = 1;
const TCP: u128 = 6;
const UDP: u128 = 17;
const ICMP6: u128 = 58;
const SCTP: u128 = 132;
const SOLICITATION: u128 = 135;
const ADVERTISEMENT: u128 = 136;

/// What a match says for certain of a frame's protocols.
struct Known {
    eth_type: Option<u128>,
    ip_proto: Option<u128>,
    l4_src: Option<u128>,
    tagged: bool,
}

impl Known {
    fn of(matching: &Match) -> Known {
        let (key, mask) = (matching.key(), matching.mask());
        let exact = |field: Field| (mask.get(field) == field.full()).then(|| key.get(field));
        Known {
            eth_type: exact(Field::EthType),
            ip_proto: exact(Field::IpProto),
            l4_src: exact(Field::L4Src),
            tagged: key.get(Field::VlanTci) & mask.get(Field::VlanTci) & VLAN_PRESENT != 0,
        }
    }

    fn fulfils(&self, needed: Prerequisite) -> bool {
        let arp = self.eth_type == Some(ARP);
        let neighbour =
            |kind| self.eth_type == Some(IPV6) && self.ip_proto == Some(ICMP6) && self.l4_src == Some(kind);
        match needed {
            Prerequisite::Ip => matches!(self.eth_type, Some(IPV4 | IPV6)),
            Prerequisite::IpOrArp => matches!(self.eth_type, Some(IPV4 | IPV6 | ARP)),
            Prerequisite::Ipv4OrArp => matches!(self.eth_type, Some(IPV4 | ARP)),
            Prerequisite::Ipv6 => self.eth_type == Some(IPV6),
            Prerequisite::Transport => matches!(
                (self.eth_type, self.ip_proto),
                (Some(IPV4 | IPV6), Some(TCP | UDP | SCTP))
                    | (Some(IPV4), Some(ICMP))
                    | (Some(IPV6), Some(ICMP6))
            ),
            Prerequisite::Tcp => matches!((self.eth_type, self.ip_proto), (Some(IPV4 | IPV6), Some(TCP))),
            Prerequisite::Arp => arp,
            Prerequisite::ArpOrSolicitation => arp || neighbour(SOLICITATION),
            Prerequisite::ArpOrAdvertisement => arp || neighbour(ADVERTISEMENT),
            Prerequisite::NeighbourDiscovery => neighbour(SOLICITATION) || neighbour(ADVERTISEMENT),
        }
    }
}

fn prerequisite(field: Field) -> Option<Prerequisite> {
    match field {
        Field::IpDscp | Field::IpEcn | Field::IpTtl | Field::IpFrag => Some(Prerequisite::Ip),
        Field::IpProto => Some(Prerequisite::IpOrArp),
        Field::Ipv4Src | Field::Ipv4Dst => Some(Prerequisite::Ipv4OrArp),
        Field::Ipv6Src | Field::Ipv6Dst | Field::Ipv6Flabel => Some(Prerequisite::Ipv6),
        Field::L4Src | Field::L4Dst => Some(Prerequisite::Transport),
        Field::TcpFlags => Some(Prerequisite::Tcp),
        Field::ArpSha => Some(Prerequisite::ArpOrSolicitation),
        Field::ArpTha => Some(Prerequisite::ArpOrAdvertisement),
        Field::NdTarget => Some(Prerequisite::NeighbourDiscovery),
        Field::InPort
        | Field::TunnelId
        | Field::TunnelSrc
        | Field::TunnelSrc6
        | Field::TunnelRemote
        | Field::EthDst
        | Field::EthSrc
        | Field::EthType
        | Field::VlanTci
        | Field::VlanTciInner
        | Field::Metadata => None,
    }
}

impl fmt::Display for Prerequisite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Prerequisite::Ip => "eth_type IPv4 or IPv6",
            Prerequisite::IpOrArp => "eth_type IPv4, IPv6 or ARP",
            Prerequisite::Ipv4OrArp => "eth_type IPv4 or ARP",
            Prerequisite::Ipv6 => "eth_type IPv6",
            Prerequisite::Transport => "ip_proto TCP, UDP, SCTP or ICMP",
            Prerequisite::Tcp => "ip_proto TCP",
            Prerequisite::Arp => "eth_type ARP",
            Prerequisite::ArpOrSolicitation => "eth_type ARP or a neighbour solicitation",
            Prerequisite::ArpOrAdvertisement => "eth_type ARP or a neighbour advertisement",
            Prerequisite::NeighbourDiscovery => "a neighbour solicitation or advertisement",
        })
    }
}
