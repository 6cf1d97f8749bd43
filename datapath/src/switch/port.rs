//! A port from its spec to running: its endpoint or device, and its place in every worker.

use std::sync::Arc;

use sluice_dpdk::{
    DEFAULT_DATA_ROOM, Eal, EthDev, EthDevError, HEADROOM, Mempool, MempoolError, RxQueue, TxQueue,
};
use sluice_packet::MacAddr;
use sluice_pipeline::PortId;
use sluice_vhost::{Endpoint, EndpointConfig, EndpointError, EndpointHandle, Role};

use super::event::EventSender;
use super::guest::{GuestHost, Loads, SharedStatus};
use super::refusal::Refusal;
use super::spec::{PortKind, PortSpec};
use crate::worker::{Command, DeviceEgress, Done, Egress, PortCounters, SharedTx, WorkerPort, Workers};

/// Ethernet header and two VLAN tags, in bytes: what a frame has beyond the MTU.
const L2_OVERHEAD: usize = 14 + 2 * 4;
/// Mbufs that each worker keeps at hand of each pool.
const MBUF_CACHE: u32 = 256;

/// What ports are made with.
#[derive(Clone, Debug)]
pub(crate) struct Workshop {
    pub(crate) eal: Eal,
    pub(crate) workers: Workers,
    pub(crate) loads: Loads,
    pub(crate) events: EventSender,
    pub(crate) port_mbufs: u32,
}

/// A port without what it runs on.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) id: PortId,
    pub(crate) spec: Arc<PortSpec>,
    of_port: u32,
    counters: Vec<Arc<PortCounters>>,
}

/// A port that runs.
#[derive(Debug)]
pub(crate) struct RunningPort {
    pub(crate) id: PortId,
    pub(crate) spec: Arc<PortSpec>,
    /// Its OpenFlow number; 0 without a bridge.
    pub(crate) of_port: u32,
    /// One for each worker.
    pub(crate) counters: Vec<Arc<PortCounters>>,
    pub(crate) kind: Running,
}

#[derive(Debug)]
pub(crate) enum Running {
    Guest { endpoint: EndpointHandle, status: SharedStatus },
    Device(Device),
    Tunnel,
}

/// What a port needs, opened, but in no worker.
#[derive(Debug)]
pub(crate) enum Opened {
    Guest(Endpoint),
    Device(Box<OpenedDevice>),
    Tunnel,
}

impl Opened {
    /// The port's own MAC address; guests bring theirs.
    pub(crate) fn mac(&self) -> MacAddr {
        match self {
            Opened::Device(device) => device.mac,
            Opened::Guest(_) | Opened::Tunnel => MacAddr::ZERO,
        }
    }
}

/// Why a port's socket or device is not open.
#[derive(Debug)]
pub(crate) enum NotOpened {
    /// There is no memory for it, now; what it is to replace may give some back.
    Memory(Refusal),
    Refused(Refusal),
}

impl From<Refusal> for NotOpened {
    fn from(refusal: Refusal) -> NotOpened {
        NotOpened::Refused(refusal)
    }
}

impl From<NotOpened> for Refusal {
    fn from(why: NotOpened) -> Refusal {
        match why {
            NotOpened::Memory(refusal) | NotOpened::Refused(refusal) => refusal,
        }
    }
}

/// A device that is started and polled by nobody.
#[derive(Debug)]
pub(crate) struct OpenedDevice {
    dev: EthDev,
    mac: MacAddr,
    pool: Mempool,
    rx: Vec<RxQueue>,
    tx: Vec<TxQueue>,
}

/// A DPDK device that runs.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) dev: EthDev,
    pub(crate) mac: MacAddr,
    /// The worker that polls each receive queue.
    pollers: Vec<usize>,
}

