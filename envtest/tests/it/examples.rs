//! Examples of this crate as child processes.

use std::{fs, path::PathBuf, process::Command, sync::LazyLock, thread};

use rustix::process::Signal;
use tokio::signal::unix::SignalKind;

/// A command that runs an example with an empty environment. Cargo builds examples in a folder beside the tests.
pub(crate) fn command(name: &str) -> Command {
    let tests = std::env::current_exe().unwrap();
    let program: PathBuf = tests.parent().unwrap().parent().unwrap().join("examples").join(name);
    assert!(program.is_file(), "{} is not built: add --examples to the command", program.display());
    reset_sigint_for_children();
    let mut command = Command::new(program);
    command.env_clear();
    command
}

/// Makes children handle SIGINT by default.
///
/// Commands that a shell runs in the background ignore SIGINT, and children inherit that. They do not inherit a handler.
fn reset_sigint_for_children() {
    // On a separate thread, since the caller may be in a tokio runtime.
    static HANDLER: LazyLock<()> = LazyLock::new(|| thread::spawn(install_sigint_handler).join().unwrap());
    if sigint_is_ignored() {
        LazyLock::force(&HANDLER);
    }
}

/// Installs a handler, which tokio keeps for the life of the process.
fn install_sigint_handler() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let _context = runtime.enter();
    drop(tokio::signal::unix::signal(SignalKind::interrupt()).unwrap());
}

/// Linux only. On other systems tests of SIGINT fail in the background.
fn sigint_is_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    ignored & (1 << (Signal::INT.as_raw() - 1)) != 0
}
