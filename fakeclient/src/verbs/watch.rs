//! Watch of a collection or of one object, from a revision.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream};

use super::options::ListOptions;
use super::outcome::ServedObject;
use super::page;
use super::scope::RequestScope;
use super::selection::Selection;
use crate::error::ApiError;
use crate::store::{Compacted, Event, Follower, Object, Revision};

/// Interval of bookmarks while no event is sent.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// The minimum timeout of a watch without one from the client (kube-apiserver's `--min-request-timeout`).
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1800);

/// One event of a watch.
pub(crate) enum WatchEvent {
    /// An object of the initial state, a created one, or one that enters the selection.
    Added(ServedObject),
    /// A change of an object.
    Modified(ServedObject),
    /// An object that is deleted or leaves the selection, with the revision of that change.
    Deleted(ServedObject, Revision),
    /// The revision up to which the client has seen all events.
    Bookmark {
        revision: Revision,
        /// True at the end of the initial events.
        initial_events_end: bool,
    },
    /// The watch ends, or an object cannot be converted.
    Error(ApiError),
}

/// Starts a watch, which ends after the timeout of the options.
pub(crate) fn watch(
    scope: RequestScope,
    options: &ListOptions,
) -> Result<BoxStream<'static, WatchEvent>, ApiError> {
    let by_name = format!("metadata.name={}", scope.name);
    let fields = if scope.name.is_empty() { &options.field_selector } else { &by_name };
    let selection = Selection::parse(&scope.resource, &options.label_selector, fields)?;
    let store = &scope.state.store;
    let asked = page::parse_revision(&options.resource_version)?;
    let snapshot = store.snapshot();
    let initial = options.send_initial_events == Some(true);
    let from = if initial || asked == Revision(0) { snapshot.revision() } else { asked };
    if initial && asked > snapshot.revision() {
        page::check_not_in_future(asked, snapshot.revision())?;
    }
    let storage = &scope.resource.storage.key;
    let mut pending = VecDeque::new();
    let none_wanted = options.send_initial_events == Some(false);
    if initial || (asked == Revision(0) && !none_wanted) {
        let namespace = Some(scope.namespace.as_str()).filter(|namespace| !namespace.is_empty());
        let objects = snapshot.range(storage, namespace, None);
        pending.extend(objects.map(|(_, object)| PendingEvent::Initial(Arc::clone(object))));
        if initial && options.allow_bookmarks {
            pending.push_back(PendingEvent::InitialEventsEnd(from));
        }
    }
    let watch = WatchState {
        follow: store.follow(storage, from),
        scope,
        selection,
        pending,
        ended: false,
        bookmarks: options.allow_bookmarks,
        deadline: None,
        timeout: timeout(options),
        next_bookmark: None,
    };
    let events = stream::unfold(watch, async |mut watch| watch.next().await.map(|event| (event, watch)));
    Ok(events.boxed())
}

fn timeout(options: &ListOptions) -> Duration {
    match options.timeout_seconds.and_then(|seconds| u64::try_from(seconds).ok()) {
        Some(seconds) if seconds > 0 => Duration::from_secs(seconds),
        _ => DEFAULT_TIMEOUT,
    }
}

/// An event that is not yet filtered and converted.
enum PendingEvent {
    Initial(Arc<Object>),
    InitialEventsEnd(Revision),
    Event(Arc<Event>),
}

/// The reason for which a waiting watch continues.
enum WakeReason {
    TimedOut,
    BookmarkDue,
    Events(Result<Vec<Arc<Event>>, Compacted>),
}

