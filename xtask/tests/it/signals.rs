//! Signals to the commands that run tests: they are forwarded, and the exit status is that of the signal.
//!
//! cargo is replaced by a script.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::sighup;

/// A script in place of cargo. It builds at once unless `BUILDS` is set, and runs a child that prints `waits`, cleans up on a
/// signal, and ignores the first signal if `STUBBORN` is set.
const CARGO: &str = r#"#!/bin/sh
echo "cargo $*" >> "$TRACES/calls"
case "$BUILDS$*" in "build "*) exit 0 ;; esac
tidy='end() { case "$STUBBORN" in "$asked") asked=again ;; *) echo tidied > "$TRACES/tidied"
  echo "test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured"; exit 1 ;; esac; }
  trap end INT TERM HUP; echo waits; while :; do sleep 0.1; done'
asked=once sh -c "$tidy" 2>/dev/null
"#;

/// A command with a script in place of cargo and without Docker.
fn xtask(home: &Path, cargo: &str, task: &[&str]) -> Command {
    let program = home.join("cargo");
    fs::write(&program, cargo).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .args(task)
        .env("CARGO", program)
        .env("TRACES", home)
        .env("XDG_CACHE_HOME", home)
        .env("DOCKER_HOST", "unix:///nowhere");
    command
}

struct RunningCommand {
    child: Child,
    lines: Option<BufReader<ChildStdout>>,
}

impl RunningCommand {
    /// Starts the command and waits until its child prints `waits`.
    #[track_caller]
    fn start(home: &Path, task: &[&str], variable: (&str, &str)) -> Self {
        let mut command = xtask(home, CARGO, task);
        command.env(variable.0, variable.1);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        sighup::reset_for_children();
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut running = Self { child, lines: Some(lines) };
        running.until("waits");
        running
    }

    /// Reads until a line with this prefix.
    #[track_caller]
    fn until(&mut self, prefix: &str) {
        let mut lines = self.lines.as_mut().unwrap().lines().map(Result::unwrap);
        assert!(lines.any(|line| line.starts_with(prefix)), "it ended without a line {prefix:?}");
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end and returns the exit code and the remaining output.
    fn end(mut self) -> (Option<i32>, String, String) {
        let (mut output, mut errors) = (String::new(), String::new());
        if let Some(lines) = &mut self.lines {
            lines.read_to_string(&mut output).unwrap();
        }
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut errors).unwrap();
        }
        (self.child.wait().unwrap().code(), output, errors)
    }
}

impl Drop for RunningCommand {
    /// Errors are ignored: the process has ended unless the test failed.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn signals_are_forwarded_and_end_the_command_after_its_child() {
    let tasks: [&[&str]; 3] = [&["trial"], &["envtest"], &["ci", "--fast"]];
    for (task, signal) in tasks
        .into_iter()
        .flat_map(|task| [Signal::INT, Signal::TERM, Signal::HUP].map(|signal| (task, signal)))
    {
        let home = tempfile::tempdir().unwrap();
        let running = RunningCommand::start(home.path(), task, ("STUBBORN", ""));
        running.signal(signal);
        let (code, output, errors) = running.end();
        assert_eq!(code, Some(128 + signal.as_raw()), "{task:?}: {output:?}\n{errors:?}");
        assert!(home.path().join("tidied").exists(), "{task:?}: {output:?}");
        assert_eq!(output.lines().last(), Some("3 passed, 1 failed, 2 skipped"), "{task:?}: {output:?}");
        assert!(errors.contains("error: ended by "), "{task:?}: {errors:?}");
        // No further command was started.
        let calls = fs::read_to_string(home.path().join("calls")).unwrap();
        assert!(calls.lines().last().unwrap().contains(first_run(task)), "{calls}");
    }
}

/// The first command that is run, which gets the signal.
fn first_run(task: &[&str]) -> &'static str {
    match task[0] {
        "trial" => "cargo test --quiet --package seatrial-operator",
        "envtest" => "cargo test --quiet --package seatrial-envtest",
        _ => "cargo fmt",
    }
}

#[test]
fn e2e_interrupted_during_the_build_creates_no_cluster() {
    let home = tempfile::tempdir().unwrap();
    let running = RunningCommand::start(home.path(), &["e2e"], ("BUILDS", "slowly "));
    running.signal(Signal::TERM);
    let (code, output, errors) = running.end();
    assert_eq!(code, Some(143), "{output}\n{errors}");
    let calls = fs::read_to_string(home.path().join("calls")).unwrap();
    assert_eq!(calls.lines().count(), 1, "{calls}");
}

#[test]
fn an_empty_selection_fails_and_creates_no_cluster() {
    let nothing =
        "#!/bin/sh\ncase \"$*\" in test*) echo 'test result: ok. 0 passed; 0 failed; 0 ignored' ;; esac\n";
    for (task, shows) in [("trial", "trial"), ("e2e", "e2e -- --list")] {
        let home = tempfile::tempdir().unwrap();
        let Output { status, stderr, .. } =
            xtask(home.path(), nothing, &[task, "--filter", "nonsense"]).output().unwrap();
        let told = String::from_utf8(stderr).unwrap();
        assert!(!status.success(), "{told}");
        let expected =
            format!("error: no spec's name contains \"nonsense\": `cargo xtask {shows}` shows the names");
        assert_eq!(told.lines().last(), Some(expected.as_str()));
    }
}

#[test]
fn an_interrupted_step_of_ci_is_in_the_table_and_in_the_failures() {
    let home = tempfile::tempdir().unwrap();
    let running = RunningCommand::start(home.path(), &["ci", "--fast"], ("STUBBORN", ""));
    running.signal(Signal::TERM);
    let (_, output, _) = running.end();
    let (_, told) = output.split_once("── where the time went\n").expect("a table");
    assert!(told.contains("FAILED  format "), "{told}");
    assert!(told.contains("── what failed\nformat: the format check failed (3 passed, 1 failed"), "{told}");
    assert!(!told.contains("lints"), "{told}");
}

#[test]
fn a_second_signal_is_forwarded_too() {
    let home = tempfile::tempdir().unwrap();
    let mut running = RunningCommand::start(home.path(), &["trial"], ("STUBBORN", "once"));
    running.signal(Signal::INT);
    running.until("Ctrl-C (SIGINT): waiting for what runs to clean up");
    running.signal(Signal::TERM);
    let (code, output, _) = running.end();
    // The first one says how it ended.
    assert_eq!(code, Some(130), "{output}");
    assert!(home.path().join("tidied").exists(), "{output}");
}

#[test]
fn a_closed_terminal_does_not_prevent_the_clean_up() {
    let home = tempfile::tempdir().unwrap();
    let mut running = RunningCommand::start(home.path(), &["trial"], ("STUBBORN", ""));
    running.lines = None;
    running.child.stderr = None;
    running.signal(Signal::HUP);
    let (code, _, _) = running.end();
    assert_eq!(code, Some(129));
    assert!(home.path().join("tidied").exists());
}
