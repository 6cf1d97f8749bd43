//! Where frames go: guests, devices, tunnels, and the counters of those that go nowhere.

use std::sync::Arc;

use arrayvec::ArrayVec;
use sluice_packet::{BURST, DropReason};
use sluice_pipeline::{PortId, TunnelTarget};
use sluice_vhost::{Frame, Payload};

use super::counters::WorkerCounters;
use super::forwarding::Forwarding;
use super::port::{Egress, Receivers, WorkerPort};
use super::stage::{FrameSet, Source, Stage};
use crate::switch::{Event, EventSender, lock};

/// The ports of a worker and what is on its way to them.
#[derive(Debug)]
pub(crate) struct Outputs {
    /// This worker's number, which spreads workers over guests' receive queues.
    number: usize,
    /// By [`PortId`].
    ports: Vec<Option<Box<WorkerPort>>>,
    pub(crate) counters: Arc<WorkerCounters>,
    pub(crate) events: EventSender,
    /// Frames that gather for guests until the burst is over.
    pending: ArrayVec<(PortId, FrameSet), BURST>,
    /// Devices that have frames gathered.
    devices: ArrayVec<PortId, BURST>,
    /// Guests that were delivered to since they were last looked after.
    delivered: Vec<PortId>,
}

impl Outputs {
    pub(crate) fn new(number: usize, counters: Arc<WorkerCounters>, events: EventSender) -> Outputs {
        let (pending, devices) = (ArrayVec::new(), ArrayVec::new());
        Outputs {
            number,
            ports: Vec::new(),
            counters,
            events,
            pending,
            devices,
            delivered: Vec::with_capacity(64),
        }
    }

    /// Takes a port up; gives back the one of that number.
    pub(crate) fn add(&mut self, port: Box<WorkerPort>) -> Option<Box<WorkerPort>> {
        let index = usize::from(port.id.0);
        if self.ports.len() <= index {
            self.ports.resize_with(index + 1, || None);
        }
        // Looking after delivered guests must never allocate.
        self.delivered.reserve(self.ports.len());
        self.ports.get_mut(index)?.replace(port)
    }

    /// Gives a port up.
    pub(crate) fn remove(&mut self, port: PortId) -> Option<Box<WorkerPort>> {
        self.ports.get_mut(usize::from(port.0))?.take()
    }

    /// Delivers to other receive queues of a guest from now on; gives back those of before.
    pub(crate) fn set_receivers(&mut self, port: PortId, receivers: Receivers) -> Option<Receivers> {
        let port = self.port_mut(port)?;
        port.quarantined = false;
        match &mut port.egress {
            Egress::Guest(present) => Some(std::mem::replace(present, receivers)),
            Egress::Device(_) | Egress::Tunnel => None,
        }
    }

    #[inline(always)]
    pub(crate) fn port(&self, port: PortId) -> Option<&WorkerPort> {
        self.ports.get(usize::from(port.0))?.as_deref()
    }

    #[inline(always)]
    fn port_mut(&mut self, port: PortId) -> Option<&mut WorkerPort> {
        self.ports.get_mut(usize::from(port.0))?.as_deref_mut()
    }

    /// Counts frames taken from a port.
    #[inline(always)]
    pub(crate) fn received(&self, port: PortId, frames: usize, bytes: usize) {
        self.counters.rx_packets.add(frames as u64);
        if let Some(port) = self.port(port) {
            port.counters.rx_packets.add(frames as u64);
            port.counters.rx_bytes.add(bytes as u64);
        }
    }

    /// Counts a frame that came out of a tunnel.
    #[inline(always)]
    pub(crate) fn came_through(&self, tunnel: PortId, bytes: usize) {
        if let Some(port) = self.port(tunnel) {
            port.counters.rx_packets.add(1);
            port.counters.rx_bytes.add(bytes as u64);
        }
    }

    /// Counts frames dropped at a port.
    #[inline]
    pub(crate) fn drop_frames(&self, port: PortId, reason: DropReason, frames: usize) {
        if let Some(port) = self.port(port) {
            port.counters.count_drop(reason, frames as u64);
        }
    }

    /// Sends frames out of a local port. Those for a guest gather until [`Outputs::flush`]: their heads must not change
    /// any more.
    #[inline]
    pub(crate) fn send<S: Source>(&mut self, port: PortId, frames: FrameSet, stage: &Stage<'_, S>) {
        match self.port_mut(port) {
            Some(WorkerPort { egress: Egress::Guest(_), .. }) => self.gather(port, frames, stage),
            Some(WorkerPort { egress: Egress::Device(device), counters, longest_frame, .. }) => {
                for i in frames {
                    let pushed = if stage.len(i) > *longest_frame {
                        Err(DropReason::Oversize)
                    } else {
                        device.push(stage.frame(i), counters)
                    };
                    if let Err(reason) = pushed {
                        counters.count_drop(reason, 1);
                    }
                }
                self.note_device(port);
            }
            Some(WorkerPort { egress: Egress::Tunnel, .. }) | None => {
                self.drop_frames(port, DropReason::PortDown, frames.len());
            }
        }
    }

    /// Sends frames out of a local port at once, as their heads are to be changed for others.
    pub(crate) fn send_now<S: Source>(&mut self, port: PortId, frames: FrameSet, stage: &Stage<'_, S>) {
        match self.port(port) {
            Some(WorkerPort { egress: Egress::Guest(_), .. }) => self.deliver(port, frames, stage),
            _ => self.send(port, frames, stage),
        }
    }

