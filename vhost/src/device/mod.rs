//! The device behind a connection: what each request changes.
//!
//! Whatever touches a running ring first takes it back from the host, then changes the state, then hands out a new
//! ring: nobody ever walks a ring that is being changed.

mod eventfd;
mod state;

use std::os::fd::OwnedFd;
use std::sync::Arc;

use thiserror::Error;

use crate::features::{Features, ProtocolFeatures};
use crate::host::{Negotiated, Ring, RingHost};
use crate::index::{Direction, QueueIndex, QueuePairs};
use crate::memory::{GuestMemory, MAX_REGIONS, MemoryError};
use crate::net::{ReceiveQueue, TransmitQueue};
use crate::protocol::{Request, VringEvent};
use crate::ring::{Call, Caller, RingError, RingSetup, RingSize};
use state::{DeviceState, VringFds, VringState};

/// Smallest MTU of IPv4 (RFC 791).
const MIN_MTU: u64 = 68;

/// Why a request is not carried out.
#[derive(Debug, Error)]
pub enum DeviceError {
    /// The device has fewer queues.
    #[error("there is no queue {0}")]
    NoSuchQueue(u32),
    /// Features were chosen that were not offered.
    #[error("the features {asked:#x} are not among those offered, {offered:#x}")]
    Features {
        /// What was chosen.
        asked: u64,
        /// What was offered.
        offered: u64,
    },
    /// A ring position that does not fit a split ring.
    #[error("{0} is no position in a ring")]
    Base(u32),
    /// An MTU beyond the port's.
    #[error("the MTU {asked} is not between 68 and the port's {mtu}")]
    Mtu {
        /// What was asked for.
        asked: u64,
        /// The port's.
        mtu: u16,
    },
    /// A descriptor that should be an eventfd is none.
    #[error("a ring's descriptor is not an eventfd")]
    NotAnEventfd,
    /// The system has no context for the guest's calls.
    #[error("the guest cannot be called: io_setup(2) says {0}; if EAGAIN, raise the sysctl fs.aio-max-nr")]
    Caller(#[source] rustix::io::Errno),
    /// The ring's parameters are wrong.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// The guest's memory is refused.
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

/// What a device offers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer {
    pub(crate) queue_pairs: QueuePairs,
    pub(crate) mtu: u16,
}

impl Offer {
    fn features(self) -> Features {
        let features = Features::VERSION_1
            | Features::INDIRECT_DESC
            | Features::EVENT_IDX
            | Features::IN_ORDER
            | Features::MRG_RXBUF
            | Features::MTU
            | Features::STATUS
            | Features::PROTOCOL_FEATURES;
        if self.queue_pairs.value() > 1 { features | Features::MQ } else { features }
    }
}

/// What the frontend is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing but, if it asked, that it was done.
    Done,
    Value(u64),
    VringState {
        index: u32,
        value: u32,
    },
}

/// A device and its rings, as long as one connection lasts.
pub(crate) struct Device<'h, H: RingHost> {
    host: &'h mut H,
    offer: Offer,
    state: DeviceState,
    memory: Arc<GuestMemory>,
    fds: Vec<VringFds>,
    /// Makes the calls of all rings; taken with the first descriptor to call.
    caller: Option<Arc<Caller>>,
    running: Vec<bool>,
}

impl<'h, H: RingHost> Device<'h, H> {
    pub(crate) fn new(host: &'h mut H, offer: Offer) -> Self {
        let queues = usize::from(offer.queue_pairs.queues());
        Device {
            host,
            offer,
            state: DeviceState::new(offer.queue_pairs),
            memory: Arc::default(),
            fds: std::iter::repeat_with(VringFds::default).take(queues).collect(),
            caller: None,
            running: vec![false; queues],
        }
    }

    /// Whether a frontend that wants to know how a request went is told.
    pub(crate) fn acknowledges(&self) -> bool {
        self.state.protocol_features.contains(ProtocolFeatures::REPLY_ACK)
    }

