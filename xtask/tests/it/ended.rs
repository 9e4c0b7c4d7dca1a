//! The commands that run tests, when a signal comes: it reaches what they run, and they end after it with the signal's
//! status. In cargo's place stands a script that runs what tidies up.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::hang_up;

/// Builds at once, unless `BUILDS` says otherwise. Runs, as cargo does, a program that may outlive it; that one is heard
/// when it waits, tidies up when it is asked to end, and has to be asked twice if it is stubborn. What it waits for ends by
/// itself: a shell's child can miss a signal. What the shell would say of that is not heard: nobody may listen.
const CARGO: &str = r#"#!/bin/sh
echo "cargo $*" >> "$TRACES/calls"
case "$BUILDS$*" in "build "*) exit 0 ;; esac
tidy='end() { case "$STUBBORN" in "$asked") asked=again ;; *) echo tidied > "$TRACES/tidied"
  echo "test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured"; exit 1 ;; esac; }
  trap end INT TERM HUP; echo waits; while :; do sleep 0.1; done'
asked=once sh -c "$tidy" 2>/dev/null
"#;

/// A command with a script in cargo's place, and no Docker.
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

struct Running {
    child: Child,
    lines: Option<BufReader<ChildStdout>>,
}

impl Running {
    /// Runs the command until what it runs waits for its end.
    #[track_caller]
    fn start(home: &Path, task: &[&str], variable: (&str, &str)) -> Self {
        let mut command = xtask(home, CARGO, task);
        command.env(variable.0, variable.1);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        hang_up::ends_children();
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let mut running = Self { child, lines: Some(lines) };
        running.until("waits");
        running
    }

    /// Reads until a line that begins so.
    #[track_caller]
    fn until(&mut self, begin: &str) {
        let mut lines = self.lines.as_mut().unwrap().lines().map(Result::unwrap);
        assert!(lines.any(|line| line.starts_with(begin)), "it ended without a line {begin:?}");
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Its status, and what it printed from here on.
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

impl Drop for Running {
    /// A test that fails leaves no run behind; of one that has ended there is nothing to kill.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn each_signal_is_passed_on_and_ends_the_command_after_what_it_runs() {
    let tasks: [&[&str]; 3] = [&["trial"], &["envtest"], &["ci", "--fast"]];
    for (task, signal) in tasks
        .into_iter()
        .flat_map(|task| [Signal::INT, Signal::TERM, Signal::HUP].map(|signal| (task, signal)))
    {
        let home = tempfile::tempdir().unwrap();
        let running = Running::start(home.path(), task, ("STUBBORN", ""));
        running.signal(signal);
        let (code, output, errors) = running.end();
        assert_eq!(code, Some(128 + signal.as_raw()), "{task:?}: {output:?}\n{errors:?}");
        assert!(home.path().join("tidied").exists(), "{task:?}: {output:?}");
        assert_eq!(output.lines().last(), Some("3 passed, 1 failed, 2 skipped"), "{task:?}: {output:?}");
        assert!(errors.contains("error: ended by "), "{task:?}: {errors:?}");
        // Nothing was begun any more.
        let calls = fs::read_to_string(home.path().join("calls")).unwrap();
        assert!(calls.lines().last().unwrap().contains(first_run(task)), "{calls}");
    }
}

/// What the command runs first, which is what the signal reaches.
fn first_run(task: &[&str]) -> &'static str {
    match task[0] {
        "trial" => "cargo test --quiet --package seatrial-operator",
        "envtest" => "cargo test --quiet --package seatrial-envtest",
        _ => "cargo fmt",
    }
}

#[test]
fn e2e_that_is_ended_while_it_builds_makes_no_cluster() {
    let home = tempfile::tempdir().unwrap();
    let running = Running::start(home.path(), &["e2e"], ("BUILDS", "slowly "));
    running.signal(Signal::TERM);
    let (code, output, errors) = running.end();
    assert_eq!(code, Some(143), "{output}\n{errors}");
    let calls = fs::read_to_string(home.path().join("calls")).unwrap();
    assert_eq!(calls.lines().count(), 1, "{calls}");
}

#[test]
fn what_chooses_nothing_fails_in_the_same_words_and_makes_no_cluster() {
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
fn the_step_of_ci_that_was_ended_stands_in_the_table_and_in_what_failed() {
    let home = tempfile::tempdir().unwrap();
    let running = Running::start(home.path(), &["ci", "--fast"], ("STUBBORN", ""));
    running.signal(Signal::TERM);
    let (_, output, _) = running.end();
    let (_, told) = output.split_once("── where the time went\n").expect("a table");
    assert!(told.contains("FAILED  format "), "{told}");
    assert!(told.contains("── what failed\nformat: the format check failed (3 passed, 1 failed"), "{told}");
    assert!(!told.contains("lints"), "{told}");
}

#[test]
fn a_second_signal_is_passed_on_too() {
    let home = tempfile::tempdir().unwrap();
    let mut running = Running::start(home.path(), &["trial"], ("STUBBORN", "once"));
    running.signal(Signal::INT);
    running.until("Ctrl-C (SIGINT): waiting for what runs to clean up");
    running.signal(Signal::TERM);
    let (code, output, _) = running.end();
    // The first one says how it ended.
    assert_eq!(code, Some(130), "{output}");
    assert!(home.path().join("tidied").exists(), "{output}");
}

#[test]
fn a_terminal_that_is_gone_keeps_nothing_from_its_end() {
    let home = tempfile::tempdir().unwrap();
    let mut running = Running::start(home.path(), &["trial"], ("STUBBORN", ""));
    running.lines = None;
    running.child.stderr = None;
    running.signal(Signal::HUP);
    let (code, _, _) = running.end();
    assert_eq!(code, Some(129));
    assert!(home.path().join("tidied").exists());
}
