//! The state machine against simulated neighbours, and against what it must never do.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn mac(last: u8) -> MacAddr {
    MacAddr::new([2, 0, 0, 0, 0, last])
}

fn claim(address: IpAddr, last: u8, kind: ClaimKind) -> Claim {
    Claim { address, mac: mac(last), kind }
}

/// Ticks four times a second from `from` to `until`; what was asked and lost, with its time.
fn run(
    table: &mut NeighbourTable,
    from: Duration,
    until: Duration,
) -> (Vec<(Duration, Request)>, Vec<(Duration, IpAddr)>) {
    let (mut asked, mut lost) = (Vec::new(), Vec::new());
    let mut now = from;
    while now < until {
        let due = table.tick(now);
        asked.extend(due.requests.into_iter().map(|request| (now, request)));
        lost.extend(due.lost.into_iter().map(|address| (now, address)));
        now += SECOND / 4;
    }
    (asked, lost)
}

fn state(table: &NeighbourTable, address: IpAddr) -> Option<State> {
    table.iter().find(|(wanted, ..)| *wanted == address).map(|(_, state, _)| state)
}

#[test]
fn a_silent_neighbour_is_asked_less_and_less_often() {
    let mut table = NeighbourTable::default();
    let address = ip("192.0.2.2");
    table.want(address, SECOND);
    table.want(address, SECOND * 2);
    assert_eq!(table.next_tick(), Some(SECOND));
    let (asked, lost) = run(&mut table, SECOND, SECOND * 60);
    let seconds: Vec<_> = asked.iter().map(|(at, _)| at.as_secs()).collect();
    assert_eq!(seconds, [1, 2, 3, 4, 6, 10, 18, 26, 34, 42, 50, 58]);
    assert!(asked.iter().all(|(_, request)| *request == Request { target: address, to: None }));
    assert_eq!((lost, table.lookup(address)), (vec![], None));
    assert_eq!(state(&table, address), Some(State::Incomplete));
}

#[test]
fn an_answer_is_believed_and_renewed_before_it_turns_stale() {
    let mut table = NeighbourTable::default();
    let address = ip("2001:db8::2");
    table.want(address, Duration::ZERO);
    table.tick(Duration::ZERO);
    assert_eq!(table.learned(claim(address, 1, ClaimKind::Answer), Duration::ZERO), Learned::Changed);
    assert_eq!(table.lookup(address), Some(mac(1)));
    let (asked, _) = run(&mut table, Duration::ZERO, SECOND * 30);
    // ¾ of 30 s; three times to the neighbour alone, then to everyone.
    let to: Vec<_> = asked.iter().map(|(at, request)| (at.as_millis(), request.to)).collect();
    let known = Some(mac(1));
    assert_eq!(
        to,
        [(22_500, known), (23_500, known), (24_500, known), (25_500, None), (27_500, None)],
        "while the neighbour stays in use"
    );
    assert_eq!(state(&table, address), Some(State::Reachable));
    assert_eq!(table.learned(claim(address, 1, ClaimKind::Answer), SECOND * 29), Learned::Confirmed);
    let (asked, lost) = run(&mut table, SECOND * 30, SECOND * 50);
    assert_eq!((asked, lost), (vec![], vec![]));
}

#[test]
fn a_neighbour_gone_silent_is_used_for_a_while_and_then_given_up() {
    let mut table = NeighbourTable::default();
    let address = ip("192.0.2.2");
    table.want(address, Duration::ZERO);
    table.learned(claim(address, 1, ClaimKind::Answer), Duration::ZERO);
    run(&mut table, Duration::ZERO, SECOND * 31);
    assert_eq!((state(&table, address), table.lookup(address)), (Some(State::Stale), Some(mac(1))));
    let (_, lost) = run(&mut table, SECOND * 31, SECOND * 90);
    assert_eq!(lost, [(SECOND * 60, address)]);
    assert_eq!((state(&table, address), table.lookup(address)), (Some(State::Incomplete), None));
    assert_eq!(table.learned(claim(address, 2, ClaimKind::Answer), SECOND * 90), Learned::Changed);
    assert_eq!(table.lookup(address), Some(mac(2)), "it is asked for all along");
}