impl Workshop {
    /// Opens what a port needs: its socket or device. Nothing is in any worker yet, and dropping it closes it again.
    pub(crate) fn open(&self, id: PortId, spec: &PortSpec) -> Result<Opened, NotOpened> {
        let object = format!("port {}", spec.name);
        match &spec.kind {
            PortKind::VhostUser { path, server, queue_pairs } => {
                let role = if *server { Role::Server } else { Role::Client };
                let config = EndpointConfig::new(&spec.name, path, role)
                    .and_then(|config| config.with_queue_pairs((*queue_pairs).into()))
                    .and_then(|config| config.with_mtu(spec.mtu))
                    .map_err(|error| Refusal::invalid(&object, error, "correct the port's socket"))?;
                let endpoint = Endpoint::open(config).map_err(|error| match error {
                    EndpointError::PathTaken { .. } | EndpointError::NotASocket { .. } => {
                        Refusal::conflict(&object, error, "give a socket path that is free")
                    }
                    error => {
                        Refusal::failed(&object, error, "give a path in a directory that can be written")
                    }
                })?;
                Ok(Opened::Guest(endpoint))
            }
            PortKind::Dpdk { device, queues } => self
                .open_device(id, spec, device, *queues)
                .map(|device| Opened::Device(Box::new(device)))
                .map_err(|error| match error {
                    DeviceError::Pool(MempoolError::Refused { .. }) => NotOpened::Memory(Refusal::failed(
                        &object,
                        error,
                        "raise memory_mb in the datapath's configuration, or lower port_mbufs",
                    )),
                    error => Refusal::failed(&object, error, "check the device's name and arguments").into(),
                }),
            PortKind::Vxlan { .. } => Ok(Opened::Tunnel),
        }
    }

    /// What a new port is, with counters from zero.
    pub(crate) fn identity(&self, id: PortId, spec: Arc<PortSpec>, of_port: u32) -> Identity {
        let counters = self.workers.0.iter().map(|_| Arc::new(PortCounters::default())).collect();
        Identity { id, spec, of_port, counters }
    }

    /// Puts an opened port into every worker and serves it. On failure nothing is left of it.
    pub(crate) fn start(&self, identity: Identity, opened: Opened) -> Result<RunningPort, Refusal> {
        let Identity { id, spec, of_port, counters } = identity;
        let kind = match opened {
            Opened::Guest(endpoint) => {
                self.add(id, &spec, &counters, |_| Egress::Guest(Arc::new([])));
                self.serve_guest(id, &spec.name, endpoint).inspect_err(|_| self.remove(id)).map_err(
                    |error| {
                        Refusal::failed(format!("port {}", spec.name), error, "raise the limit of threads")
                    },
                )?
            }
            Opened::Device(device) => Running::Device(self.run_device(id, &spec, *device, &counters)),
            Opened::Tunnel => {
                self.add(id, &spec, &counters, |_| Egress::Tunnel);
                Running::Tunnel
            }
        };
        tracing::info!(port = spec.name, kind = spec.kind.name(), "port started");
        Ok(RunningPort { id, spec, of_port, counters, kind })
    }

    /// Takes a port out of every worker and ends it; says what it was. The snapshots that name it must be gone by then.
    pub(crate) fn stop(&self, port: RunningPort) -> Identity {
        match port.kind {
            // The endpoint takes its rings back from the workers.
            Running::Guest { endpoint, .. } => endpoint.stop(),
            Running::Device(device) => self.take_back(port.id, &device.pollers),
            Running::Tunnel => {}
        }
        self.remove(port.id);
        tracing::info!(port = port.spec.name, "port stopped");
        let RunningPort { id, spec, of_port, counters, .. } = port;
        Identity { id, spec, of_port, counters }
    }

    fn serve_guest(&self, id: PortId, name: &str, endpoint: Endpoint) -> Result<Running, EndpointError> {
        let status = SharedStatus::default();
        let (workers, loads) = (self.workers.clone(), self.loads.clone());
        let host =
            GuestHost::new(id, name.to_owned(), workers, loads, self.events.clone(), Arc::clone(&status));
        Ok(Running::Guest { endpoint: endpoint.serve(host)?, status })
    }

    fn open_device(
        &self,
        id: PortId,
        spec: &PortSpec,
        device: &str,
        queues: u16,
    ) -> Result<OpenedDevice, DeviceError> {
        let mut dev = EthDev::attach(&self.eal, device)?;
        let data_room = usize::from(spec.mtu) + L2_OVERHEAD + HEADROOM;
        let data_room = u16::try_from(data_room).unwrap_or(u16::MAX).max(DEFAULT_DATA_ROOM);
        let name = format!("port-{}", id.0);
        let cache = MBUF_CACHE.min(self.port_mbufs / 2);
        let pool = Mempool::new(&self.eal, &name, self.port_mbufs, cache, data_room, dev.numa_node())?;
        let (rx, tx) = self.start_queues(&mut dev, queues, &pool, spec.mtu)?;
        Ok(OpenedDevice { mac: MacAddr::new(dev.mac().0), dev, pool, rx, tx })
    }

