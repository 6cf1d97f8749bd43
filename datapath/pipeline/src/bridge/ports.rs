//! A bridge's ports.

use std::sync::Arc;

use super::{Bridge, BridgeError};
use crate::stamp::Epoch;
use crate::{Action, OfPort, Port, PortId};

impl Bridge {
    /// Its ports, by their number in the datapath.
    pub fn ports(&self) -> impl Iterator<Item = &Arc<Port>> {
        self.ports.values()
    }

    /// The port of this number.
    pub fn port(&self, id: PortId) -> Option<&Arc<Port>> {
        self.ports.get(&id)
    }

    /// The port with this OpenFlow number.
    pub fn of_port(&self, of_port: OfPort) -> Option<&Arc<Port>> {
        self.ports.get(self.of_ports.get(&of_port)?)
    }

    /// Adds a port, or replaces the one of the same number.
    ///
    /// # Errors
    /// [`BridgeError::OfPortTaken`], and nothing is changed.
    pub fn set_port(&mut self, port: Port) -> Result<(), BridgeError> {
        let Port { id, of_port, .. } = port;
        match self.of_ports.get(&of_port) {
            Some(&by) if by != id => return Err(BridgeError::OfPortTaken { of_port, by }),
            _ => {}
        }
        if let Some(replaced) = self.ports.insert(id, Arc::new(port)) {
            self.of_ports.remove(&replaced.of_port);
        }
        self.of_ports.insert(of_port, id);
        self.epoch = Epoch::next();
        Ok(())
    }

    /// Takes a port out. What was learned behind it leads nowhere from then on; see
    /// [`MacTable::forget_port`](crate::MacTable::forget_port).
    ///
    /// # Errors
    /// [`BridgeError::NoSuchPort`]; [`BridgeError::PortInUse`] if rules output to it. Nothing is changed then.
    pub fn delete_port(&mut self, id: PortId) -> Result<Arc<Port>, BridgeError> {
        if self.uses.contains_key(&id) {
            let uses = |action: &Action| action.port() == Some(id);
            if let Some(rule) = self.rules().find(|rule| rule.all_actions().any(uses)) {
                return Err(BridgeError::PortInUse { port: id, rule: Box::new(rule.key.clone()) });
            }
        }
        let port = self.ports.remove(&id).ok_or(BridgeError::NoSuchPort(id))?;
        self.of_ports.remove(&port.of_port);
        self.epoch = Epoch::next();
        Ok(port)
    }
}
