//! Clean-ups of a spec, newest first.
//!
//! The stack holds clean-ups; when they run, and for how long each may, is the business of the spec's
//! life.

use std::cell::RefCell;
use std::panic::Location;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;

use crate::context::Cx;
use crate::failure::SpecResult;
use crate::span::mins;

/// Default timeout of a clean-up, and timeout of an `after_each` and of the end of a task.
pub(crate) const CLEANUP_LIMIT: Duration = mins(1);

type Undo = Box<dyn for<'cx> FnOnce(&'cx mut Cx) -> LocalBoxFuture<'cx, SpecResult>>;

/// One thing to undo.
pub(crate) struct Cleanup {
    pub(crate) place: &'static Location<'static>,
    /// Timeout.
    pub(crate) limit: Duration,
    pub(crate) undo: Undo,
}

/// Clean-ups in the order in which they were asked for.
#[derive(Default)]
pub(crate) struct Cleanups(RefCell<Vec<Cleanup>>);

impl Cleanups {
    pub(crate) fn push<F>(&self, place: &'static Location<'static>, limit: Duration, undo: F)
    where
        F: AsyncFnOnce(&mut Cx) -> SpecResult + 'static,
    {
        let undo: Undo = Box::new(move |cx: &mut Cx| async move { undo(cx).await }.boxed_local());
        self.0.borrow_mut().push(Cleanup { place, limit, undo });
    }

    /// The newest one. A clean-up may ask for another: it is then the next.
    pub(crate) fn pop(&self) -> Option<Cleanup> {
        self.0.borrow_mut().pop()
    }
}