#[test]
fn nothing_is_learned_of_strangers_or_of_addresses_no_host_has() {
    let mut table = NeighbourTable::default();
    let (wanted, stranger) = (ip("192.0.2.2"), ip("192.0.2.3"));
    table.want(wanted, Duration::ZERO);
    assert_eq!(table.learned(claim(stranger, 1, ClaimKind::Answer), SECOND), Learned::Ignored);
    assert_eq!(table.iter().count(), 1);
    for bad in [MacAddr::BROADCAST, MacAddr::ZERO, MacAddr::new([1, 0, 0x5e, 0, 0, 1])] {
        let claim = Claim { address: wanted, mac: bad, kind: ClaimKind::Answer };
        assert_eq!(table.learned(claim, SECOND), Learned::Ignored);
    }
    assert_eq!(table.lookup(wanted), None);
    table.retain(|address| address != wanted);
    assert_eq!((table.iter().count(), table.next_tick()), (0, None));
}

/// RFC 4861 §7.2.5, for a neighbour known as 1.
#[test]
fn claims_weigh_what_the_standard_says() {
    use ClaimKind::{Announcement, Answer, WeakAnnouncement, WeakAnswer};
    use Learned::{Changed, Confirmed, Ignored};
    use State::{Reachable, Stale};
    let address = ip("2001:db8::2");
    let cases = [
        // What is known before, the claim; what is learned, known and in which state after.
        (None, (2, Answer), Changed, 2, Reachable),
        (None, (2, WeakAnswer), Changed, 2, Reachable),
        (None, (2, Announcement), Changed, 2, Stale),
        (None, (2, WeakAnnouncement), Changed, 2, Stale),
        (Some(Reachable), (1, Answer), Confirmed, 1, Reachable),
        (Some(Reachable), (1, WeakAnswer), Confirmed, 1, Reachable),
        (Some(Reachable), (1, Announcement), Confirmed, 1, Reachable),
        (Some(Reachable), (2, Answer), Changed, 2, Reachable),
        (Some(Reachable), (2, Announcement), Changed, 2, Stale),
        (Some(Reachable), (2, WeakAnswer), Ignored, 1, Reachable),
        (Some(Reachable), (2, WeakAnnouncement), Ignored, 1, Reachable),
        (Some(Stale), (1, Answer), Confirmed, 1, Reachable),
        (Some(Stale), (1, WeakAnswer), Confirmed, 1, Reachable),
        // Said by itself, it shows nothing about whether we are heard.
        (Some(Stale), (1, Announcement), Confirmed, 1, Stale),
        (Some(Stale), (2, Announcement), Changed, 2, Stale),
        (Some(Stale), (2, WeakAnswer), Ignored, 1, Stale),
    ];
    for (before, (last, kind), learned, known, after) in cases {
        let case = format!("{before:?} {kind:?} {last}");
        let mut table = NeighbourTable::default();
        table.want(address, Duration::ZERO);
        let now = SECOND * 40;
        match before {
            Some(Reachable) => {
                table.learned(claim(address, 1, Answer), SECOND * 35);
            }
            Some(_) => {
                table.learned(claim(address, 1, Answer), Duration::ZERO);
                run(&mut table, Duration::ZERO, now);
            }
            None => {}
        }
        assert_eq!(table.learned(claim(address, last, kind), now), learned, "{case}");
        assert_eq!(table.lookup(address), Some(mac(known)), "{case}");
        assert_eq!(state(&table, address), Some(after), "{case}");
    }
}

#[test]
fn an_announcement_is_confirmed_at_once() {
    let mut table = NeighbourTable::default();
    let address = ip("192.0.2.2");
    table.want(address, Duration::ZERO);
    table.tick(Duration::ZERO);
    table.learned(claim(address, 1, ClaimKind::Answer), Duration::ZERO);
    table.learned(claim(address, 2, ClaimKind::Announcement), SECOND * 10);
    let request = Request { target: address, to: Some(mac(2)) };
    assert_eq!(table.tick(SECOND * 10).requests, [request]);
}

#[test]
fn a_thousand_neighbours_make_no_storm() {
    let timing = Timing { requests_per_tick: 10, ..Timing::default() };
    let mut table = NeighbourTable::new(timing);
    let addresses: Vec<IpAddr> = (0..1000_u32).map(|host| IpAddr::from((host + 1).to_be_bytes())).collect();
    for &address in &addresses {
        table.want(address, Duration::ZERO);
    }
    let mut asked = HashSet::new();
    for tick in 0..100 {
        // Faster than anything is asked again.
        let due = table.tick(SECOND * tick / 1000);
        assert_eq!(due.requests.len(), 10);
        asked.extend(due.requests.iter().map(|request| request.target));
    }
    assert_eq!(asked.len(), addresses.len(), "everyone has their turn");
}