    /// Carries a request out. On an error nothing has changed, but rings may have been stopped and started.
    pub(crate) fn handle(&mut self, request: Request) -> Result<Answer, DeviceError> {
        match request {
            Request::Features => return Ok(Answer::Value(self.offer.features().bits())),
            Request::SetFeatures(bits) => self.set_features(bits)?,
            Request::SetOwner => {}
            Request::ResetOwner => self.stop(),
            Request::ResetDevice => self.reset(),
            Request::ProtocolFeatures => return Ok(Answer::Value(ProtocolFeatures::OFFERED.bits())),
            Request::SetProtocolFeatures(bits) => self.set_protocol_features(bits)?,
            Request::QueueNum => return Ok(Answer::Value(self.offer.queue_pairs.value().into())),
            Request::SetMtu(mtu) => self.check_mtu(mtu)?,
            Request::SetStatus(status) => self.state.status = status,
            Request::Status => return Ok(Answer::Value(self.state.status)),
            Request::MaxMemSlots => return Ok(Answer::Value(MAX_REGIONS as u64)),
            Request::SetMemTable(regions) => {
                let memory = GuestMemory::new(regions)?;
                self.set_memory(memory);
            }
            Request::AddMemReg(layout, file) => {
                if !self.memory.has(&layout, &file) {
                    let memory = self.memory.with(layout, file)?;
                    self.set_memory(memory);
                }
            }
            Request::RemMemReg(layout) => match self.memory.without(&layout) {
                Ok(memory) => self.set_memory(memory),
                // Removed for another queue pair already, as it was added for each.
                Err(MemoryError::NoSuchRegion(_)) if self.offer.queue_pairs.value() > 1 => {}
                Err(error) => return Err(error.into()),
            },
            Request::SetVringNum { index, size } => {
                let size = RingSize::new(size)?;
                self.change(index, |vring, _| vring.size = Some(size))?;
            }
            Request::SetVringAddr { index, addresses } => {
                addresses.check()?;
                self.change(index, |vring, _| vring.addresses = Some(addresses))?;
            }
            Request::SetVringBase { index, base } => {
                let base = u16::try_from(base).map_err(|_| DeviceError::Base(base))?;
                self.change(index, |vring, _| vring.base = base)?;
            }
            Request::StopVring { index } => return self.stop_vring(index),
            Request::SetVringEnable { index, enabled } => {
                self.change(index, |vring, _| vring.enabled = enabled)?;
            }
            Request::SetVringKick(VringEvent { index, fd }) => {
                let fd = fd.map(eventfd::checked).transpose()?.map(Arc::new);
                self.change(index, |vring, fds| {
                    vring.started = true;
                    fds.events.kick = fd;
                })?;
            }
            Request::SetVringCall(VringEvent { index, fd }) => {
                let call = fd.map(|fd| self.call(eventfd::checked(fd)?)).transpose()?;
                self.change(index, |_, fds| fds.events.call = call)?;
            }
            Request::SetVringErr(VringEvent { index, fd }) => {
                let fd = fd.map(eventfd::checked).transpose()?.map(Arc::new);
                let queue = self.queue(index)?;
                if let Some(fds) = self.fds.get_mut(usize::from(queue.value())) {
                    fds.err = fd;
                }
            }
        }
        Ok(Answer::Done)
    }

    /// Takes all rings back from the host.
    pub(crate) fn stop(&mut self) {
        for queue in self.offer.queue_pairs.all() {
            self.pause(queue);
        }
        for vring in &mut self.state.vrings {
            vring.started = false;
        }
    }

    /// `RESET_DEVICE`: as after connecting, but the memory and what the two sides speak stay.
    fn reset(&mut self) {
        self.stop();
        let protocol_features = self.state.protocol_features;
        self.state = DeviceState { protocol_features, ..DeviceState::new(self.offer.queue_pairs) };
        self.fds.fill_with(VringFds::default);
    }

    /// A way to call the guest by `fd`.
    fn call(&mut self, fd: OwnedFd) -> Result<Arc<Call>, DeviceError> {
        let caller = match &self.caller {
            Some(caller) => Arc::clone(caller),
            None => Arc::clone(self.caller.insert(Arc::new(Caller::new().map_err(DeviceError::Caller)?))),
        };
        Ok(Arc::new(Call::new(caller, fd)))
    }

    fn set_features(&mut self, bits: u64) -> Result<(), DeviceError> {
        let (asked, offered) = (Features::from_bits(bits), self.offer.features());
        if !offered.contains(asked) {
            return Err(DeviceError::Features { asked: bits, offered: offered.bits() });
        }
        if self.state.features == Some(asked) {
            return Ok(());
        }
        let paused = self.pause_all();
        self.state.features = Some(asked);
        self.host.negotiated(Negotiated { features: asked, queue_pairs: self.offer.queue_pairs.value() });
        self.resume_where_mapped(paused);
        Ok(())
    }

    fn set_protocol_features(&mut self, bits: u64) -> Result<(), DeviceError> {
        let (asked, offered) = (ProtocolFeatures::from_bits(bits), ProtocolFeatures::OFFERED);
        if !offered.contains(asked) {
            return Err(DeviceError::Features { asked: bits, offered: offered.bits() });
        }
        self.state.protocol_features = asked;
        Ok(())
    }

