//! Chains of several descriptors, and indirect tables: virtio 1.2 §2.7.5.3. The uncommon way, so clear before fast.

use super::split::{Ahead, Descriptor, F_INDIRECT, F_NEXT, F_WRITE, SplitRing};
use super::{MAX_CHAIN, RingFault};
use crate::features::Features;
use crate::memory::Segment;

/// What a chain turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gathered {
    /// All its buffers' bytes.
    Whole {
        /// Their sum.
        len: u64,
    },
    /// More buffers than [`MAX_CHAIN`], or a loop.
    TooLong,
}

/// Where the next descriptor is read from.
enum Table {
    /// The ring's own.
    Ring,
    /// An indirect one.
    Indirect { at: *const u8, entries: u32 },
}

impl<const WRITES: bool> SplitRing<WRITES> {
    /// Appends the buffers of a chain, read ahead but not simple, to `segments`.
    #[cold]
    pub(crate) fn gather(
        &mut self,
        chain: &Ahead,
        segments: &mut Vec<Segment>,
    ) -> Result<Gathered, RingFault> {
        let start = segments.len();
        let gathered = self.walk(self.descriptor(chain.id()), start + MAX_CHAIN, segments);
        if !matches!(gathered, Ok(Gathered::Whole { .. })) {
            segments.truncate(start);
        }
        gathered.map_err(|fault| self.fail(fault))
    }

    fn walk(
        &mut self,
        first: Descriptor,
        limit: usize,
        segments: &mut Vec<Segment>,
    ) -> Result<Gathered, RingFault> {
        let mut table = Table::Ring;
        let mut descriptor = first;
        let mut len = 0;
        // A loop in the chain ends here too.
        for _ in 0..MAX_CHAIN {
            if descriptor.flags & F_INDIRECT != 0 {
                (table, descriptor) = self.enter(&table, descriptor)?;
            }
            if !self.buffer(descriptor, limit, segments)? {
                return Ok(Gathered::TooLong);
            }
            len += u64::from(descriptor.len);
            if descriptor.flags & F_NEXT == 0 {
                return Ok(Gathered::Whole { len });
            }
            descriptor = self.follow(&table, descriptor.next)?;
        }
        Ok(Gathered::TooLong)
    }

    /// Goes into an indirect table; there is none within another, and it ends the chain (virtio 1.2 §2.7.5.3.1).
    fn enter(&mut self, table: &Table, descriptor: Descriptor) -> Result<(Table, Descriptor), RingFault> {
        let Descriptor { address, len, flags, .. } = descriptor;
        let fault = RingFault::IndirectTable { address, len };
        let negotiated = self.features.contains(Features::INDIRECT_DESC);
        let whole = len != 0 && len % 16 == 0;
        if !negotiated || !matches!(table, Table::Ring) || flags & F_NEXT != 0 || !whole {
            return Err(fault);
        }
        let at = self.translator.whole(address, len).ok_or(fault)?.cast_const();
        let table = Table::Indirect { at, entries: len / 16 };
        let first = self.follow(&table, 0)?;
        // A table in a table shows here if it is the first entry, and else in the walk.
        if first.flags & F_INDIRECT != 0 { Err(fault) } else { Ok((table, first)) }
    }

    /// Reads the descriptor `index` of a table, once.
    fn follow(&self, table: &Table, index: u16) -> Result<Descriptor, RingFault> {
        match *table {
            Table::Ring if index < self.size() => Ok(self.descriptor(index)),
            Table::Ring => Err(RingFault::DescriptorIndex { index, size: self.size() }),
            Table::Indirect { at, entries } if u32::from(index) < entries => {
                // Indirect tables need not be aligned.
                let at = at.wrapping_add(16 * usize::from(index)).cast::<[u8; 8]>();
                // SAFETY: the table was found within one region, which the translator holds, and the index is in it.
                let low = unsafe { at.read_volatile() };
                // SAFETY: as above.
                let high = unsafe { at.wrapping_add(1).read_volatile() };
                Ok(Descriptor::parse(u64::from_ne_bytes(low), u64::from_ne_bytes(high)))
            }
            Table::Indirect { entries, .. } => {
                let size = u16::try_from(entries).unwrap_or(u16::MAX);
                Err(RingFault::DescriptorIndex { index, size })
            }
        }
    }

    /// Appends one buffer, in several pieces if it spans regions; false if that would be more than `limit` segments.
    fn buffer(
        &mut self,
        descriptor: Descriptor,
        limit: usize,
        segments: &mut Vec<Segment>,
    ) -> Result<bool, RingFault> {
        let Descriptor { address, len, flags, .. } = descriptor;
        if (flags & F_WRITE != 0) != WRITES {
            return Err(RingFault::WrongDirection { address });
        }
        let outside = RingFault::BufferOutsideMemory { address, len };
        let (mut at, mut left) = (address, len);
        loop {
            let (host, room) = self.translator.prefix(at, left).ok_or(outside)?;
            if segments.len() >= limit {
                return Ok(false);
            }
            if room > 0 {
                // SAFETY: the translator found these bytes within one region, which it holds.
                segments.push(unsafe { Segment::new(host, room) });
            }
            left -= room;
            if left == 0 {
                return Ok(true);
            }
            at = at.checked_add(u64::from(room)).ok_or(outside)?;
        }
    }
}
