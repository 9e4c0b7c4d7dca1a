//! Signals that ask a process to end: SIGINT (Ctrl-C), SIGTERM, and SIGHUP of a closed terminal.
//!
//! What is to be done then is not known here.

use std::fs;

use tokio::signal::unix::{self, SignalKind};

/// A signal that asks a process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, which Ctrl-C sends.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP, which a terminal sends when it is closed.
    HangUp,
}

impl Signal {
    /// The signal's number, for programs that send it.
    pub fn number(self) -> i32 {
        let kind = match self {
            Self::Interrupt => SignalKind::interrupt(),
            Self::Terminate => SignalKind::terminate(),
            Self::HangUp => SignalKind::hangup(),
        };
        kind.as_raw_value()
    }

    /// The exit status by which a shell knows a process that a signal ended: 130, 143 or 129.
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
            Self::HangUp => 129,
        }
    }
}

impl std::fmt::Display for Signal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "Ctrl-C (SIGINT)",
            Self::Terminate => "SIGTERM",
            Self::HangUp => "SIGHUP",
        })
    }
}

/// Signals since it was made: they do not end this process any more.
pub struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    /// Nothing where the process was started to outlive its terminal.
    hang_up: Option<unix::Signal>,
}

impl Signals {
    /// Begins to listen. It must be called on a tokio runtime, and is heard by that runtime.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: unix::signal(SignalKind::interrupt())?,
            terminate: unix::signal(SignalKind::terminate())?,
            hang_up: (!outlives_its_terminal()).then(|| unix::signal(SignalKind::hangup())).transpose()?,
        })
    }

    /// The next signal that comes, or has come since the last one was taken.
    pub async fn next(&mut self) -> Signal {
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = hang_up => Signal::HangUp,
        }
    }
}

/// True if it was started by nohup or the like, which have it ignore SIGHUP; a handler would undo that. Only Linux
/// tells.
pub fn outlives_its_terminal() -> bool {
    ignores_hang_up(&fs::read_to_string("/proc/self/status").unwrap_or_default())
}

/// By proc(5) the mask of ignored signals is hexadecimal, its lowest bit for signal 1.
fn ignores_hang_up(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask & (1 << (Signal::HangUp.number() - 1)) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_has_the_status_that_a_shell_would_give_it() {
        for signal in [Signal::Interrupt, Signal::Terminate, Signal::HangUp] {
            assert_eq!(i32::from(signal.exit_status()), 128 + signal.number(), "{signal}");
        }
    }

    #[test]
    fn process_that_ignores_sighup_is_recognised_by_its_mask() {
        assert!(ignores_hang_up("Name:\tx\nSigIgn:\t0000000000000001\n"));
        assert!(ignores_hang_up("SigIgn:\t0000000000001007\n"));
        assert!(!ignores_hang_up("SigIgn:\t0000000000001006\n") && !ignores_hang_up(""));
    }
}
