//! Watching that something is, and stays, as it should be.

use std::fmt::Debug;
use std::future::IntoFuture;
use std::ops::ControlFlow;
use std::rc::Rc;
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
    pub(crate) fn new(subject: Subject<K, V>, board: Rc<Board>) -> Self {
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

/// What the window has shown so far.
struct Window<'a, K, V> {
    subject: &'a Subject<K, V>,
    matcher: &'a dyn Matcher<V>,
    record: &'a Record,
    last: Option<Option<V>>,
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
        self.last = Some(value);
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
        let record = Record::new(expected, self.during);
        let _waiting = self.promise.board.waits_for(record.clone());
        let mut window =
            Window { subject: &self.subject, matcher: &*matcher, record: &record, last: None, broken: None };
        let ended = tokio::time::timeout(self.during, self.subject.follow(|sight| window.see(sight))).await;
        if ended.is_err() {
            self.last_look(&mut window).await;
        }
        match (window.broken, window.last) {
            (None, Some(last)) => Ok(last),
            (None, None) => Err(self.failure(&record, "it could not be looked at")),
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
