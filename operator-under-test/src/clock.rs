//! The time of day, as an argument.
//!
//! Whoever starts the operator decides what time it is. Waiting is tokio's business; the two should agree, as
//! they do for the system's clock and a running tokio.

use k8s_openapi::jiff::Timestamp;

/// Tells the time. Called whenever a status, an event or an instance needs one; must never block.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Any function that tells the time is a clock.
impl<F> Clock for F
where
    F: Fn() -> Timestamp + Send + Sync + 'static,
{
    fn now(&self) -> Timestamp {
        self()
    }
}
