//! Ways for a process to end, and a look at whether its children did.

use std::{
    fs,
    io::Write as _,
    os::unix::process::ExitStatusExt as _,
    process::Child,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// How a parent ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ending {
    /// By a signal.
    Signal(Signal),
    /// By its own doing; the word is what the example understands.
    Word(&'static str),
}

impl Ending {
    /// Ends a process that runs the example `control_plane`, and waits for it.
    pub(crate) fn inflict(self, parent: &mut Child) {
        match self {
            Self::Signal(signal) => kill_process(Pid::from_child(parent), signal).unwrap(),
            Self::Word(word) => writeln!(parent.stdin.as_mut().unwrap(), "{word}").unwrap(),
        }
        let status = wait_until(&format!("the parent ends by {self:?}"), || parent.try_wait().unwrap());
        // A parent that ended for a reason of its own would prove nothing.
        match self {
            Self::Signal(signal) => assert_eq!(status.signal(), Some(signal.as_raw()), "{status}"),
            Self::Word("abort") => assert_eq!(status.signal(), Some(Signal::ABORT.as_raw()), "{status}"),
            Self::Word("panic") => assert_eq!(status.code(), Some(101), "{status}"),
            Self::Word(_) => assert!(status.success(), "{status}"),
        }
    }
}

/// Waits until none of the processes runs any more. A zombie that init has not reaped yet does not run.
#[track_caller]
pub(crate) fn assert_gone(pids: &[u32]) {
    for pid in pids {
        wait_until(&format!("process {pid} is gone"), || (!runs(*pid)).then_some(()));
    }
}

/// Whether a process runs.
pub(crate) fn runs(pid: u32) -> bool {
    if cfg!(target_os = "linux") {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        return !(stat.is_empty() || stat.contains(") Z") || stat.contains(") X"));
    }
    rustix::process::test_kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap()).is_ok()
}

/// Looks again and again until there is something to see.
#[track_caller]
pub(crate) fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
