//! virtio-net as the specification tells it: one descriptor, one byte at a time, on a copy of the guest's memory.

use sluice_packet::{BURST, DropReason};

use super::super::MAX_FRAME;
use crate::driver::ring::DriverRing;
use crate::features::Features;
use crate::ring::{MAX_CHAIN, RingFault};

/// What became of a chain of the transmit queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Frame(Vec<u8>),
    Dropped(DropReason),
}

/// The addresses of a chain's bytes, one each, and how many descriptors it had; `None` if it has too many.
type Chain = Option<Vec<u64>>;

pub(super) struct Oracle {
    memory: Vec<(u64, Vec<u8>)>,
    descriptors: u64,
    available: u64,
    used: u64,
    size: u16,
    next: u16,
    features: Features,
    fault: Option<RingFault>,
}

struct Descriptor {
    address: u64,
    len: u32,
    flags: u16,
    next: u16,
}

impl Oracle {
    pub(super) fn new(
        memory: Vec<(u64, Vec<u8>)>,
        ring: &DriverRing,
        base: u16,
        features: Features,
    ) -> Oracle {
        let guest = ring.ram.guest;
        let mut oracle = Oracle {
            memory,
            descriptors: guest + ring.descriptors as u64,
            available: guest + ring.available as u64,
            used: guest + ring.used as u64,
            size: ring.size,
            next: base,
            features,
            fault: None,
        };
        // VRING_USED_F_NO_NOTIFY: the device polls.
        oracle.write(oracle.used, &1u16.to_le_bytes());
        oracle
    }

    pub(super) fn memory(&self) -> Vec<(u64, Vec<u8>)> {
        self.memory.clone()
    }

    pub(super) fn fault(&self) -> Option<RingFault> {
        self.fault
    }

    /// Takes all chains; within each burst, what was dropped comes after what was not, by reason.
    pub(super) fn transmit(&mut self) -> (Vec<Taken>, Option<RingFault>) {
        let mut taken = Vec::new();
        loop {
            let mut burst = Vec::new();
            let mut stopped = false;
            while burst.len() < BURST {
                match self.peek(0).map(|head| head.map(|head| (head, self.chain(head, false)))) {
                    Ok(Some((head, Ok(chain)))) => {
                        burst.push(self.frame(chain));
                        self.give_back(&[(head, 0)]);
                    }
                    Ok(None) => stopped = true,
                    Err(fault) | Ok(Some((_, Err(fault)))) => {
                        self.fault.get_or_insert(fault);
                        stopped = true;
                    }
                }
                if stopped {
                    break;
                }
            }
            let order = [
                DropReason::MalformedVirtioHeader,
                DropReason::Runt,
                DropReason::ChainTooLong,
                DropReason::Oversize,
            ];
            burst.sort_by_key(|taken| match taken {
                Taken::Frame(_) => 0,
                Taken::Dropped(reason) => 1 + order.iter().position(|r| r == reason).unwrap(),
            });
            taken.extend(burst);
            if stopped {
                return (taken, self.fault);
            }
        }
    }

    /// Delivers frames; how many were, and how many were refused.
    pub(super) fn receive(&mut self, frames: &[Vec<u8>]) -> (usize, usize) {
        let (mut delivered, mut refused) = (0, 0);
        for frame in frames {
            match self.deliver(frame) {
                Some(true) => delivered += 1,
                Some(false) => refused += 1,
                None => break,
            }
        }
        (delivered, refused)
    }

    fn deliver(&mut self, frame: &[u8]) -> Option<bool> {
        let header_len = self.features.header_len();
        let mut room = Vec::new();
        let mut chains = Vec::new();
        while room.len() < header_len + frame.len() {
            if chains.len() == usize::from(self.size.min(64)) {
                return Some(false);
            }
            let head = match self.peek(chains.len() as u16) {
                Ok(head) => head?,
                Err(fault) => {
                    self.fault.get_or_insert(fault);
                    return None;
                }
            };
            match self.chain(head, true) {
                Ok(Some(bytes)) => {
                    chains.push((head, bytes.len()));
                    room.extend(bytes);
                }
                Ok(None) => {
                    self.fault.get_or_insert(RingFault::ChainTooLong);
                    return None;
                }
                Err(fault) => {
                    self.fault.get_or_insert(fault);
                    return None;
                }
            }
            if !self.features.contains(Features::MRG_RXBUF) && room.len() < header_len + frame.len() {
                return Some(false);
            }
        }
        let count = (chains.len() as u16).to_le_bytes();
        let header = [&[0; 10][..], &count].concat();
        let bytes = header[..header_len].iter().chain(frame);
        for (&byte, &address) in bytes.zip(&room) {
            self.write(address, &[byte]);
        }
        let mut left = header_len + frame.len();
        let used: Vec<(u16, u32)> = chains
            .iter()
            .map(|&(head, len)| {
                let written = len.min(left);
                left -= written;
                (head, written as u32)
            })
            .collect();
        self.give_back(&used);
        Some(true)
    }

    fn frame(&self, chain: Chain) -> Taken {
        let header_len = self.features.header_len();
        match chain {
            None => Taken::Dropped(DropReason::ChainTooLong),
            Some(bytes) if bytes.len() < header_len => Taken::Dropped(DropReason::MalformedVirtioHeader),
            Some(bytes) if bytes.len() < header_len + 14 => Taken::Dropped(DropReason::Runt),
            Some(bytes) if bytes.len() - header_len > MAX_FRAME => Taken::Dropped(DropReason::Oversize),
            Some(bytes) => Taken::Frame(
                bytes[header_len..].iter().map(|&address| self.read::<1>(address).unwrap()[0]).collect(),
            ),
        }
    }

