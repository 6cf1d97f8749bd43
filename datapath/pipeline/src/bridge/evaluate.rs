//! Running the rules on one key.

use sluice_overlay::Vni;
use sluice_packet::{DropReason, Field, FlowKey, MacAddr};

use super::Bridge;
use crate::action_set::ActionSet;
use crate::mac::Station;
use crate::plan::VLAN_ID;
use crate::verdict::{Step, Verdict};
use crate::{
    Action, Ingress, Learned, Port, PortId, PortKind, RemoteId, Rule, RuleSlot, TableId, Tick, TunnelTarget,
    WriteMetadata,
};

impl Bridge {
    /// Runs the rules on a key: what to do with every frame of that key from now on.
    ///
    /// The verdict depends on nothing but the bits of `key` that [`Bridge::plan`] names, the bridge, and what it has
    /// learned. NORMAL learns the source address on the way; [`Bridge::stamp`] changes if that is news.
    pub fn evaluate(&self, key: &FlowKey, ingress: &Ingress, now: Tick) -> Verdict {
        let mut run = Run {
            bridge: self,
            ingress,
            now,
            key: *key,
            vni: None,
            remote: None,
            steps: Vec::with_capacity(4),
            rules: Vec::with_capacity(4),
            reason: DropReason::RuleDrop,
            valid_s: None,
        };
        run.tables();
        Verdict::new(run.steps, run.rules, run.reason, run.valid_s)
    }
}

/// One run through the tables.
struct Run<'a> {
    bridge: &'a Bridge,
    ingress: &'a Ingress,
    now: Tick,
    /// As rewritten so far.
    key: FlowKey,
    /// Set by [`Action::SetTunnel`].
    vni: Option<Vni>,
    remote: Option<RemoteId>,
    steps: Vec<Step>,
    rules: Vec<RuleSlot>,
    /// Why the frame is dropped if nothing delivers it.
    reason: DropReason,
    valid_s: Option<u16>,
}

/// Set aside: the frame cannot go on.
struct Stopped;

impl<'a> Run<'a> {
    fn tables(&mut self) {
        let mut next = Some(TableId::FIRST);
        let bridge = self.bridge;
        let mut set = ActionSet::default();
        while let Some(table) = next {
            let Some(rule) = bridge.tables.get(&table).and_then(|table| table.lookup(&self.key)) else {
                self.reason = DropReason::TableMiss;
                return;
            };
            self.rules.push(rule.slot);
            for action in &rule.actions {
                if let Err(Stopped) = self.act(action, rule) {
                    return;
                }
            }
            if rule.clear {
                set.clear();
            }
            set.write(&rule.write, rule);
            if let Some(WriteMetadata { value, mask }) = rule.metadata {
                self.key.set_masked(Field::Metadata, value.into(), mask.into());
            }
            next = rule.goto;
        }
        for (action, rule) in set.iter() {
            if let Err(Stopped) = self.act(action, rule) {
                return;
            }
        }
    }

    fn act(&mut self, action: &Action, rule: &Rule) -> Result<(), Stopped> {
        match *action {
            Action::Output(port) => self.output(port),
            Action::Normal => self.normal(),
            Action::Flood => self.flood(),
            Action::InPort => self.send_back(),
            Action::Punt { max_bytes } => {
                let (table, cookie) = (rule.key.table, rule.cookie);
                self.steps.push(Step::Punt { max_bytes, table, cookie });
            }
            Action::Drop => {}
            Action::Rewrite(rewrite) => {
                if let Err(reason) = rewrite.apply_to_key(&mut self.key) {
                    self.reason = reason;
                    return Err(Stopped);
                }
                self.steps.push(Step::Rewrite(rewrite));
            }
            Action::SetTunnel { vni, remote } => {
                self.vni = vni.or(self.vni);
                self.remote = remote.or(self.remote);
            }
        }
        Ok(())
    }

    fn output(&mut self, port: PortId) {
        match self.bridge.port(port) {
            Some(port) if port.id != self.ingress.port => self.send(port, None),
            Some(_) => self.reason = DropReason::SplitHorizon,
            None => self.reason = DropReason::PortDown,
        }
    }

    fn flood(&mut self) {
        let from_tunnel = self.ingress.tunnel.is_some();
        let bridge = self.bridge;
        let before = self.steps.len();
        for port in bridge.ports().filter(|port| port.flood && port.id != self.ingress.port) {
            if !(from_tunnel && port.is_tunnel()) {
                self.send(port, None);
            }
        }
        if self.steps.len() == before {
            self.reason = DropReason::SplitHorizon;
        }
    }

    fn send_back(&mut self) {
        match (self.ingress.tunnel, self.ingress.port) {
            (Some(tunnel), port) => self.steps.push(Step::Tunnel { port, target: tunnel.target }),
            (None, port) => self.steps.push(Step::Output { port }),
        }
    }

    /// IEEE 802.1D §7.7 and §7.8, with VXLAN's learning of remotes (RFC 7348 §4.1).
    fn normal(&mut self) {
        let vlan = bits16(&self.key, Field::VlanTci, VLAN_ID);
        let [source, destination] = [Field::EthSrc, Field::EthDst].map(|field| mac(&self.key, field));
        if is_link_local(destination) {
            self.reason = DropReason::LinkLocal;
            return;
        }
        let remote = self.ingress.tunnel.map(|tunnel| tunnel.target.remote);
        let macs = &self.bridge.macs;
        let here = Station { port: self.ingress.port, remote };
        if macs.learn(vlan, source, here, self.now) != Learned::Ignored {
            self.valid_s = Some(macs.refresh_s());
        }
        let known = if destination.is_unicast() { macs.lookup(vlan, destination) } else { None };
        match known.and_then(|station| Some((station, self.bridge.port(station.port)?))) {
            None => self.flood(),
            Some((station, _)) if station.port == self.ingress.port => self.reason = DropReason::SplitHorizon,
            Some((_, port)) if remote.is_some() && port.is_tunnel() => self.reason = DropReason::SplitHorizon,
            Some((station, port)) => self.send(port, station.remote),
        }
    }

    /// Delivers to a port; through a tunnel to `remote`, or else to all that the port has.
    fn send(&mut self, port: &'a Port, remote: Option<RemoteId>) {
        let port_id = port.id;
        match &port.kind {
            PortKind::Local => self.steps.push(Step::Output { port: port_id }),
            PortKind::Tunnel { vni, remotes } => {
                let vni = self.vni.unwrap_or(*vni);
                let one = self.remote.or(remote);
                let remotes = one.as_ref().map_or(&**remotes, std::slice::from_ref);
                self.steps.extend(remotes.iter().map(|&remote| {
                    let target = TunnelTarget { vni, remote };
                    Step::Tunnel { port: port_id, target }
                }));
            }
        }
    }
}

/// 01-80-c2-00-00-00 to -0f: link-local control (IEEE 802.1Q §8.6.3).
fn is_link_local(mac: MacAddr) -> bool {
    matches!(mac.octets(), [0x01, 0x80, 0xc2, 0, 0, 0..=0x0f])
}

fn mac(key: &FlowKey, field: Field) -> MacAddr {
    let [.., a, b, c, d, e, f] = key.get(field).to_be_bytes();
    MacAddr::new([a, b, c, d, e, f])
}

fn bits16(key: &FlowKey, field: Field, mask: u128) -> u16 {
    let [.., high, low] = (key.get(field) & mask).to_be_bytes();
    u16::from_be_bytes([high, low])
}
