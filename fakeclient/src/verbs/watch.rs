//! GET with `watch`: events from a revision on, as JSON lines.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use serde_json::{Value, json};

use super::page;
use super::scope::Scope;
use super::select::Selection;
use crate::cluster::Core;
use crate::endpoint::options::ListOptions;
use crate::endpoint::response::Reply;
use crate::error::ApiError;
use crate::store::{Event, Follow, Missed, Object, Revision};

/// How often a quiet watch says how far it has come.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// The shortest time a watch runs when the client sets none (kube-apiserver's `--min-request-timeout`).
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1800);

pub(crate) fn watch(scope: &Scope<'_>, options: &ListOptions) -> Result<Reply, ApiError> {
    let selection = if scope.name.is_empty() {
        Selection::parse(&scope.resource, &options.label_selector, &options.field_selector)?
    } else {
        let by_name = format!("metadata.name={}", scope.name);
        Selection::parse(&scope.resource, &options.label_selector, &by_name)?
    };
    let store = &scope.core.store;
    let asked = page::parse_revision(&options.resource_version)?;
    let snapshot = store.snapshot();
    let mut frames = VecDeque::new();
    let initial = options.send_initial_events == Some(true);
    let from = if initial || asked == Revision(0) { snapshot.revision() } else { asked };
    if initial && asked > snapshot.revision() {
        page::not_in_the_future(asked, snapshot.revision())?;
    }
    let storage = scope.resource.storage.key.clone();
    let follow = store.follow(&storage, from);
    let mut watch = Watch {
        lens: Lens::new(scope, selection),
        follow,
        ended: false,
        columns: true,
        bookmarks: options.allow_bookmarks,
        deadline: None,
        timeout: timeout(options),
        next_bookmark: None,
        frames: VecDeque::new(),
    };
    let none_wanted = options.send_initial_events == Some(false);
    if initial || (asked == Revision(0) && !none_wanted) {
        let namespace = Some(watch.lens.namespace.as_str()).filter(|n| !n.is_empty());
        let objects: Vec<_> =
            snapshot.range(&storage, namespace, None).map(|(_, object)| Arc::clone(object)).collect();
        for object in objects {
            frames.extend(watch.lens.initial(&object, &mut watch.columns));
        }
        if initial && options.allow_bookmarks {
            frames.push_back(watch.lens.bookmark(from, true));
        }
    }
    watch.frames = frames;
    Ok(Reply::Stream { frames: Box::pin(watch), warnings: Vec::new() })
}

fn timeout(options: &ListOptions) -> Duration {
    match options.timeout_seconds.and_then(|seconds| u64::try_from(seconds).ok()) {
        Some(seconds) if seconds > 0 => Duration::from_secs(seconds),
        _ => DEFAULT_TIMEOUT,
    }
}

/// Gives an object the form that was asked for, with or without a table's columns.
type Render = Box<dyn Fn(&Value, bool) -> Result<Value, ApiError> + Send>;

/// What this watch shows of an event.
struct Lens {
    core: Arc<Core>,
    resource: Arc<crate::registry::resource::Resource>,
    namespace: String,
    selection: Selection,
    render: Render,
}

impl Lens {
    fn new(scope: &Scope<'_>, selection: Selection) -> Self {
        let core = Arc::clone(scope.core);
        let (resource, namespace) = (Arc::clone(&scope.resource), scope.namespace.clone());
        let (form, query) = (scope.form, scope.query.clone());
        let owned = (Arc::clone(&core), Arc::clone(&resource), Arc::clone(&scope.user));
        let render = move |value: &Value, columns: bool| {
            let (core, resource, user) = &owned;
            let scope = Scope {
                core,
                resource: Arc::clone(resource),
                user: Arc::clone(user),
                namespace: String::new(),
                name: String::new(),
                subresource: String::new(),
                query: query.clone(),
                form,
                content_type: String::new(),
                user_agent: String::new(),
                body: Bytes::new(),
                warnings: std::cell::RefCell::default(),
            };
            scope.rendered(value, columns)
        };
        Self { core, resource, namespace, selection, render: Box::new(render) }
    }

