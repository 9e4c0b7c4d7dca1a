//! Default handling of SIGHUP in child processes, also if nohup has it ignored.

use std::sync::LazyLock;
use std::thread;

use seatrial_e2e::signal::outlives_its_terminal;
use tokio::signal::unix::{SignalKind, signal};

/// Sees to it that SIGHUP reaches the children of this process. They inherit that it is ignored, but no handler: where
/// there is one, a child begins with the default.
pub(crate) fn reset_for_children() {
    // On a thread of its own: the caller may be on a runtime, which cannot hold another one.
    static CAUGHT: LazyLock<()> =
        LazyLock::new(|| thread::spawn(catch).join().expect("a handler can be set"));
    if outlives_its_terminal() {
        LazyLock::force(&CAUGHT);
    }
}

/// The handler stays for as long as the process lives, whoever listens.
fn catch() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let _context = runtime.enter();
    drop(signal(SignalKind::hangup()).expect("a handler"));
}
