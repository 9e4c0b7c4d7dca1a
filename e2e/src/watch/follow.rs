//! List and watch of a selection of objects, without a gap between the two and without sleeping.
//!
//! A watch that ends is resumed from the last revision seen, so a change that lasted a moment is still
//! told. Only after an error is there a pause. What the objects should be is not known here.

use std::fmt::Debug;
use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt as _;
use kube::Resource;
use kube::api::WatchEvent;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::failure::{sentence, status_sentence};
use crate::span::secs;
use crate::watch::{Objects, Selection, key};

/// Pauses after errors begin here, double, and end there.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// The default interval between two looks where a watch has nothing to tell.
pub(crate) const POLL_INTERVAL: Duration = secs(1);

/// An update of a followed selection.
pub(crate) enum WatchUpdate<'a, K> {
    /// The objects as they are now.
    Current(&'a Objects<K>),
    /// Changes between the last update and the next one cannot be known.
    Gap,
    /// The API server could not be asked.
    Error(String),
}

/// End of a watch.
enum WatchEnd {
    /// Whoever follows has seen enough.
    Seen,
    /// Resume from the last revision.
    Resume,
    /// Resume too, after a pause.
    Pause,
    /// The last revision cannot be watched from.
    Relist,
    /// It cannot be watched at all.
    Unwatchable,
}

/// The request after a watch.
enum NextRequest {
    /// Whoever follows has seen enough.
    Nothing,
    List,
    /// Look now and then instead.
    Poll,
}

