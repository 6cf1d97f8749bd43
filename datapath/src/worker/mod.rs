//! Workers: one thread a CPU, run to completion.
//!
//! ```text
//! guest   ┐                                                      ┌ guest, one copy
//! wire    ┴► burst ► judge (key → session, or rules) ► engine ► outputs ┼ device, in mbufs
//!            stage: heads, layouts, payloads                     └ tunnel, in VXLAN
//! ```
//!
//! One stage a file. Between two rounds a worker takes commands ([`command`]); when nothing arrives it idles
//! ([`idle`]).

mod command;
mod counters;
mod device;
mod engine;
mod forwarding;
mod guest;
mod idle;
mod judge;
mod outputs;
mod port;
mod stage;
mod wire;

use std::os::fd::AsFd;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use sluice_dpdk::{Eal, ThreadRegistration, tsc, tsc_hz};
use sluice_pipeline::{CounterWriter, SessionConfig, Tick};

pub(crate) use command::{Command, Done, WorkerHandle, Workers};
pub(crate) use counters::PortCounters;
pub(crate) use device::DeviceEgress;
pub(crate) use forwarding::{Forwarding, Membership, RemotePath, Topology, UplinkVteps};
pub(crate) use port::{Egress, Receivers, SharedReceiver, SharedTx, WorkerPort};

use command::{Inbox, Request, Retired};
use engine::Engine;
use guest::GuestQueue;
use idle::{Idler, Next, Waiter};
use judge::Judge;
use outputs::Outputs;
use stage::Buffers;
use wire::WireQueue;

use crate::config::{Config, Idle};
use crate::placement::{Machine, PlacementError, Site};
use crate::switch::{EventSender, lock};

/// How long a guest's queue is left alone that had less than a burst, in nanoseconds.
const PATIENCE_NS: u64 = 500;
/// Rounds between two looks at the clock and at idle sessions.
const ROUNDS_PER_CHORE: u32 = 64;
/// Sessions looked at each time, so that a million take a few seconds.
const SWEEP: usize = 16;

/// What all workers are made with.
#[derive(Clone, Debug)]
pub(crate) struct WorkerSetup {
    pub(crate) eal: Eal,
    pub(crate) idle: Idle,
    pub(crate) sessions: SessionConfig,
    pub(crate) events: EventSender,
}

impl WorkerSetup {
    pub(crate) fn new(config: &Config, eal: &Eal, events: EventSender) -> WorkerSetup {
        let idle_s = u16::try_from(config.session_idle_s).unwrap_or(u16::MAX);
        let sessions = SessionConfig { limit: config.session_limit, idle_s };
        WorkerSetup { eal: eal.clone(), idle: config.idle, sessions, events }
    }
}

/// The running threads.
pub(crate) struct Crew {
    workers: Workers,
    threads: Vec<JoinHandle<()>>,
}

