//! Many flows: all are there after a kill, and nothing is sent twice. It prints how long that takes and in how much
//! memory, and asserts neither: `FLOWS=500000 cargo test --release -p sluice-control --test scale -- --nocapture`.
// Tests fail by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::cast_possible_truncation, clippy::needless_pass_by_value)]

mod common;

use std::time::Instant;

use common::objects::*;
use common::process::Process;
use common::{Client, Datapath};
use sluice_api::v1;

fn flows(count: u32, port: u32) -> Vec<v1::Operation> {
    let one = |n: u32| {
        let address = format!("10.{}.{}.{}", n >> 16, (n >> 8) & 255, n & 255);
        set(flow("br0", &format!("tcp,nw_src={address},tp_dst=80,actions=output:{port}")))
    };
    (0..count).map(one).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_flows() {
    let count = std::env::var("FLOWS").ok().and_then(|count| count.parse().ok()).unwrap_or(5_000);
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("run/control.sock");
    let datapath = Datapath::start(dir.path());
    let mut process = Process::start(dir.path());
    let client = Client::connect(&socket).await;
    client.connected().await;
    client.apply(vec![set(bridge("br0"))]).await.unwrap();

    let timed = async |what: &str, operations: Vec<v1::Operation>| {
        let started = Instant::now();
        let applied = client.apply(operations).await.unwrap();
        datapath.take_recorded();
        println!("{what}: {:?}, {:?}", started.elapsed(), applied.changes.unwrap());
    };
    timed("all added", flows(count, 2)).await;
    println!("{}", process.memory());
    for n in 1..4 {
        timed("one added", vec![set(flow("br0", &format!("in_port={n},actions=drop")))]).await;
        timed("one changed", vec![set(flow("br0", &format!("tcp,nw_src=10.0.0.9,tp_dst=80,actions={n}")))])
            .await;
    }
    timed("all set again, one changed", flows(count, 2)).await;
    timed("all changed", flows(count, 3)).await;
    println!("{}", process.memory());
    process.signal(rustix::process::Signal::KILL);
    drop(process);

    let started = Instant::now();
    let process = Process::start(dir.path());
    let client = Client::connect(&socket).await;
    println!("restart until it serves: {:?}", started.elapsed());
    let status = client.connected().await;
    println!("until the datapath has the snapshot: {:?}, {:?}", started.elapsed(), status.last_sync.unwrap());
    println!("{}", process.memory());
    assert_eq!(
        status.last_sync.unwrap(),
        v1::Changes { unchanged: u64::from(count) + 4, ..Default::default() }
    );
}
