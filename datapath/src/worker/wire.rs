//! Frames from a DPDK device: to the bridge of the uplink, or out of VXLAN to a tenant's.

use sluice_dpdk::{Eal, Mbuf, MbufBurst, RxQueue};
use sluice_overlay::Admitted;
use sluice_overlay::answer::answer;
use sluice_overlay::vxlan::{Decline, Ecn};
use sluice_packet::{BURST, DropReason};
use sluice_pipeline::{Ingress, PortId};
use sluice_vhost::Payload;

use super::engine::Engine;
use super::forwarding::{Forwarding, UplinkVteps};
use super::judge::Entries;
use super::outputs::Outputs;
use super::stage::{Buffers, FrameSet, Source};
use crate::switch::Event;

/// A device's receive queue that this worker polls.
#[derive(Debug)]
pub(crate) struct WireQueue {
    pub(crate) port: PortId,
    pub(crate) rx: Box<RxQueue>,
    mbufs: MbufBurst,
    /// Where answers to neighbours are written.
    reply: Box<[u8; REPLY]>,
}

/// An Ethernet header.
const SHORTEST_FRAME: usize = 14;
/// The longest answer: to a ping that fills a large frame.
const REPLY: usize = 9 * 1024;

impl WireQueue {
    pub(crate) fn new(eal: &Eal, port: PortId, rx: Box<RxQueue>) -> WireQueue {
        WireQueue { port, rx, mbufs: MbufBurst::new(eal), reply: Box::new([0; REPLY]) }
    }

    /// Takes a burst from the device and carries it through; returns how many frames.
    #[inline(always)]
    pub(crate) fn poll(
        &mut self,
        forwarding: &Forwarding,
        buffers: &mut Buffers,
        engine: &mut Engine,
    ) -> usize {
        let n = self.rx.burst(&mut self.mbufs);
        if n == 0 {
            return 0;
        }
        for mbuf in &self.mbufs {
            mbuf.prefetch();
        }
        engine.outputs.received(self.port, n, self.mbufs.iter().map(Mbuf::len).sum());

        let mut inner = [Inner::default(); BURST];
        let mut entries = Entries::new();
        let places = buffers.heads.iter_mut().zip(&mut inner);
        for (i, (mbuf, (head, inner))) in self.mbufs.iter().zip(places).enumerate() {
            let entered = match enter(self.port, mbuf, forwarding, &mut self.reply[..], &mut engine.outputs) {
                Ok(Some(entered)) => entered,
                Ok(None) => continue,
                Err(reason) => {
                    engine.outputs.drop_frames(self.port, reason, 1);
                    continue;
                }
            };
            let bytes = mbuf.data().get(entered.start..entered.end).unwrap_or(&[]);
            let captured = head.fill(bytes);
            if let Err(reason) = entered.ecn.apply_to_inner(head.bytes_mut()) {
                engine.outputs.drop_frames(entered.ingress.port, reason, 1);
                continue;
            }
            *inner = Inner { rest: entered.start + captured, end: entered.end, len: bytes.len() };
            if entered.ingress.port != self.port {
                engine.outputs.came_through(entered.ingress.port, bytes.len());
            }
            join(&mut entries, entered.ingress, i);
        }
        let source = Received { mbufs: &self.mbufs, inner };
        engine.carry(forwarding, &entries, &mut buffers.stage(&source));
        self.mbufs.clear();
        n
    }
}

/// A frame that is to be judged: where it lies in its mbuf and where it enters.
struct Entered<'a> {
    ingress: &'a Ingress,
    start: usize,
    end: usize,
    ecn: Ecn,
}

