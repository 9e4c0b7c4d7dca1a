//! An expectation that was begun: one that is dropped before it was checked fails its spec.
//!
//! `cx.eventually(&pool).should(exist());` without an await looks like a check and is none.

use std::panic::Location;
use std::sync::Arc;

use crate::report::{MomentKind, Ongoing};
use crate::spec::Board;

/// Notices when an expectation is dropped unchecked.
pub(crate) struct Promise {
    pub(crate) board: Arc<Board>,
    pub(crate) place: &'static Location<'static>,
    kept: bool,
}

impl Promise {
    #[track_caller]
    pub(crate) fn new(board: Arc<Board>) -> Self {
        Self { board, place: Location::caller(), kept: false }
    }

    /// The expectation is being checked now; it stands on the timeline from here to its end.
    pub(crate) fn keep(&mut self, what: &str) -> Ongoing {
        self.kept = true;
        self.board.expected_something();
        self.board.timeline().start(MomentKind::Expectation, what)
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if !self.kept && !std::thread::panicking() {
            self.board.dropped_unchecked(self.place);
        }
    }
}
