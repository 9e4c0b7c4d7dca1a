//! The crate's examples as programs, for tests that need another process.

use std::{fs, path::PathBuf, process::Command, sync::LazyLock, thread};

use rustix::process::Signal;
use tokio::signal::unix::SignalKind;

/// A command that runs an example with a bare environment. Cargo builds examples with the tests, in a folder beside
/// theirs.
pub(crate) fn command(name: &str) -> Command {
    let tests = std::env::current_exe().unwrap();
    let program: PathBuf = tests.parent().unwrap().parent().unwrap().join("examples").join(name);
    assert!(program.is_file(), "{} is not built: add --examples to the command", program.display());
    interruptible();
    let mut command = Command::new(program);
    command.env_clear();
    command
}

/// Sees to it that SIGINT ends the children of this process as it ends a person's command.
///
/// A shell that starts a command in the background has it ignore SIGINT, and its children inherit that, but no handler:
/// where there is one, a child begins with the default.
fn interruptible() {
    // On a thread of its own: the caller may be on a runtime, which cannot hold another one.
    static CAUGHT: LazyLock<()> = LazyLock::new(|| thread::spawn(catch).join().unwrap());
    if sigint_is_ignored() {
        LazyLock::force(&CAUGHT);
    }
}

/// The handler stays for as long as the process lives, whoever listens.
fn catch() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let _context = runtime.enter();
    drop(tokio::signal::unix::signal(SignalKind::interrupt()).unwrap());
}

/// Only Linux tells. Elsewhere a test of SIGINT fails in the background, and says that its parent lived on.
fn sigint_is_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    ignored & (1 << (Signal::INT.as_raw() - 1)) != 0
}
