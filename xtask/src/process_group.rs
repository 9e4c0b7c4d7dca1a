//! Process groups of child programs, and signals and timeouts that end them gracefully.

use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use seatrial_e2e::signal::{self, Signals};

use crate::cargo::{Capture, CommandOutcome, print_line, run_streaming};

/// The error of a run that a signal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ended by {0}")]
pub(crate) struct Interrupted(pub(crate) signal::Signal);

/// Runs programs, each in its own process group. Ctrl-C in a terminal reaches this process alone, which forwards it.
pub(crate) struct ProcessGroup {
    capture: Capture,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    leaders: Vec<Pid>,
    termination: Option<Signal>,
}

impl ProcessGroup {
    /// A group whose programs have these streams captured.
    pub(crate) fn new(capture: Capture) -> Arc<Self> {
        Arc::new(Self { capture, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while a program starts or ends")
    }

    /// Runs a program and waits for it and its children. Fails if the group is terminating.
    pub(crate) fn run(&self, command: &mut Command) -> Result<CommandOutcome> {
        self.run_with_output(command, print_line)
    }

    /// Runs a program concurrently with others: its output is printed as a whole at its end.
    pub(crate) fn run_buffered(&self, command: &mut Command) -> Result<CommandOutcome> {
        let (sender, lines) = mpsc::channel::<String>();
        let outcome = self.run_with_output(command, move |line| drop(sender.send(line.to_owned())));
        for line in lines {
            print_line(&line);
        }
        outcome
    }

    fn run_with_output(
        &self,
        command: &mut Command,
        on_line: impl Fn(&str) + Send + 'static,
    ) -> Result<CommandOutcome> {
        ensure!(!self.is_terminating(), "the run was ended before {} began", command.get_program().display());
        let mut started = None;
        let outcome = run_streaming(command.process_group(0), self.capture, on_line, |leader| {
            started = i32::try_from(leader).ok().and_then(Pid::from_raw);
            let mut state = self.state();
            state.leaders.extend(started);
            // The signal may have come since the check above.
            if let (Some(leader), Some(signal)) = (started, state.termination) {
                send_signal(leader, signal);
            }
        });
        self.state().leaders.retain(|leader| Some(*leader) != started);
        outcome
    }

    /// Runs a build.
    pub(crate) fn build(&self, command: &mut Command, what: &str) -> Result<()> {
        self.run(command)?.into_result(&format!("the build of {what}")).map(drop)
    }

    /// True once a signal was sent to the group.
    pub(crate) fn is_terminating(&self) -> bool {
        self.state().termination.is_some()
    }

    /// Sends a signal to all running programs.
    pub(crate) fn signal_all(&self, signal: Signal) {
        let mut state = self.state();
        state.termination = Some(signal);
        for leader in &state.leaders {
            send_signal(*leader, signal);
        }
    }
}

fn send_signal(leader: Pid, signal: Signal) {
    // The process group may have ended already.
    let _ = kill_process_group(leader, signal);
}

/// Runs `work` on a blocking thread until it returns or a signal comes.
///
/// The first two signals are forwarded to the programs of the group, and the work is awaited. A third one kills them. Then
/// the error is [`Interrupted`].
pub(crate) async fn run_until_signal<T: Send + 'static>(
    signals: &mut Signals,
    group: &Arc<ProcessGroup>,
    work: impl FnOnce(&ProcessGroup) -> Result<T> + Send + 'static,
) -> Result<T> {
    let worker = Arc::clone(group);
    let mut work = tokio::task::spawn_blocking(move || work(&worker));
    let first = tokio::select! {
        done = &mut work => return done.context("the thread that runs programs panicked")?,
        by = signals.next() => by,
    };
    print_line(&format!("{first}: waiting for what runs to clean up; a second signal ends it at once"));
    group.signal_all(raw(first));
    for last in [false, true] {
        tokio::select! {
            _ended = &mut work => break,
            by = signals.next() => group.signal_all(if last { Signal::KILL } else { raw(by) }),
        }
    }
    Err(Interrupted(first).into())
}

/// The signal in the type of rustix.
fn raw(signal: signal::Signal) -> Signal {
    Signal::from_named_raw(signal.number()).expect("the signals that are listened for have names")
}

/// The time for clean-up before the next signal is sent.
const GRACE_PERIOD: Duration = Duration::from_secs(120);

/// Runs `work`, whose programs are terminated after `limit`: SIGTERM twice, then SIGKILL.
pub(crate) fn with_timeout<T>(
    limit: Duration,
    group: &ProcessGroup,
    work: impl FnOnce(&ProcessGroup) -> Result<T>,
) -> Result<T> {
    let (done, end) = mpsc::channel::<()>();
    let is_over = move |time| end.recv_timeout(time) == Err(mpsc::RecvTimeoutError::Timeout);
    let (result, late) = thread::scope(|scope| {
        let watch = scope.spawn(move || {
            let late = is_over(limit);
            if late {
                group.signal_all(Signal::TERM);
                // Seatrial programs end at once on the second signal.
                for signal in [Signal::TERM, Signal::KILL] {
                    if is_over(GRACE_PERIOD) {
                        group.signal_all(signal);
                    }
                }
            }
            late
        });
        let result = work(group);
        drop(done);
        (result, watch.join().expect("the thread that watches the time asks and waits, no more"))
    });
    let told = || format!("it did not end within {} s, and was ended", limit.as_secs_f32());
    match result {
        Ok(_) if late => Err(anyhow!(told())),
        Err(error) if late => Err(error.context(told())),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    #[test]
    fn a_signal_reaches_children_and_their_end_is_awaited() {
        let folder = tempfile::tempdir().unwrap();
        let ready = folder.path().join("ready");
        // As with cargo and a test program, the outer shell dies of the signal while the inner one cleans up. It loops with a
        // short sleep, since the child of a shell may miss a signal before its exec.
        let inner = "trap 'sync; echo \"test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured\"; exit 1' TERM
            : > \"$READY\"; while :; do sleep 1; done";
        let group = ProcessGroup::new(Capture::Stdout);
        let runs = thread::spawn({
            let (group, ready) = (Arc::clone(&group), ready.clone());
            move || {
                let mut outer = Command::new("sh");
                outer.args(["-c", "sh -c \"$INNER\" & wait"]).env("INNER", inner).env("READY", ready);
                // A shell says which signal has ended what it ran.
                outer.stderr(Stdio::null());
                group.run(&mut outer)
            }
        });
        while !ready.exists() {
            assert!(!runs.is_finished(), "it ended before it was ready");
            thread::yield_now();
        }
        // It may be ready before it is known here who leads it; the signal then reaches it a moment later.
        group.signal_all(Signal::TERM);
        let outcome = runs.join().unwrap().unwrap();
        assert_eq!((outcome.success, outcome.counts.passed, outcome.counts.failed), (false, 1, 1));
        // Nothing is begun any more.
        let error = group.run(&mut Command::new("true")).unwrap_err().to_string();
        assert_eq!(error, "the run was ended before true began");
    }

    #[test]
    fn a_program_that_times_out_is_terminated_and_reported() {
        let run = |limit| {
            let group = ProcessGroup::new(Capture::Stdout);
            let mut script = Command::new("sh");
            let told = "echo 'test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured'";
            script.args(["-c", &format!("{told}; exec sleep $0")]);
            script.arg(if limit < GRACE_PERIOD { "1000" } else { "0" });
            let result =
                with_timeout(limit, &group, |group| group.run(&mut script)?.into_result("the script"));
            (result, group.is_terminating())
        };
        let (late, asked) = run(Duration::from_millis(200));
        let late = late.unwrap_err();
        assert!(asked, "what would come next is begun although the time is over");
        assert!(late.to_string().starts_with("it did not end within 0.2 s"), "{late}");
        assert!(late.downcast_ref::<crate::cargo::RunFailed>().is_some(), "its figures are lost: {late:#}");
        let (well, asked) = run(GRACE_PERIOD);
        assert_eq!((well.unwrap().passed, asked), (2, false));
    }

    #[test]
    fn a_signal_reaches_concurrent_programs() {
        let folder = tempfile::tempdir().unwrap();
        let group = ProcessGroup::new(Capture::Stdout);
        // Each waits for the other one, then for its end; a shell can miss a signal while it starts a child.
        let script = |own: &str, other: &str| {
            let mut script = Command::new("sh");
            let waits = "trap 'echo \"test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured\"; exit 0' TERM
                : > \"$0\"; until [ -e \"$1\" ]; do sleep 0.1; done; : > \"$0.met\"; while :; do sleep 0.1; done";
            script.args(["-c", waits]).arg(folder.path().join(own)).arg(folder.path().join(other));
            script
        };
        let (mut one, mut other) = (script("one", "other"), script("other", "one"));
        let (one, other) = thread::scope(|scope| {
            let one = scope.spawn(|| group.run(&mut one));
            let other = scope.spawn(|| group.run_buffered(&mut other));
            let met = |name: &str| folder.path().join(name).exists();
            while !met("one.met") || !met("other.met") {
                assert!(!one.is_finished() && !other.is_finished(), "one of them ended without the other");
                thread::yield_now();
            }
            group.signal_all(Signal::TERM);
            (one.join().unwrap().unwrap(), other.join().unwrap().unwrap())
        });
        assert_eq!((one.counts.passed, other.counts.passed), (1, 1));
    }
}
