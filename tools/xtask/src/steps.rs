//! Saying what is done, and how long it took.

use std::fmt::Display;
use std::time::Instant;

use sluice_tests::interrupt;

/// Announces a step, carries it out and says how long it took.
pub(crate) fn step<T, E>(title: impl Display, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let started = Instant::now();
    println!("==> {title}");
    let outcome = work();
    let word = match (&outcome, interrupt::check()) {
        (Ok(_), _) => "done",
        (Err(_), Ok(())) => "failed",
        (Err(_), Err(_)) => "interrupted",
    };
    println!("    {word} after {:.1} s", started.elapsed().as_secs_f64());
    outcome
}

/// Says something about the step under way.
pub(crate) fn note(text: impl Display) {
    println!("    {text}");
}
