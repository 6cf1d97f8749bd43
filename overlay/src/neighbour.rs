//! [`NeighbourTable`]: which MAC address the next hops on the underlay have.
//!
//! Neighbour resolution by ARP (RFC 826) and by neighbour discovery (RFC 4861 §7.2, §7.3), as one state machine:
//!
//! ```text
//!   want ──► Incomplete ──answer──► Reachable ──no answer for `reachable`──► Stale
//!                 ▲                    ▲ ▲                                   │  │
//!                 │                    │ └──────────────answer───────────────┘  │
//!                 └────────────────────┼───────no answer for `reachable + stale`┘
//!                                 refresh: from ¾ of `reachable` on, while the address stays in use
//! ```
//!
//! Unlike RFC 4861's, a neighbour in use is asked again *before* it turns stale, and a stale one stays in use while
//! it is asked, so that no frame is ever dropped for a refresh. Nothing is learned of an address that nobody wants:
//! the table's size is our own configuration's, never the link's.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use sluice_packet::MacAddr;

/// Addresses we send to, and what is known of them. Times are [`Duration`]s since any one moment, never going back.
#[derive(Clone, Debug, Default)]
pub struct NeighbourTable {
    neighbours: HashMap<IpAddr, Neighbour>,
    timing: Timing,
}

/// How long things are believed and how often they are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Between two questions for one address (RFC 1122 §2.3.2.1: no more often than once a second).
    pub retransmit: Duration,
    /// Unanswered questions are spaced out to this, by doubling after the first three.
    pub retransmit_max: Duration,
    /// How long an answer is good for (RFC 4861 §10, REACHABLE_TIME).
    pub reachable: Duration,
    /// How much longer the address stays in use although nobody answers for it.
    pub stale: Duration,
    /// Questions of one tick; the rest follow with the next, so that a thousand VTEPs make no storm.
    pub requests_per_tick: usize,
}

impl Default for Timing {
    fn default() -> Self {
        Timing {
            retransmit: Duration::from_secs(1),
            retransmit_max: Duration::from_secs(8),
            reachable: Duration::from_secs(30),
            stale: Duration::from_secs(30),
            requests_per_tick: 64,
        }
    }
}

/// A question to be sent: who has `target`?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// The address asked for.
    pub target: IpAddr,
    /// The MAC address it had, to be asked alone (RFC 4861 §7.3.3); `None`: ask everyone.
    pub to: Option<MacAddr>,
}

/// What somebody on the link said about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The address.
    pub address: IpAddr,
    /// The MAC address it is said to have.
    pub mac: MacAddr,
    /// In what way it was said.
    pub kind: ClaimKind,
}

/// How much a [`Claim`] says (RFC 4861 §7.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClaimKind {
    /// The answer to a question: the neighbour hears us, and this is its address. An ARP reply to us; S and O flags.
    Answer,
    /// Said by itself: the address is this now, whether we can be heard is open. A gratuitous ARP, a question of the
    /// neighbour's own; the O flag without S.
    Announcement,
    /// An answer that must not replace another address (S without O), as proxies give.
    WeakAnswer,
    /// Said by itself and not to replace another address: neither flag.
    WeakAnnouncement,
}

/// What a [`Claim`] changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learned {
    /// Nothing: nobody wants the address, or the claim carries no weight.
    Ignored,
    /// The address is what we thought.
    Confirmed,
    /// The neighbour has a MAC address where it had none or another: templates that use it are to be made anew.
    Changed,
}

/// What is to be done after a [`NeighbourTable::tick`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Questions to be sent.
    pub requests: Vec<Request>,
    /// Neighbours that were given up: they have no MAC address any more.
    pub lost: Vec<IpAddr>,
}

/// The states of a neighbour, as operators see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// No MAC address is known.
    Incomplete,
    /// Known, and confirmed lately.
    Reachable,
    /// Known and in use, but long unconfirmed.
    Stale,
}

