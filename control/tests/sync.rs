//! The control process between a client and a datapath, all within the test.
// Tests fail by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::needless_pass_by_value)]

mod common;

use std::time::Duration;

use common::datapath::Manner;
use common::objects::*;
use common::{Control, Datapath, eventually};
use sluice_api::key::Key;
use sluice_api::v1;
use sluice_api::v1::error::Code;
use sluice_api::v1::object_key;
use tempfile::TempDir;
use tokio_stream::StreamExt;

fn dir() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn delete_bridge(name: &str) -> v1::Operation {
    delete(&Key::Bridge(name.into()))
}

fn no_change(unchanged: u64) -> Option<v1::Changes> {
    Some(v1::Changes { unchanged, ..v1::Changes::default() })
}

#[tokio::test]
async fn without_a_datapath_nothing_is_stored_and_a_dry_run_answers() {
    let dir = dir();
    let control = Control::start(dir.path()).await;
    control.client.disconnected("cannot be reached on").await;
    let error = control.client.refused(vec![set(bridge("br0"))], Code::Unreachable).await;
    assert!(error.hint.contains("start sluice-datapath"), "{error:?}");
    let dry_run =
        v1::ApplyRequest { operations: vec![set(bridge("br0"))], dry_run: true, ..Default::default() };
    assert_eq!(control.client.request(dry_run).await.unwrap().changes.unwrap().added, 1);
    assert_eq!(control.client.list().await, []);
    control.stop().await;
}

#[tokio::test]
async fn a_snapshot_comes_first_and_then_only_what_differs() {
    let dir = dir();
    let control = Control::start(dir.path()).await;
    control.client.disconnected("cannot be reached on").await;
    let datapath = Datapath::start(dir.path());
    control.client.connected().await;
    let snapshot = datapath.take_recorded();
    assert_eq!((snapshot.len(), snapshot[0].snapshot, snapshot[0].operations.len()), (1, true, 0));

    let operations = vec![set(flow("br0", "in_port=1,actions=normal")), set(bridge("br0"))];
    let applied = control.client.apply(operations).await.unwrap();
    assert_eq!(applied.changes.unwrap().added, 2);
    assert_eq!(applied.transaction, snapshot[0].number + 1);
    control.client.apply(vec![set(bridge("br1")), set(bridge("br0"))]).await.unwrap();
    control.client.apply(vec![delete_bridge("br1")]).await.unwrap();
    // Nothing differs: nothing is sent.
    let applied = control.client.apply(vec![set(bridge("br0"))]).await.unwrap();
    assert_eq!(applied.changes, no_change(1));
    let transactions = datapath.take_recorded();
    assert!(transactions.iter().all(|transaction| !transaction.snapshot));
    assert_eq!(
        transactions.iter().map(|transaction| transaction.operations.len()).collect::<Vec<_>>(),
        [2, 1, 1]
    );
    assert_eq!(datapath.names(), ["bridge br0", "flow br0 table=0,priority=32768,in_port=0x00000001"]);
    control.stop().await;
}

#[tokio::test]
async fn a_lost_connection_is_made_again_and_nothing_changes() {
    let dir = dir();
    let datapath = Datapath::start(dir.path());
    let control = Control::start(dir.path()).await;
    control.client.connected().await;
    control
        .client
        .apply(vec![set(bridge("br0")), set(guest("vm1", "br0", 0, "/run/vm1.sock"))])
        .await
        .unwrap();
    for again in 2..5 {
        datapath.take_recorded();
        datapath.disconnect();
        eventually("another Hello", async || (datapath.hellos() == again).then_some(())).await;
        let status = control.client.connected().await;
        assert_eq!(status.last_sync, no_change(2));
        let recorded = datapath.take_recorded();
        assert_eq!((recorded.len(), recorded[0].snapshot, recorded[0].operations.len()), (1, true, 2));
    }
    control.stop().await;
}

