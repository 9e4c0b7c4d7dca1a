//! Expectations that are waited for.

use std::cell::RefCell;
use std::future::IntoFuture;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, select, select_all};
use tokio::time::Instant;

use crate::attempt_log::AttemptLog;
use crate::display::seconds;
use crate::expect::Matcher;
use crate::expect::source::{SourceUpdate, Target};
use crate::expect::stop::StopRule;
use crate::expect::unchecked::UncheckedGuard;
use crate::expect::wait_record::WaitRecord;
use crate::failure::{Failure, SpecResult};
use crate::span::mins;
use crate::watch::POLL_INTERVAL;

/// Default timeout of a wait.
const WITHIN: Duration = mins(1);

/// A wait, made by [`Cx::eventually`](crate::Cx::eventually): say what [`should`](Self::should) be, and
/// await it.
///
/// Awaiting gives what was seen when it was as it should be: `None` if the object is absent then, as with
/// [`be_gone`](crate::matchers::be_gone).
#[must_use = "an expectation that is not awaited checks nothing, and fails its spec"]
pub struct Eventually<V> {
    target: Target<V>,
    guard: UncheckedGuard,
    matcher: Option<Box<dyn Matcher<V>>>,
    within: Duration,
    every: Duration,
    times: u32,
    stops: Vec<Box<dyn StopRule<V>>>,
    elsewhere: Vec<StopSignal>,
}

/// Comes back with the reason to stop, or not at all; told how often to look where no watch tells.
type StopSignal = Box<dyn FnOnce(Duration) -> LocalBoxFuture<'static, String>>;

impl<V: 'static> Eventually<V> {
    #[track_caller]
    pub(crate) fn new(target: impl Into<Target<V>>, attempt_log: Arc<AttemptLog>) -> Self {
        Self {
            target: target.into(),
            guard: UncheckedGuard::new(attempt_log),
            matcher: None,
            within: WITHIN,
            every: POLL_INTERVAL,
            times: 1,
            stops: Vec::new(),
            elsewhere: Vec::new(),
        }
    }

    /// Sets the matcher to wait for.
    pub fn should(mut self, matcher: impl Matcher<V> + 'static) -> Self {
        self.matcher = Some(Box::new(matcher));
        self
    }

    /// Sets the timeout, in the cluster's time, instead of a minute.
    pub fn within(mut self, limit: Duration) -> Self {
        self.within = limit;
        self
    }

    /// Sets the interval between two looks, instead of once a second: at a [`probe`](crate::Cx::probe), at what the
    /// API server does not let be watched, and between the looks that [`must_hold`](Self::must_hold) asks for. What can
    /// be watched is told by the watch, at once.
    pub fn every(mut self, pause: Duration) -> Self {
        self.every = pause.max(Duration::from_millis(1));
        self
    }

    /// It must be so at so many looks in a row, each of them [`every`](Self::every) after the one before or later.
    /// A mismatch in between, also for a moment, begins the count anew.
    pub fn must_hold(mut self, times: u32) -> Self {
        self.times = times.max(1);
        self
    }

    /// Ends the wait at once, as failed, when there is no hope any more: `stop_when(stop::condition("Failed",
    /// "True"))`. Several rules may be given.
    pub fn stop_when(mut self, rule: impl StopRule<V> + 'static) -> Self {
        self.stops.push(Box::new(rule));
        self
    }

    /// The same by a look at something else, such as a Deployment's Pods:
    /// `stop_when_in(cx.all::<Pod>().labels("app=web"), stop::image_pull_back_off())`.
    pub fn stop_when_in<W: 'static>(
        mut self,
        target: impl Into<Target<W>>,
        rule: impl StopRule<W> + 'static,
    ) -> Self {
        let target = target.into();
        self.elsewhere.push(Box::new(move |every| {
            async move {
                let mut reason = None;
                let mut see = |view| {
                    if let SourceUpdate::Current(state) = view {
                        reason = rule.reason(state.value.as_ref());
                    }
                    if reason.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                };
                target.source.follow(every, &mut see).await;
                reason.unwrap_or_default()
            }
            .boxed_local()
        }));
        self
    }
}

