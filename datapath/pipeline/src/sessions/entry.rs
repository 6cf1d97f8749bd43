//! A session, in one cache line, and behind it what few sessions need.
//!
//! ```text
//! words 0…4  head of the compact key
//! word  5    state of the bridge when the rules were run (Stamp)
//! word  6    verdict(32) last used, seconds(32)
//! word  7    hash(32) bridge(16) in use(1) has a tail(1) becomes due(1) due, seconds(13)
//! ```

use super::lines::Line;
use crate::{BridgeId, Tick, VerdictId};

const IN_USE: u64 = 1 << 15;
pub(super) const WIDE: u64 = 1 << 14;
const BECOMES_DUE: u64 = 1 << 13;
const DUE: u64 = BECOMES_DUE - 1;
/// What of word 7 names the session.
pub(super) const NAME: u64 = !(BECOMES_DUE | DUE);

/// Word 7 of a session, without when it is due.
#[inline(always)]
pub(super) fn name(hash: u32, bridge: BridgeId, wide: bool) -> u64 {
    u64::from(hash) << 32 | u64::from(bridge.0) << 16 | IN_USE | if wide { WIDE } else { 0 }
}

/// The bits in which a session's key and name differ from these.
#[inline(always)]
pub(super) fn difference(entry: &Line, head: &[u64; 5], name: u64) -> u64 {
    let [a, b, c, d, e, _, _, own_name] = entry;
    let [ka, kb, kc, kd, ke] = head;
    (a ^ ka) | (b ^ kb) | (c ^ kc) | (d ^ kd) | (e ^ ke) | ((own_name ^ name) & NAME)
}

/// Whether this is the whole of a session's key, judged in this state of its bridge and used in this second.
#[inline(always)]
pub(super) fn is_current(entry: &Line, head: &[u64; 5], name: u64, state: u64, now: Tick) -> bool {
    let [.., own_state, used, _] = entry;
    let unlike =
        difference(entry, head, name) | (own_state ^ state) | (name & WIDE) | u64::from(low(*used) ^ now.0);
    unlike == 0
}

#[inline(always)]
pub(super) fn is_used(entry: &Line) -> bool {
    let [.., name] = entry;
    name & IN_USE != 0
}

#[inline(always)]
pub(super) fn bridge(entry: &Line) -> BridgeId {
    let [.., name] = entry;
    bridge_of(*name)
}

#[inline(always)]
pub(super) fn bridge_of(name: u64) -> BridgeId {
    let [_, _, _, _, high, low, ..] = name.to_be_bytes();
    BridgeId(u16::from_be_bytes([high, low]))
}

#[inline(always)]
pub(super) fn hash(entry: &Line) -> u32 {
    let [.., name] = entry;
    high(*name)
}

#[inline(always)]
pub(super) fn state(entry: &Line) -> u64 {
    let [_, _, _, _, _, state, ..] = entry;
    *state
}

#[inline(always)]
pub(super) fn verdict(entry: &Line) -> VerdictId {
    let [.., used, _] = entry;
    VerdictId(high(*used))
}

#[inline(always)]
pub(super) fn last_used(entry: &Line) -> Tick {
    let [.., used, _] = entry;
    Tick(low(*used))
}

/// Notes that the session was used; `false` if its rules are due to be run again.
#[inline]
pub(super) fn touch(entry: &mut Line, now: Tick) -> bool {
    let [.., used, name] = entry;
    *used = *used & !0xffff_ffff | u64::from(now.0);
    let ahead = name.wrapping_sub(u64::from(now.0)) & DUE;
    // More than half a turn ahead is behind. Sessions are due and idle for far less than half a turn.
    *name & BECOMES_DUE == 0 || (ahead != 0 && ahead <= DUE / 2)
}

/// Writes what the rules decided.
pub(super) fn judge(entry: &mut Line, state: u64, verdict: VerdictId, due: Option<Tick>, now: Tick) {
    let [.., own_state, used, name] = entry;
    *own_state = state;
    *used = u64::from(verdict.0) << 32 | u64::from(now.0);
    *name = *name & NAME | due.map_or(0, |due| BECOMES_DUE | u64::from(due.0) & DUE);
}

/// Writes whose session it is.
pub(super) fn rename(entry: &mut Line, head: &[u64; 5], name: u64) {
    let [a, b, c, d, e, _, _, own_name] = entry;
    [*a, *b, *c, *d, *e] = *head;
    *own_name = name;
}

/// Frees the entry; `next` is the free one before it.
pub(super) fn free(entry: &mut Line, next: u64) {
    *entry = [next, 0, 0, 0, 0, 0, 0, 0];
}

/// The free entry before this one.
pub(super) fn next_free(entry: &Line) -> u64 {
    let [next, ..] = entry;
    *next
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the low half")]
fn low(word: u64) -> u32 {
    word as u32
}

#[inline(always)]
fn high(word: u64) -> u32 {
    low(word >> 32)
}