/// Finds where a received frame enters. `None` if it was for the uplink itself and has been answered.
#[inline(always)]
fn enter<'a>(
    port: PortId,
    mbuf: &Mbuf,
    forwarding: &'a Forwarding,
    reply: &mut [u8],
    outputs: &mut Outputs,
) -> Result<Option<Entered<'a>>, DropReason> {
    if mbuf.segments() != 1 {
        return Err(DropReason::MultiSegment);
    }
    if let Some(uplink) = forwarding.uplink(port)
        && let Some(entered) = decapsulate(mbuf, uplink)?
    {
        return Ok(Some(entered));
    }
    if let Some(uplink) = forwarding.uplink(port)
        && answered(port, mbuf, uplink, reply, outputs)
    {
        return Ok(None);
    }
    let membership = forwarding.membership(port).ok_or(DropReason::NotForVtep)?;
    if mbuf.data().len() < SHORTEST_FRAME {
        return Err(DropReason::Runt);
    }
    Ok(Some(Entered { ingress: &membership.ingress, start: 0, end: mbuf.data().len(), ecn: Ecn::NotEct }))
}

/// Judges the outer headers. `None` if it is no VXLAN for a VTEP of this uplink.
#[inline(always)]
fn decapsulate<'a>(mbuf: &Mbuf, uplink: &'a UplinkVteps) -> Result<Option<Entered<'a>>, DropReason> {
    let mut former = None;
    for own in &uplink.vteps {
        let udp_port = own.vtep.udp_port();
        // The VTEPs of an uplink nearly always share their UDP port.
        if former.replace(udp_port) == Some(udp_port) {
            continue;
        }
        match uplink.decap.decapsulate(mbuf.data(), &[], udp_port) {
            Ok(Admitted { value: ingress, inner_offset: start, inner_len, ecn }) => {
                return Ok(Some(Entered { ingress, start, end: start + inner_len, ecn }));
            }
            Err(Decline::NotVxlan) => {}
            Err(Decline::Drop(reason)) => return Err(reason),
        }
    }
    Ok(None)
}

/// Answers what is asked of the uplink's own addresses.
#[cold]
#[inline(never)]
fn answered(
    port: PortId,
    mbuf: &Mbuf,
    uplink: &UplinkVteps,
    reply: &mut [u8],
    outputs: &mut Outputs,
) -> bool {
    let mut known = false;
    for own in &uplink.vteps {
        let Some(answer) = answer(mbuf.data(), own, reply) else { continue };
        known = true;
        if let Some(heard) = answer.heard {
            outputs.events.say(Event::Heard(port, heard));
        }
        if let Some(reply) = answer.reply_len.and_then(|len| reply.get(..len)) {
            outputs.inject(port, reply);
        }
    }
    known
}

#[inline(always)]
fn join<'a>(entries: &mut Entries<'a>, ingress: &'a Ingress, i: usize) {
    // One entry of the snapshot is one way in, so that comparing addresses is enough.
    match entries.iter_mut().rev().find(|(there, _)| std::ptr::eq(*there, ingress)) {
        Some((_, frames)) => frames.insert(i),
        // There are no more entries than frames.
        None => entries.push((ingress, FrameSet::one(i))),
    }
}

/// Where in its mbuf the rest of a frame lies, behind its head.
#[derive(Clone, Copy, Debug, Default)]
struct Inner {
    rest: usize,
    end: usize,
    len: usize,
}

/// The payloads of a burst from a device.
struct Received<'a> {
    mbufs: &'a MbufBurst,
    inner: [Inner; BURST],
}

impl Source for Received<'_> {
    #[inline(always)]
    fn bytes(&self) -> usize {
        self.inner.iter().map(|inner| inner.len).sum()
    }

    #[inline(always)]
    fn payload(&self, i: usize) -> Payload<'_> {
        let Some(inner) = self.inner.get(i) else { return Payload::Empty };
        if inner.rest == inner.end {
            return Payload::Empty;
        }
        let data = self.mbufs.get(i).map_or(&[][..], Mbuf::data);
        data.get(inner.rest..inner.end).map_or(Payload::Empty, Payload::bytes)
    }

    #[inline(always)]
    fn frame_len(&self, i: usize) -> usize {
        self.inner.get(i).map_or(0, |inner| inner.len)
    }
}