struct WatchState {
    scope: RequestScope,
    selection: Selection,
    follow: Follower,
    pending: VecDeque<PendingEvent>,
    ended: bool,
    bookmarks: bool,
    timeout: Duration,
    deadline: Option<Pin<Box<tokio::time::Sleep>>>,
    next_bookmark: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl WatchState {
    async fn next(&mut self) -> Option<WatchEvent> {
        loop {
            while let Some(pending) = self.pending.pop_front() {
                let event = match pending {
                    PendingEvent::InitialEventsEnd(revision) => {
                        Some(WatchEvent::Bookmark { revision, initial_events_end: true })
                    }
                    PendingEvent::Initial(object) => self.initial(object).await,
                    PendingEvent::Event(event) => self.event(&event).await,
                };
                if event.is_some() {
                    return event;
                }
            }
            if self.ended {
                return None;
            }
            match self.wake().await {
                WakeReason::TimedOut => self.ended = true,
                WakeReason::BookmarkDue => {
                    let revision = self.follow.caught_up();
                    return Some(WatchEvent::Bookmark { revision, initial_events_end: false });
                }
                WakeReason::Events(Ok(events)) => {
                    self.pending.extend(events.into_iter().map(PendingEvent::Event));
                }
                WakeReason::Events(Err(missed)) => {
                    self.ended = true;
                    return Some(WatchEvent::Error(too_old(missed)));
                }
            }
        }
    }

    async fn wake(&mut self) -> WakeReason {
        poll_fn(|cx| {
            let timeout = self.timeout;
            let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
            if deadline.as_mut().poll(cx).is_ready() {
                return Poll::Ready(WakeReason::TimedOut);
            }
            if self.bookmark_is_due(cx) {
                return Poll::Ready(WakeReason::BookmarkDue);
            }
            self.follow.poll_events(cx).map(WakeReason::Events)
        })
        .await
    }

    fn bookmark_is_due(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.bookmarks {
            return false;
        }
        let timer = self.next_bookmark.get_or_insert_with(|| Box::pin(tokio::time::sleep(BOOKMARK_EVERY)));
        if timer.as_mut().poll(cx).is_pending() {
            return false;
        }
        self.next_bookmark = None;
        true
    }

    async fn initial(&self, object: Arc<Object>) -> Option<WatchEvent> {
        if self.selects(&object).await {
            return Some(self.converted(object, WatchEvent::Added).await);
        }
        None
    }

    /// The event for the client. An object that leaves the selection is `Deleted`, one that enters it is `Added`, with
    /// the revision of the change.
    async fn event(&self, event: &Event) -> Option<WatchEvent> {
        let namespace = &self.scope.namespace;
        if !namespace.is_empty() && *event.key.namespace != **namespace {
            return None;
        }
        let before = match &event.old {
            Some(old) => self.selects(old).await,
            None => false,
        };
        let after = !event.deleted && self.selects(&event.new).await;
        let new = || Arc::clone(&event.new);
        Some(match (before, after) {
            (false, false) => return None,
            (false, true) => self.converted(new(), WatchEvent::Added).await,
            (true, true) => self.converted(new(), WatchEvent::Modified).await,
            (true, false) => {
                let last = if event.deleted { new() } else { Arc::clone(event.old.as_ref()?) };
                let revision = event.revision();
                self.converted(last, |object| WatchEvent::Deleted(object, revision)).await
            }
        })
    }

    async fn selects(&self, object: &Object) -> bool {
        if self.selection.is_empty() {
            return true;
        }
        let resource = &self.scope.resource;
        let served = self.scope.state.served(resource, object.value()).await;
        // An object that cannot be converted is an error of the watch.
        served.map_or(true, |value| self.selection.matches(resource, &value))
    }

    async fn converted(
        &self,
        object: Arc<Object>,
        event: impl FnOnce(ServedObject) -> WatchEvent,
    ) -> WatchEvent {
        match self.scope.served(object).await {
            Ok(object) => event(object),
            Err(error) => WatchEvent::Error(error.into()),
        }
    }
}

fn too_old(missed: Compacted) -> ApiError {
    ApiError::expired(format!("too old resource version: {} ({})", missed.seen, missed.compacted.0 + 1))
}