impl<K, V> Selection<K, V>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    /// Tells `see` each state that the selection goes through, until it breaks. Never ends otherwise.
    pub(crate) async fn follow(&self, see: impl FnMut(WatchUpdate<'_, K>) -> ControlFlow<()>) {
        self.follow_every(POLL_INTERVAL, see).await;
    }

    /// The same; where the API server lets nobody watch, it is looked at `every` so often.
    pub(crate) async fn follow_every(
        &self,
        every: Duration,
        mut see: impl FnMut(WatchUpdate<'_, K>) -> ControlFlow<()>,
    ) {
        let mut pause = PAUSE.0;
        let mut listed = false;
        loop {
            if listed && see(WatchUpdate::Gap).is_break() {
                return;
            }
            match self.look().await {
                Ok((mut objects, mut revision)) => {
                    listed = true;
                    pause = PAUSE.0;
                    if see(WatchUpdate::Current(&objects)).is_break() {
                        return;
                    }
                    match self.keep_watching(&mut objects, &mut revision, &mut see).await {
                        NextRequest::Nothing => return,
                        NextRequest::Poll => return self.poll(every, &mut see).await,
                        NextRequest::List => {}
                    }
                }
                Err(error) => {
                    if see(WatchUpdate::Error(error)).is_break() {
                        return;
                    }
                    pause_and_back_off(&mut pause).await;
                }
            }
        }
    }

    /// Polls without a watch. The follower has got the reason.
    async fn poll(&self, every: Duration, see: &mut impl FnMut(WatchUpdate<'_, K>) -> ControlFlow<()>) {
        loop {
            tokio::time::sleep(every).await;
            let seen = match self.look().await {
                Ok((objects, _)) => see(WatchUpdate::Current(&objects)),
                Err(error) => see(WatchUpdate::Error(error)),
            };
            if seen.is_break() {
                return;
            }
        }
    }

    /// The objects now, and their revision.
    pub(crate) async fn look(&self) -> Result<(Objects<K>, String), String> {
        let list = self.api.list(&self.list_params()).await.map_err(|error| sentence(&error))?;
        let revision = list.metadata.resource_version.unwrap_or_default();
        Ok((list.items.into_iter().map(|object| (key(&object), object)).collect(), revision))
    }

    /// Watches, one watch after the other, until a new list is due.
    async fn keep_watching(
        &self,
        objects: &mut Objects<K>,
        revision: &mut String,
        see: &mut impl FnMut(WatchUpdate<'_, K>) -> ControlFlow<()>,
    ) -> NextRequest {
        let mut pause = PAUSE.0;
        loop {
            let (before, started) = (revision.clone(), Instant::now());
            match self.watch_once(objects, revision, see).await {
                WatchEnd::Seen => return NextRequest::Nothing,
                WatchEnd::Relist => return NextRequest::List,
                WatchEnd::Unwatchable => return NextRequest::Poll,
                // A server that ends watches as soon as they begin would otherwise be asked without end.
                WatchEnd::Resume if *revision != before || started.elapsed() >= PAUSE.1 => pause = PAUSE.0,
                WatchEnd::Resume | WatchEnd::Pause => pause_and_back_off(&mut pause).await,
            }
        }
    }

    async fn watch_once(
        &self,
        objects: &mut Objects<K>,
        revision: &mut String,
        see: &mut impl FnMut(WatchUpdate<'_, K>) -> ControlFlow<()>,
    ) -> WatchEnd {
        let mut stream = match self.api.watch(&self.watch_params(), revision).await {
            Ok(stream) => pin!(stream),
            Err(error) => return trouble(&error, see),
        };
        while let Some(event) = stream.next().await {
            match event {
                Ok(WatchEvent::Added(object) | WatchEvent::Modified(object)) => {
                    advance(revision, &object);
                    objects.insert(key(&object), object);
                }
                Ok(WatchEvent::Deleted(object)) => {
                    advance(revision, &object);
                    objects.remove(&key(&object));
                }
                Ok(WatchEvent::Bookmark(bookmark)) => {
                    revision.clone_from(&bookmark.metadata.resource_version);
                    continue;
                }
                Ok(WatchEvent::Error(status)) => {
                    let seen = see(WatchUpdate::Error(status_sentence(&status)));
                    return if seen.is_break() { WatchEnd::Seen } else { WatchEnd::Relist };
                }
                Err(error) => return trouble(&error, see),
            }
            if see(WatchUpdate::Current(objects)).is_break() {
                return WatchEnd::Seen;
            }
        }
        WatchEnd::Resume
    }
}

fn advance<K: Resource>(revision: &mut String, object: &K) {
    if let Some(newer) = &object.meta().resource_version {
        revision.clone_from(newer);
    }
}

/// 410 says that the revision is compacted away: only a new list helps. The others say that the verb is not for us, or
/// not for this kind, or not there.
fn trouble<K>(error: &kube::Error, see: &mut impl FnMut(WatchUpdate<'_, K>) -> ControlFlow<()>) -> WatchEnd {
    if see(WatchUpdate::Error(sentence(error))).is_break() {
        return WatchEnd::Seen;
    }
    match error {
        kube::Error::Api(status) if status.code == 410 => WatchEnd::Relist,
        kube::Error::Api(status) if matches!(status.code, 403 | 405 | 501) => WatchEnd::Unwatchable,
        _ => WatchEnd::Pause,
    }
}

async fn pause_and_back_off(pause: &mut Duration) {
    tokio::time::sleep(*pause).await;
    *pause = (*pause * 2).min(PAUSE.1);
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use serde_json::json;

    use super::*;
    use crate::expect::scripted::{RequestLog, ScriptedAnswer, config, event, scripted};

    /// Follows a scripted server until the object has the value `end`, and tells what was seen on the way.
    async fn followed(script: Vec<ScriptedAnswer>) -> (Vec<String>, RequestLog) {
        let (subject, asked) = scripted(script);
        let mut seen = Vec::new();
        subject.follow(|update| tell(&update, &mut seen)).await;
        (seen, asked)
    }

    fn tell(update: &WatchUpdate<'_, ConfigMap>, seen: &mut Vec<String>) -> ControlFlow<()> {
        let told = match update {
            WatchUpdate::Gap => "gap".into(),
            WatchUpdate::Error(error) => error.clone(),
            WatchUpdate::Current(objects) => {
                let map = objects.values().next();
                map.map_or("absent".into(), |map| map.data.clone().unwrap()["key"].clone())
            }
        };
        seen.push(told);
        if seen.last().is_some_and(|told| told == "end") {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// The revision that each watch asked to begin at.
    fn watched_from(asked: &RequestLog) -> Vec<String> {
        let watches = asked.all().into_iter().filter(|path| path.contains("watch=true"));
        let revision =
            |path: String| Some(path.split("resourceVersion=").nth(1)?.split('&').next()?.to_owned());
        watches.filter_map(revision).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_ends_is_resumed_from_the_last_event_or_bookmark() {
        let bookmark = json!({"type": "BOOKMARK", "object": {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"resourceVersion": "9"},
        }});
        let (seen, asked) = followed(vec![
            ScriptedAnswer::List(3, vec![config(2, "0")]),
            ScriptedAnswer::Watch(vec![event("MODIFIED", &config(5, "1"))]),
            ScriptedAnswer::Watch(vec![bookmark]),
            ScriptedAnswer::OpenWatch(vec![
                event("DELETED", &config(10, "1")),
                event("ADDED", &config(11, "end")),
            ]),
        ])
        .await;
        assert_eq!(seen, ["0", "1", "absent", "end"]);
        assert_eq!(watched_from(&asked), ["3", "5", "9"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_revision_that_is_compacted_away_is_a_gap_and_lists_again() {
        let expired = json!({"type": "ERROR", "object": {
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old",
        }});
        for refusal in [ScriptedAnswer::Refusal(410), ScriptedAnswer::OpenWatch(vec![expired])] {
            let script = vec![
                ScriptedAnswer::List(3, vec![]),
                refusal,
                ScriptedAnswer::List(9, vec![config(8, "end")]),
            ];
            let (seen, _) = followed(script).await;
            assert_eq!(
                (seen.len(), seen[0].as_str(), &seen[2..]),
                (4, "absent", &["gap".into(), "end".into()][..]),
                "{seen:?}"
            );
            assert!(seen[1].starts_with("410 Expired"), "{seen:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_is_reported_and_asked_again_after_a_pause_without_a_gap() {
        let started = Instant::now();
        let (seen, asked) = followed(vec![
            ScriptedAnswer::Refusal(500),
            ScriptedAnswer::List(3, vec![]),
            ScriptedAnswer::Refusal(500),
            ScriptedAnswer::OpenWatch(vec![event("ADDED", &config(4, "end"))]),
        ])
        .await;
        let error = "500 InternalError: by the script";
        assert_eq!(seen, [error, "absent", error, "end"]);
        assert_eq!(watched_from(&asked), ["3", "3"]);
        assert!(
            started.elapsed() >= PAUSE.0 * 2,
            "two errors were followed by {:?} of pause",
            started.elapsed()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_ends_every_watch_at_once_is_not_asked_without_end() {
        let (subject, asked) = scripted(vec![ScriptedAnswer::List(3, vec![]), ScriptedAnswer::Watch(vec![])]);
        let minute = crate::mins(1);
        let followed = tokio::time::timeout(minute, subject.follow(|_| ControlFlow::Continue(()))).await;
        assert!(followed.is_err(), "nothing was to be seen");
        let times = asked.all().len();
        assert!((20..60).contains(&times), "in a minute it was asked {times} times");
    }
}
