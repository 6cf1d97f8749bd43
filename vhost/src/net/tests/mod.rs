//! The batched walkers against one that takes a descriptor at a time, on valid and hostile rings.
#![allow(clippy::cast_possible_truncation, reason = "random numbers are cut to size on purpose")]

mod oracle;
mod random;

use std::sync::Arc;

use sluice_packet::{HEAD_CAPTURE, Head};

use super::{Frame, Payload, ReceiveQueue, TransmitQueue};
use crate::driver::ram::Ram;
use crate::driver::ring::DriverRing;
use crate::features::Features;
use crate::index::QueueIndex;
use crate::memory::{GuestMemory, RegionLayout};
use crate::ring::{RingAddresses, RingEvents, RingFault, RingSetup, RingSize};
use oracle::{Oracle, Taken};
use random::Random;

const CASES: u64 = 8_000;

/// Two neighbouring regions and one far away, mapped once and written anew for every case.
struct World {
    rams: [Arc<Ram>; 3],
    memory: Arc<GuestMemory>,
}

const REGION: usize = 0x1_0000;
/// Rings and indirect tables lie in the first region below this, buffers above.
const DATA: usize = 0x6000;
const TABLES: usize = 0x4000;

impl World {
    fn new() -> World {
        let rams = [0x10_0000, 0x11_0000, 0x8000_0000].map(|guest| Arc::new(Ram::new(REGION, guest)));
        let regions = rams.iter().map(|ram| {
            let layout =
                RegionLayout { guest: ram.guest, size: ram.len() as u64, user: ram.user, file_offset: 0 };
            (layout, ram.file())
        });
        let mut random = Random::new(0);
        for ram in &rams {
            let bytes: Vec<u8> = (0..ram.len() / 8).flat_map(|_| random.next().to_le_bytes()).collect();
            ram.write(0, &bytes);
        }
        let memory = Arc::new(GuestMemory::new(regions.collect()).unwrap());
        World { rams, memory }
    }

    fn snapshot(&self) -> Vec<(u64, Vec<u8>)> {
        self.rams.iter().map(|ram| (ram.guest, ram.read(0, ram.len()))).collect()
    }

    fn setup(&self, ring: &DriverRing, base: u16, features: Features) -> RingSetup {
        let user = |at: usize| ring.ram.user + at as u64;
        RingSetup {
            size: RingSize::new(ring.size.into()).unwrap(),
            addresses: RingAddresses {
                descriptors: user(ring.descriptors),
                available: user(ring.available),
                used: user(ring.used),
            },
            base,
            features,
            memory: Arc::clone(&self.memory),
            events: RingEvents::default(),
        }
    }

    /// Fills the memory with a ring that is more or less as it should be.
    fn scramble(&self, random: &mut Random, hostility: u32, write: bool) -> (DriverRing, u16) {
        let size = 1 << [0, 1, 2, 4, 6, 8, 8][random.below(7) as usize];
        let mut ring = DriverRing::new(Arc::clone(&self.rams[0]), 0, size);
        for index in 0..size {
            self.descriptor(
                random,
                &ring,
                ring.descriptors + 16 * usize::from(index),
                size,
                hostility,
                write,
                true,
            );
        }
        for n in 0..(DATA - TABLES) / 16 {
            self.descriptor(random, &ring, TABLES + 16 * n, 16, hostility, write, false);
        }
        let base = random.next() as u16;
        ring.ram.store(ring.used, 0);
        ring.ram.store(ring.used + 2, base);
        ring.available_index = base;
        for _ in 0..random.below(u64::from(size) + 1) {
            let wrong = random.rarely(4000, hostility);
            ring.push(if wrong { random.next() as u16 } else { random.below(size.into()) as u16 });
        }
        if random.rarely(20000, hostility) {
            ring.available_index = random.next() as u16;
        }
        ring.publish();
        (ring, base)
    }

