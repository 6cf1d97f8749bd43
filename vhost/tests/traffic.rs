//! Frames through a whole endpoint: socket, protocol, memory, rings.
// Tests and benches fail by panicking, and count in small numbers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::type_complexity, clippy::needless_pass_by_value)]

mod driver;

use std::sync::Arc;

use driver::frontend::{
    EVENT_IDX, Events, Frontend, IN_ORDER, INDIRECT_DESC, MRG_RXBUF, PROTOCOL_FEATURES, SET_VRING_ENABLE,
    VERSION_1,
};
use driver::host::KeepingHost;
use driver::ram::Ram;
use driver::ring::DriverRing;
use sluice_packet::Head;
use sluice_vhost::{Endpoint, EndpointConfig, EndpointHandle, Frame, Payload, QueueIndex, Role};
use tempfile::TempDir;

const SIZE: u16 = 256;
const GUEST: u64 = 0x4000_0000;
const BUFFERS: usize = 0x10000;

/// A port with a guest on it.
struct Fixture {
    host: KeepingHost,
    frontend: Frontend,
    ram: Arc<Ram>,
    receive: DriverRing,
    transmit: DriverRing,
    receive_events: Events,
    transmit_events: Events,
    endpoint: Option<EndpointHandle>,
    _directory: TempDir,
}

impl Fixture {
    fn new(features: u64) -> Fixture {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("port");
        let host = KeepingHost::default();
        let config = EndpointConfig::new("test", &path, Role::Server).unwrap();
        let endpoint = Endpoint::spawn(config, host.clone()).unwrap();
        let mut frontend = Frontend::connect(&path);
        let ram = Arc::new(Ram::new(16 << 20, GUEST));
        let receive = DriverRing::new(ram.clone(), 0, SIZE);
        let transmit = DriverRing::new(ram.clone(), DriverRing::bytes(SIZE), SIZE);
        let (receive_events, transmit_events) = (Events::new(), Events::new());
        frontend.negotiate(features);
        assert!(frontend.set_memory(&[&ram]));
        frontend.set_ring(0, &receive, 0, &receive_events);
        frontend.set_ring(1, &transmit, 0, &transmit_events);
        if features & PROTOCOL_FEATURES != 0 {
            frontend.set_vring(SET_VRING_ENABLE, 0, 1);
            frontend.set_vring(SET_VRING_ENABLE, 1, 1);
        }
        host.await_ring(QueueIndex::receive(0));
        host.await_ring(QueueIndex::transmit(0));
        Fixture {
            host,
            frontend,
            ram,
            receive,
            transmit,
            receive_events,
            transmit_events,
            endpoint: Some(endpoint),
            _directory: directory,
        }
    }

    /// Fetches a burst: the heads' bytes and the payloads'.
    fn fetch(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut heads = Head::burst();
        let fetched = self.host.transmit(0, |queue| {
            let burst = queue.fetch(&mut heads).unwrap();
            (0..burst.len())
                .map(|i| {
                    let mut payload = vec![0; burst.payload(i).len()];
                    assert_eq!(burst.payload(i).copy_to(&mut payload), payload.len());
                    assert_eq!(burst.frame_len(i), heads[i].len() + payload.len());
                    (heads[i].bytes().to_vec(), payload)
                })
                .collect()
        });
        fetched.unwrap()
    }
}

fn pattern(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + seed * 13) as u8).collect()
}

const ALL: u64 = VERSION_1 | MRG_RXBUF | INDIRECT_DESC | EVENT_IDX | PROTOCOL_FEATURES;

#[test]
fn frames_of_all_lengths_come_through_whole() {
    for features in [VERSION_1, ALL, ALL & !EVENT_IDX, ALL | IN_ORDER, 0] {
        let header = if features & (VERSION_1 | MRG_RXBUF) != 0 { 12 } else { 10 };
        let mut fixture = Fixture::new(features);
        for (seed, len) in [14, 60, 64, 127, 128, 129, 300, 1500, 9000, 65_535].into_iter().enumerate() {
            let frame = pattern(len, seed);
            fixture.ram.write(BUFFERS + header, &frame);
            fixture.transmit.offer(&[(BUFFERS, (len + header) as u32)], false);
            fixture.transmit.publish();
            let fetched = fixture.fetch();
            assert_eq!(fetched.len(), 1);
            let (head, payload) = &fetched[0];
            assert_eq!(head.len(), len.min(128));
            assert_eq!([head.as_slice(), payload].concat(), frame);
            assert_eq!(fixture.transmit.used_index(), seed as u16 + 1);
            assert!(fixture.transmit.take_used().is_some());
        }
    }
}

