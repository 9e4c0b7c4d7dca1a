//! The clock of a cluster: source of `creationTimestamp`, `deletionTimestamp` and all other times of objects.
//!
//! The timeout of a watch follows tokio's time, not this clock.

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
pub struct Clock(Arc<ClockSource>);

enum ClockSource {
    System,
    Tokio { epoch: Timestamp, start: Mutex<Option<tokio::time::Instant>> },
    Manual(Mutex<Timestamp>),
}

impl Clock {
    /// The system clock.
    pub fn system() -> Self {
        Self(Arc::new(ClockSource::System))
    }

    /// tokio's clock, as time since `epoch`, which is the time of the first call. It is virtual while tokio is paused.
    pub fn tokio(epoch: Timestamp) -> Self {
        Self(Arc::new(ClockSource::Tokio { epoch, start: Mutex::new(None) }))
    }

    /// A clock that moves only by [`Clock::advance`] and [`Clock::advance_to`].
    pub fn manual(start: Timestamp) -> Self {
        Self(Arc::new(ClockSource::Manual(Mutex::new(start))))
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            ClockSource::System => Timestamp::now(),
            ClockSource::Tokio { epoch, start } => {
                let now = tokio::time::Instant::now();
                let start =
                    *start.lock().expect("the clock's lock is held for a read only").get_or_insert(now);
                let elapsed = SignedDuration::try_from(now - start).expect("no run lasts 292 years");
                *epoch + elapsed
            }
            ClockSource::Manual(now) => *now.lock().expect("the clock's lock is held for a read only"),
        }
    }

    /// Moves a manual clock forward.
    ///
    /// # Panics
    /// If the clock is not manual.
    pub fn advance(&self, by: std::time::Duration) {
        let by = SignedDuration::try_from(by).expect("nobody advances by 292 years");
        *self.manual_time().lock().expect("the clock's lock is held for a read only") += by;
    }

    /// Moves a manual clock forward to `time`. An earlier time has no effect: the clock never goes back.
    ///
    /// ```
    /// use seatrial_fakeclient::Clock;
    /// let clock = Clock::manual("2026-01-01T00:00:00Z".parse().unwrap());
    /// clock.advance_to("2026-01-01T00:00:05Z".parse().unwrap());
    /// clock.advance_to("2026-01-01T00:00:02Z".parse().unwrap());
    /// assert_eq!(clock.now().to_string(), "2026-01-01T00:00:05Z");
    /// ```
    ///
    /// # Panics
    /// If the clock is not manual.
    pub fn advance_to(&self, time: Timestamp) {
        let mut now = self.manual_time().lock().expect("the clock's lock is held for a read only");
        *now = time.max(*now);
    }

    /// The time of a manual clock.
    fn manual_time(&self) -> &Mutex<Timestamp> {
        match &*self.0 {
            ClockSource::Manual(now) => now,
            _ => panic!("only a manual clock can be advanced; with Clock::tokio use tokio::time::advance"),
        }
    }

    /// The current time as `metav1.Time` prints it: UTC, whole seconds.
    pub(crate) fn seconds(&self) -> String {
        seconds(self.now())
    }
}

/// `2026-01-01T00:00:00Z`
pub(crate) fn seconds(time: Timestamp) -> String {
    let time = time.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    let mut text = String::with_capacity("2026-01-01T00:00:00Z".len());
    let mut number = |value: i16, width: usize, end: char| {
        for place in (0..width).rev() {
            let digit =
                i32::from(value) / 10_i32.pow(u32::try_from(place).expect("four places at most")) % 10;
            text.push(char::from_digit(digit.unsigned_abs(), 10).expect("a decimal digit"));
        }
        text.push(end);
    };
    number(time.year(), 4, '-');
    number(time.month().into(), 2, '-');
    number(time.day().into(), 2, 'T');
    number(time.hour().into(), 2, ':');
    number(time.minute().into(), 2, ':');
    number(time.second().into(), 2, 'Z');
    text
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.0 {
            ClockSource::System => "Clock::system",
            ClockSource::Tokio { .. } => "Clock::tokio",
            ClockSource::Manual(_) => "Clock::manual",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an RFC 3339 time")
    }

    #[test]
    fn manual_clock_never_goes_back() {
        let clock = Clock::manual(at("2026-01-01T00:00:00Z"));
        clock.advance_to(at("2026-01-01T00:00:05Z"));
        assert_eq!(clock.seconds(), "2026-01-01T00:00:05Z");
        clock.advance_to(at("2026-01-01T00:00:02Z"));
        assert_eq!(clock.seconds(), "2026-01-01T00:00:05Z");
    }

    #[test]
    #[should_panic(expected = "only a manual clock can be advanced")]
    fn system_clock_cannot_be_advanced() {
        Clock::system().advance_to(at("2026-01-01T00:00:00Z"));
    }
}
