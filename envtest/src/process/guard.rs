//! Guards that kill a child when this process dies, also by SIGKILL or abort.
//!
//! Linux has a parent-death signal. On other systems a watchdog (`/bin/sh`) leads the child's process group and reads from
//! a pipe whose other end only this process holds; at end of file it kills the group. Both are tested on Linux.

use std::{
    io,
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal};

/// The mechanism that detects the death of the parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// `prctl(PR_SET_PDEATHSIG)`.
    #[cfg(target_os = "linux")]
    ParentDeathSignal,
    /// A shell that waits for end of file on a pipe.
    #[cfg_attr(
        all(target_os = "linux", not(test)),
        expect(dead_code, reason = "used on other systems, tested here")
    )]
    Watchdog,
}

impl Guard {
    /// The mechanism of this platform.
    pub(crate) const fn of_this_platform() -> Self {
        #[cfg(target_os = "linux")]
        return Self::ParentDeathSignal;
        #[cfg(not(target_os = "linux"))]
        return Self::Watchdog;
    }
}

/// A started child, its watchdog if there is one, and their process group.
#[derive(Debug)]
pub(crate) struct Guarded {
    pub(crate) child: Child,
    pub(crate) watchdog: Option<Child>,
    pub(crate) group: Pid,
}

/// Starts a command in a new process group, so that Ctrl-C in a terminal reaches this process alone. Must be called on the
/// spawner's thread.
pub(crate) fn spawn(guard: Guard, mut command: Command) -> io::Result<Guarded> {
    match guard {
        #[cfg(target_os = "linux")]
        Guard::ParentDeathSignal => {
            die_with_this_process(&mut command);
            let child = command.process_group(0).spawn()?;
            let group = Pid::from_child(&child);
            Ok(Guarded { child, watchdog: None, group })
        }
        Guard::Watchdog => {
            // The watchdog comes first and leads the group: if this process dies between the two, the child cannot
            // join a group that is gone, and its exec never happens.
            let mut watchdog = Command::new("/bin/sh")
                .args(["-c", "read -r _; kill -9 0"])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .process_group(0)
                .spawn()?;
            let group = Pid::from_child(&watchdog);
            match command.process_group(group.as_raw_pid()).spawn() {
                Ok(child) => Ok(Guarded { child, watchdog: Some(watchdog), group }),
                Err(error) => {
                    watchdog.kill()?;
                    watchdog.wait()?;
                    Err(error)
                }
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn die_with_this_process(command: &mut Command) {
    let parent = rustix::process::getpid();
    let prepare = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // If the parent died before the call above, no signal will be sent.
        if rustix::process::getppid() == Some(parent) { Ok(()) } else { Err(rustix::io::Errno::SRCH.into()) }
    };
    #[expect(
        unsafe_code,
        reason = "the closure runs between fork and exec: it makes two system calls, no allocation"
    )]
    // SAFETY: both calls are plain system calls, async-signal-safe, and errors are built without allocating.
    unsafe {
        command.pre_exec(prepare);
    }
}

/// Sends a signal to a process group. A group that has ended is no error.
pub(crate) fn kill_group(group: Pid, signal: Signal) {
    // Only ESRCH can happen for a group of own children.
    let _ = rustix::process::kill_process_group(group, signal);
}
