use std::time::Duration;

use super::*;

#[test]
fn a_failed_command_carries_its_output() {
    let error =
        Launch::new("sh").args(["-c", "echo to-stdout; echo to-stderr >&2; exit 3"]).run().unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("to-stdout") && text.contains("to-stderr") && text.contains("exit status: 3"),
        "{text}"
    );
}

#[test]
fn a_program_that_is_not_there_is_an_error() {
    assert!(Launch::new("/nowhere/at-all").run().is_err());
}

#[test]
fn dropping_kills_the_whole_group() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let process = Launch::new("sh").args(["-c", "sleep 1000 & echo $!; wait"]).start("sh", &log).unwrap();
    let pid = wait_for("the grandchild's pid", Duration::from_secs(10), || {
        process.tail().trim().parse::<u32>().map_err(|error| error.to_string())
    })
    .unwrap();
    assert!(alive(pid));
    drop(process);
    wait_for(
        "the grandchild ends",
        Duration::from_secs(10),
        || if alive(pid) { Err("alive") } else { Ok(()) },
    )
    .unwrap();
}

#[test]
fn an_ended_process_is_reported_with_the_end_of_its_output() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Launch::new("sh")
        .args(["-c", "echo last words; exit 7"])
        .start("sh", &dir.path().join("log"))
        .unwrap();
    assert_eq!(process.wait(Duration::from_secs(10)).unwrap().code(), Some(7));
    assert!(process.check().unwrap_err().to_string().contains("last words"));
}

/// A zombie that init has not reaped yet counts as ended.
fn alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
