use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::intent::Mode;
use crate::intent::strategies::request;
use crate::objects::*;

fn contents(intent: &Intent) -> BTreeMap<Key, Entry> {
    intent.iter().map(|(key, entry)| (key.as_ref().clone(), entry.clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_was_committed_is_there_when_opened_again(requests in vec(request(), 1..20), reopen_every in 1..8_usize) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control.redb");
        let mut store = Store::open(&path).unwrap();
        let mut intent = Intent::default();
        for (index, (operations, mode)) in requests.into_iter().enumerate() {
            if let Ok(plan) = intent.plan(operations, mode) {
                store.commit(&plan.changes).unwrap();
                intent = plan.next;
            }
            if index % reopen_every == 0 {
                drop(store);
                store = Store::open(&path).unwrap();
                prop_assert_eq!(contents(&store.load().unwrap()), contents(&intent));
            }
        }
        prop_assert_eq!(contents(&store.load().unwrap()), contents(&intent));
    }
}

/// Opens a file whose rows were tampered with.
fn tampered(tamper: impl FnOnce(&redb::WriteTransaction)) -> Result<Intent, StoreError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.redb");
    let store = Store::open(&path).unwrap();
    let plan = Intent::default().plan(vec![set(bridge("br0"))], Mode::default()).unwrap();
    store.commit(&plan.changes).unwrap();
    let transaction = store.database.begin_write().unwrap();
    tamper(&transaction);
    transaction.commit().unwrap();
    drop(store);
    Store::open(&path)?.load()
}

#[test]
fn a_newer_schema_is_refused() {
    let error = tampered(|transaction| {
        transaction.open_table(META).unwrap().insert(SCHEMA_KEY, SCHEMA_VERSION + 1).unwrap();
    });
    assert!(matches!(error, Err(StoreError::Newer { found: 2, .. })));
}

#[test]
fn rows_that_are_not_ours_are_refused() {
    let insert = |value: &'static [u8]| {
        move |transaction: &redb::WriteTransaction| {
            transaction.open_table(OBJECTS).unwrap().insert(&b"x"[..], value).unwrap();
        }
    };
    assert!(matches!(tampered(insert(b"\xff\xff")), Err(StoreError::Row(_))));
    assert!(matches!(tampered(insert(b"")), Err(StoreError::Illegal(_))));
    assert_eq!(tampered(|_| {}).unwrap().len(), 1);
}

#[test]
fn a_file_that_is_no_store_is_named_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.redb");
    std::fs::write(&path, b"not a database at all").unwrap();
    let error = Store::open(&path).err().unwrap().to_string();
    assert!(error.contains("control.redb"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"not a database at all");
}

#[test]
fn an_emptied_file_is_not_taken_for_a_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.redb");
    drop(Store::open(&path).unwrap());
    std::fs::File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::Empty(_))));
    assert_eq!(path.metadata().unwrap().len(), 0);
}

#[test]
fn what_an_interrupted_start_left_is_no_store() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.redb");
    std::fs::write(path.with_extension("new"), b"half").unwrap();
    assert!(Store::open(&path).unwrap().load().unwrap().is_empty());
    assert!(!path.with_extension("new").exists());
}
