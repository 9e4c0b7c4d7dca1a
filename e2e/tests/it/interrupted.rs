//! Runs that are ended from outside: what still happens then, and what is left.

use std::io::{BufRead as _, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStderr};

use rustix::process::{Pid, Signal, kill_process};

use crate::program::{in_memory, suite};

/// A run that can be watched and signalled.
struct Running {
    child: Child,
    lines: Option<Lines<BufReader<ChildStderr>>>,
    heard: Vec<String>,
}

impl Running {
    fn start(program: crate::program::Program) -> Self {
        let mut child = program.arg("--test-threads=1").env("SEATRIAL_ORDER", "written").start();
        let lines = BufReader::new(child.stderr.take().expect("it was asked for")).lines();
        Self { child, lines: Some(lines), heard: Vec::new() }
    }

    /// Reads what the run says until it has said this.
    #[track_caller]
    fn until(&mut self, text: &str) {
        for line in self.lines.iter_mut().flatten() {
            let line = line.expect("a run says text");
            let said = line.contains(text);
            self.heard.push(line);
            if said {
                return;
            }
        }
        panic!("the run ended before it said {text:?}:\n{}", self.heard.join("\n"));
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a process's number")).expect("not 0");
        kill_process(pid, signal).expect("a child that was not waited for");
    }

    /// The same when nobody reads any more what the run says; waits for its end, which must be the signal's.
    #[track_caller]
    fn signal_unheard(mut self, signal: Signal) {
        self.lines = None;
        self.signal(signal);
        let code = self.child.wait().expect("a child of ours").code();
        assert_eq!(code, Some(128 + signal.as_raw()));
    }

    /// Its exit status, and everything that it said.
    fn end(mut self) -> (Option<i32>, String) {
        self.heard.extend(self.lines.iter_mut().flatten().map(|line| line.expect("a run says text")));
        (self.child.wait().expect("a child of ours").code(), self.heard.join("\n"))
    }
}

impl Drop for Running {
    /// A test that fails leaves no run behind; of one that has ended there is nothing to kill.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// On the tests' tier: its control plane must be gone, too.
#[track_caller]
fn ends_in_order(signal: Signal, name: &str, status: i32) {
    let (report, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let program = suite("interrupted").env("SEATRIAL_REPORT", report.path()).env("TMPDIR", scratch.path());
    let mut running = Running::start(program);
    running.until("told is kept: waits");
    let children = children_of(running.child.id());
    running.signal(signal);
    let (code, heard) = running.end();
    assert_eq!(code, Some(status), "{heard}");
    let at = |text: &str| heard.find(text).unwrap_or_else(|| panic!("{text:?} is not in\n{heard}"));
    assert!(at(&format!("{name}: ending the specs that run")) < at("told is kept: after_each"), "{heard}");
    assert!(at("told is kept: after_each") < at("told is kept: deferred"), "{heard}");
    assert!(!heard.contains("told comes later"), "{heard}");

    let json = crate::reports::report(report.path());
    let count = |word: &str| json[word].as_u64().unwrap();
    assert_eq!(["passed", "failed", "interrupted", "skipped"].map(count), [1, 0, 1, 1], "{json}");
    let spec =
        |name: &str| json["specs"].as_array().unwrap().iter().find(|spec| spec["name"] == name).unwrap();
    let story = spec("Watch / is kept")["story"].as_str().unwrap();
    let begin = format!("interrupted: the run was ended by {name}; its last step was \"looking out\"");
    assert!(story.starts_with(&begin) && story.contains("\nit was waiting: ConfigMap "), "{story}");
    assert_eq!(spec("Watch / comes later")["reason"], format!("the run was ended by {name}").as_str());
    let junit = std::fs::read_to_string(report.path().join("junit.xml")).unwrap();
    assert!(junit.contains("type=\"interrupted\"") && !junit.contains("<failure"), "{junit}");
    assert!(junit.contains("Watch / comes later") && report.path().join("report.html").exists(), "{junit}");
    let left: Vec<_> =
        std::fs::read_dir(scratch.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    for child in children {
        assert!(!Path::new(&format!("/proc/{child}")).exists(), "process {child} still runs");
    }
}

/// None on a platform without /proc.
fn children_of(parent: u32) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().into_string().ok());
    numbers.filter(|number| parent_of(number) == Some(parent)).collect()
}

/// The parent's number stands behind the name, which is in brackets, and the state (proc(5)).
fn parent_of(number: &str) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn ctrl_c_ends_the_specs_that_run_with_their_clean_ups_and_the_reports_are_written() {
    ends_in_order(Signal::INT, "Ctrl-C (SIGINT)", 130);
}

#[test]
fn sigterm_does_the_same_under_its_own_name() {
    ends_in_order(Signal::TERM, "SIGTERM", 143);
}

#[test]
fn a_terminal_that_is_closed_does_the_same() {
    ends_in_order(Signal::HUP, "SIGHUP", 129);
}

#[test]
fn interrupted_run_ends_in_order_with_closed_output() {
    let report = tempfile::tempdir().unwrap();
    let mut running = Running::start(in_memory("interrupted").env("SEATRIAL_REPORT", report.path()));
    running.until("told is kept: waits");
    running.signal_unheard(Signal::HUP);
    let json = crate::reports::report(report.path());
    assert_eq!((&json["interrupted"], &json["skipped"]), (&1.into(), &1.into()));
}

/// Only Linux tells a process which signals it was started to ignore.
#[cfg(target_os = "linux")]
#[test]
fn a_run_that_was_started_to_outlive_its_terminal_does_so() {
    let mut running = Running::start(in_memory("interrupted").ignoring_hang_up());
    running.until("told is kept: waits");
    running.signal(Signal::HUP);
    running.signal(Signal::INT);
    let (code, heard) = running.end();
    assert_eq!(code, Some(130), "{heard}");
    assert!(!heard.contains("SIGHUP"), "{heard}");
}

#[test]
fn a_second_signal_ends_the_run_at_once() {
    let report = tempfile::tempdir().unwrap();
    let mut running = Running::start(in_memory("stubborn").env("SEATRIAL_REPORT", report.path()));
    running.until("told is not given up: waits");
    running.signal(Signal::INT);
    running.until("told is not given up: cleans up");
    running.signal(Signal::TERM);
    let (code, heard) = running.end();
    assert_eq!(code, Some(143), "{heard}");
    assert!(heard.contains("SIGTERM once more: ended at once"), "{heard}");
    assert!(!report.path().join("report.json").exists());
}

#[test]
fn a_run_that_is_repeated_is_not_repeated_any_more() {
    let mut running = Running::start(in_memory("interrupted").env("SEATRIAL_REPEAT", "3"));
    running.until("told is kept: waits");
    running.signal(Signal::INT);
    let (code, heard) = running.end();
    assert_eq!(code, Some(130), "{heard}");
    assert!(!heard.contains("repetition 2"), "{heard}");
}
