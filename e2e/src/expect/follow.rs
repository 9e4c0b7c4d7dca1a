//! A selection of objects followed by list and watch: nothing between the two is lost, and nobody sleeps.
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

use crate::expect::subject::{Objects, Subject, key};
use crate::failure::{sentence, status_sentence};

/// Pauses after errors begin here, double, and end there.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// What is told to who follows.
pub(crate) enum Sight<'a, K> {
    /// The objects as they are now.
    Now(&'a Objects<K>),
    /// Changes between the last sight and the next one cannot be known.
    Gap,
    /// The API server could not be asked.
    Trouble(String),
}

/// How a watch came to its end.
enum End {
    /// Whoever follows has seen enough.
    Seen,
    /// Resume from the last revision.
    Resume,
    /// Resume too, after a pause.
    Pause,
    /// The last revision cannot be watched from.
    Relist,
}

impl<K, V> Subject<K, V>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    /// Tells `see` each state that the selection goes through, until it breaks. Never ends otherwise.
    pub(crate) async fn follow(&self, mut see: impl FnMut(Sight<'_, K>) -> ControlFlow<()>) {
        let mut pause = PAUSE.0;
        let mut listed = false;
        loop {
            if listed && see(Sight::Gap).is_break() {
                return;
            }
            match self.look().await {
                Ok((mut objects, mut revision)) => {
                    listed = true;
                    pause = PAUSE.0;
                    if see(Sight::Now(&objects)).is_break()
                        || self.keep_watching(&mut objects, &mut revision, &mut see).await.is_break()
                    {
                        return;
                    }
                }
                Err(error) => {
                    if see(Sight::Trouble(error)).is_break() {
                        return;
                    }
                    rest(&mut pause).await;
                }
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
        see: &mut impl FnMut(Sight<'_, K>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut pause = PAUSE.0;
        loop {
            let (before, started) = (revision.clone(), Instant::now());
            match self.watch_once(objects, revision, see).await {
                End::Seen => return ControlFlow::Break(()),
                End::Relist => return ControlFlow::Continue(()),
                // A server that ends watches as soon as they begin would otherwise be asked without end.
                End::Resume if *revision != before || started.elapsed() >= PAUSE.1 => pause = PAUSE.0,
                End::Resume | End::Pause => rest(&mut pause).await,
            }
        }
    }

    async fn watch_once(
        &self,
        objects: &mut Objects<K>,
        revision: &mut String,
        see: &mut impl FnMut(Sight<'_, K>) -> ControlFlow<()>,
    ) -> End {
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
                    let seen = see(Sight::Trouble(status_sentence(&status)));
                    return if seen.is_break() { End::Seen } else { End::Relist };
                }
                Err(error) => return trouble(&error, see),
            }
            if see(Sight::Now(objects)).is_break() {
                return End::Seen;
            }
        }
        End::Resume
    }
}

fn advance<K: Resource>(revision: &mut String, object: &K) {
    if let Some(newer) = &object.meta().resource_version {
        revision.clone_from(newer);
    }
}

/// 410 says that the revision is compacted away: only a new list helps.
fn trouble<K>(error: &kube::Error, see: &mut impl FnMut(Sight<'_, K>) -> ControlFlow<()>) -> End {
    if see(Sight::Trouble(sentence(error))).is_break() {
        return End::Seen;
    }
    match error {
        kube::Error::Api(status) if status.code == 410 => End::Relist,
        _ => End::Pause,
    }
}

async fn rest(pause: &mut Duration) {
    tokio::time::sleep(*pause).await;
    *pause = (*pause * 2).min(PAUSE.1);
}