    /// Sends frames to another host, in VXLAN.
    #[inline]
    pub(crate) fn send_through<S: Source>(
        &mut self,
        forwarding: &Forwarding,
        tunnel: PortId,
        target: TunnelTarget,
        frames: FrameSet,
        stage: &Stage<'_, S>,
    ) {
        let drop = |outputs: &Self, reason| outputs.drop_frames(tunnel, reason, frames.len());
        let Some(path) = forwarding.remote(target.remote) else { return drop(self, DropReason::NoRoute) };
        let Some(template) = &path.template else { return drop(self, DropReason::NeighbourUnresolved) };
        let (mut sent, mut bytes) = (0, 0);
        let Some(WorkerPort { egress: Egress::Device(device), counters, .. }) = self.port_mut(path.uplink)
        else {
            return drop(self, DropReason::NoRoute);
        };
        let mut refused: ArrayVec<DropReason, BURST> = ArrayVec::new();
        for i in frames {
            match device.push_encapsulated(stage.frame(i), template, target.vni, counters) {
                Ok(()) => {
                    sent += 1;
                    bytes += stage.len(i);
                }
                Err(reason) => refused.push(reason),
            }
        }
        self.note_device(path.uplink);
        if let Some(port) = self.port(tunnel) {
            port.counters.tx_packets.add(sent);
            port.counters.tx_bytes.add(bytes as u64);
            refused.into_iter().for_each(|reason| port.counters.count_drop(reason, 1));
        }
    }

    /// Sends one frame as it is, past the rules.
    pub(crate) fn inject(&mut self, port: PortId, frame: &[u8]) {
        let Some(WorkerPort { egress: Egress::Device(device), counters, .. }) = self.port_mut(port) else {
            return;
        };
        let mut head = sluice_packet::Head::EMPTY;
        let captured = head.fill(frame);
        let payload = Payload::bytes(frame.get(captured..).unwrap_or(&[]));
        if let Err(reason) = device.push(Frame { head: &head, payload }, counters) {
            counters.count_drop(reason, 1);
        }
        self.note_device(port);
    }

    /// Lets everything that has gathered go.
    #[inline]
    pub(crate) fn flush<S: Source>(&mut self, stage: &Stage<'_, S>) {
        for (port, frames) in std::mem::take(&mut self.pending) {
            self.deliver(port, frames, stage);
        }
        self.flush_devices();
    }

    /// Hands devices what has gathered for them.
    #[inline]
    pub(crate) fn flush_devices(&mut self) {
        for port in std::mem::take(&mut self.devices) {
            if let Some(WorkerPort { egress: Egress::Device(device), counters, .. }) = self.port_mut(port) {
                let sent = device.flush(counters);
                self.counters.tx_packets.add(sent as u64);
            }
        }
    }

    /// Looks after the guests that were delivered to: calls that were put off, and the next buffers' lines. To be
    /// called every round, and before a sleep.
    #[inline]
    pub(crate) fn look_after_guests(&mut self) {
        while let Some(port) = self.delivered.pop() {
            if let Some(receiver) = self.port(port).and_then(|port| port.receiver(self.number)) {
                lock(receiver).prepare();
            }
        }
    }

    #[inline(always)]
    fn gather<S: Source>(&mut self, port: PortId, frames: FrameSet, stage: &Stage<'_, S>) {
        if let Some((_, gathered)) = self.pending.iter_mut().find(|(gathering, _)| *gathering == port) {
            gathered.extend(frames);
        } else if self.pending.is_full() {
            self.deliver(port, frames, stage);
        } else {
            self.pending.push((port, frames));
        }
    }

    /// Hands frames to a guest.
    #[inline]
    fn deliver<S: Source>(&mut self, port: PortId, frames: FrameSet, stage: &Stage<'_, S>) {
        let Some(to) = self.ports.get(usize::from(port.0)).and_then(Option::as_deref) else { return };
        let Some(receiver) = to.receiver(self.number) else {
            return to.counters.count_drop(DropReason::PortDown, frames.len() as u64);
        };
        let mut queue = lock(receiver);
        match queue.deliver(frames.into_iter().map(|i| stage.frame(i))) {
            Ok(delivered) => {
                to.counters.tx_packets.add(delivered.frames as u64);
                to.counters.tx_bytes.add(delivered.bytes as u64);
                self.counters.tx_packets.add(delivered.frames as u64);
                let left = frames.len() - delivered.frames - delivered.refused;
                if delivered.refused + left > 0 {
                    to.counters.count_drop(DropReason::Oversize, delivered.refused as u64);
                    to.counters.count_drop(DropReason::RingFull, left as u64);
                }
                if !self.delivered.contains(&port) {
                    self.delivered.push(port);
                }
            }
            Err(fault) => {
                to.counters.count_drop(DropReason::PortDown, frames.len() as u64);
                let fault = Event::RingFault { port, queue: queue.index(), fault };
                drop(queue);
                self.quarantine(port, fault);
            }
        }
    }

    /// Delivers nothing more to a guest that broke a ring, until it starts anew, and says so.
    #[cold]
    fn quarantine(&mut self, port: PortId, fault: Event) {
        let told = self.events.say(fault);
        if let Some(port) = self.port_mut(port) {
            // If there was no room for the event, the next fault tells it.
            port.quarantined = told;
        }
    }

    #[inline(always)]
    fn note_device(&mut self, port: PortId) {
        if !self.devices.contains(&port) && self.devices.try_push(port).is_err() {
            self.flush_devices();
            self.devices.push(port);
        }
    }
}