    fn run_device(
        &self,
        id: PortId,
        spec: &PortSpec,
        device: OpenedDevice,
        counters: &[Arc<PortCounters>],
    ) -> Device {
        let OpenedDevice { dev, mac, pool, rx, tx } = device;
        let tx: Vec<SharedTx> = tx.into_iter().map(|queue| SharedTx::new(queue.into())).collect();
        self.add(id, spec, counters, |worker| {
            let shared = worker.checked_rem(tx.len()).and_then(|index| tx.get(index)).cloned();
            match shared {
                Some(tx) => Egress::Device(Box::new(DeviceEgress::new(&self.eal, tx, pool.clone()))),
                None => Egress::Tunnel,
            }
        });
        let pollers = rx
            .into_iter()
            .map(|queue| {
                let number = self.loads.take(&self.workers, dev.numa_node());
                if let Some(worker) = self.workers.get(number) {
                    // A worker that has ended polls nothing; the process is on its way out.
                    let _ = worker.call(Command::AddRx(id, Box::new(queue)));
                }
                number
            })
            .collect();
        Device { dev, mac, pollers }
    }

    /// Starts the device with a transmit queue for each worker, or as many as it can have.
    fn start_queues(
        &self,
        dev: &mut EthDev,
        rx: u16,
        pool: &Mempool,
        mtu: u16,
    ) -> Result<(Vec<RxQueue>, Vec<TxQueue>), EthDevError> {
        let workers = u16::try_from(self.workers.0.len()).unwrap_or(u16::MAX);
        match dev.start(rx, workers, pool, mtu) {
            Err(EthDevError::OutOfRange { what, most, .. }) if what.contains("transmit") && most > 0 => {
                dev.start(rx, u16::try_from(most).unwrap_or(1), pool, mtu)
            }
            other => other,
        }
    }

    fn add(
        &self,
        id: PortId,
        spec: &PortSpec,
        counters: &[Arc<PortCounters>],
        mut egress: impl FnMut(usize) -> Egress,
    ) {
        let longest_frame = usize::from(spec.mtu) + L2_OVERHEAD;
        // Workers end only with the process.
        let _ = self.workers.all(|number| {
            let counters = counters.get(number).cloned().unwrap_or_default();
            Command::AddPort(Box::new(WorkerPort::new(id, counters, longest_frame, egress(number))))
        });
    }

    fn remove(&self, id: PortId) {
        drop(self.workers.all(|_| Command::RemovePort(id)));
    }

    fn take_back(&self, id: PortId, pollers: &[usize]) {
        for &number in pollers {
            self.loads.give_back(number);
            if let Some(worker) = self.workers.get(number)
                && let Ok(Done::Rx(queue)) = worker.call(Command::RemoveRx(id))
            {
                drop(queue);
            }
        }
    }
}

impl RunningPort {
    /// Whether going over to `spec` leaves endpoint or device as they are.
    pub(crate) fn keeps_running(&self, spec: &PortSpec) -> bool {
        let same = match (&self.spec.kind, &spec.kind) {
            (PortKind::Vxlan { .. }, PortKind::Vxlan { .. }) => true,
            (old, new) => old == new,
        };
        same && self.spec.mtu == spec.mtu
    }

    /// Whether `spec` needs the very socket or device that this port has, so that one has to go before the other comes.
    pub(crate) fn stands_in_the_way(&self, spec: &PortSpec) -> bool {
        match (&self.spec.kind, &spec.kind) {
            (PortKind::VhostUser { path: old, .. }, PortKind::VhostUser { path: new, .. }) => old == new,
            (PortKind::Dpdk { device: old, .. }, PortKind::Dpdk { device: new, .. }) => {
                let name = |device: &str| device.split(',').next().map(str::to_owned);
                name(old) == name(new)
            }
            _ => false,
        }
    }

    /// The port's own MAC address; guests bring theirs.
    pub(crate) fn mac(&self) -> MacAddr {
        match &self.kind {
            Running::Device(device) => device.mac,
            Running::Guest { .. } | Running::Tunnel => MacAddr::ZERO,
        }
    }
}

/// Why a device does not start.
#[derive(Debug, thiserror::Error)]
enum DeviceError {
    #[error(transparent)]
    Device(#[from] EthDevError),
    #[error(transparent)]
    Pool(#[from] MempoolError),
}
