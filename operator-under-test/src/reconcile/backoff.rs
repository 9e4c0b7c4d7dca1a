//! How long to wait before trying again.
//!
//! Each object has its own count of failures in a row; a success forgets it. No jitter: the same failures
//! lead to the same waits, and one operator's objects do not fail in step with another's.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use kube::runtime::utils::Backoff;

/// The wait after the first failure.
const FIRST: Duration = Duration::from_millis(100);

/// The longest wait between two attempts.
const LONGEST: Duration = Duration::from_secs(120);

/// Failures in a row, by object.
#[derive(Debug, Default)]
pub(crate) struct ObjectBackoff {
    failures: Mutex<BTreeMap<String, u32>>,
}

impl ObjectBackoff {
    /// Counts a failure of `object` and says how long to wait before the next attempt.
    pub(crate) fn after_failure(&self, object: String) -> Duration {
        let mut failures = self.failures.lock().expect("no one panics while holding the counts");
        let count = failures.entry(object).or_insert(0);
        *count = count.saturating_add(1);
        wait_after(*count)
    }

    /// Forgets the failures of `object`: it succeeded, or it is gone.
    pub(crate) fn forget(&self, object: &str) {
        self.failures.lock().expect("no one panics while holding the counts").remove(object);
    }
}

/// The waits of a watch that keeps failing; kube resets it when the watch delivers again.
#[derive(Debug, Default)]
pub(crate) struct WatchBackoff {
    failures: u32,
}

impl Iterator for WatchBackoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        Some(wait_after(self.failures))
    }
}

impl Backoff for WatchBackoff {
    fn reset(&mut self) {
        self.failures = 0;
    }
}

fn wait_after(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(31);
    FIRST.saturating_mul(1 << doublings).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kube::runtime::utils::Backoff;

    use super::{LONGEST, ObjectBackoff, WatchBackoff};

    #[test]
    fn waits_double_with_each_failure_and_stop_growing() {
        let backoff = ObjectBackoff::default();
        let waits: Vec<_> = (0..4).map(|_| backoff.after_failure("a".into()).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800]);
        let last = (0..100).map(|_| backoff.after_failure("a".into())).last();
        assert_eq!(last, Some(LONGEST));
    }

    #[test]
    fn a_success_starts_over() {
        let backoff = ObjectBackoff::default();
        for _ in 0..5 {
            backoff.after_failure("a".into());
        }
        backoff.forget("a");
        assert_eq!(backoff.after_failure("a".into()), Duration::from_millis(100));
    }

    #[test]
    fn one_object_does_not_wait_for_another() {
        let backoff = ObjectBackoff::default();
        for _ in 0..5 {
            backoff.after_failure("a".into());
        }
        assert_eq!(backoff.after_failure("b".into()), Duration::from_millis(100));
    }

    #[test]
    fn a_watch_that_delivers_starts_over() {
        let mut backoff = WatchBackoff::default();
        let first = backoff.next();
        backoff.next();
        backoff.reset();
        assert_eq!(backoff.next(), first);
    }
}