impl<V: 'static> IntoFuture for Eventually<V> {
    type Output = SpecResult<Option<V>>;
    type IntoFuture = LocalBoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.settle().boxed_local()
    }
}

/// State of a wait.
struct WaitProgress<'a, V> {
    matcher: &'a dyn Matcher<V>,
    stops: &'a [Box<dyn StopRule<V>>],
    record: &'a WaitRecord,
    every: Duration,
    times: u32,
    /// Number of matching looks in a row, and the time of the last one.
    held: Option<(u32, Instant)>,
    end: Option<Result<Option<V>, String>>,
}

impl<V> WaitProgress<'_, V> {
    fn see(&mut self, view: SourceUpdate<V>) -> ControlFlow<()> {
        match view {
            SourceUpdate::Gap => {}
            SourceUpdate::Error(error) => self.record.error(error),
            SourceUpdate::Current(state) => {
                self.record.observed(state.snapshot);
                match self.matcher.check(state.value.as_ref()) {
                    Ok(()) if self.held_long_enough() => self.end = Some(Ok(state.value)),
                    Ok(()) => {}
                    Err(mismatch) => {
                        self.held = None;
                        self.record.mismatched(mismatch);
                        let reason = self.stops.iter().find_map(|rule| rule.reason(state.value.as_ref()));
                        self.end = reason.map(Err);
                    }
                }
            }
        }
        if self.end.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Counts a look that was right, if it is not too close to the one before.
    fn held_long_enough(&mut self) -> bool {
        let now = Instant::now();
        let (count, last) = match self.held {
            Some((count, last)) if now.duration_since(last) >= self.every => (count + 1, now),
            Some(held) => held,
            None => (1, now),
        };
        self.held = Some((count, last));
        self.record.held(count, self.times);
        count >= self.times
    }
}

