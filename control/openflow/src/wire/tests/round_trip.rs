//! What is encoded decodes to the same.

use std::cell::Cell;

use proptest::collection::vec;
use proptest::prelude::*;

use super::entropy::Entropy;
use super::messages::{KINDS, REPLIES, message, reply_of};
use crate::wire::multipart::ReplyBody;
use crate::wire::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn messages_of_every_type_decode_to_what_was_encoded(
        kind in 0..KINDS,
        xid in any::<u32>(),
        bytes in vec(any::<u8>(), 0..1500),
    ) {
        let message = message(kind, &mut Entropy::new(&bytes));
        prop_assert_eq!(usize::from(message.kind().number()), kind);
        let mut encoded = vec![0xaa];
        message.encode(Xid(xid), &mut encoded).unwrap();
        let loose = Cell::new(false);
        let (header, decoded) = Message::decode_noting(&encoded[1..], &loose).unwrap();
        prop_assert_eq!(header.xid, Xid(xid));
        prop_assert_eq!(header.kind, message.kind());
        prop_assert_eq!(usize::from(header.length), encoded.len() - 1);
        prop_assert_eq!(decoded, message);
        prop_assert!(!loose.get(), "what was encoded is canonical");
    }

    #[test]
    fn parts_of_a_reply_are_the_whole(
        kind in 0..REPLIES,
        more in any::<bool>(),
        room in 16..4000_usize,
        bytes in vec(any::<u8>(), 0..3000),
    ) {
        let body = reply_of(kind, &mut Entropy::new(&bytes));
        let reply = MultipartReply { more, body };
        let parts = reply.encode_parts(Xid(5), room).unwrap();
        let mut joined: Option<MultipartReply> = None;
        for (index, part) in parts.iter().enumerate() {
            let (header, Message::MultipartReply(part)) = Message::decode(part).unwrap() else {
                panic!("no reply");
            };
            prop_assert_eq!(header.xid, Xid(5));
            let is_last = index + 1 == parts.len();
            prop_assert_eq!(part.more, if is_last { more } else { true });
            let (items, length) = (items(&part.body), usize::from(header.length));
            prop_assert!(length <= room || items <= 1, "{length} bytes with {items} items");
            prop_assert!(items > 0 || parts.len() == 1);
            joined = Some(match joined {
                None => part,
                Some(before) => join(before, part),
            });
        }
        let joined = MultipartReply { more, ..joined.unwrap() };
        prop_assert_eq!(joined, reply);
    }
}

#[test]
fn a_hundred_thousand_flows_fit_full_messages() {
    let flow = super::messages::flow_stats(&mut Entropy::new(&[1; 200]));
    let reply = MultipartReply { more: false, body: ReplyBody::Flow(vec![flow; 100_000]) };
    assert_eq!(
        Message::MultipartReply(reply.clone()).encode(Xid(1), &mut Vec::new()),
        Err(EncodeError::TooLong)
    );
    let parts = reply.encode_parts(Xid(1), 65535).unwrap();
    let (last, full) = parts.split_last().unwrap();
    assert!(full.len() > 1);
    assert!(full.iter().all(|part| part.len() > 60_000));
    let count = |part: &Vec<u8>| match Message::decode(part).unwrap().1 {
        Message::MultipartReply(MultipartReply { body: ReplyBody::Flow(flows), .. }) => flows.len(),
        _ => 0,
    };
    assert_eq!(full.iter().map(count).sum::<usize>() + count(last), 100_000);
}

#[test]
fn too_long_messages_leave_the_buffer_as_it_was() {
    let mut out = vec![1, 2, 3];
    assert_eq!(Message::EchoRequest(vec![0; 65528]).encode(Xid(1), &mut out), Err(EncodeError::TooLong));
    assert_eq!(out, [1, 2, 3]);
    Message::EchoRequest(vec![0; 65527]).encode(Xid(1), &mut out).unwrap();
    assert_eq!(out.len(), 3 + 65535);
}

fn items(body: &ReplyBody) -> usize {
    match body {
        ReplyBody::Flow(list) => list.len(),
        ReplyBody::Table(list) => list.len(),
        ReplyBody::PortStats(list) => list.len(),
        ReplyBody::Queue(list) => list.len(),
        ReplyBody::Group(list) => list.len(),
        ReplyBody::GroupDescription(list) => list.len(),
        ReplyBody::Meter(list) => list.len(),
        ReplyBody::MeterConfig(list) => list.len(),
        ReplyBody::TableFeatures(list) => list.len(),
        ReplyBody::PortDescription(list) => list.len(),
        _ => 1,
    }
}

fn join(mut before: MultipartReply, after: MultipartReply) -> MultipartReply {
    match (&mut before.body, after.body) {
        (ReplyBody::Flow(list), ReplyBody::Flow(more)) => list.extend(more),
        (ReplyBody::Table(list), ReplyBody::Table(more)) => list.extend(more),
        (ReplyBody::PortStats(list), ReplyBody::PortStats(more)) => list.extend(more),
        (ReplyBody::Queue(list), ReplyBody::Queue(more)) => list.extend(more),
        (ReplyBody::Group(list), ReplyBody::Group(more)) => list.extend(more),
        (ReplyBody::GroupDescription(list), ReplyBody::GroupDescription(more)) => list.extend(more),
        (ReplyBody::Meter(list), ReplyBody::Meter(more)) => list.extend(more),
        (ReplyBody::MeterConfig(list), ReplyBody::MeterConfig(more)) => list.extend(more),
        (ReplyBody::TableFeatures(list), ReplyBody::TableFeatures(more)) => list.extend(more),
        (ReplyBody::PortDescription(list), ReplyBody::PortDescription(more)) => list.extend(more),
        (before, after) => panic!("{before:?} does not go on with {after:?}"),
    }
    before
}
