//! The wall clock as a constructor argument.
//!
//! Timers are tokio's. A clock should advance together with them, as [`SystemClock`] does while tokio is not paused.

use k8s_openapi::jiff::Timestamp;

/// A source of wall-clock time for conditions, Events and instances. Must not block.
pub trait Clock: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

impl<F> Clock for F
where
    F: Fn() -> Timestamp + Send + Sync + 'static,
{
    fn now(&self) -> Timestamp {
        self()
    }
}