    /// The head of the chain `n` places ahead.
    fn peek(&self, n: u16) -> Result<Option<u16>, RingFault> {
        let index = self.u16(self.available + 2);
        if index.wrapping_sub(self.next) > self.size {
            return Err(RingFault::AvailableIndex { index, next: self.next, size: self.size });
        }
        if index.wrapping_sub(self.next) <= n {
            return Ok(None);
        }
        let entry = self.next.wrapping_add(n) % self.size;
        let head = self.u16(self.available + 4 + 2 * u64::from(entry));
        if head >= self.size {
            return Err(RingFault::DescriptorIndex { index: head, size: self.size });
        }
        Ok(Some(head))
    }

    fn give_back(&mut self, chains: &[(u16, u32)]) {
        for &(head, len) in chains {
            let entry = self.used + 4 + 8 * u64::from(self.next % self.size);
            self.write(entry, &u32::from(head).to_le_bytes());
            self.write(entry + 4, &len.to_le_bytes());
            self.next = self.next.wrapping_add(1);
        }
        self.write(self.used + 2, &self.next.to_le_bytes());
    }

    fn chain(&self, head: u16, write: bool) -> Result<Chain, RingFault> {
        let mut bytes = Vec::new();
        let (mut pieces, mut steps) = (0, 0);
        let mut table: Option<(u64, u32)> = None;
        let mut descriptor = self.descriptor(self.descriptors + 16 * u64::from(head));
        loop {
            if descriptor.flags & 4 != 0 {
                let Descriptor { address, len, flags, .. } = descriptor;
                let fault = RingFault::IndirectTable { address, len };
                let allowed =
                    self.features.contains(Features::INDIRECT_DESC) && table.is_none() && flags & 1 == 0;
                if !allowed || len == 0 || len % 16 != 0 || !self.in_one_region(address, len) {
                    return Err(fault);
                }
                table = Some((address, len / 16));
                descriptor = self.descriptor(address);
                if descriptor.flags & 4 != 0 {
                    return Err(fault);
                }
            }
            let Descriptor { address, len, flags, next } = descriptor;
            if (flags & 2 != 0) != write {
                return Err(RingFault::WrongDirection { address });
            }
            if self.read::<1>(address).is_none() {
                return Err(RingFault::BufferOutsideMemory { address, len });
            }
            let mut region = None;
            for n in 0..u64::from(len) {
                let at = address.checked_add(n).filter(|&at| self.read::<1>(at).is_some());
                let at = at.ok_or(RingFault::BufferOutsideMemory { address, len })?;
                if region != self.region(at) {
                    region = self.region(at);
                    pieces += 1;
                }
                if pieces > MAX_CHAIN {
                    return Ok(None);
                }
                bytes.push(at);
            }
            // An empty buffer is no piece, but there is no room for one either.
            if len == 0 && pieces >= MAX_CHAIN {
                return Ok(None);
            }
            if flags & 1 == 0 {
                return Ok(Some(bytes));
            }
            descriptor = match table {
                None if next < self.size => self.descriptor(self.descriptors + 16 * u64::from(next)),
                None => return Err(RingFault::DescriptorIndex { index: next, size: self.size }),
                Some((at, entries)) if u32::from(next) < entries => {
                    self.descriptor(at + 16 * u64::from(next))
                }
                Some((_, entries)) => {
                    return Err(RingFault::DescriptorIndex { index: next, size: entries as u16 });
                }
            };
            steps += 1;
            if steps == MAX_CHAIN {
                return Ok(None);
            }
        }
    }

    fn region(&self, address: u64) -> Option<usize> {
        self.memory.iter().position(|(start, bytes)| (*start..*start + bytes.len() as u64).contains(&address))
    }

    fn in_one_region(&self, address: u64, len: u32) -> bool {
        let last = address.checked_add(u64::from(len) - 1);
        last.is_some_and(|last| self.region(address).is_some() && self.region(address) == self.region(last))
    }

    fn descriptor(&self, at: u64) -> Descriptor {
        Descriptor {
            address: u64::from_le_bytes(self.read(at).unwrap()),
            len: u32::from_le_bytes(self.read(at + 8).unwrap()),
            flags: self.u16(at + 12),
            next: self.u16(at + 14),
        }
    }

    fn u16(&self, at: u64) -> u16 {
        u16::from_le_bytes(self.read(at).unwrap())
    }

    fn read<const N: usize>(&self, at: u64) -> Option<[u8; N]> {
        self.memory.iter().find_map(|(start, bytes)| {
            let offset = usize::try_from(at.checked_sub(*start)?).ok()?;
            bytes.get(offset..)?.first_chunk().copied()
        })
    }

    fn write(&mut self, at: u64, value: &[u8]) {
        for (start, bytes) in &mut self.memory {
            if let Some(offset) = at.checked_sub(*start)
                && let Some(to) = bytes.get_mut(offset as usize..offset as usize + value.len())
            {
                to.copy_from_slice(value);
                return;
            }
        }
        panic!("the oracle wrote outside of the memory");
    }
}
