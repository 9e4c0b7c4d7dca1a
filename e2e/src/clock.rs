//! The time that a spec's cluster lives in, and spans of it as specs write them.
//!
//! On a tier with virtual time it follows the spec's paused runtime; elsewhere it is the machine's.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// A cluster's time.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    start: Option<(Timestamp, Instant)>,
}

/// So many seconds, as specs write them: `within(secs(30))`.
pub const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// So many minutes, as specs write them: `within(mins(5))`.
pub const fn mins(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

impl Clock {
    /// The machine's own time.
    pub(crate) fn wall() -> Self {
        Self { start: None }
    }

    /// A time that shows `epoch` now and runs as the current runtime's does.
    pub(crate) fn following_runtime(epoch: Timestamp) -> Self {
        Self { start: Some((epoch, Instant::now())) }
    }

    /// What it shows now.
    pub(crate) fn now(&self) -> Timestamp {
        match self.start {
            None => Timestamp::now(),
            Some((epoch, start)) => {
                let passed = SignedDuration::try_from(start.elapsed()).unwrap_or(SignedDuration::MAX);
                epoch.saturating_add(passed).unwrap_or(Timestamp::MAX)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_virtual_clock_moves_with_the_paused_runtime_and_not_with_the_machine() {
        let clock = Clock::following_runtime(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), Timestamp::UNIX_EPOCH);
        tokio::time::advance(mins(60)).await;
        assert_eq!(clock.now(), Timestamp::from_second(3600).unwrap());
    }
}
