use super::*;

fn set(kind: v1::object::Kind) -> v1::Operation {
    v1::Operation { kind: Some(v1::operation::Kind::Set(v1::Object { kind: Some(kind) })) }
}

fn delete(kind: v1::object_key::Kind, name: &str) -> v1::Operation {
    let key = v1::ObjectKey { kind: kind.into(), name: name.into(), flow: None };
    v1::Operation { kind: Some(v1::operation::Kind::Delete(key)) }
}

fn bridge(name: &str) -> v1::Operation {
    set(v1::object::Kind::Bridge(v1::Bridge { name: name.into(), ..Default::default() }))
}

fn guest(name: &str, bridge: &str, of_port: u32, path: &str) -> v1::Operation {
    set(v1::object::Kind::Port(v1::Port {
        name: name.into(),
        bridge: bridge.into(),
        of_port,
        kind: Some(v1::port::Kind::VhostUser(v1::VhostUser { path: path.into(), ..Default::default() })),
        ..Default::default()
    }))
}

fn flow(bridge: &str, priority: u32, cookie: u64) -> v1::Operation {
    set(v1::object::Kind::Flow(v1::Flow { bridge: bridge.into(), priority, cookie, ..Default::default() }))
}

fn filled() -> Model {
    let operations = vec![bridge("br0"), guest("vm1", "br0", 1, "/run/vm1"), flow("br0", 10, 1)];
    Model::default().draft(false, operations).unwrap().0
}

#[test]
fn a_snapshot_of_what_is_there_changes_nothing() {
    let operations = vec![bridge("br0"), guest("vm1", "br0", 1, "/run/vm1"), flow("br0", 10, 1)];
    let (_, difference) = filled().draft(true, operations).unwrap();
    assert_eq!(difference.counts, v1::Changes { unchanged: 3, ..Default::default() });
    assert!(difference.bridges.is_empty() && difference.ports.is_empty() && difference.flows.is_empty());
}

#[test]
fn a_snapshot_removes_what_it_does_not_name() {
    let (draft, difference) =
        filled().draft(true, vec![bridge("br0"), guest("vm1", "br0", 2, "/run/vm1")]).unwrap();
    assert_eq!(difference.counts, v1::Changes { changed: 1, removed: 1, unchanged: 1, ..Default::default() });
    assert!(draft.flows.is_empty());
}

#[test]
fn the_same_key_twice_counts_once_with_its_last_value() {
    let (draft, difference) = filled().draft(false, vec![flow("br0", 10, 2), flow("br0", 10, 3)]).unwrap();
    assert_eq!(difference.counts, v1::Changes { changed: 1, ..Default::default() });
    assert_eq!(draft.flows.values().next().unwrap().cookie, 3);
}

#[test]
fn references_are_checked_and_the_model_stays_as_it_was() {
    let model = filled();
    let refused = |operations| model.draft(false, operations).err().unwrap().into_api();
    assert!(refused(vec![guest("vm2", "br1", 0, "/run/vm2")]).message.contains("bridge br1"));
    assert!(refused(vec![guest("vm2", "br0", 1, "/run/vm2")]).message.contains("port vm1"));
    assert!(refused(vec![guest("vm2", "br0", 2, "/run/vm1")]).message.contains("port vm1"));
    assert!(refused(vec![flow("br1", 1, 1)]).message.contains("bridge br1"));
    assert!(refused(vec![delete(v1::object_key::Kind::Bridge, "br0")]).message.contains("bridge br0"));
    assert!(refused(vec![delete(v1::object_key::Kind::Port, "vm9")]).message.contains("not there"));
}

#[test]
fn a_bridge_with_flows_left_is_not_removed() {
    let (empty, _) = filled().draft(false, vec![delete(v1::object_key::Kind::Port, "vm1")]).unwrap();
    let error =
        empty.draft(false, vec![delete(v1::object_key::Kind::Bridge, "br0")]).err().unwrap().into_api();
    assert!(error.object.starts_with("flow of bridge br0"), "{error:?}");
}
