//! Checking a value that the spec has in its hand.

use std::fmt::Debug;
use std::sync::Arc;

use crate::expect::Matcher;
use crate::expect::promise::Promise;
use crate::failure::{Failure, SpecResult};
use crate::spec::Board;

/// A check, made by [`Cx::expect`](crate::Cx::expect).
#[must_use = "an expectation without .to(…) checks nothing, and fails its spec"]
pub struct Expect<T> {
    value: T,
    promise: Promise,
}

impl<T: Debug> Expect<T> {
    #[track_caller]
    pub(crate) fn new(value: T, board: Arc<Board>) -> Self {
        Self { value, promise: Promise::new(board) }
    }

    /// Checks the value now: `cx.expect(machines.len()).to(equal(3))?`.
    #[expect(clippy::needless_pass_by_value, reason = "matchers are written in place, here as in `should`")]
    pub fn to(mut self, matcher: impl Matcher<T>) -> SpecResult {
        self.promise.keep();
        matcher.check(Some(&self.value)).map_err(|mismatch| {
            let told = mismatch.told().replace('\n', "\n  ");
            let text = format!("expected it to {}\n  {told}\n  value: {:?}", matcher.expected(), self.value);
            Failure::at(text, self.promise.place)
        })
    }
}
