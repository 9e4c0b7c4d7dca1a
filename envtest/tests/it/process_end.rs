//! Ends of a parent process, and checks that its children have ended.

use std::{
    fs,
    io::Write as _,
    os::unix::process::ExitStatusExt as _,
    process::Child,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// The end of a parent process.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ParentEnd {
    /// By a signal.
    Signal(Signal),
    /// By a command on standard input of the example `control_plane`.
    Command(&'static str),
}

impl ParentEnd {
    /// Ends a parent that runs the example `control_plane`, and waits for it.
    pub(crate) fn apply(self, parent: &mut Child) {
        match self {
            Self::Signal(signal) => kill_process(Pid::from_child(parent), signal).unwrap(),
            Self::Command(word) => writeln!(parent.stdin.as_mut().unwrap(), "{word}").unwrap(),
        }
        let status = wait_until(&format!("the parent ends by {self:?}"), || parent.try_wait().unwrap());
        // The test proves nothing if the parent ended for another reason.
        match self {
            Self::Signal(signal) => assert_eq!(status.signal(), Some(signal.as_raw()), "{status}"),
            Self::Command("abort") => assert_eq!(status.signal(), Some(Signal::ABORT.as_raw()), "{status}"),
            Self::Command("panic") => assert_eq!(status.code(), Some(101), "{status}"),
            Self::Command(_) => assert!(status.success(), "{status}"),
        }
    }
}

/// Waits until none of the processes is running. A zombie is not running.
#[track_caller]
pub(crate) fn assert_ended(pids: &[u32]) {
    for pid in pids {
        wait_until(&format!("process {pid} is gone"), || (!is_running(*pid)).then_some(()));
    }
}

/// True if a process is running.
pub(crate) fn is_running(pid: u32) -> bool {
    if cfg!(target_os = "linux") {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        return !(stat.is_empty() || stat.contains(") Z") || stat.contains(") X"));
    }
    rustix::process::test_kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap()).is_ok()
}

/// Polls `condition` until it returns a value, for at most 60 s.
#[track_caller]
pub(crate) fn wait_until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(seen) = condition() {
            return seen;
        }
        assert!(Instant::now() < deadline, "timed out waiting until {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
