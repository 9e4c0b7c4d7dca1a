//! Where `creationTimestamp`, `deletionTimestamp` and the end of a watch get their time.

use std::fmt;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

/// The cluster's clock.
///
/// ```
/// use seatrial_fakeclient::Clock;
/// let clock = Clock::manual("2026-01-01T00:00:00Z".parse().unwrap());
/// clock.advance(std::time::Duration::from_secs(60));
/// assert_eq!(clock.now().to_string(), "2026-01-01T00:01:00Z");
/// ```
#[derive(Clone)]
pub struct Clock(Arc<Source>);

enum Source {
    System,
    Tokio { epoch: Timestamp, start: Mutex<Option<tokio::time::Instant>> },
    Manual(Mutex<Timestamp>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Arc::new(Source::System))
    }

    /// tokio's clock, counted from `epoch` at its first use: virtual where tokio is paused.
    pub fn tokio(epoch: Timestamp) -> Self {
        Self(Arc::new(Source::Tokio { epoch, start: Mutex::new(None) }))
    }

    /// A clock that moves only by [`Clock::advance`].
    pub fn manual(start: Timestamp) -> Self {
        Self(Arc::new(Source::Manual(Mutex::new(start))))
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            Source::System => Timestamp::now(),
            Source::Tokio { epoch, start } => {
                let now = tokio::time::Instant::now();
                let start =
                    *start.lock().expect("the clock's lock is held for a read only").get_or_insert(now);
                let elapsed = SignedDuration::try_from(now - start).expect("no run lasts 292 years");
                *epoch + elapsed
            }
            Source::Manual(now) => *now.lock().expect("the clock's lock is held for a read only"),
        }
    }

    /// Moves a manual clock forward.
    ///
    /// # Panics
    /// On a clock that is not manual: its time is not ours to move.
    pub fn advance(&self, by: std::time::Duration) {
        let Source::Manual(now) = &*self.0 else {
            panic!("only a manual clock can be advanced; with Clock::tokio use tokio::time::advance");
        };
        let by = SignedDuration::try_from(by).expect("nobody advances by 292 years");
        *now.lock().expect("the clock's lock is held for a read only") += by;
    }

    /// The time as `metav1.Time` prints it: UTC, whole seconds.
    pub(crate) fn seconds(&self) -> String {
        seconds(self.now())
    }
}

/// `2026-01-01T00:00:00Z`
pub(crate) fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.0 {
            Source::System => "Clock::system",
            Source::Tokio { .. } => "Clock::tokio",
            Source::Manual(_) => "Clock::manual",
        })
    }
}