/// Why workers do not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkerError {
    #[error("cannot start a worker's thread: {0}")]
    Thread(#[from] std::io::Error),
    #[error("cannot make a worker's descriptors: {0}")]
    Descriptor(#[from] rustix::io::Errno),
    #[error(transparent)]
    Placement(#[from] PlacementError),
    #[error("cannot register worker {0} with DPDK: {1}")]
    Register(usize, sluice_dpdk::ThreadError),
    #[error("worker {0} ended at its start")]
    Ended(usize),
}

impl Crew {
    /// Starts one worker for each site, pinned; returns when all are polling.
    pub(crate) fn start(
        machine: Machine,
        sites: &[Site],
        setup: &WorkerSetup,
        writers: Vec<CounterWriter>,
    ) -> Result<Crew, WorkerError> {
        let machine = Arc::new(machine);
        let (mut handles, mut threads) = (Vec::new(), Vec::new());
        for ((number, &site), writer) in sites.iter().enumerate().zip(writers) {
            let (handle, inbox) = WorkerHandle::new(number, site)?;
            let (report, started) = mpsc::channel();
            let (setup, machine, seen) = (setup.clone(), Arc::clone(&machine), handle.clone());
            let body = move || match prepare(&setup, &machine, seen, inbox, writer) {
                Ok((mut worker, registration)) => {
                    let _ = report.send(Ok(()));
                    worker.run();
                    // What a worker still holds goes before DPDK forgets the thread.
                    drop(worker);
                    drop(registration);
                }
                Err(error) => drop(report.send(Err(error))),
            };
            threads.push(std::thread::Builder::new().name(format!("worker-{number}")).spawn(body)?);
            started.recv().map_err(|_| WorkerError::Ended(number))??;
            tracing::info!(worker = number, cpu = site.cpu, numa_node = site.numa_node, "worker started");
            handles.push(handle);
        }
        Ok(Crew { workers: Workers(handles.into()), threads })
    }

    pub(crate) fn workers(&self) -> Workers {
        self.workers.clone()
    }

    /// Ends all workers. Ports must be gone.
    pub(crate) fn stop(self) {
        let _ = self.workers.all(|_| Command::Stop);
        for thread in self.threads {
            let _ = thread.join();
        }
    }
}

fn prepare(
    setup: &WorkerSetup,
    machine: &Machine,
    handle: WorkerHandle,
    inbox: Inbox,
    writer: CounterWriter,
) -> Result<(Worker, ThreadRegistration), WorkerError> {
    machine.pin(handle.site.cpu)?;
    let registration =
        ThreadRegistration::new(&setup.eal).map_err(|error| WorkerError::Register(handle.number, error))?;
    let waiter = Waiter::new()?;
    waiter.add(inbox.bell.as_fd())?;
    let outputs = Outputs::new(handle.number, Arc::clone(&handle.counters), setup.events.clone());
    let worker = Worker {
        eal: setup.eal.clone(),
        inbox,
        waiter,
        idler: Idler::new(setup.idle),
        forwarding: Arc::default(),
        guests: Vec::new(),
        wires: Vec::new(),
        buffers: Buffers::default(),
        engine: Engine { judge: Judge::new(setup.sessions, writer), outputs, now: Tick(0) },
        began: tsc(),
        hz: tsc_hz().max(1),
        patience: tsc_hz() / 1_000_000 * PATIENCE_NS / 1000,
        handle,
    };
    Ok((worker, registration))
}

/// One worker.
struct Worker {
    handle: WorkerHandle,
    eal: Eal,
    inbox: Inbox,
    waiter: Waiter,
    idler: Idler,
    forwarding: Arc<Forwarding>,
    guests: Vec<GuestQueue>,
    wires: Vec<WireQueue>,
    buffers: Buffers,
    engine: Engine,
    /// The TSC at the start, and its frequency.
    began: u64,
    hz: u64,
    /// How long a guest's queue is left alone that had less than a burst, in TSC cycles.
    patience: u64,
}

impl Worker {
    /// Polls until told to stop.
    fn run(&mut self) {
        let counters = Arc::clone(&self.handle.counters);
        let mut round_began = tsc();
        let mut rounds_to_chore = ROUNDS_PER_CHORE;
        loop {
            let moved = self.round(round_began);
            rounds_to_chore -= 1;
            if rounds_to_chore == 0 {
                rounds_to_chore = ROUNDS_PER_CHORE;
                self.chore(round_began);
            }
            let now = tsc();
            let cycles = now.wrapping_sub(round_began);
            round_began = now;
            counters.iterations.add(1);
            if moved > 0 {
                counters.busy_iterations.add(1);
                counters.busy_cycles.add(cycles);
                self.idler.busy();
            } else {
                counters.idle_cycles.add(cycles);
                if self.idler.empty() == Next::Sleep {
                    self.sleep();
                    round_began = tsc();
                }
            }
            if !self.inbox.requests.is_empty() {
                if !self.obey() {
                    return;
                }
                round_began = tsc();
            }
        }
    }

    /// Polls every queue once; returns how many frames were moved.
    #[inline(always)]
    fn round(&mut self, now: u64) -> usize {
        let Worker { guests, wires, forwarding, buffers, engine, patience, .. } = self;
        engine.outputs.look_after_guests();
        let mut moved = 0;
        for guest in guests {
            moved += guest.poll(forwarding, buffers, engine, now, *patience);
        }
        for wire in wires {
            moved += wire.poll(forwarding, buffers, engine);
        }
        moved
    }

    /// Looks at the clock and at idle sessions.
    fn chore(&mut self, now: u64) {
        let seconds = now.wrapping_sub(self.began) / self.hz;
        self.engine.now = Tick(u32::try_from(seconds).unwrap_or(u32::MAX));
        self.engine.judge.sweep(SWEEP, self.engine.now);
        self.handle.counters.sessions.set(self.engine.judge.sessions() as u64);
    }

    /// Sleeps until a guest kicks, the switch calls, or a device without interrupts has to be looked at.
    fn sleep(&mut self) {
        self.engine.outputs.look_after_guests();
        let mut waiting = false;
        for guest in &mut self.guests {
            waiting |= guest.arm();
        }
        if !waiting && self.inbox.requests.is_empty() {
            self.handle.counters.sleeps.add(1);
            let limit = self.idler.sleep_limit(!self.wires.is_empty());
            self.waiter.wait(limit);
        }
        self.inbox.bell.hush();
        for guest in &mut self.guests {
            guest.disarm();
        }
        self.chore(tsc());
    }

    /// Takes the commands that wait; `false` to stop.
    fn obey(&mut self) -> bool {
        while let Ok(Request { command, answer }) = self.inbox.requests.try_recv() {
            let (done, go_on) = match command {
                Command::Stop => (Done::Retired(None), false),
                command => (self.carry_out(command), true),
            };
            // Whoever asked may not wait for the answer.
            let _ = answer.send(done);
            if !go_on {
                return false;
            }
        }
        true
    }

    fn carry_out(&mut self, command: Command) -> Done {
        match command {
            Command::AddPort(port) => Done::Retired(self.engine.outputs.add(port).map(Retired::Port)),
            Command::RemovePort(port) => Done::Retired(self.engine.outputs.remove(port).map(Retired::Port)),
            Command::SetReceivers(port, receivers) => {
                Done::Retired(self.engine.outputs.set_receivers(port, receivers).map(Retired::Receivers))
            }
            Command::AddTransmit(port, queue) => {
                if let Some(kick) = queue.kick_fd()
                    && let Err(error) = self.waiter.add(kick)
                {
                    tracing::warn!(%error, "a guest's kicks cannot be waited for; its frames may be late");
                }
                self.guests.push(GuestQueue::new(port, queue));
                self.list_queues();
                Done::Retired(None)
            }
            Command::RemoveTransmit(port, index) => {
                let at =
                    self.guests.iter().position(|guest| guest.port == port && guest.queue.index() == index);
                let removed = at.map(|at| self.guests.remove(at).queue);
                if let Some(kick) = removed.as_ref().and_then(|queue| queue.kick_fd()) {
                    self.waiter.remove(kick);
                }
                self.list_queues();
                Done::Transmit(removed)
            }
            Command::AddRx(port, rx) => {
                self.wires.push(WireQueue::new(&self.eal, port, rx));
                self.list_queues();
                Done::Retired(None)
            }
            Command::RemoveRx(port) => {
                let at = self.wires.iter().position(|wire| wire.port == port);
                let removed = at.map(|at| self.wires.remove(at));
                self.list_queues();
                Done::Rx(removed.map(|wire| wire.rx))
            }
            Command::Publish(forwarding) => {
                let former = std::mem::replace(&mut self.forwarding, forwarding);
                Done::Retired(Some(Retired::Forwarding(former)))
            }
            Command::Inject(port, frame) => {
                self.engine.outputs.inject(port, &frame);
                self.engine.outputs.flush_devices();
                Done::Retired(Some(Retired::Frame(frame)))
            }
            Command::Stop => Done::Retired(None),
        }
    }

    fn list_queues(&self) {
        let guests = self.guests.iter().map(|guest| (guest.port, guest.queue.index().pair()));
        let wires = self.wires.iter().map(|wire| (wire.port, wire.rx.index()));
        *lock(&self.handle.queues) = guests.chain(wires).collect();
    }
}