#[test]
fn headers_and_heads_may_span_descriptors() {
    let mut fixture = Fixture::new(ALL);
    let frame = pattern(700, 3);
    let bytes = [vec![0; 12], frame.clone()].concat();
    fixture.ram.write(BUFFERS, &bytes);
    let cuts: &[&[usize]] = &[&[12], &[5], &[1, 2, 3], &[12, 13, 141], &[12 + 128], &[100, 400], &[0, 12]];
    for (n, cuts) in cuts.iter().enumerate() {
        let ends = cuts.iter().copied().chain([bytes.len()]);
        let mut start = 0;
        let mut buffers = Vec::new();
        for end in ends {
            buffers.push((BUFFERS + start, (end - start) as u32));
            start = end;
        }
        if n % 2 == 0 {
            fixture.transmit.offer(&buffers, false);
        } else {
            fixture.transmit.offer_indirect(0x8000 * 16 + 8 * n, &buffers, false);
        }
        fixture.transmit.publish();
        let fetched = fixture.fetch();
        assert_eq!([fetched[0].0.as_slice(), &fetched[0].1].concat(), frame, "cuts {cuts:?}");
    }
}

#[test]
fn delivered_frames_lie_behind_their_headers() {
    for features in [VERSION_1, ALL, 0] {
        let header = if features == 0 { 10 } else { 12 };
        let mut fixture = Fixture::new(features);
        for n in 0..40 {
            fixture.receive.offer(&[(BUFFERS + n * 4096, 2048)], true);
        }
        fixture.receive.publish();
        let frames: Vec<Vec<u8>> = (0..50).map(|n| pattern(60 + 30 * n, n)).collect();
        let heads: Vec<Head> = frames
            .iter()
            .map(|frame| {
                let mut head = Head::default();
                head.fill(frame);
                head
            })
            .collect();
        let deliverable = frames
            .iter()
            .zip(&heads)
            .map(|(frame, head)| Frame { head, payload: Payload::bytes(&frame[head.len()..]) });
        let delivered = fixture.host.receive(0, |queue| queue.deliver(deliverable)).unwrap().unwrap();
        assert_eq!((delivered.frames, delivered.refused), (40, 0));
        assert_eq!(delivered.bytes, frames[..40].iter().map(Vec::len).sum::<usize>());
        for (n, frame) in frames.iter().take(40).enumerate() {
            let (id, len) = fixture.receive.take_used().unwrap();
            assert_eq!((usize::from(id), len as usize), (n, frame.len() + header));
            let bytes = fixture.ram.read(BUFFERS + n * 4096, len as usize);
            assert_eq!(bytes[..10], [0; 10]);
            if header == 12 {
                assert_eq!(bytes[10..12], [1, 0]);
            }
            assert_eq!(&bytes[header..], frame);
        }
        assert_eq!(fixture.receive.take_used(), None);
    }
}

#[test]
fn long_frames_are_merged_from_short_buffers_or_refused() {
    for mergeable in [true, false] {
        let mut fixture = Fixture::new(if mergeable { VERSION_1 | MRG_RXBUF } else { VERSION_1 });
        for n in 0..8 {
            fixture.receive.offer(&[(BUFFERS + n * 4096, 500)], true);
        }
        fixture.receive.publish();
        let frame = pattern(1500, 9);
        let mut head = Head::default();
        head.fill(&frame);
        let deliver = |fixture: &Fixture| {
            let frame = Frame { head: &head, payload: Payload::bytes(&frame[128..]) };
            fixture.host.receive(0, |queue| queue.deliver([frame].into_iter())).unwrap().unwrap()
        };
        let delivered = deliver(&fixture);
        if !mergeable {
            assert_eq!((delivered.frames, delivered.refused), (0, 1));
            continue;
        }
        assert_eq!((delivered.frames, delivered.refused), (1, 0));
        let used: Vec<_> = std::iter::from_fn(|| fixture.receive.take_used()).collect();
        assert_eq!(used, [(0, 500), (1, 500), (2, 500), (3, 12)]);
        let bytes: Vec<u8> = used
            .iter()
            .flat_map(|&(id, len)| fixture.ram.read(BUFFERS + usize::from(id) * 4096, len as usize))
            .collect();
        assert_eq!(bytes[10..12], [4, 0]);
        assert_eq!(bytes[12..], frame);
        // Another one takes the other four, a third finds nothing and changes nothing.
        assert_eq!(deliver(&fixture).frames, 1);
        assert_eq!(deliver(&fixture), sluice_vhost::Delivered::default());
    }
}