/// Something that happens in a simulated network.
#[derive(Clone, Debug)]
enum Event {
    /// Time passes, in quarters of a second, with a tick after each.
    Pass(u8),
    Want(u8),
    Forget(u8),
    Claim(u8, u8, ClaimKind),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let kind = prop_oneof![
        Just(ClaimKind::Answer),
        Just(ClaimKind::Announcement),
        Just(ClaimKind::WeakAnswer),
        Just(ClaimKind::WeakAnnouncement),
    ];
    let event = prop_oneof![
        4 => (1..150_u8).prop_map(Event::Pass),
        2 => (0..4_u8).prop_map(Event::Want),
        1 => (0..4_u8).prop_map(Event::Forget),
        4 => (0..4_u8, 1..4_u8, kind).prop_map(|(address, mac, kind)| Event::Claim(address, mac, kind)),
    ];
    prop::collection::vec(event, 0..60)
}

fn host(number: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, number])
}

proptest! {
    /// Whatever is said and asked: only the wanted are in the table; no address is asked for twice within a
    /// second; a MAC address was claimed for that address before; and it changes or goes only when the table says so.
    #[test]
    fn the_table_keeps_its_word(events in events()) {
        let mut table = NeighbourTable::default();
        let mut now = Duration::ZERO;
        let mut wanted = HashSet::new();
        let mut claimed: HashSet<(IpAddr, MacAddr)> = HashSet::new();
        let mut asked: HashMap<IpAddr, Duration> = HashMap::new();
        // What a datapath that only listens to `Learned` and `lost` believes.
        let mut believed: HashMap<IpAddr, MacAddr> = HashMap::new();
        for event in events {
            match event {
                Event::Want(number) => {
                    wanted.insert(host(number));
                    table.want(host(number), now);
                }
                Event::Forget(number) => {
                    wanted.remove(&host(number));
                    believed.remove(&host(number));
                    asked.remove(&host(number));
                    table.retain(|address| address != host(number));
                }
                Event::Claim(number, last, kind) => {
                    let claim = claim(host(number), last, kind);
                    claimed.insert((claim.address, claim.mac));
                    match table.learned(claim, now) {
                        Learned::Changed => {
                            prop_assert_ne!(believed.insert(claim.address, claim.mac), Some(claim.mac));
                        }
                        Learned::Confirmed => prop_assert_eq!(believed.get(&claim.address), Some(&claim.mac)),
                        Learned::Ignored => {}
                    }
                }
                Event::Pass(quarters) => for _ in 0..quarters {
                    now += SECOND / 4;
                    let due = table.tick(now);
                    for request in due.requests {
                        prop_assert!(wanted.contains(&request.target));
                        let before = asked.insert(request.target, now);
                        prop_assert!(before.is_none_or(|before| now - before >= SECOND));
                        prop_assert!(request.to.is_none() || request.to == believed.get(&request.target).copied());
                    }
                    for address in due.lost {
                        prop_assert!(believed.remove(&address).is_some());
                    }
                    prop_assert!(table.next_tick().is_none_or(|next| next > now), "a tick does all there is to do");
                },
            }
            prop_assert_eq!(table.iter().map(|(address, ..)| address).collect::<HashSet<_>>(), wanted.clone());
            for (address, state, mac) in table.iter() {
                prop_assert_eq!(mac, believed.get(&address).copied());
                prop_assert_eq!(mac.is_none(), state == State::Incomplete);
                prop_assert!(mac.is_none_or(|mac| claimed.contains(&(address, mac))));
            }
        }
    }

    /// A neighbour that answers, if late and not every time, is never without a MAC address after its first answer.
    #[test]
    fn no_frame_is_dropped_for_a_refresh(
        // For each question: the quarters of a second to its answer, or none.
        answers in prop::collection::vec(prop::option::weighted(0.6, 0..8_u32), 100),
    ) {
        let mut table = NeighbourTable::default();
        let address = ip("192.0.2.2");
        table.want(address, Duration::ZERO);
        let mut answers = answers.into_iter();
        let mut under_way: Vec<Duration> = Vec::new();
        let (mut known, mut silent_since) = (false, Duration::ZERO);
        for quarter in 0..4000_u32 {
            let now = SECOND / 4 * quarter;
            let due = table.tick(now);
            for _ in due.requests {
                if let Some(late) = answers.next().unwrap_or(Some(0)) {
                    under_way.push(now + SECOND / 4 * late);
                }
            }
            let arrived = under_way.iter().any(|&at| at <= now);
            under_way.retain(|&at| at > now);
            if arrived {
                table.learned(claim(address, 1, ClaimKind::Answer), now);
                (known, silent_since) = (true, now);
            }
            // Who is silent for longer is given up, and rightly.
            if known && now - silent_since < SECOND * 60 {
                prop_assert_eq!(table.lookup(address), Some(mac(1)), "at {:?}", now);
            }
        }
        prop_assert!(known);
    }
}
