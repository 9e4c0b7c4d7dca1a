//! Expectations of values that the spec already has.

use std::fmt::Debug;
use std::sync::Arc;

use crate::attempt_log::AttemptLog;
use crate::expect::Matcher;
use crate::expect::unchecked::UncheckedGuard;
use crate::failure::{Failure, SpecResult, place_of};
use crate::report::FailureReport;

/// A check, made by [`Cx::expect`](crate::Cx::expect).
#[must_use = "an expectation without .to(…) checks nothing, and fails its spec"]
pub struct Expect<T> {
    value: T,
    guard: UncheckedGuard,
}

impl<T: Debug> Expect<T> {
    #[track_caller]
    pub(crate) fn new(value: T, attempt_log: Arc<AttemptLog>) -> Self {
        Self { value, guard: UncheckedGuard::new(attempt_log) }
    }

    /// Checks the value now: `cx.expect(machines.len()).to(equal(3))?`.
    #[expect(clippy::needless_pass_by_value, reason = "matchers are written in place, here as in `should`")]
    pub fn to(mut self, matcher: impl Matcher<T>) -> SpecResult {
        let ongoing = self.guard.keep(&format!("it should {}", matcher.expected()));
        let Err(mismatch) = matcher.check(Some(&self.value)) else {
            ongoing.finish();
            return Ok(());
        };
        let told = mismatch.describe().replace('\n', "\n  ");
        let details = format!("\n  {told}\n  value: {:?}", self.value);
        let message = format!("expected it to {}", matcher.expected());
        ongoing.fail(format!("{message}{details}"));
        let report = FailureReport {
            message: format!("{message}: {}", mismatch.why()),
            expected: Some(matcher.expected()),
            last_value: Some(format!("{:#?}", self.value)),
            difference: mismatch.difference().map(str::to_owned),
            ..FailureReport::default()
        };
        Err(Failure::with_description(report, message + &details).placed(place_of(self.guard.place)))
    }
}
