//! Panics of a spec as failures, with their place.
//!
//! A panic's payload has no place in it; only the panic hook sees that. The hook remembers it for threads
//! that run specs, which print it with the spec's failure, and leaves all other threads as they were.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::{Cell, RefCell};
use std::panic;
use std::sync::Once;

use crate::failure::{Failure, place_of};
use crate::report::SourceLocation;

/// Panic as the hook saw it.
struct LastPanic {
    place: Option<SourceLocation>,
    frames: String,
}

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<LastPanic>> = const { RefCell::new(None) };
}

/// From now on, panics of this thread are remembered instead of printed.
pub(crate) fn remember_on_this_thread() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !WATCHED.get() {
                return others(info);
            }
            let backtrace = Backtrace::capture();
            let captured = backtrace.status() == BacktraceStatus::Captured;
            let frames =
                if captured { format!("\n{}", own_frames(&backtrace.to_string())) } else { String::new() };
            LAST.set(Some(LastPanic { place: info.location().map(place_of), frames }));
        }));
    });
    WATCHED.set(true);
}

/// The frames between the machinery that panics and the one that catches.
fn own_frames(backtrace: &str) -> String {
    let frames: Vec<_> = backtrace.lines().collect();
    // A frame is a line with its name, and most have another one with its place.
    let panics = frames.iter().rposition(|line| line.contains("core::panicking::")).map_or(0, |at| at + 2);
    let caught = frames.iter().position(|line| line.contains("catch_unwind::")).unwrap_or(frames.len());
    frames.get(panics..caught).map_or_else(|| backtrace.to_owned(), |own| own.join("\n"))
}

/// Turns a caught panic into a failure.
pub(crate) fn failure(payload: &(dyn Any + Send)) -> Failure {
    let message = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("(a payload that is no text)");
    let failure = Failure::nowhere(format!("panicked: {message}"));
    match LAST.take() {
        Some(LastPanic { place: Some(place), frames }) => failure.placed(place).traced(frames),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backtrace_has_only_the_spec_s_frames() {
        let backtrace = "\
   0: std::panicking::panic_with_hook
             at /rust/std/src/panicking.rs:1:1
   1: core::panicking::panic_fmt
             at /rust/core/src/panicking.rs:1:1
   2: specs::machine
             at ./tests/specs.rs:12:3
   3: poll<futures::future::catch_unwind::CatchUnwind>
             at /futures/catch_unwind.rs:1:1
   4: start_thread";
        assert_eq!(own_frames(backtrace), "   2: specs::machine\n             at ./tests/specs.rs:12:3");
    }

    #[test]
    fn a_panic_is_reported_with_its_place() {
        let text = std::thread::spawn(|| {
            remember_on_this_thread();
            let payload = panic::catch_unwind(|| panic!("no machine is {}", "left")).unwrap_err();
            failure(&*payload).to_string()
        })
        .join()
        .unwrap();
        assert!(text.starts_with("panicked: no machine is left\n  at "), "{text}");
        assert!(text.contains("panics.rs:"), "{text}");
    }
}
