//! Default handling of SIGHUP in child processes, also if nohup has it ignored.

use std::sync::LazyLock;
use std::thread;

use seatrial_e2e::signal::outlives_its_terminal;
use tokio::signal::unix::{SignalKind, signal};

/// Makes children handle SIGHUP by default. They inherit an ignored signal, but no handler.
pub(crate) fn reset_for_children() {
    // On a separate thread, since the caller may be in a tokio runtime.
    static HANDLER: LazyLock<()> =
        LazyLock::new(|| thread::spawn(install_handler).join().expect("a handler can be set"));
    if outlives_its_terminal() {
        LazyLock::force(&HANDLER);
    }
}

/// Installs a handler, which tokio keeps for the life of the process.
fn install_handler() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let _context = runtime.enter();
    drop(signal(SignalKind::hangup()).expect("a handler"));
}
