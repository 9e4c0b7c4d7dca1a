//! Durations as specs write them.

use std::time::Duration;

/// So many seconds, as specs write them: `within(secs(30))`.
pub const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// So many minutes, as specs write them: `within(mins(5))`.
pub const fn mins(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}