    #[expect(clippy::too_many_arguments, reason = "one place, one purpose")]
    fn descriptor(
        &self,
        random: &mut Random,
        ring: &DriverRing,
        at: usize,
        table: u16,
        hostility: u32,
        write: bool,
        indirect: bool,
    ) {
        let right = if write { 2 } else { 0 };
        let more = u16::from(random.one_in(4));
        let next = if random.rarely(2000, hostility) {
            random.next() as u16
        } else {
            random.below(table.into()) as u16
        };
        if indirect && random.one_in(6) {
            // The descriptors there name each other up to the sixteenth.
            let entries = if random.rarely(1000, hostility) { random.below(20) } else { 16 };
            let address = self.rams[0].guest + TABLES as u64 + random.below((DATA - TABLES - 16 * 20) as u64);
            // Unaligned tables are allowed; wrong lengths and chained tables are not.
            let len = 16 * entries + if random.rarely(1000, hostility) { random.below(16) } else { 0 };
            let flags = 4 | u16::from(random.rarely(1000, hostility));
            return ring.descriptor_at(
                at,
                address & if random.rarely(1000, hostility) { !0 } else { !15 },
                len as u32,
                flags,
                next,
            );
        }
        let lengths = [0, 1, 9, 10, 12, 13, 26, 60, 72, 76, 139, 140, 141, 200, 1500, 2048];
        let len = match random.below(100) {
            0 => random.below(0x6000) as u32,
            1 if random.rarely(1000, hostility) => random.next() as u32,
            _ => lengths[random.below(lengths.len() as u64) as usize],
        };
        let room = (REGION - DATA) as u64;
        let address = match random.below(12) {
            // Towards the end of the first region, on into the second.
            0 => self.rams[1].guest - random.below(2000),
            1 => self.rams[1].guest + random.below(REGION as u64 - 0x6000),
            2 => self.rams[2].guest + random.below(REGION as u64 - 0x6000),
            3 if random.rarely(1000, hostility) => self.rams[2].guest + REGION as u64 - random.below(2000),
            4 if random.rarely(1000, hostility) => random.next(),
            _ => self.rams[0].guest + DATA as u64 + random.below(room - 0x6000),
        };
        let flags = if random.rarely(3000, hostility) { random.next() as u16 } else { right | more };
        ring.descriptor_at(at, address, len, flags, next);
    }
}

fn features(random: &mut Random) -> Features {
    let mut features = Features::default();
    for feature in [Features::VERSION_1, Features::MRG_RXBUF, Features::INDIRECT_DESC, Features::VERSION_1] {
        if !random.one_in(4) {
            features = features | feature;
        }
    }
    features
}

#[test]
fn transmit_takes_what_a_walker_of_single_descriptors_takes() {
    let world = World::new();
    let (mut chains, mut faults) = (0, 0);
    for seed in 0..CASES {
        let mut random = Random::new(seed);
        let hostility = [0, 1, 10, 100][random.below(4) as usize];
        let features = features(&mut random);
        let (ring, base) = world.scramble(&mut random, hostility, false);
        let mut oracle = Oracle::new(world.snapshot(), &ring, base, features);
        let (expected, expected_fault) = oracle.transmit();

        let mut queue =
            TransmitQueue::new(QueueIndex::transmit(0), world.setup(&ring, base, features)).unwrap();
        let (taken, fault) = drain(&mut queue);
        assert_eq!(taken, expected, "seed {seed}");
        assert_eq!(fault, expected_fault, "seed {seed}");
        assert_eq!(world.snapshot(), oracle.memory(), "seed {seed}: the memory differs");
        chains += expected.len();
        faults += usize::from(fault.is_some());
    }
    // The rings were worth it.
    assert!(chains > 100_000 && faults > 1_500, "{chains} chains, {faults} faults");
}

/// Fetches until nothing comes any more.
fn drain(queue: &mut TransmitQueue) -> (Vec<Taken>, Option<RingFault>) {
    let mut heads = Head::burst();
    let mut taken = Vec::new();
    loop {
        let burst = match queue.fetch(&mut heads) {
            Ok(burst) => burst,
            Err(fault) => return (taken, Some(fault)),
        };
        let mut dropped = burst.dropped().peekable();
        if burst.is_empty() && dropped.peek().is_none() {
            return (taken, None);
        }
        for (i, head) in heads.iter().enumerate().take(burst.len()) {
            let mut frame = head.bytes().to_vec();
            assert_eq!(frame.len(), burst.frame_len(i).min(HEAD_CAPTURE));
            let start = frame.len();
            frame.resize(burst.frame_len(i), 0);
            assert_eq!(burst.payload(i).copy_to(&mut frame[start..]), frame.len() - start);
            assert_eq!(burst.payload(i).len(), frame.len() - start);
            taken.push(Taken::Frame(frame));
        }
        // Drops are told as counts: put behind the frames of their burst, as the oracle does.
        for (reason, count) in dropped {
            taken.extend(std::iter::repeat_n(Taken::Dropped(reason), count));
        }
    }
}