#[tokio::test]
async fn another_control_process_goes_on_where_the_last_ended() {
    let dir = dir();
    let datapath = Datapath::start(dir.path());
    let control = Control::start(dir.path()).await;
    control.client.connected().await;
    let guests = (1..=3).map(|n| set(guest(&format!("vm{n}"), "br0", 0, &format!("/run/vm{n}.sock"))));
    control.client.apply(guests.chain([set(bridge("br0"))]).collect()).await.unwrap();
    control.client.apply(vec![delete(&Key::Port("vm1".into()))]).await.unwrap();
    let (before, objects) = (control.client.list().await, datapath.objects());
    control.stop().await;

    let control = Control::start(dir.path()).await;
    assert_eq!(control.client.connected().await.last_sync, no_change(3));
    assert_eq!(control.client.list().await, before);
    assert_eq!(datapath.objects(), objects);
    control.stop().await;
}

#[tokio::test]
async fn what_the_datapath_refuses_is_not_stored() {
    let dir = dir();
    let datapath = Datapath::start(dir.path());
    let control = Control::start(dir.path()).await;
    control.client.connected().await;
    datapath.behave(Manner { refuse_name: Some("up0".into()), ..Manner::default() });
    let operations = vec![set(bridge("br0")), set(uplink("up0", "br0", "net_tap0"))];
    let error = control.client.apply(operations).await.unwrap_err();
    let expected = v1::Error {
        code: 1,
        object: "port up0".into(),
        message: "no such device".into(),
        hint: "plug it in".into(),
    };
    assert_eq!(error, expected);
    assert_eq!(control.client.list().await, []);
    assert_eq!(datapath.names(), [""; 0]);
    control.client.apply(vec![set(bridge("br0"))]).await.unwrap();
    assert_eq!(datapath.names(), ["bridge br0"]);
    assert_eq!(datapath.hellos(), 1);
    control.stop().await;
}

#[tokio::test]
async fn what_is_not_confirmed_in_time_is_not_stored_and_taken_back() {
    let dir = dir();
    let datapath = Datapath::start(dir.path());
    let control = Control::start(dir.path()).await;
    control.client.connected().await;
    datapath.behave(Manner { silent: true, ..Manner::default() });
    let error =
        control.client.apply_within(vec![set(bridge("br0"))], Duration::from_millis(500)).await.unwrap_err();
    assert_eq!(error.code(), Code::Timeout, "{error:?}");
    assert_eq!(control.client.list().await, []);
    // It was carried out without a word. The next connection's snapshot takes it back.
    assert_eq!(datapath.names(), ["bridge br0"]);
    datapath.behave(Manner::default());
    datapath.disconnect();
    eventually("br0 is gone", async || datapath.names().is_empty().then_some(())).await;
    assert_eq!(control.client.connected().await.last_sync.unwrap().removed, 1);
    control.stop().await;
}

#[tokio::test]
async fn a_change_whose_turn_does_not_come_in_time_is_never_begun() {
    let dir = dir();
    let datapath = Datapath::start_as(dir.path(), Manner { silent: true, ..Manner::default() });
    let control = Control::start(dir.path()).await;
    // The snapshot is never answered, so no turn comes.
    eventually("the snapshot", async || (datapath.hellos() == 1).then_some(())).await;
    let error =
        control.client.apply_within(vec![set(bridge("br0"))], Duration::from_millis(300)).await.unwrap_err();
    assert_eq!(error.code(), Code::Timeout, "{error:?}");
    datapath.behave(Manner::default());
    datapath.disconnect();
    control.client.connected().await;
    control.client.apply(vec![set(bridge("br1"))]).await.unwrap();
    assert_eq!(datapath.names(), ["bridge br1"]);
    control.stop().await;
}

#[tokio::test]
async fn another_protocol_version_is_reported_and_not_hammered() {
    let welcomes = Manner { welcome_version: Some(2), ..Manner::default() };
    for manner in [welcomes, Manner { refuse_hello: true, ..Manner::default() }] {
        let dir = dir();
        let datapath = Datapath::start_as(dir.path(), manner);
        let control = Control::start(dir.path()).await;
        let status = control.client.disconnected("another protocol version").await;
        assert!(status.datapath_error.contains("version 2"), "{}", status.datapath_error);
        for _ in 0..20 {
            let error = control.client.refused(vec![set(bridge("br0"))], Code::Unreachable).await;
            assert!(error.message.contains("another protocol version"), "{error:?}");
        }
        assert_eq!((datapath.hellos(), datapath.take_recorded()), (1, vec![]));
        control.stop().await;
    }
}