#[test]
fn in_order_one_used_entry_stands_for_a_batch() {
    let mut fixture = Fixture::new(ALL | IN_ORDER);
    for batch in 0..3 {
        for n in 0..5 {
            fixture.transmit.offer(&[(BUFFERS + 256 * n, 76)], false);
        }
        fixture.transmit.publish();
        assert_eq!(fixture.fetch().len(), 5);
        assert_eq!(fixture.transmit.used_index(), 5 * (batch + 1));
        // At the place of the batch's first chain, the index of its last one (virtio 1.2 §2.7.9).
        let entry = fixture.transmit.used + 4 + 8 * usize::from(5 * batch);
        assert_eq!(fixture.ram.u32(entry), u32::from(5 * batch + 4));
    }
}

#[test]
fn a_guest_is_called_only_if_it_asked_to_be() {
    let mut fixture = Fixture::new(VERSION_1);
    let send = |fixture: &mut Fixture| {
        fixture.transmit.offer(&[(BUFFERS, 76)], false);
        fixture.transmit.publish();
        assert_eq!(fixture.fetch().len(), 1);
    };
    fixture.transmit_events.calls();
    send(&mut fixture);
    assert_eq!(fixture.transmit_events.calls(), 1);
    fixture.transmit.set_no_interrupt(true);
    send(&mut fixture);
    assert_eq!(fixture.transmit_events.calls(), 0);
    // The guest stops polling just after the burst was published: it is called when the switch looks again.
    fixture.transmit.set_no_interrupt(false);
    assert!(fixture.fetch().is_empty());
    assert_eq!(fixture.transmit_events.calls(), 1);

    let mut fixture = Fixture::new(VERSION_1 | EVENT_IDX);
    fixture.transmit_events.calls();
    fixture.transmit.set_used_event(2);
    send(&mut fixture);
    send(&mut fixture);
    assert_eq!(fixture.transmit_events.calls(), 0);
    send(&mut fixture);
    assert_eq!(fixture.transmit_events.calls(), 1);
    send(&mut fixture);
    assert_eq!(fixture.transmit_events.calls(), 0);
}

#[test]
fn a_polled_guest_need_not_kick_and_a_waiting_switch_asks_for_it() {
    for event_idx in [false, true] {
        let features = if event_idx { VERSION_1 | EVENT_IDX } else { VERSION_1 };
        let mut fixture = Fixture::new(features);
        // Whether the driver would kick for its next buffer.
        let kicks = |fixture: &Fixture| {
            if event_idx {
                fixture.transmit.available_event() == fixture.transmit.available_index
            } else {
                !fixture.transmit.no_notify()
            }
        };
        assert!(!kicks(&fixture));
        assert_eq!(
            fixture.host.transmit(0, sluice_vhost::TransmitQueue::enable_notifications),
            Some(Ok(false))
        );
        assert!(kicks(&fixture));
        fixture.transmit.offer(&[(BUFFERS, 76)], false);
        fixture.transmit.publish();
        assert_eq!(
            fixture.host.transmit(0, sluice_vhost::TransmitQueue::enable_notifications),
            Some(Ok(true))
        );
        assert_eq!(fixture.fetch().len(), 1);
        fixture.host.transmit(0, sluice_vhost::TransmitQueue::disable_notifications);
        assert!(!kicks(&fixture));
    }
}

#[test]
fn stopping_the_port_gives_everything_back() {
    let mut fixture = Fixture::new(ALL);
    fixture.endpoint.take().unwrap().stop();
    assert_eq!(fixture.host.logged("stop"), fixture.host.logged("start"));
    assert_eq!(fixture.host.logged("disconnected: the port was closed"), 1);
    assert!(fixture.frontend.closed());
    let _ = fixture.receive_events.calls();
}
