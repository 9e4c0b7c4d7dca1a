//! The crate's examples as programs, for tests that need another process.

use std::{path::PathBuf, process::Command};

/// A command that runs an example with a bare environment. Cargo builds examples with the tests, in a folder beside
/// theirs.
pub(crate) fn command(name: &str) -> Command {
    let tests = std::env::current_exe().unwrap();
    let program: PathBuf = tests.parent().unwrap().parent().unwrap().join("examples").join(name);
    assert!(program.is_file(), "{} is not built: add --examples to the command", program.display());
    let mut command = Command::new(program);
    command.env_clear();
    command
}