impl State {
    /// The name as shown to operators.
    pub const fn name(self) -> &'static str {
        match self {
            State::Incomplete => "incomplete",
            State::Reachable => "reachable",
            State::Stale => "stale",
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Neighbour {
    link: Option<Link>,
    /// Questions since the last answer.
    asked: u32,
    /// When to ask next.
    ask_at: Duration,
    /// When a question was last sent, which an announcement must not make us forget.
    asked_at: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    mac: MacAddr,
    state: State,
    confirmed_at: Duration,
}

/// Questions to the known MAC address alone before everyone is asked (RFC 4861 §10, MAX_UNICAST_SOLICIT).
const UNICAST_TRIES: u32 = 3;

impl NeighbourTable {
    /// An empty table.
    pub fn new(timing: Timing) -> Self {
        NeighbourTable { neighbours: HashMap::new(), timing }
    }

    /// Wants the MAC address of `address` from now on; the next tick asks for it. Wanting it twice changes nothing.
    pub fn want(&mut self, address: IpAddr, now: Duration) {
        self.neighbours.entry(address).or_insert(Neighbour {
            link: None,
            asked: 0,
            ask_at: now,
            asked_at: None,
        });
    }

    /// Forgets all addresses that are not wanted any more.
    pub fn retain(&mut self, mut wanted: impl FnMut(IpAddr) -> bool) {
        self.neighbours.retain(|&address, _| wanted(address));
    }

    /// The MAC address to send to.
    pub fn lookup(&self, address: IpAddr) -> Option<MacAddr> {
        self.neighbours.get(&address)?.link.map(|link| link.mac)
    }

    /// Every wanted address with its state, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (IpAddr, State, Option<MacAddr>)> {
        self.neighbours
            .iter()
            .map(|(&address, neighbour)| (address, neighbour.state(), neighbour.link.map(|link| link.mac)))
    }

    /// Lets time pass: what is to be asked now, and who has been silent for too long.
    ///
    /// A question counts as sent. Call this several times a second, or when [`NeighbourTable::next_tick`] says.
    pub fn tick(&mut self, now: Duration) -> Due {
        let mut due = Due::default();
        for (&address, neighbour) in &mut self.neighbours {
            if neighbour.age(&self.timing, now) {
                due.lost.push(address);
            }
            if neighbour.ask_at <= now && due.requests.len() < self.timing.requests_per_tick {
                let to = neighbour.link.filter(|_| neighbour.asked < UNICAST_TRIES).map(|link| link.mac);
                due.requests.push(Request { target: address, to });
                neighbour.asked_now(&self.timing, now);
            }
        }
        due
    }

    /// When the next [`NeighbourTable::tick`] has something to do; `None` if nobody is wanted.
    pub fn next_tick(&self) -> Option<Duration> {
        self.neighbours.values().map(|neighbour| neighbour.next_event(&self.timing)).min()
    }

    /// Takes in what somebody said. Ignored are addresses nobody wants and MAC addresses no host can have.
    pub fn learned(&mut self, claim: Claim, now: Duration) -> Learned {
        match self.neighbours.get_mut(&claim.address) {
            Some(neighbour) if claim.mac.is_unicast() => neighbour.learned(claim, &self.timing, now),
            _ => Learned::Ignored,
        }
    }
}

impl Neighbour {
    fn state(&self) -> State {
        self.link.map_or(State::Incomplete, |link| link.state)
    }

    /// Turns stale or is given up by age; says whether it was given up.
    fn age(&mut self, timing: &Timing, now: Duration) -> bool {
        let Some(link) = &mut self.link else { return false };
        let age = now.saturating_sub(link.confirmed_at);
        if age >= timing.reachable + timing.stale {
            self.link = None;
            return true;
        }
        if age >= timing.reachable {
            link.state = State::Stale;
        }
        false
    }

    fn next_event(&self, timing: &Timing) -> Duration {
        let aged = self.link.map(|link| match link.state {
            State::Stale => link.confirmed_at + timing.reachable + timing.stale,
            _ => link.confirmed_at + timing.reachable,
        });
        aged.map_or(self.ask_at, |aged| aged.min(self.ask_at))
    }

    fn asked_now(&mut self, timing: &Timing, now: Duration) {
        self.asked += 1;
        self.asked_at = Some(now);
        let doublings = self.asked.saturating_sub(UNICAST_TRIES).min(16);
        self.ask_at = now + (timing.retransmit * (1 << doublings)).min(timing.retransmit_max);
    }

    /// RFC 4861 §7.2.5; ARP's messages are answers and announcements.
    fn learned(&mut self, claim: Claim, timing: &Timing, now: Duration) -> Learned {
        let same = self.link.is_some_and(|link| link.mac == claim.mac);
        match (claim.kind, self.link) {
            (ClaimKind::Answer, _) | (ClaimKind::WeakAnswer, None) => self.confirmed(claim.mac, timing, now),
            (ClaimKind::WeakAnswer, Some(_)) if same => self.confirmed(claim.mac, timing, now),
            (ClaimKind::Announcement | ClaimKind::WeakAnnouncement, Some(_)) if same => {
                return Learned::Confirmed;
            }
            (ClaimKind::Announcement, _) | (ClaimKind::WeakAnnouncement, None) => {
                // In use from now on, but to be confirmed at once.
                self.link = Some(Link { mac: claim.mac, state: State::Stale, confirmed_at: now });
                self.ask_soon(timing, now);
            }
            (ClaimKind::WeakAnswer | ClaimKind::WeakAnnouncement, Some(_)) => {
                // Somebody else claims the address without wanting to replace it: ask the one we know.
                self.ask_soon(timing, now);
                return Learned::Ignored;
            }
        }
        if same { Learned::Confirmed } else { Learned::Changed }
    }

    fn confirmed(&mut self, mac: MacAddr, timing: &Timing, now: Duration) {
        self.link = Some(Link { mac, state: State::Reachable, confirmed_at: now });
        self.asked = 0;
        self.ask_at = now + timing.reachable * 3 / 4;
    }

    /// Asks with the next tick, but never sooner after the last question than the timing allows.
    fn ask_soon(&mut self, timing: &Timing, now: Duration) {
        self.asked = 0;
        let allowed = self.asked_at.map_or(now, |asked_at| asked_at + timing.retransmit);
        self.ask_at = self.ask_at.min(allowed.max(now));
    }
}

#[cfg(test)]
mod tests;