impl<V: 'static> Eventually<V> {
    async fn settle(mut self) -> SpecResult<Option<V>> {
        let Some(matcher) = self.matcher.take() else {
            return Err(Failure::at("eventually what? Say .should(…)", self.guard.place));
        };
        let ongoing = self.guard.keep(&format!("{} should {}", self.target.label, matcher.expected()));
        let expected = format!("{} should {}", self.target.label, matcher.expected());
        let times = if self.times == 1 { String::new() } else { format!(" {} times in a row", self.times) };
        let limit = format!("{times} within {}", seconds(self.within));
        let record = WaitRecord::new(&expected, &limit, &self.guard.attempt_log);
        let _waiting = self.guard.attempt_log.add_wait(record.clone());
        let hunt = RefCell::new(WaitProgress {
            matcher: &*matcher,
            stops: &self.stops,
            record: &record,
            every: self.every,
            times: self.times,
            held: None,
            end: None,
        });
        let elsewhere = std::mem::take(&mut self.elsewhere);
        // Only the end of time leaves nothing settled.
        let stopped = tokio::time::timeout(self.within, self.wait(&hunt, elsewhere)).await.ok().flatten();
        let end = hunt.into_inner().end;
        let reason = match (end, stopped) {
            (Some(Ok(value)), _) => {
                ongoing.finish();
                return Ok(value);
            }
            (Some(Err(reason)), _) | (None, Some(reason)) => Some(reason),
            (None, None) => None,
        };
        let reason = reason.map(|reason| format!("stopped at {}, {reason}", seconds(record.elapsed())));
        let failure = record.failure(reason.as_deref(), self.guard.place);
        ongoing.fail(failure.message());
        Err(failure)
    }

    /// Waits for the hunt's end, or for a reason to stop that is found elsewhere.
    async fn wait(&self, hunt: &RefCell<WaitProgress<'_, V>>, elsewhere: Vec<StopSignal>) -> Option<String> {
        let mut see = |view| hunt.borrow_mut().see(view);
        let following = pin!(self.target.source.follow(self.every, &mut see));
        let again = pin!(async {
            if self.times == 1 {
                std::future::pending::<()>().await;
            }
            let mut looked = None;
            loop {
                // The next look is due when it counts; one that told nothing is not repeated at once.
                let last = hunt.borrow().held.map(|(_, last)| last);
                let from = last.filter(|last| looked.is_none_or(|looked| *last > looked));
                tokio::time::sleep_until(from.unwrap_or_else(Instant::now) + self.every).await;
                let last = hunt.borrow().held.map(|(_, last)| last);
                if last.is_none_or(|last| last.elapsed() < self.every) {
                    continue;
                }
                looked = Some(Instant::now());
                let view =
                    self.target.source.look().await.map_or_else(SourceUpdate::Error, SourceUpdate::Current);
                if hunt.borrow_mut().see(view).is_break() {
                    return;
                }
            }
        });
        let looking = pin!(select(following, again).map(|_| None));
        let mut stops: Vec<LocalBoxFuture<'_, Option<String>>> = vec![looking.boxed_local()];
        let every = self.every;
        stops.extend(elsewhere.into_iter().map(|stop| stop(every).map(Some).boxed_local() as _));
        select_all(stops).await.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::expect::scripted::{RequestLog, ScriptedAnswer, config, event, scripted};
    use crate::matchers::{be_gone, equal, exist, match_json};
    use crate::span::secs;
    use crate::stop;

    fn key(value: &str) -> impl Matcher<k8s_openapi::api::core::v1::ConfigMap> + 'static {
        match_json(json!({"data": {"key": value}}))
    }

    #[tokio::test(start_paused = true)]
    async fn matched_value_is_returned_and_the_check_is_logged() {
        let (subject, _) = scripted(vec![
            ScriptedAnswer::List(3, vec![config(2, "0")]),
            ScriptedAnswer::OpenWatch(vec![
                event("MODIFIED", &config(4, "1")),
                event("MODIFIED", &config(5, "2")),
            ]),
        ]);
        let attempt_log = AttemptLog::new();
        let seen = Eventually::new(subject, Arc::clone(&attempt_log)).should(key("1")).await;
        assert_eq!(seen.unwrap().unwrap().metadata.resource_version.as_deref(), Some("4"));
        assert!(
            attempt_log.has_expectations()
                && attempt_log.describe_waits().is_empty()
                && attempt_log.take_unchecked().is_empty()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_time_tells_the_last_trouble_with_its_time() {
        let (subject, _) =
            scripted(vec![ScriptedAnswer::List(3, vec![config(2, "0")]), ScriptedAnswer::Refusal(500)]);
        let started = Instant::now();
        let waited = Eventually::new(subject, AttemptLog::new()).should(be_gone()).within(secs(7)).await;
        let story = waited.unwrap_err().to_string();
        assert_eq!(started.elapsed(), secs(7));
        assert!(
            story.starts_with("ConfigMap demo/a should be gone within 7s\n  last seen: it is there"),
            "{story}"
        );
        assert!(story.contains("last API error: 500 InternalError: by the script at 5.100s"), "{story}");
        assert!(story.contains("eventually.rs:"), "{story}");
    }

    #[tokio::test(start_paused = true)]
    async fn dropped_expectation_is_logged_as_unchecked() {
        let (subject, _) = scripted(vec![ScriptedAnswer::Refusal(500)]);
        let attempt_log = AttemptLog::new();
        drop(Eventually::new(subject, Arc::clone(&attempt_log)).should(be_gone()));
        assert_eq!(attempt_log.take_unchecked().len(), 1);
        assert!(!attempt_log.has_expectations());
    }

    #[tokio::test(start_paused = true)]
    async fn resource_without_watch_is_polled() {
        for refusal in [403, 405, 501] {
            let list = |value: &str| ScriptedAnswer::List(3, vec![config(2, value)]);
            let script = vec![list("0"), ScriptedAnswer::Refusal(refusal), list("0"), list("1")];
            let (subject, asked) = scripted(script);
            let started = Instant::now();
            let wait = Eventually::new(subject, AttemptLog::new()).should(key("1")).every(secs(3));
            wait.await.unwrap();
            assert_eq!(started.elapsed(), secs(6), "{:?}", asked.all());
        }
    }

    /// A change a second after the one before, then a list that says the last of them.
    async fn flapping(times: u32) -> (Result<Duration, String>, RequestLog) {
        let script = vec![
            ScriptedAnswer::List(3, vec![config(2, "1")]),
            ScriptedAnswer::OpenWatch(vec![
                event("MODIFIED", &config(4, "0")),
                event("MODIFIED", &config(5, "1")),
            ]),
            ScriptedAnswer::List(6, vec![config(5, "1")]),
        ];
        let (subject, asked) = scripted(script);
        let started = Instant::now();
        let wait = Eventually::new(subject, AttemptLog::new()).should(key("1")).must_hold(times).await;
        (wait.map(|_| started.elapsed()).map_err(|failure| failure.to_string()), asked)
    }

    #[tokio::test(start_paused = true)]
    async fn must_hold_counts_looks_in_a_row_and_restarts_on_a_mismatch() {
        assert_eq!(flapping(1).await.0, Ok(Duration::ZERO));
        let (held, asked) = flapping(3).await;
        // The first sight is undone by the watch; the next one is the first of three, a second apart.
        assert_eq!(held, Ok(secs(2)), "{:?}", asked.all());
        let error = flapping(100).await.0.unwrap_err();
        assert!(error.starts_with("ConfigMap demo/a should match"), "{error}");
        assert!(error.contains(" 100 times in a row within 60s\n  it held at "), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_rule_ends_the_wait_at_once_and_says_why() {
        let (subject, _) = scripted(vec![
            ScriptedAnswer::List(3, vec![config(2, "0")]),
            ScriptedAnswer::OpenWatch(vec![event("MODIFIED", &config(4, "broken"))]),
        ]);
        let started = Instant::now();
        let waited =
            Eventually::new(subject, AttemptLog::new()).should(key("1")).stop_when(stop::once(key("broken")));
        let story = waited.await.unwrap_err().to_string();
        assert_eq!(started.elapsed(), Duration::ZERO);
        let begin =
            "stopped at 0s, it does match {\"data\":{\"key\":\"broken\"}}: ConfigMap demo/a should match ";
        assert!(story.starts_with(begin), "{story}");
        assert!(story.contains("data.key: \"0\" → \"broken\""), "{story}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_rule_may_look_at_something_else() {
        let (subject, _) = scripted(vec![ScriptedAnswer::List(3, vec![]), ScriptedAnswer::OpenWatch(vec![])]);
        let (other, _) = scripted(vec![
            ScriptedAnswer::List(3, vec![config(2, "0")]),
            ScriptedAnswer::OpenWatch(vec![event("DELETED", &config(4, "0"))]),
        ]);
        let wait = Eventually::new(subject, AttemptLog::new()).should(exist());
        let story = wait.stop_when_in(other, stop::once(be_gone())).await.unwrap_err().to_string();
        assert!(
            story.starts_with("stopped at 0s, it does be gone: ConfigMap demo/a should exist"),
            "{story}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn probe_is_polled_until_it_matches_and_its_errors_are_reported() {
        let asked = std::rc::Rc::new(std::cell::Cell::new(0));
        let probe = || {
            let asked = std::rc::Rc::clone(&asked);
            let ask = async move || {
                asked.set(asked.get() + 1);
                if asked.get() % 2 == 0 { Err(Failure::new("no route")) } else { Ok(asked.get()) }
            };
            let source = Box::new(crate::expect::source::Probe::new("the meter", ask));
            Target { label: "the meter".into(), source }
        };
        let seen = Eventually::new(probe(), AttemptLog::new()).should(equal(5)).every(secs(2)).await;
        assert_eq!(seen.unwrap(), Some(5));
        let wait = Eventually::new(probe(), AttemptLog::new()).should(equal(1)).within(secs(3)).await;
        let story = wait.unwrap_err().to_string();
        assert!(story.starts_with("the meter should equal 1 within 3s\n  last seen: it is "), "{story}");
        assert!(story.contains("last API error: no route at "), "{story}");
    }
}
