//! Watching that something is, and stays, as it should be.

use std::fmt::Debug;
use std::future::IntoFuture;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use kube::Resource;
use serde::de::DeserializeOwned;

use crate::expect::Matcher;
use crate::expect::follow::Sight;
use crate::expect::promise::Promise;
use crate::expect::record::Record;
use crate::expect::subject::{Objects, Subject};
use crate::failure::{Failure, SpecResult};
use crate::spec::Board;

/// How long is watched when the spec does not say.
const DURING: Duration = Duration::from_secs(5);

/// How long the last look may take.
const LAST_LOOK: Duration = Duration::from_secs(10);

/// A watch over a window of time, made by [`Cx::consistently`](crate::Cx::consistently): say what
/// [`should`](Self::should) hold, and await it.
///
/// Every state within the window is checked, also one that lasted a moment, for the watch tells them all.
/// Where it cannot (the API server has forgotten what lies between two looks), the expectation fails,
/// because nobody can know. Awaiting gives the last value.
#[must_use = "an expectation that is not awaited checks nothing, and fails its spec"]
pub struct Consistently<K, V> {
    subject: Subject<K, V>,
    promise: Promise,
    matcher: Option<Box<dyn Matcher<V>>>,
    during: Duration,
}

impl<K, V> Consistently<K, V> {
    #[track_caller]
    pub(crate) fn new(subject: Subject<K, V>, board: Arc<Board>) -> Self {
        Self { subject, promise: Promise::new(board), matcher: None, during: DURING }
    }

    /// What must hold.
    pub fn should(mut self, matcher: impl Matcher<V> + 'static) -> Self {
        self.matcher = Some(Box::new(matcher));
        self
    }

    /// For how long it must hold, in the cluster's time, instead of five seconds.
    pub fn during(mut self, window: Duration) -> Self {
        self.during = window;
        self
    }
}

impl<K, V> IntoFuture for Consistently<K, V>
where
    K: Resource + Clone + Debug + DeserializeOwned + 'static,
    V: 'static,
{
    type Output = SpecResult<Option<V>>;
    type IntoFuture = LocalBoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.hold().boxed_local()
    }
}

/// The value at the last sight.
enum Last<V> {
    Unseen,
    Absent,
    There(V),
}

/// What the window has shown so far.
struct Window<'a, K, V> {
    subject: &'a Subject<K, V>,
    matcher: &'a dyn Matcher<V>,
    record: &'a Record,
    last: Last<V>,
    broken: Option<String>,
}

impl<K, V> Window<'_, K, V> {
    fn check(&mut self, objects: &Objects<K>) -> ControlFlow<()> {
        let value = (self.subject.value)(objects);
        self.record.saw((self.subject.snapshot)(objects));
        if let Err(mismatch) = self.matcher.check(value.as_ref()) {
            self.record.mismatched(mismatch);
            self.broken = Some("it did not hold".into());
            return ControlFlow::Break(());
        }
        self.last = value.map_or(Last::Absent, Last::There);
        ControlFlow::Continue(())
    }

    fn see(&mut self, sight: Sight<'_, K>) -> ControlFlow<()> {
        match sight {
            Sight::Now(objects) => self.check(objects),
            Sight::Trouble(error) => {
                self.record.trouble(error);
                ControlFlow::Continue(())
            }
            Sight::Gap => {
                self.broken = Some(
                    "nobody can know whether it held: the API server forgot what happened meanwhile".into(),
                );
                ControlFlow::Break(())
            }
        }
    }
}

impl<K, V> Consistently<K, V>
where
    K: Resource + Clone + Debug + DeserializeOwned,
    V: 'static,
{
    async fn hold(mut self) -> SpecResult<Option<V>> {
        let Some(matcher) = self.matcher.take() else {
            return Err(Failure::at("consistently what? Say .should(…)", self.promise.place));
        };
        self.promise.keep();
        let expected = format!("{} should {} all the time during", self.subject.label, matcher.expected());
        let record = Record::new(&expected, self.during);
        let _waiting = self.promise.board.waits_for(record.clone());
        let mut window = Window {
            subject: &self.subject,
            matcher: &*matcher,
            record: &record,
            last: Last::Unseen,
            broken: None,
        };
        let ended = tokio::time::timeout(self.during, self.subject.follow(|sight| window.see(sight))).await;
        if ended.is_err() {
            self.last_look(&mut window).await;
        }
        match (window.broken, window.last) {
            (None, Last::There(value)) => Ok(Some(value)),
            (None, Last::Absent) => Ok(None),
            (None, Last::Unseen) => Err(self.failure(&record, "it could not be looked at")),
            (Some(reason), _) => Err(self.failure(&record, &reason)),
        }
    }

    /// A change at the very end of the window may still be on its way: the list knows it already.
    async fn last_look(&self, window: &mut Window<'_, K, V>) {
        match tokio::time::timeout(LAST_LOOK, self.subject.look()).await {
            Ok(Ok((objects, _))) => drop(window.check(&objects)),
            Ok(Err(error)) => {
                window.record.trouble(error);
                window.broken = Some("the last look at it failed".into());
            }
            Err(_) => window.broken = Some("the last look at it had no answer".into()),
        }
    }

    fn failure(&self, record: &Record, reason: &str) -> Failure {
        Failure::at(format!("{reason}: {}", record.story()), self.promise.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expect::script::{Answer, config, event, scripted};
    use crate::matchers::match_json;

    async fn held(script: Vec<Answer>) -> Result<(), String> {
        let (subject, _) = scripted(script);
        let window = Consistently::new(subject, Board::new()).during(Duration::from_secs(5));
        let key = serde_json::json!({"data": {"key": "0"}});
        window.should(match_json(key)).await.map(drop).map_err(|failure| failure.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_in_which_nothing_happens_is_held() {
        let list = Answer::List(3, vec![config(2, "0")]);
        assert_eq!(held(vec![list.clone(), Answer::OpenWatch(vec![]), list]).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_that_only_the_last_look_shows_is_not_missed() {
        let (first, last) = (Answer::List(3, vec![config(2, "0")]), Answer::List(9, vec![config(8, "1")]));
        let error = held(vec![first, Answer::OpenWatch(vec![]), last]).await.unwrap_err();
        assert!(error.starts_with("it did not hold: "), "{error}");
        assert!(error.contains("5.000s  data.key: \"0\" → \"1\""), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_flip_back_and_forth_within_one_packet_is_seen() {
        let flips = vec![event("MODIFIED", &config(4, "1")), event("MODIFIED", &config(5, "0"))];
        let error =
            held(vec![Answer::List(3, vec![config(2, "0")]), Answer::OpenWatch(flips)]).await.unwrap_err();
        assert!(error.contains("data.key is \"1\""), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_gap_in_the_history_fails_the_window_even_if_both_ends_are_right() {
        let list = Answer::List(3, vec![config(2, "0")]);
        let error = held(vec![list.clone(), Answer::Refusal(410), list]).await.unwrap_err();
        assert!(error.starts_with("nobody can know whether it held"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_that_cannot_be_looked_into_is_not_held() {
        let error = held(vec![Answer::Refusal(500)]).await.unwrap_err();
        assert!(error.starts_with("the last look at it failed: "), "{error}");
        assert!(error.contains("last API error: 500 InternalError: by the script"), "{error}");
    }
}
