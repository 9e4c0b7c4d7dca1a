//! Exponential back-off of failed reconciles, for each object, and of failed watches.
//!
//! Replaces kube's `DefaultBackoff`, which adds random jitter; here equal failures lead to equal delays.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use kube::runtime::utils::Backoff;

/// The delay after the first failure.
const BASE_DELAY: Duration = Duration::from_millis(100);

/// The upper limit of a delay.
const MAX_DELAY: Duration = Duration::from_secs(120);

/// The numbers of consecutive failures, by object.
#[derive(Debug, Default)]
pub(crate) struct ObjectBackoff {
    failures: Mutex<BTreeMap<String, u32>>,
}

impl ObjectBackoff {
    /// Counts a failure of `object` and returns the delay before the retry.
    pub(crate) fn next_delay(&self, object: String) -> Duration {
        let mut failures = self.failures.lock().expect("no thread panics while it holds the lock");
        let count = failures.entry(object).or_insert(0);
        *count = count.saturating_add(1);
        delay_after(*count)
    }

    /// Resets the back-off of `object` after a success or a deletion.
    pub(crate) fn forget(&self, object: &str) {
        self.failures.lock().expect("no thread panics while it holds the lock").remove(object);
    }
}

/// The delays of a failing watch. kube resets them once the watch delivers again.
#[derive(Debug, Default)]
pub(crate) struct WatchBackoff {
    failures: u32,
}

impl Iterator for WatchBackoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        Some(delay_after(self.failures))
    }
}

impl Backoff for WatchBackoff {
    fn reset(&mut self) {
        self.failures = 0;
    }
}

fn delay_after(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(31);
    BASE_DELAY.saturating_mul(1 << doublings).min(MAX_DELAY)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kube::runtime::utils::Backoff;

    use super::{MAX_DELAY, ObjectBackoff, WatchBackoff};

    #[test]
    fn delays_double_up_to_the_maximum() {
        let backoff = ObjectBackoff::default();
        let delays: Vec<_> = (0..4).map(|_| backoff.next_delay("a".into()).as_millis()).collect();
        assert_eq!(delays, [100, 200, 400, 800]);
        let last = (0..100).map(|_| backoff.next_delay("a".into())).last();
        assert_eq!(last, Some(MAX_DELAY));
    }

    #[test]
    fn forget_resets_the_delay() {
        let backoff = ObjectBackoff::default();
        for _ in 0..5 {
            backoff.next_delay("a".into());
        }
        backoff.forget("a");
        assert_eq!(backoff.next_delay("a".into()), Duration::from_millis(100));
    }

    #[test]
    fn objects_have_separate_delays() {
        let backoff = ObjectBackoff::default();
        for _ in 0..5 {
            backoff.next_delay("a".into());
        }
        assert_eq!(backoff.next_delay("b".into()), Duration::from_millis(100));
    }

    #[test]
    fn reset_starts_over_with_the_base_delay() {
        let mut backoff = WatchBackoff::default();
        let first = backoff.next();
        backoff.next();
        backoff.reset();
        assert_eq!(backoff.next(), first);
    }
}
