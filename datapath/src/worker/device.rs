//! Frames out of a DPDK device: copied once, from the head and where the payload lies, into an mbuf.

use sluice_dpdk::{BURST_SIZE, Eal, MbufBurst, Mempool, OwnedMbuf};
use sluice_overlay::Vni;
use sluice_overlay::vxlan::{EncapTemplate, Inner, InnerFlow};
use sluice_packet::DropReason;
use sluice_vhost::Frame;

use super::counters::PortCounters;
use super::port::SharedTx;
use crate::switch::lock;

/// A device as one worker sends by it: frames gather in `out` until the burst is over or it is full.
#[derive(Debug)]
pub(crate) struct DeviceEgress {
    tx: SharedTx,
    pool: Mempool,
    /// Allocated ahead, in bulk.
    spare: MbufBurst,
    out: MbufBurst,
}

impl DeviceEgress {
    pub(crate) fn new(eal: &Eal, tx: SharedTx, pool: Mempool) -> DeviceEgress {
        DeviceEgress { tx, pool, spare: MbufBurst::new(eal), out: MbufBurst::new(eal) }
    }

    /// Puts a frame into the burst that leaves at [`DeviceEgress::flush`].
    #[inline]
    pub(crate) fn push(&mut self, frame: Frame<'_>, counters: &PortCounters) -> Result<(), DropReason> {
        self.copy(frame, None, counters)
    }

    /// The same, in VXLAN.
    #[inline]
    pub(crate) fn push_encapsulated(
        &mut self,
        frame: Frame<'_>,
        template: &EncapTemplate,
        vni: Vni,
        counters: &PortCounters,
    ) -> Result<(), DropReason> {
        self.copy(frame, Some((template, vni)), counters)
    }

    #[inline(always)]
    fn copy(
        &mut self,
        frame: Frame<'_>,
        tunnel: Option<(&EncapTemplate, Vni)>,
        counters: &PortCounters,
    ) -> Result<(), DropReason> {
        if self.out.is_full() {
            self.flush(counters);
        }
        if self.spare.is_empty() {
            self.pool.fill(&mut self.spare, BURST_SIZE);
        }
        let mut mbuf = self.spare.pop().ok_or(DropReason::MbufExhausted)?;
        fill(&mut mbuf, &frame)?;
        if let Some((template, vni)) = tunnel {
            let flow = InnerFlow::of(frame.head.bytes());
            let header_len = template.header_len();
            mbuf.prepend(header_len).ok_or(DropReason::Oversize)?;
            let (outer, inner) =
                mbuf.data_mut().split_at_mut_checked(header_len).ok_or(DropReason::Oversize)?;
            template.write(outer, Inner { head: inner, payload: &[] }, vni, flow)?;
        }
        // It was made room for above.
        self.out.push(mbuf).map_err(|_| DropReason::TxQueueFull)
    }

    /// Hands the gathered frames to the device; what it does not take is dropped.
    #[inline]
    pub(crate) fn flush(&mut self, counters: &PortCounters) -> usize {
        if self.out.is_empty() {
            return 0;
        }
        let bytes: usize = self.out.iter().map(sluice_dpdk::Mbuf::len).sum();
        let sent = lock(&self.tx).send(&mut self.out);
        let (left, left_bytes) = (self.out.len(), self.out.iter().map(sluice_dpdk::Mbuf::len).sum::<usize>());
        if left > 0 {
            counters.count_drop(DropReason::TxQueueFull, left as u64);
            self.out.clear();
        }
        counters.tx_packets.add(sent as u64);
        counters.tx_bytes.add((bytes - left_bytes) as u64);
        sent
    }
}

#[inline(always)]
fn fill(mbuf: &mut OwnedMbuf<'_>, frame: &Frame<'_>) -> Result<(), DropReason> {
    let head = frame.head.bytes();
    let room = mbuf.append(head.len() + frame.payload.len()).ok_or(DropReason::Oversize)?;
    let (front, rest) = room.split_at_mut_checked(head.len()).ok_or(DropReason::Oversize)?;
    front.copy_from_slice(head);
    if !rest.is_empty() {
        frame.payload.copy_to(rest);
    }
    Ok(())
}
