//! Expectations that hold throughout a window of time.

use std::future::IntoFuture;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use crate::attempt_log::AttemptLog;
use crate::display::seconds;
use crate::expect::Matcher;
use crate::expect::source::{ObservedState, SourceUpdate, Target};
use crate::expect::unchecked::UncheckedGuard;
use crate::expect::wait_record::WaitRecord;
use crate::failure::{Failure, SpecResult};
use crate::watch::POLL_INTERVAL;
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;

/// Default length of the window.
const DURING: Duration = Duration::from_secs(5);

/// Timeout of the last look.
const LAST_LOOK: Duration = Duration::from_secs(10);

/// A watch over a window of time, made by [`Cx::consistently`](crate::Cx::consistently): say what
/// [`should`](Self::should) hold, and await it.
///
/// Every state within the window is checked, also one that lasted a moment, for the watch tells them all.
/// Where it cannot (the API server has forgotten what lies between two looks), the expectation fails,
/// because nobody can know. Awaiting gives the last value.
#[must_use = "an expectation that is not awaited checks nothing, and fails its spec"]
pub struct Consistently<V> {
    target: Target<V>,
    guard: UncheckedGuard,
    matcher: Option<Box<dyn Matcher<V>>>,
    during: Duration,
    every: Duration,
}

impl<V: 'static> Consistently<V> {
    #[track_caller]
    pub(crate) fn new(target: impl Into<Target<V>>, attempt_log: Arc<AttemptLog>) -> Self {
        let (target, guard) = (target.into(), UncheckedGuard::new(attempt_log));
        Self { target, guard, matcher: None, during: DURING, every: POLL_INTERVAL }
    }

    /// Sets the matcher that must hold.
    pub fn should(mut self, matcher: impl Matcher<V> + 'static) -> Self {
        self.matcher = Some(Box::new(matcher));
        self
    }

    /// For how long it must hold, in the cluster's time, instead of five seconds.
    pub fn during(mut self, window: Duration) -> Self {
        self.during = window;
        self
    }

    /// Sets the interval between two looks at a probe, instead of once a second: what is otherwise between two looks
    /// is not seen there.
    pub fn every(mut self, pause: Duration) -> Self {
        self.every = pause.max(Duration::from_millis(1));
        self
    }
}

impl<V: 'static> IntoFuture for Consistently<V> {
    type Output = SpecResult<Option<V>>;
    type IntoFuture = LocalBoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.hold().boxed_local()
    }
}

/// The value at the last sight.
enum LastValue<V> {
    Unseen,
    Absent,
    There(V),
}

/// State of the window.
struct HoldWindow<'a, V> {
    matcher: &'a dyn Matcher<V>,
    record: &'a WaitRecord,
    last: LastValue<V>,
    broken: Option<String>,
}

impl<V> HoldWindow<'_, V> {
    fn check(&mut self, state: ObservedState<V>) -> ControlFlow<()> {
        self.record.observed(state.snapshot);
        if let Err(mismatch) = self.matcher.check(state.value.as_ref()) {
            self.record.mismatched(mismatch);
            self.broken = Some("it did not hold".into());
            return ControlFlow::Break(());
        }
        self.last = state.value.map_or(LastValue::Absent, LastValue::There);
        ControlFlow::Continue(())
    }

    fn see(&mut self, view: SourceUpdate<V>) -> ControlFlow<()> {
        match view {
            SourceUpdate::Current(state) => self.check(state),
            SourceUpdate::Error(error) => {
                self.record.error(error);
                ControlFlow::Continue(())
            }
            SourceUpdate::Gap => {
                self.broken = Some(
                    "it is unknown whether it held: the API server has compacted the changes in between"
                        .into(),
                );
                ControlFlow::Break(())
            }
        }
    }
}

