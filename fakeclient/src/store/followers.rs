//! Followers of the store, and their wakers. Each reads the log at its own pace: there is no queue that can overflow,
//! and no event between a list and a watch is lost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use super::commit::Store;
use super::key::Revision;
use super::log::Event;

/// Wakers of waiting followers, by resource and follower.
#[derive(Debug, Default)]
pub(super) struct Followers {
    waiting: Mutex<WakerMap>,
}

#[derive(Debug, Default)]
struct WakerMap {
    next: u64,
    wakers: BTreeMap<Arc<str>, BTreeMap<u64, Waker>>,
}

impl Followers {
    pub(super) fn wake(&self, events: &[Arc<Event>]) {
        let mut woken = Vec::new();
        {
            let mut waiting = self.lock();
            for event in events {
                if let Some(wakers) = waiting.wakers.get_mut(&event.key.resource) {
                    woken.extend(std::mem::take(wakers).into_values());
                }
            }
        }
        for waker in woken {
            waker.wake();
        }
    }

    fn register(&self) -> u64 {
        let mut waiting = self.lock();
        waiting.next += 1;
        waiting.next
    }

    fn wait(&self, resource: &Arc<str>, follower: u64, waker: &Waker) {
        let mut waiting = self.lock();
        waiting.wakers.entry(Arc::clone(resource)).or_default().insert(follower, waker.clone());
    }

    fn leave(&self, resource: &Arc<str>, follower: u64) {
        if let Some(wakers) = self.lock().wakers.get_mut(resource) {
            wakers.remove(&follower);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, WakerMap> {
        self.waiting.lock().expect("nobody panics while it holds the list of wakers")
    }
}

/// The history that a follower needs is compacted; its watch ends with 410.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Compacted {
    /// The follower's revision.
    pub(crate) seen: Revision,
    /// The compacted revision: history exists only after it.
    pub(crate) compacted: Revision,
}

/// A position in the history of one resource.
#[derive(Debug)]
pub(crate) struct Follower {
    store: Arc<Store>,
    resource: Arc<str>,
    seen: Revision,
    id: u64,
}

impl Follower {
    pub(super) fn new(store: Arc<Store>, resource: Arc<str>, seen: Revision) -> Self {
        let id = store.followers().register();
        Self { store, resource, seen, id }
    }

    /// The next events, at least one; pending if there is none. The number of events per call is limited.
    pub(crate) fn poll_events(&mut self, cx: &mut Context<'_>) -> Poll<Result<Vec<Arc<Event>>, Compacted>> {
        const AT_ONCE: usize = 256;
        let state = self.store.lock();
        if state.log.compacted() > self.seen {
            return Poll::Ready(Err(Compacted { seen: self.seen, compacted: state.log.compacted() }));
        }
        let events: Vec<_> = state.log.after(&self.resource, self.seen).take(AT_ONCE).cloned().collect();
        if let Some(last) = events.last() {
            self.seen = last.revision();
            Poll::Ready(Ok(events))
        } else {
            // No newer event concerns this resource, so a compaction up to here loses nothing.
            self.seen = state.tree.revision();
            // Registered under the lock, so that no commit in between is missed.
            self.store.followers().wait(&self.resource, self.id, cx.waker());
            Poll::Pending
        }
    }

    /// The newest revision up to which the follower has seen all events, for bookmarks.
    pub(crate) fn caught_up(&mut self) -> Revision {
        let state = self.store.lock();
        if state.log.after(&self.resource, self.seen).next().is_none() {
            self.seen = state.tree.revision();
        }
        self.seen
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.store.followers().leave(&self.resource, self.id);
    }
}
