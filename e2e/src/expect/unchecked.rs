//! Guard of an expectation: one that is dropped unchecked fails its spec.
//!
//! `cx.eventually(&pool).should(exist());` without an await looks like a check and is none.

use std::panic::Location;
use std::sync::Arc;

use crate::attempt_log::AttemptLog;
use crate::report::{MomentKind, OngoingMoment};

/// Notices when an expectation is dropped unchecked.
pub(crate) struct UncheckedGuard {
    pub(crate) attempt_log: Arc<AttemptLog>,
    pub(crate) place: &'static Location<'static>,
    kept: bool,
}

impl UncheckedGuard {
    #[track_caller]
    pub(crate) fn new(attempt_log: Arc<AttemptLog>) -> Self {
        Self { attempt_log, place: Location::caller(), kept: false }
    }

    /// The expectation is being checked now; it stands on the timeline from here to its end.
    pub(crate) fn keep(&mut self, what: &str) -> OngoingMoment {
        self.kept = true;
        self.attempt_log.count_expectation();
        self.attempt_log.timeline().start(MomentKind::Expectation, what)
    }
}

impl Drop for UncheckedGuard {
    fn drop(&mut self) {
        if !self.kept && !std::thread::panicking() {
            self.attempt_log.add_unchecked(self.place);
        }
    }
}
