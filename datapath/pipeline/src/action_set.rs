//! [`ActionSet`]: what tables have written to be carried out at the end.

use std::collections::BTreeMap;

use sluice_packet::{Field, Rewrite};

use crate::Action;

/// Actions that are carried out when no table follows, at most one of each kind, in the order of OpenFlow 1.3.5 §5.10.
/// Each keeps with it where it came from.
#[derive(Clone, Debug)]
pub(crate) struct ActionSet<T> {
    actions: BTreeMap<Place, (Action, T)>,
}

/// An action's kind, in the order of carrying out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    PopVlan,
    PushVlan,
    DecTtl,
    Set(Field),
    Tunnel,
    Output,
}

impl<T> Default for ActionSet<T> {
    fn default() -> ActionSet<T> {
        ActionSet { actions: BTreeMap::new() }
    }
}

impl<T: Copy> ActionSet<T> {
    /// Takes everything out (clear-actions).
    pub(crate) fn clear(&mut self) {
        self.actions.clear();
    }

    /// Puts actions in (write-actions); each replaces the one of its kind. What is said of a tunnel's VNI leaves its remote
    /// as it was, and the other way round.
    pub(crate) fn write(&mut self, actions: &[Action], origin: T) {
        for &action in actions {
            let Some(place) = place(&action) else { continue };
            let former = self.actions.insert(place, (action, origin));
            if let Action::SetTunnel { vni, remote } = action
                && let Some((Action::SetTunnel { vni: old_vni, remote: old_remote }, _)) = former
            {
                let both = Action::SetTunnel { vni: vni.or(old_vni), remote: remote.or(old_remote) };
                self.actions.insert(place, (both, origin));
            }
        }
    }

    /// The actions in the order in which they are carried out.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Action, T)> {
        self.actions.values().map(|(action, origin)| (action, *origin))
    }
}

/// Where an action stands; nowhere if it does nothing.
fn place(action: &Action) -> Option<Place> {
    Some(match action {
        Action::Rewrite(Rewrite::PopVlan) => Place::PopVlan,
        Action::Rewrite(Rewrite::PushVlan(_)) => Place::PushVlan,
        Action::Rewrite(Rewrite::DecTtl) => Place::DecTtl,
        Action::Rewrite(Rewrite::Set(set)) => Place::Set(set.field()),
        Action::SetTunnel { .. } => Place::Tunnel,
        Action::Output(_) | Action::Normal | Action::Flood | Action::InPort | Action::Punt { .. } => {
            Place::Output
        }
        Action::Drop => return None,
    })
}

#[cfg(test)]
mod tests {
    use sluice_overlay::Vni;
    use sluice_packet::{SetField, Tpid};

    use super::*;
    use crate::{PortId, RemoteId};

    fn ordered(lists: &[&[Action]]) -> Vec<Action> {
        let mut set = ActionSet::default();
        lists.iter().for_each(|list| set.write(list, ()));
        set.iter().map(|(action, ())| *action).collect()
    }

    fn set_field(field: Field, value: u128) -> Action {
        Action::Rewrite(Rewrite::Set(SetField::new(field, value, field.full()).unwrap()))
    }

    #[test]
    fn kinds_have_their_order_whatever_they_were_written_in() {
        let (pop, push) =
            (Action::Rewrite(Rewrite::PopVlan), Action::Rewrite(Rewrite::PushVlan(Tpid::Customer)));
        let (ttl, set) = (Action::Rewrite(Rewrite::DecTtl), set_field(Field::EthDst, 1));
        let output = Action::Output(PortId(1));
        assert_eq!(ordered(&[&[output, set, ttl, push], &[pop]]), [pop, push, ttl, set, output]);
    }

    #[test]
    fn the_last_of_a_kind_stays() {
        let (first, second) = (set_field(Field::EthDst, 1), set_field(Field::EthDst, 2));
        let other = set_field(Field::EthSrc, 3);
        assert_eq!(
            ordered(&[&[first, other], &[second, Action::Flood], &[Action::Normal]]),
            [second, other, Action::Normal]
        );
    }

    #[test]
    fn a_tunnels_network_and_remote_are_written_apart() {
        let (vni, remote) = (Vni::new(7), RemoteId::new(3));
        let both = Action::SetTunnel { vni: vni.clone().ok(), remote };
        let apart =
            [Action::SetTunnel { vni: vni.ok(), remote: None }, Action::SetTunnel { vni: None, remote }];
        assert_eq!(ordered(&[&apart]), [both]);
    }

    #[test]
    fn nothing_is_left_after_clearing() {
        let mut set = ActionSet::default();
        set.write(&[Action::Flood], ());
        set.clear();
        assert_eq!(set.iter().count(), 0);
    }
}
