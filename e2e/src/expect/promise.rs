//! An expectation that was begun: one that is dropped before it was checked fails its spec.
//!
//! `cx.eventually(&pool).should(exist());` without an await looks like a check and is none.

use std::panic::Location;
use std::sync::Arc;

use crate::attempt_log::AttemptLog;
use crate::report::{MomentKind, Ongoing};

/// Notices when an expectation is dropped unchecked.
pub(crate) struct Promise {
    pub(crate) attempt_log: Arc<AttemptLog>,
    pub(crate) place: &'static Location<'static>,
    kept: bool,
}

impl Promise {
    #[track_caller]
    pub(crate) fn new(attempt_log: Arc<AttemptLog>) -> Self {
        Self { attempt_log, place: Location::caller(), kept: false }
    }

    /// The expectation is being checked now; it stands on the timeline from here to its end.
    pub(crate) fn keep(&mut self, what: &str) -> Ongoing {
        self.kept = true;
        self.attempt_log.expected_something();
        self.attempt_log.timeline().start(MomentKind::Expectation, what)
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if !self.kept && !std::thread::panicking() {
            self.attempt_log.dropped_unchecked(self.place);
        }
    }
}