    fn check_mtu(&self, asked: u64) -> Result<(), DeviceError> {
        let mtu = self.offer.mtu;
        if (MIN_MTU..=mtu.into()).contains(&asked) { Ok(()) } else { Err(DeviceError::Mtu { asked, mtu }) }
    }

    /// Replaces the memory under all rings. A ring that is not in the new memory waits until it is told new addresses
    /// or gets its memory back.
    fn set_memory(&mut self, memory: GuestMemory) {
        let paused = self.pause_all();
        self.memory = Arc::new(memory);
        self.resume_where_mapped(paused);
    }

    /// `GET_VRING_BASE`: stops the ring until it is told a kick anew, and says how far it came.
    fn stop_vring(&mut self, index: u32) -> Result<Answer, DeviceError> {
        let queue = self.queue(index)?;
        self.pause(queue);
        let at = usize::from(queue.value());
        let (Some(vring), Some(fds)) = (self.state.vrings.get_mut(at), self.fds.get_mut(at)) else {
            return Err(DeviceError::NoSuchQueue(index));
        };
        vring.started = false;
        fds.events.kick = None;
        fds.events.call = None;
        Ok(Answer::VringState { index, value: vring.base.into() })
    }

    /// Changes one ring, which does not run meanwhile, and starts it if nothing is missing any more.
    fn change(
        &mut self,
        index: u32,
        change: impl FnOnce(&mut VringState, &mut VringFds),
    ) -> Result<(), DeviceError> {
        let queue = self.queue(index)?;
        self.pause(queue);
        let at = usize::from(queue.value());
        if let (Some(vring), Some(fds)) = (self.state.vrings.get_mut(at), self.fds.get_mut(at)) {
            change(vring, fds);
        }
        Ok(self.resume(queue)?)
    }

    fn queue(&self, index: u32) -> Result<QueueIndex, DeviceError> {
        self.offer.queue_pairs.queue(index).ok_or(DeviceError::NoSuchQueue(index))
    }

    fn pause_all(&mut self) -> Vec<QueueIndex> {
        let queues: Vec<_> = self.offer.queue_pairs.all().collect();
        for &queue in &queues {
            self.pause(queue);
        }
        queues
    }

    /// Takes a ring back from the host, if it runs, and notes how far it came.
    fn pause(&mut self, queue: QueueIndex) {
        let at = usize::from(queue.value());
        let (Some(running), Some(vring)) = (self.running.get_mut(at), self.state.vrings.get_mut(at)) else {
            return;
        };
        if std::mem::take(running) {
            match self.host.stop(queue) {
                Some(Ring::Transmit(ring)) => vring.base = ring.base(),
                Some(Ring::Receive(ring)) => vring.base = ring.base(),
                // The host has lost it; the next start goes by the used index in the guest's memory.
                None => {}
            }
        }
    }

    fn resume_where_mapped(&mut self, queues: Vec<QueueIndex>) {
        for queue in queues {
            // Its memory is not there: the ring is not started, which is all that can be done.
            let _ = self.resume(queue);
        }
    }

    /// Hands a ring to the host if nothing is missing.
    fn resume(&mut self, queue: QueueIndex) -> Result<(), RingError> {
        let Some(setup) = self.setup(queue) else { return Ok(()) };
        let ring = match queue.direction() {
            Direction::Receive => Ring::Receive(ReceiveQueue::new(queue, setup)?),
            Direction::Transmit => Ring::Transmit(TransmitQueue::new(queue, setup)?),
        };
        if let Some(running) = self.running.get_mut(usize::from(queue.value())) {
            *running = true;
        }
        self.host.start(ring);
        Ok(())
    }

    /// All that a ring needs, if it shall run: it has size, addresses and a kick, the features are negotiated, and it
    /// is enabled, or the frontend does not know of enabling.
    fn setup(&self, queue: QueueIndex) -> Option<RingSetup> {
        let at = usize::from(queue.value());
        let (vring, fds) = (self.state.vrings.get(at)?, self.fds.get(at)?);
        let features = self.state.features?;
        let enabled = vring.enabled || !features.contains(Features::PROTOCOL_FEATURES);
        if !enabled || !vring.started {
            return None;
        }
        Some(RingSetup {
            size: vring.size?,
            addresses: vring.addresses?,
            base: vring.base,
            features,
            memory: Arc::clone(&self.memory),
            events: fds.events.clone(),
        })
    }
}

impl<H: RingHost> Drop for Device<'_, H> {
    fn drop(&mut self) {
        self.stop();
    }
}
