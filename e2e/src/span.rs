//! Durations as specs write them.

use std::time::Duration;

/// A duration in seconds, as specs write it: `within(secs(30))`.
pub const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A duration in minutes, as specs write it: `within(mins(5))`.
pub const fn mins(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}
