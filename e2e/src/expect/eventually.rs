//! Waiting until something is as it should be.

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
use crate::expect::subject::Subject;
use crate::failure::{Failure, SpecResult};
use crate::span::mins;
use crate::spec::Board;

/// How long is waited when the spec does not say.
const WITHIN: Duration = mins(1);

/// A wait, made by [`Cx::eventually`](crate::Cx::eventually): say what [`should`](Self::should) be, and
/// await it.
///
/// Awaiting gives what was seen when it was as it should be: `None` if the object is absent then, as with
/// [`be_gone`](crate::matchers::be_gone).
#[must_use = "an expectation that is not awaited checks nothing, and fails its spec"]
pub struct Eventually<K, V> {
    subject: Subject<K, V>,
    promise: Promise,
    matcher: Option<Box<dyn Matcher<V>>>,
    within: Duration,
}

impl<K, V> Eventually<K, V> {
    #[track_caller]
    pub(crate) fn new(subject: Subject<K, V>, board: Arc<Board>) -> Self {
        Self { subject, promise: Promise::new(board), matcher: None, within: WITHIN }
    }

    /// What is waited for.
    pub fn should(mut self, matcher: impl Matcher<V> + 'static) -> Self {
        self.matcher = Some(Box::new(matcher));
        self
    }

    /// How long it may take, in the cluster's time, instead of a minute.
    pub fn within(mut self, limit: Duration) -> Self {
        self.within = limit;
        self
    }
}

impl<K, V> IntoFuture for Eventually<K, V>
where
    K: Resource + Clone + Debug + DeserializeOwned + 'static,
    V: 'static,
{
    type Output = SpecResult<Option<V>>;
    type IntoFuture = LocalBoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.settle().boxed_local()
    }
}

impl<K, V> Eventually<K, V>
where
    K: Resource + Clone + Debug + DeserializeOwned,
    V: 'static,
{
    async fn settle(mut self) -> SpecResult<Option<V>> {
        let Some(matcher) = self.matcher.take() else {
            return Err(Failure::at("eventually what? Say .should(…)", self.promise.place));
        };
        self.promise.keep();
        let expected = format!("{} should {} within", self.subject.label, matcher.expected());
        let record = Record::new(&expected, self.within);
        let _waiting = self.promise.board.waits_for(record.clone());
        let mut settled = None;
        let waiting = self.subject.follow(|sight| match sight {
            Sight::Gap => ControlFlow::Continue(()),
            Sight::Trouble(error) => {
                record.trouble(error);
                ControlFlow::Continue(())
            }
            Sight::Now(objects) => {
                let value = (self.subject.value)(objects);
                record.saw((self.subject.snapshot)(objects));
                match matcher.check(value.as_ref()) {
                    Ok(()) => {
                        settled = Some(value);
                        ControlFlow::Break(())
                    }
                    Err(mismatch) => {
                        record.mismatched(mismatch);
                        ControlFlow::Continue(())
                    }
                }
            }
        });
        // Only the end of time leaves nothing settled.
        drop(tokio::time::timeout(self.within, waiting).await);
        settled.ok_or_else(|| Failure::at(record.story(), self.promise.place))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::time::Instant;

    use super::*;
    use crate::expect::script::{Answer, config, event, scripted};
    use crate::matchers::{be_gone, match_json};

    #[tokio::test(start_paused = true)]
    async fn the_value_that_matched_is_given_and_its_board_knows_of_the_check() {
        let (subject, _) = scripted(vec![
            Answer::List(3, vec![config(2, "0")]),
            Answer::OpenWatch(vec![event("MODIFIED", &config(4, "1")), event("MODIFIED", &config(5, "2"))]),
        ]);
        let board = Board::new();
        let seen = Eventually::new(subject, Arc::clone(&board))
            .should(match_json(json!({"data": {"key": "1"}})))
            .await;
        assert_eq!(seen.unwrap().unwrap().metadata.resource_version.as_deref(), Some("4"));
        assert!(board.has_expectations() && board.waits_so_far().is_empty() && board.unchecked().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_time_tells_the_last_trouble_with_its_time() {
        let (subject, _) = scripted(vec![Answer::List(3, vec![config(2, "0")]), Answer::Refusal(500)]);
        let started = Instant::now();
        let waited =
            Eventually::new(subject, Board::new()).should(be_gone()).within(Duration::from_secs(7)).await;
        let story = waited.unwrap_err().to_string();
        assert_eq!(started.elapsed(), Duration::from_secs(7));
        assert!(
            story.starts_with("ConfigMap demo/a should be gone within 7s\n  last seen: it is there"),
            "{story}"
        );
        assert!(story.contains("last API error: 500 InternalError: by the script at 5.100s"), "{story}");
        assert!(story.contains("eventually.rs:"), "{story}");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_dropped_unchecked_is_on_the_board() {
        let (subject, _) = scripted(vec![Answer::Refusal(500)]);
        let board = Board::new();
        drop(Eventually::new(subject, Arc::clone(&board)).should(be_gone()));
        assert_eq!(board.unchecked().len(), 1);
        assert!(!board.has_expectations());
    }
}