    fn here(&self, event: &Event) -> bool {
        self.namespace.is_empty() || *event.key.namespace == *self.namespace
    }

    fn selects(&self, object: &Object) -> bool {
        self.core
            .served(&self.resource, object.value())
            .is_ok_and(|value| self.selection.matches(&self.resource, &value))
    }

    fn initial(&self, object: &Object, columns: &mut bool) -> Option<Bytes> {
        self.selects(object).then(|| self.frame("ADDED", object, None, columns))
    }

    /// An object that leaves the selection is DELETED to this watch, one that enters it ADDED (with the revision of
    /// the change).
    fn event(&self, event: &Event, columns: &mut bool) -> Option<Bytes> {
        if !self.here(event) {
            return None;
        }
        let before = event.old.as_ref().is_some_and(|old| self.selects(old));
        let after = !event.deleted && self.selects(&event.new);
        let frame = match (before, after) {
            (false, false) => return None,
            (false, true) => self.frame("ADDED", &event.new, None, columns),
            (true, true) => self.frame("MODIFIED", &event.new, None, columns),
            (true, false) => {
                let last = if event.deleted { &event.new } else { event.old.as_ref()? };
                self.frame("DELETED", last, Some(event.revision()), columns)
            }
        };
        Some(frame)
    }

    fn frame(&self, kind: &str, object: &Object, revision: Option<Revision>, columns: &mut bool) -> Bytes {
        let shown = self.core.served(&self.resource, object.value()).and_then(|served| {
            let mut value = served.into_owned();
            object.managed_fields().put(&mut value);
            if let Some(revision) = revision {
                super::metadata::set(&mut value, "resourceVersion", revision.to_string().into());
            }
            (self.render)(&value, std::mem::take(columns))
        });
        match shown {
            Ok(value) => line(kind, &value),
            Err(error) => line("ERROR", &error.to_status()),
        }
    }

    fn bookmark(&self, revision: Revision, initial_events_end: bool) -> Bytes {
        let mut value = json!({
            "kind": self.resource.kind, "apiVersion": self.resource.api_version(),
            "metadata": {"resourceVersion": revision.to_string()},
        });
        if initial_events_end {
            value["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        match (self.render)(&value, false) {
            Ok(value) => line("BOOKMARK", &value),
            Err(error) => line("ERROR", &error.to_status()),
        }
    }
}

fn line(kind: &str, object: &Value) -> Bytes {
    let mut text = json!({"type": kind, "object": object}).to_string();
    text.push('\n');
    text.into()
}

struct Watch {
    lens: Lens,
    follow: Follow,
    ended: bool,
    columns: bool,
    bookmarks: bool,
    timeout: Duration,
    deadline: Option<Pin<Box<tokio::time::Sleep>>>,
    next_bookmark: Option<Pin<Box<tokio::time::Sleep>>>,
    frames: VecDeque<Bytes>,
}

impl Watch {
    fn over(&mut self, cx: &mut Context<'_>) -> bool {
        let timeout = self.timeout;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        deadline.as_mut().poll(cx).is_ready()
    }

    fn bookmark_due(&mut self, cx: &mut Context<'_>) -> bool {
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
}

use std::future::Future;

impl Stream for Watch {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let watch = &mut *self;
        loop {
            if let Some(frame) = watch.frames.pop_front() {
                return Poll::Ready(Some(frame));
            }
            if watch.ended || watch.over(cx) {
                return Poll::Ready(None);
            }
            if watch.bookmark_due(cx) {
                let seen = watch.follow.caught_up();
                watch.frames.push_back(watch.lens.bookmark(seen, false));
                continue;
            }
            match watch.follow.poll_events(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(events)) => {
                    for event in events {
                        let frame = watch.lens.event(&event, &mut watch.columns);
                        watch.frames.extend(frame);
                    }
                }
                Poll::Ready(Err(missed)) => {
                    watch.ended = true;
                    watch.frames.push_back(line("ERROR", &too_old(missed).to_status()));
                }
            }
        }
    }
}

fn too_old(missed: Missed) -> ApiError {
    ApiError::expired(format!("too old resource version: {} ({})", missed.seen, missed.compacted.0 + 1))
}