impl<V: 'static> Consistently<V> {
    async fn hold(mut self) -> SpecResult<Option<V>> {
        let Some(matcher) = self.matcher.take() else {
            return Err(Failure::at("consistently what? Say .should(…)", self.guard.place));
        };
        let expected = format!("{} should {}", self.target.label, matcher.expected());
        let limit = format!(" all the time during {}", seconds(self.during));
        let ongoing = self.guard.keep(&expected);
        let record = WaitRecord::new(&expected, &limit, &self.guard.attempt_log);
        let _waiting = self.guard.attempt_log.add_wait(record.clone());
        let mut window =
            HoldWindow { matcher: &*matcher, record: &record, last: LastValue::Unseen, broken: None };
        let mut see = |view| window.see(view);
        let following = self.target.source.follow(self.every, &mut see);
        let ended = tokio::time::timeout(self.during, following).await;
        if ended.is_err() {
            self.last_look(&mut window).await;
        }
        let reason = match (window.broken, window.last) {
            (None, LastValue::There(value)) => Ok(Some(value)),
            (None, LastValue::Absent) => Ok(None),
            (None, LastValue::Unseen) => Err("it could not be looked at".to_owned()),
            (Some(reason), _) => Err(reason),
        };
        match reason {
            Ok(value) => {
                ongoing.finish();
                Ok(value)
            }
            Err(reason) => {
                let failure = record.failure(Some(&reason), self.guard.place);
                ongoing.fail(failure.message());
                Err(failure)
            }
        }
    }

    /// A change at the very end of the window may still be on its way: the list knows it already.
    async fn last_look(&self, window: &mut HoldWindow<'_, V>) {
        match tokio::time::timeout(LAST_LOOK, self.target.source.look()).await {
            Ok(Ok(state)) => drop(window.check(state)),
            Ok(Err(error)) => {
                window.record.error(error);
                window.broken = Some("the last look at it failed".into());
            }
            Err(_) => window.broken = Some("the last look at it had no answer".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expect::scripted::{ScriptedAnswer, config, event, scripted};
    use crate::matchers::match_json;

    async fn held(script: Vec<ScriptedAnswer>) -> Result<(), String> {
        let (subject, _) = scripted(script);
        let window = Consistently::new(subject, AttemptLog::new()).during(Duration::from_secs(5));
        let key = serde_json::json!({"data": {"key": "0"}});
        window.should(match_json(key)).await.map(drop).map_err(|failure| failure.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_in_which_nothing_happens_is_held() {
        let list = ScriptedAnswer::List(3, vec![config(2, "0")]);
        assert_eq!(held(vec![list.clone(), ScriptedAnswer::OpenWatch(vec![]), list]).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_that_only_the_last_look_shows_is_not_missed() {
        let (first, last) =
            (ScriptedAnswer::List(3, vec![config(2, "0")]), ScriptedAnswer::List(9, vec![config(8, "1")]));
        let error = held(vec![first, ScriptedAnswer::OpenWatch(vec![]), last]).await.unwrap_err();
        assert!(error.starts_with("it did not hold: "), "{error}");
        assert!(error.contains("5.000s  data.key: \"0\" → \"1\""), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_flip_back_and_forth_within_one_packet_is_seen() {
        let flips = vec![event("MODIFIED", &config(4, "1")), event("MODIFIED", &config(5, "0"))];
        let error =
            held(vec![ScriptedAnswer::List(3, vec![config(2, "0")]), ScriptedAnswer::OpenWatch(flips)])
                .await
                .unwrap_err();
        assert!(error.contains("data.key is \"1\""), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_gap_in_the_history_fails_the_window_even_if_both_ends_are_right() {
        let list = ScriptedAnswer::List(3, vec![config(2, "0")]);
        let error = held(vec![list.clone(), ScriptedAnswer::Refusal(410), list]).await.unwrap_err();
        assert!(error.starts_with("it is unknown whether it held"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_that_cannot_be_looked_into_is_not_held() {
        let error = held(vec![ScriptedAnswer::Refusal(500)]).await.unwrap_err();
        assert!(error.starts_with("the last look at it failed: "), "{error}");
        assert!(error.contains("last API error: 500 InternalError: by the script"), "{error}");
    }
}