#[test]
fn receive_fills_what_a_walker_of_single_descriptors_fills() {
    let world = World::new();
    let (mut delivered_frames, mut faults) = (0, 0);
    for seed in 0..CASES {
        let mut random = Random::new(seed + 1_000_000);
        let hostility = [0, 1, 10, 100][random.below(4) as usize];
        let features = features(&mut random);
        let (ring, base) = world.scramble(&mut random, hostility, true);
        let mut oracle = Oracle::new(world.snapshot(), &ring, base, features);
        let mut queue =
            ReceiveQueue::new(QueueIndex::receive(0), world.setup(&ring, base, features)).unwrap();
        for _ in 0..4 {
            let frames: Vec<Vec<u8>> = (0..random.below(40))
                .map(|_| {
                    let longest = [64, 300, 1514, 9000][random.below(4) as usize];
                    let len = random.below(longest);
                    (0..len).map(|_| random.next() as u8).collect()
                })
                .collect();
            let heads: Vec<Head> = frames
                .iter()
                .map(|frame| {
                    let mut head = Head::default();
                    head.fill(frame);
                    head
                })
                .collect();
            let expected = oracle.receive(&frames);
            if random.one_in(2) {
                queue.prepare();
            }
            let delivered = queue.deliver(
                frames
                    .iter()
                    .zip(&heads)
                    .map(|(frame, head)| Frame { head, payload: Payload::bytes(&frame[head.len()..]) }),
            );
            if let Some(fault) = queue_fault(&delivered) {
                assert_eq!(Some(fault), oracle.fault(), "seed {seed}");
                faults += 1;
            }
            let delivered = delivered.unwrap_or_default();
            assert_eq!((delivered.frames, delivered.refused), expected, "seed {seed}");
            assert!(world.snapshot() == oracle.memory(), "seed {seed}: the memory differs");
            delivered_frames += delivered.frames;
        }
    }
    assert!(delivered_frames > 20_000 && faults > 2_000, "{delivered_frames} frames, {faults} faults");
}

fn queue_fault(delivered: &Result<super::Delivered, RingFault>) -> Option<RingFault> {
    delivered.as_ref().err().copied()
}

/// Rings, tables and buffers all over each other: nothing to compare with, but nothing may go wrong.
#[test]
fn rings_that_overwrite_themselves_do_no_harm() {
    let world = World::new();
    for seed in 0..4_000 {
        let mut random = Random::new(seed);
        for ram in &world.rams {
            let bytes: Vec<u8> =
                (0..ram.len() / 8).flat_map(|_| (random.next() & random.next()).to_le_bytes()).collect();
            ram.write(0, &bytes);
        }
        let ring = DriverRing::new(Arc::clone(&world.rams[0]), 0, 256);
        for index in 0..256 {
            let address = ring.ram.guest + random.below(0x3000);
            let flags = random.below(8) as u16;
            ring.descriptor(index, address, random.below(4096) as u32, flags, random.below(256) as u16);
        }
        for n in 0..256 {
            ring.ram.store(ring.available + 4 + 2 * n, random.below(256) as u16);
        }
        let used = ring.used_index();
        ring.ram.store(ring.available + 2, used.wrapping_add(random.below(257) as u16));
        let features = Features::from_bits(random.next());
        let mut transmit =
            TransmitQueue::new(QueueIndex::transmit(0), world.setup(&ring, used, features)).unwrap();
        let mut receive =
            ReceiveQueue::new(QueueIndex::receive(0), world.setup(&ring, used, features)).unwrap();
        let mut heads = Head::burst();
        for _ in 0..16 {
            let Ok(burst) = transmit.fetch(&mut heads) else { break };
            let frames = (0..burst.len()).map(|i| Frame { head: &heads[i], payload: burst.payload(i) });
            if receive.deliver(frames).is_err() {
                break;
            }
        }
    }
}
