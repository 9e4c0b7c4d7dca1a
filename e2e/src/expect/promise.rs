//! An expectation that was begun: one that is dropped before it was checked fails its spec.
//!
//! `cx.eventually(&pool).should(exist());` without an await looks like a check and is none.

use std::panic::Location;
use std::sync::Arc;

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

    /// The expectation is being checked now.
    pub(crate) fn keep(&mut self) {
        self.kept = true;
        self.board.expected_something();
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if !self.kept && !std::thread::panicking() {
            self.board.dropped_unchecked(self.place);
        }
    }
}
