//! Signals that ask a command to end: heard here, passed on to the programs that it runs, and waited for. What takes too
//! long is asked in the same way.
//!
//! It does not know what the programs do, nor what is to be tidied up after them.

use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use seatrial_e2e::signal::{self, Signals};

use crate::cargo::{Hears, Outcome, run_told, say};

/// Which signal ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ended by {0}")]
pub(crate) struct Ended(pub(crate) signal::Signal);

/// Runs programs, each with its children in a process group of its own: a terminal's Ctrl-C reaches this process alone,
/// which passes on what it gets.
pub(crate) struct Group {
    hears: Hears,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    leaders: Vec<Pid>,
    asked: Option<Signal>,
}

impl Group {
    /// A group of which so much is heard.
    pub(crate) fn new(hears: Hears) -> Arc<Self> {
        Arc::new(Self { hears, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while a program starts or ends")
    }

    /// Runs a program and waits until it and its children have ended. Nothing is begun after the group was asked to end.
    pub(crate) fn run(&self, command: &mut Command) -> Result<Outcome> {
        self.run_telling(command, say)
    }

    /// The same beside another program: what it says is told in one piece, at its end.
    pub(crate) fn run_beside(&self, command: &mut Command) -> Result<Outcome> {
        let (heard, said) = mpsc::channel::<String>();
        // Whoever hears it is here until nobody speaks any more.
        let outcome = self.run_telling(command, move |line| drop(heard.send(line.to_owned())));
        for line in said {
            say(&line);
        }
        outcome
    }

    fn run_telling(&self, command: &mut Command, tell: impl Fn(&str) + Send + 'static) -> Result<Outcome> {
        ensure!(!self.is_asked(), "the run was ended before {} began", command.get_program().display());
        let mut started = None;
        let outcome = run_told(command.process_group(0), self.hears, tell, |leader| {
            started = i32::try_from(leader).ok().and_then(Pid::from_raw);
            let mut state = self.state();
            state.leaders.extend(started);
            // Asked for between the look above and now.
            if let (Some(leader), Some(signal)) = (started, state.asked) {
                pass_on(leader, signal);
            }
        });
        self.state().leaders.retain(|leader| Some(*leader) != started);
        outcome
    }

    /// Builds what will be run, or what it consists of.
    pub(crate) fn build(&self, command: &mut Command, what: &str) -> Result<()> {
        self.run(command)?.verdict(&format!("the build of {what}")).map(drop)
    }

    /// Whether it was asked to end.
    pub(crate) fn is_asked(&self) -> bool {
        self.state().asked.is_some()
    }

    /// Passes a signal on to what runs.
    pub(crate) fn ask(&self, signal: Signal) {
        let mut state = self.state();
        state.asked = Some(signal);
        for leader in &state.leaders {
            pass_on(*leader, signal);
        }
    }
}

fn pass_on(leader: Pid, signal: Signal) {
    // A group that is gone was what was wanted.
    let _ = kill_process_group(leader, signal);
}

/// Does work on a thread of its own, which may run programs in the group, to its end.
///
/// A signal is passed on to the program that runs, and the work, which then has nothing more to begin, is waited for. So is
/// the second one, which programs of ours take for a wish to end at once; the third one waits for nothing.
pub(crate) async fn unless_ended<T: Send + 'static>(
    signals: &mut Signals,
    group: &Arc<Group>,
    work: impl FnOnce(&Group) -> Result<T> + Send + 'static,
) -> Result<T> {
    let worker = Arc::clone(group);
    let mut work = tokio::task::spawn_blocking(move || work(&worker));
    let first = tokio::select! {
        done = &mut work => return done.context("the thread that runs programs panicked")?,
        by = signals.next() => by,
    };
    say(&format!("{first}: waiting for what runs to clean up; a second signal ends it at once"));
    group.ask(raw(first));
    for last in [false, true] {
        tokio::select! {
            _ended = &mut work => break,
            by = signals.next() => group.ask(if last { Signal::KILL } else { raw(by) }),
        }
    }
    Err(Ended(first).into())
}

/// The signal as rustix has it.
fn raw(signal: signal::Signal) -> Signal {
    Signal::from_named_raw(signal.number()).expect("the signals that are listened for have names")
}

/// How long a program that was asked to end may tidy up before it is asked again.
const PATIENCE: Duration = Duration::from_secs(120);

/// Does work that runs programs in the group. When its time is over, what runs is asked to end, and nothing is begun any
/// more: a program that hangs must not keep a run from telling how the others were.
pub(crate) fn within<T>(limit: Duration, group: &Group, work: impl FnOnce(&Group) -> Result<T>) -> Result<T> {
    let (done, end) = mpsc::channel::<()>();
    let is_over = move |time| end.recv_timeout(time) == Err(mpsc::RecvTimeoutError::Timeout);
    let (result, late) = thread::scope(|scope| {
        let watch = scope.spawn(move || {
            let late = is_over(limit);
            if late {
                group.ask(Signal::TERM);
                // Programs of ours take the second one for a wish to end at once.
                for signal in [Signal::TERM, Signal::KILL] {
                    if is_over(PATIENCE) {
                        group.ask(signal);
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
    fn a_signal_reaches_what_a_program_runs_and_the_end_of_that_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let ready = folder.path().join("ready");
        // As cargo and a test program: the outer one dies of the signal, the inner one tidies up and says how it was. What
        // the inner one waits for ends by itself: a shell's child can miss a signal that comes before it is itself.
        let inner = "trap 'sync; echo \"test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured\"; exit 1' TERM
            : > \"$READY\"; while :; do sleep 1; done";
        let group = Group::new(Hears::Output);
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
        group.ask(Signal::TERM);
        let outcome = runs.join().unwrap().unwrap();
        assert_eq!((outcome.success, outcome.counts.passed, outcome.counts.failed), (false, 1, 1));
        // Nothing is begun any more.
        let error = group.run(&mut Command::new("true")).unwrap_err().to_string();
        assert_eq!(error, "the run was ended before true began");
    }

    #[test]
    fn what_takes_too_long_is_ended_and_told_with_what_is_known_of_it() {
        let run = |limit| {
            let group = Group::new(Hears::Output);
            let mut script = Command::new("sh");
            let told = "echo 'test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured'";
            script.args(["-c", &format!("{told}; exec sleep $0")]);
            script.arg(if limit < PATIENCE { "1000" } else { "0" });
            let result = within(limit, &group, |group| group.run(&mut script)?.verdict("the script"));
            (result, group.is_asked())
        };
        let (late, asked) = run(Duration::from_millis(200));
        let late = late.unwrap_err();
        assert!(asked, "what would come next is begun although the time is over");
        assert!(late.to_string().starts_with("it did not end within 0.2 s"), "{late}");
        assert!(late.downcast_ref::<crate::cargo::Failed>().is_some(), "its figures are lost: {late:#}");
        let (well, asked) = run(PATIENCE);
        assert_eq!((well.unwrap().passed, asked), (2, false));
    }

    #[test]
    fn two_programs_run_at_once_and_a_signal_reaches_both() {
        let folder = tempfile::tempdir().unwrap();
        let group = Group::new(Hears::Output);
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
            let other = scope.spawn(|| group.run_beside(&mut other));
            let met = |name: &str| folder.path().join(name).exists();
            while !met("one.met") || !met("other.met") {
                assert!(!one.is_finished() && !other.is_finished(), "one of them ended without the other");
                thread::yield_now();
            }
            group.ask(Signal::TERM);
            (one.join().unwrap().unwrap(), other.join().unwrap().unwrap())
        });
        assert_eq!((one.counts.passed, other.counts.passed), (1, 1));
    }
}
