//! Whether actions can apply to what a flow matches (OpenFlow 1.3.5 §7.2.5: a set-field's prerequisites), else
//! `OFPBAC_MATCH_INCONSISTENT`.
//!
//! The facts that the match gives are followed through the actions: after a pushed MPLS header, MPLS fields can be
//! set and IP's no longer.

use super::{Action, Ct, CtZone, NxAction};
use crate::wire::error::{BadAction, DecodeError, ErrorCode};
use crate::wire::oxm::{ETH_PBB, Facts, Field, Prerequisite};

/// An action cannot apply to what is matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::wire) struct Inconsistent(&'static str);

impl Inconsistent {
    /// The error for the message whose actions start at `offset`.
    pub(in crate::wire) fn at(self, offset: usize) -> DecodeError {
        DecodeError { code: ErrorCode::BadAction(BadAction::MatchInconsistent), offset, what: self.0 }
    }
}

/// Checks a list of actions, done in its order.
pub(in crate::wire) fn check_list(actions: &[Action], facts: &mut Facts) -> Result<(), Inconsistent> {
    actions.iter().try_for_each(|action| check(action, facts))
}

/// Checks an action set, done in the order of OpenFlow 1.3.5 §5.10: pops, then pushes, then the rest.
pub(in crate::wire) fn check_set(actions: &[Action], mut facts: Facts) -> Result<(), Inconsistent> {
    let rank = |action: &Action| match action {
        Action::CopyTtlIn => 0,
        Action::PopVlan | Action::PopMpls(_) | Action::PopPbb => 1,
        Action::PushMpls(_) => 2,
        Action::PushPbb(_) => 3,
        Action::PushVlan(_) => 4,
        Action::Output { .. } | Action::Group(_) => 6,
        _ => 5,
    };
    (0..=6).try_for_each(|wanted| {
        actions
            .iter()
            .filter(|action| rank(action) == wanted)
            .try_for_each(|action| check(action, &mut facts))
    })
}

fn check(action: &Action, facts: &mut Facts) -> Result<(), Inconsistent> {
    match action {
        Action::SetMplsTtl(_) | Action::DecMplsTtl => {
            need(*facts, Prerequisite::Mpls, "an MPLS TTL is set where no MPLS is matched")
        }
        Action::SetNwTtl(_) | Action::DecNwTtl | Action::Nicira(NxAction::DecTtlControllers(_)) => {
            need(*facts, Prerequisite::Ip, "a TTL is set where no IP is matched")
        }
        Action::PushVlan(_) => {
            facts.push_vlan();
            Ok(())
        }
        Action::PopVlan => {
            let popped = facts.pop_vlan();
            if popped { Ok(()) } else { Err(Inconsistent("a tag is popped where none is matched")) }
        }
        Action::PushMpls(eth_type) => {
            facts.set_eth_type(Some(*eth_type));
            Ok(())
        }
        Action::PopMpls(eth_type) => {
            need(*facts, Prerequisite::Mpls, "MPLS is popped where none is matched")?;
            facts.set_eth_type(Some(*eth_type));
            Ok(())
        }
        Action::PushPbb(_) => {
            facts.set_eth_type(Some(ETH_PBB));
            facts.hide_vlan();
            Ok(())
        }
        Action::PopPbb => {
            need(*facts, Prerequisite::Pbb, "PBB is popped where none is matched")?;
            facts.set_eth_type(None);
            Ok(())
        }
        Action::SetField(oxm) => settable(*facts, oxm.field()),
        Action::Nicira(action) => check_nicira(action, facts),
        Action::Output { .. }
        | Action::CopyTtlOut
        | Action::CopyTtlIn
        | Action::SetQueue(_)
        | Action::Group(_) => Ok(()),
    }
}

fn check_nicira(action: &NxAction, facts: &mut Facts) -> Result<(), Inconsistent> {
    match action {
        NxAction::RegMove(moved) => {
            readable(*facts, moved.source().field())?;
            settable(*facts, moved.target().field())
        }
        NxAction::RegLoad(load) => settable(*facts, load.target().field()),
        NxAction::RegLoad2(oxm) => settable(*facts, oxm.field()),
        NxAction::OutputReg { port, .. } => readable(*facts, port.field()),
        NxAction::StackPush(subfield) => readable(*facts, subfield.field()),
        NxAction::StackPop(subfield) => settable(*facts, subfield.field()),
        NxAction::Ct(Ct { zone, actions, .. }) => {
            need(*facts, Prerequisite::Ip, "a connection is looked up where no IP is matched")?;
            if let CtZone::Field(subfield) = zone {
                readable(*facts, subfield.field())?;
            }
            check_list(actions, &mut facts.clone())
        }
        NxAction::Clone(actions) => check_list(actions, &mut facts.clone()),
        _ => Ok(()),
    }
}

fn need(facts: Facts, needed: Prerequisite, what: &'static str) -> Result<(), Inconsistent> {
    if facts.meet(needed) { Ok(()) } else { Err(Inconsistent(what)) }
}

fn readable(facts: Facts, field: Field) -> Result<(), Inconsistent> {
    need(facts, field.prerequisite(), "a field is read that the match does not have")
}

/// A VLAN's id can be matched without a tag (there is none), but not set.
fn settable(facts: Facts, field: Field) -> Result<(), Inconsistent> {
    if field == Field::VlanVid {
        return need(facts, Prerequisite::Vlan, "a VLAN's id is set where no tag is matched");
    }
    need(facts, field.prerequisite(), "a field is set that the match does not have")
}