#[tokio::test]
async fn a_stored_state_that_is_refused_can_be_mended() {
    let dir = dir();
    let datapath = Datapath::start(dir.path());
    let control = Control::start(dir.path()).await;
    control.client.connected().await;
    control.client.apply(vec![set(bridge("br0")), set(uplink("up0", "br0", "net_tap0"))]).await.unwrap();
    datapath.behave(Manner { refuse_name: Some("up0".into()), ..Manner::default() });
    datapath.disconnect();
    let status = control.client.disconnected("refuses the wanted state").await;
    assert!(status.datapath_error.contains("port up0: no such device"), "{}", status.datapath_error);
    // What leaves the offender in is refused, what takes it out is not.
    let error = control.client.refused(vec![set(bridge("br1"))], Code::Failed).await;
    assert_eq!(error.message, "no such device");
    control.client.apply(vec![delete(&Key::Port("up0".into()))]).await.unwrap();
    assert_eq!(
        control.client.connected().await.last_sync,
        Some(v1::Changes { removed: 1, unchanged: 1, ..Default::default() })
    );
    control.client.apply(vec![set(bridge("br1"))]).await.unwrap();
    assert_eq!(datapath.names(), ["bridge br0", "bridge br1"]);
    control.stop().await;
}

#[tokio::test]
async fn a_replacement_deletes_what_it_leaves_out() {
    let dir = dir();
    let datapath = Datapath::start(dir.path());
    let control = Control::start(dir.path()).await;
    control.client.connected().await;
    control.client.apply(vec![set(bridge("br0")), set(network("blue", 7, "", &[]))]).await.unwrap();
    let replace =
        v1::ApplyRequest { operations: vec![set(bridge("br0"))], replace: true, ..Default::default() };
    let applied = control.client.request(replace).await.unwrap();
    assert_eq!(applied.changes, Some(v1::Changes { removed: 1, unchanged: 1, ..Default::default() }));
    assert_eq!(applied.operations, [delete(&Key::Network("blue".into()))]);
    assert_eq!(datapath.names(), ["bridge br0"]);
    control.stop().await;
}

#[tokio::test]
async fn a_watcher_sees_what_is_and_then_what_changes() {
    let dir = dir();
    let _datapath = Datapath::start(dir.path());
    let control = Control::start(dir.path()).await;
    control.client.connected().await;
    control.client.apply(vec![set(bridge("br0")), set(network("blue", 7, "", &[]))]).await.unwrap();
    let bridges = v1::ListRequest { kinds: vec![object_key::Kind::Bridge.into()], name: String::new() };
    let mut watch = control.client.watch(bridges).await;
    assert_eq!(watch.next().await.unwrap().unwrap(), set(bridge("br0")));
    control.client.apply(vec![set(network("red", 8, "", &[])), set(bridge("br1"))]).await.unwrap();
    control.client.apply(vec![delete_bridge("br0")]).await.unwrap();
    assert_eq!(watch.next().await.unwrap().unwrap(), set(bridge("br1")));
    assert_eq!(watch.next().await.unwrap().unwrap(), delete_bridge("br0"));
    control.stop().await;
}

#[tokio::test]
async fn many_flows_go_in_messages_that_fit() {
    let dir = dir();
    let datapath = Datapath::start(dir.path());
    let control = Control::start(dir.path()).await;
    control.client.connected().await;
    datapath.take_recorded();
    let flows = (0..4_000_u32).map(|n| {
        set(flow("br0", &format!("tcp,nw_src=10.{}.{}.0/24,tp_dst=80,actions=output:2", n >> 8, n & 255)))
    });
    control.client.apply(flows.chain([set(bridge("br0"))]).collect()).await.unwrap();
    control.client.apply(vec![set(flow("br0", "actions=drop"))]).await.unwrap();
    let recorded = datapath.take_recorded();
    assert!(recorded[0].messages > 3 && recorded[0].operations.len() == 4_001);
    assert_eq!(recorded[1].operations.len(), 1);
    datapath.disconnect();
    eventually("another Hello", async || (datapath.hellos() == 2).then_some(())).await;
    assert_eq!(control.client.connected().await.last_sync, no_change(4_002));
    control.stop().await;
}
