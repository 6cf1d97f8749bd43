//! Waiting for conditions, never for time to pass.

use std::fmt::Display;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::interrupt;

const PAUSE: Duration = Duration::from_millis(20);

/// Waits until `attempt` succeeds and returns its value. `what` names the condition in the error, together
/// with the reason `attempt` gave last.
pub fn wait_for<T, E: Display>(
    what: &str,
    limit: Duration,
    mut attempt: impl FnMut() -> std::result::Result<T, E>,
) -> Result<T> {
    let end = Instant::now() + limit;
    loop {
        interrupt::check()?;
        match attempt() {
            Ok(value) => return Ok(value),
            Err(last) if Instant::now() >= end => {
                return Err(Error::Timeout { what: what.to_owned(), after: limit, last: last.to_string() });
            }
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

/// Waits until `condition` holds.
pub fn wait_until(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) -> Result<()> {
    wait_for(what, limit, || if condition() { Ok(()) } else { Err("it does not hold") })
}

/// Lets `span` of wall time pass: where a measurement or an outage *is* a span of time. Never to wait for
/// something to have happened.
pub fn let_pass(span: Duration) -> Result<()> {
    let end = Instant::now() + span;
    while Instant::now() < end {
        interrupt::check()?;
        thread::sleep(PAUSE.min(end.saturating_duration_since(Instant::now())));
    }
    Ok(())
}
