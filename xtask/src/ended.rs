//! Signals that ask a command to end: heard here, passed on to the programs that it runs, and waited for.
//!
//! It does not know what the programs do, nor what is to be tidied up after them.

use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::{Mutex, MutexGuard};

use anyhow::{Result, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::signal::unix::{self, SignalKind};

use crate::cargo::{Outcome, run_told};

/// Which signal ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Interrupted,
    Terminated,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Interrupted => "ended by Ctrl-C",
            Self::Terminated => "ended by SIGTERM",
        })
    }
}

impl std::error::Error for Ended {}

impl Ended {
    pub(crate) fn signal(self) -> Signal {
        match self {
            Self::Interrupted => Signal::INT,
            Self::Terminated => Signal::TERM,
        }
    }

    /// The exit status by which a shell knows a process that a signal ended.
    pub(crate) fn exit_status(self) -> i32 {
        128 + self.signal().as_raw()
    }
}

/// Signals since it was made: they do not end this process any more.
pub(crate) struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
}

impl Signals {
    pub(crate) fn listen() -> Result<Self> {
        let (interrupt, terminate) = (SignalKind::interrupt(), SignalKind::terminate());
        Ok(Self { interrupt: unix::signal(interrupt)?, terminate: unix::signal(terminate)? })
    }

    pub(crate) async fn next(&mut self) -> Ended {
        tokio::select! {
            _ = self.interrupt.recv() => Ended::Interrupted,
            _ = self.terminate.recv() => Ended::Terminated,
        }
    }
}

/// Runs one program after the other, each with its children in a process group of its own: a terminal's Ctrl-C reaches
/// this process alone, which passes on what it gets.
#[derive(Default)]
pub(crate) struct Group(Mutex<State>);

#[derive(Default)]
struct State {
    leader: Option<Pid>,
    asked: Option<Signal>,
}

impl Group {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nobody panics while a program starts or ends")
    }

    /// Runs a program and waits until it and its children have ended. Nothing is begun after the group was asked to end.
    pub(crate) fn run(&self, command: &mut Command) -> Result<Outcome> {
        ensure!(
            self.state().asked.is_none(),
            "the run was ended before {} began",
            command.get_program().display()
        );
        let outcome = run_told(command.process_group(0), |leader| {
            let mut state = self.state();
            state.leader = i32::try_from(leader).ok().and_then(Pid::from_raw);
            // Asked for between the look above and now.
            if let (Some(leader), Some(signal)) = (state.leader, state.asked) {
                pass_on(leader, signal);
            }
        });
        self.state().leader = None;
        outcome
    }

    /// Passes a signal on to what runs; whether there is anything.
    pub(crate) fn ask(&self, signal: Signal) -> bool {
        let mut state = self.state();
        state.asked = Some(signal);
        state.leader.inspect(|leader| pass_on(*leader, signal)).is_some()
    }
}

fn pass_on(leader: Pid, signal: Signal) {
    // A group that is gone was what was wanted.
    let _ = kill_process_group(leader, signal);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn a_signal_reaches_what_a_program_runs_and_the_end_of_that_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let ready = folder.path().join("ready");
        // As cargo and a test program: the outer one dies of the signal, the inner one tidies up and says how it was. What
        // the inner one waits for ends by itself: a shell's child can miss a signal that comes before it is itself.
        let inner = "trap 'sync; echo \"test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured\"; exit 1' TERM
            : > \"$READY\"; while :; do sleep 1; done";
        let group = Arc::new(Group::default());
        let runs = thread::spawn({
            let (group, ready) = (Arc::clone(&group), ready.clone());
            move || {
                let mut outer = Command::new("sh");
                outer.args(["-c", "sh -c \"$INNER\" & wait"]).env("INNER", inner).env("READY", ready);
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
        // Nothing runs any more, and nothing is begun.
        assert!(!group.ask(Signal::TERM));
        let error = group.run(&mut Command::new("true")).unwrap_err().to_string();
        assert_eq!(error, "the run was ended before true began");
    }

    #[test]
    fn an_end_has_the_status_that_a_shell_would_give_it() {
        assert_eq!((Ended::Interrupted.exit_status(), Ended::Terminated.exit_status()), (130, 143));
    }
}
