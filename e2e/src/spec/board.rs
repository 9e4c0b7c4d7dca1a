//! What a spec has done so far and what it waits for now, readable while it is stuck.
//!
//! The spec's body owns the `Cx` while it runs, so the runner looks here when time is up. It records; it
//! decides nothing.

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

/// One spec's record.
pub(crate) struct Board {
    start: Instant,
    live: bool,
    steps: RefCell<Vec<(Duration, String)>>,
    expectations: Cell<usize>,
    dropped: RefCell<Vec<&'static Location<'static>>>,
    waits: RefCell<Vec<(usize, Rc<dyn Waiting>)>>,
    next_wait: Cell<usize>,
}

/// Something a spec is waiting for.
pub(crate) trait Waiting {
    /// What is waited for and what was seen until now, in as many lines as it takes.
    fn so_far(&self) -> String;
}

/// Takes a wait off the board when it is over, however it ends.
pub(crate) struct WaitGuard {
    board: Rc<Board>,
    id: usize,
}

impl Board {
    pub(crate) fn new(live: bool) -> Rc<Self> {
        Rc::new(Self {
            start: Instant::now(),
            live,
            steps: RefCell::default(),
            expectations: Cell::new(0),
            dropped: RefCell::default(),
            waits: RefCell::default(),
            next_wait: Cell::new(0),
        })
    }

    /// How long the spec has been running, in its cluster's time.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn step(&self, spec: &str, text: String) {
        if self.live {
            eprintln!("{spec}: {text}");
        }
        self.steps.borrow_mut().push((self.elapsed(), text));
    }

    pub(crate) fn expected_something(&self) {
        self.expectations.set(self.expectations.get() + 1);
    }

    pub(crate) fn dropped_unchecked(&self, place: &'static Location<'static>) {
        self.dropped.borrow_mut().push(place);
    }

    pub(crate) fn waits_for(self: &Rc<Self>, what: Rc<dyn Waiting>) -> WaitGuard {
        let id = self.next_wait.replace(self.next_wait.get() + 1);
        self.waits.borrow_mut().push((id, what));
        WaitGuard { board: Rc::clone(self), id }
    }

    /// Whether the spec ran a single expectation.
    pub(crate) fn has_expectations(&self) -> bool {
        self.expectations.get() > 0
    }

    /// Where expectations were written that nobody awaited or completed.
    pub(crate) fn unchecked(&self) -> Vec<&'static Location<'static>> {
        self.dropped.borrow().clone()
    }

    /// The waits that are not over, told one after the other.
    pub(crate) fn waits_so_far(&self) -> Vec<String> {
        self.waits.borrow().iter().map(|(_, wait)| wait.so_far()).collect()
    }

    pub(crate) fn steps(&self) -> Vec<(Duration, String)> {
        self.steps.borrow().clone()
    }
}

impl Drop for WaitGuard {
    fn drop(&mut self) {
        self.board.waits.borrow_mut().retain(|(id, _)| *id != self.id);
    }
}
