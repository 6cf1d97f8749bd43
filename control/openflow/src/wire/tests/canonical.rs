//! What is written otherwise than it was read.

use std::cell::Cell;

use super::golden::from_hex;
use crate::wire::*;

/// A flow-mod that has `rest` behind its flags, with another length filled in.
fn flow_mod(filter: &str, rest: &str) -> Vec<u8> {
    let body = format!("{:032x} 00 00 0000 0000 0005 ffffffff {filter} 0000 0000 {rest}", 0);
    message(14, &body)
}

fn message(kind: u8, body: &str) -> Vec<u8> {
    let mut bytes = vec![4, kind, 0, 0, 0, 0, 0, 9];
    bytes.extend(from_hex(body));
    let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    bytes[2..4].copy_from_slice(&length);
    bytes
}

#[track_caller]
fn written_as(read: &[u8], written: &[u8]) {
    let loose = Cell::new(false);
    let (header, message) = Message::decode_noting(read, &loose).unwrap();
    let mut again = Vec::new();
    message.encode(header.xid, &mut again).unwrap();
    assert_eq!(again, written, "{message:?}");
    assert_eq!(loose.get(), read != written);
}

const ANY: &str = "ffffffff ffffffff";
const NO_MATCH: &str = "0001 0004 00000000";

#[test]
fn padding_is_zero() {
    written_as(
        &flow_mod(ANY, "0001 000a 80000a02 0800 ffffffffffff"),
        &flow_mod(ANY, "0001 000a 80000a02 0800 000000000000"),
    );
    written_as(
        &message(24, "00000001 01020304 0000000000000007"),
        &message(24, "00000001 00000000 0000000000000007"),
    );
}

#[test]
fn filters_mean_something_where_something_is_deleted() {
    written_as(&flow_mod("00000000 00000000", NO_MATCH), &flow_mod(ANY, NO_MATCH));
}

#[test]
fn full_masks_are_none_and_empty_ones_no_field() {
    written_as(
        &flow_mod(ANY, "0001 000c 80000b04 0800 ffff 00000000"),
        &flow_mod(ANY, "0001 000a 80000a02 0800 000000000000"),
    );
    written_as(
        &flow_mod(ANY, "0001 0018 80000510 0000000000000000 0000000000000000"),
        &flow_mod(ANY, NO_MATCH),
    );
    // Full, of a field of 13 bits: no mask. One that is not full in the bits that there are stays.
    written_as(
        &flow_mod(ANY, "0001 000c 80000d04 1064 1fff 00000000"),
        &flow_mod(ANY, "0001 000a 80000c02 1064 000000000000"),
    );
    let some = flow_mod(ANY, "0001 000c 80000d04 1000 1000 00000000");
    written_as(&some, &some);
}

#[test]
fn fields_have_the_numbers_of_oxm() {
    written_as(
        &flow_mod(ANY, "0001 000a 00000602 0800 000000000000"),
        &flow_mod(ANY, "0001 000a 80000a02 0800 000000000000"),
    );
    let tcp = "80000a02 0800 80001401 06";
    written_as(
        &flow_mod(ANY, &format!("0001 0015 {tcp} 00014402 0002 000000")),
        &flow_mod(ANY, &format!("0001 0019 {tcp} ffff5406 4f4e4600 0002 00000000000000")),
    );
}

#[test]
fn instructions_stand_in_the_order_of_carrying_out() {
    let (goto, clear, meter) = ("0001 0008 01000000", "0005 0008 00000000", "0006 0008 00000007");
    written_as(
        &flow_mod(ANY, &format!("{NO_MATCH} {goto} {clear} {meter}")),
        &flow_mod(ANY, &format!("{NO_MATCH} {meter} {clear} {goto}")),
    );
}

#[test]
fn what_means_nothing_is_left_out() {
    // Data behind a buffer's number.
    written_as(
        &message(13, "00000001 00000001 0000 000000000000 0102"),
        &message(13, "00000001 00000001 0000 000000000000"),
    );
    // A hello's unknown element.
    written_as(&message(0, "0007 0008 01020304 0001 0008 00000010"), &message(0, "0001 0008 00000010"));
    // The present table of a resubmit.
    let resubmit = |kind: &str, table: &str| {
        flow_mod(ANY, &format!("{NO_MATCH} 0004 0018 00000000 ffff 0010 00002320 {kind} fff8 {table} 000000"))
    };
    written_as(&resubmit("000e", "ff"), &resubmit("0001", "00"));
}
