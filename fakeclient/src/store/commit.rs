//! The store: optimistic concurrency over the tree, and one atomic commit per request.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard};

use super::followers::{Follower, Followers};
use super::key::{Key, Revision};
use super::log::{Event, Log};
use super::object::{Content, Object};
use super::tree::Snapshot;

/// Precondition of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// No object is stored.
    Absent,
    /// The stored object has this revision.
    At(Revision),
}

/// Effect of a write.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Stores the object.
    Put(Content),
    /// Removes the object. The content is its last state, which watchers see with the revision of the deletion.
    Delete(Content),
}

/// A change of one key.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub(crate) key: Key,
    pub(crate) expect: Expect,
    pub(crate) change: Change,
}

/// Failure of a commit. Nothing is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CommitError {
    /// The object exists, but was expected to be absent.
    Exists(Key),
    /// The object has changed or is gone.
    Changed(Key),
}

/// The store. Its snapshots are cheap and immutable.
#[derive(Debug, Default)]
pub(crate) struct Store {
    state: Mutex<StoreState>,
    followers: Followers,
}

#[derive(Clone, Debug, Default)]
pub(super) struct StoreState {
    pub(super) tree: Snapshot,
    pub(super) log: Log,
    /// Resources and namespaces, whose text all keys share.
    names: Arc<HashSet<Arc<str>>>,
}

impl Store {
    /// The current state.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.lock().tree.clone()
    }

    /// Applies all writes or none. Each gets a revision of its own, in order. Returns their events in the same order.
    pub(crate) fn commit(&self, writes: Vec<Write>) -> Result<Vec<Arc<Event>>, CommitError> {
        let events = {
            let mut state = self.lock();
            for write in &writes {
                check(&state.tree, write)?;
            }
            writes.into_iter().map(|write| state.apply(write)).collect::<Vec<_>>()
        };
        self.followers.wake(&events);
        Ok(events)
    }

    /// A copy of the store with its objects and history. Shares all data.
    pub(crate) fn fork(&self) -> Self {
        Self { state: Mutex::new(self.lock().clone()), followers: Followers::default() }
    }

    /// Replaces the content by that of another store. There must be no followers.
    pub(crate) fn become_fork_of(&self, other: &Self) {
        let state = other.lock().clone();
        *self.lock() = state;
    }

    /// Compacts the history up to and including `revision`: an older follower gets [`Compacted`].
    pub(crate) fn compact(&self, revision: Revision) {
        self.lock().log.compact(revision);
    }

    /// Follows a resource from `revision`, exclusively.
    pub(crate) fn follow(self: &Arc<Self>, resource: &str, revision: Revision) -> Follower {
        Follower::new(Arc::clone(self), resource.into(), revision)
    }

    pub(super) fn followers(&self) -> &Followers {
        &self.followers
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, StoreState> {
        self.state.lock().expect("no writer panics while it holds the store")
    }
}

fn check(tree: &Snapshot, write: &Write) -> Result<(), CommitError> {
    let stored = tree.get(&write.key).map(|object| object.revision());
    match (write.expect, stored) {
        (Expect::Absent, None) => Ok(()),
        (Expect::At(expected), Some(stored)) if expected == stored => Ok(()),
        (Expect::Absent, Some(_)) => Err(CommitError::Exists(write.key.clone())),
        (Expect::At(_), _) => Err(CommitError::Changed(write.key.clone())),
    }
}

impl StoreState {
    /// The shared text of a resource or namespace.
    fn shared(&mut self, name: &Arc<str>) -> Arc<str> {
        if let Some(shared) = self.names.get(name) {
            return Arc::clone(shared);
        }
        Arc::make_mut(&mut self.names).insert(Arc::clone(name));
        Arc::clone(name)
    }

    fn apply(&mut self, mut write: Write) -> Arc<Event> {
        write.key.resource = self.shared(&write.key.resource);
        write.key.namespace = self.shared(&write.key.namespace);
        let revision = Revision(self.tree.revision.0 + 1);
        let old = self.tree.get(&write.key).cloned();
        let (new, deleted) = match write.change {
            Change::Put(content) => (Arc::new(Object::new(content, revision)), false),
            Change::Delete(content) => (Arc::new(Object::new(content, revision)), true),
        };
        if deleted {
            self.tree.objects.remove_mut(&write.key);
        } else {
            self.tree.objects.insert_mut(write.key.clone(), Arc::clone(&new));
        }
        self.tree.revision = revision;
        let event = Arc::new(Event { key: write.key, old, new, deleted });
        self.log.push(Arc::clone(&event));
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn put(name: &str, expect: Expect) -> Write {
        let value = json!({"metadata": {"name": name}});
        Write { key: Key::new("pods", "default", name), expect, change: Change::Put(value.into()) }
    }

    #[test]
    fn failed_expectation_writes_nothing() {
        let store = Store::default();
        store.commit(vec![put("a", Expect::Absent)]).expect("a is free");
        let error =
            store.commit(vec![put("b", Expect::Absent), put("a", Expect::Absent)]).expect_err("a is taken");
        assert_eq!(error, CommitError::Exists(Key::new("pods", "default", "a")));
        assert_eq!(store.snapshot().range("pods", None, None).count(), 1, "b must not have been written");
        assert_eq!(store.snapshot().revision(), Revision(1));
    }

    #[test]
    fn write_at_outdated_revision_fails() {
        let store = Store::default();
        let first = store.commit(vec![put("a", Expect::Absent)]).expect("a is free")[0].revision();
        store.commit(vec![put("a", Expect::At(first))]).expect("nobody wrote in between");
        store.commit(vec![put("a", Expect::At(first))]).expect_err("somebody did");
    }

    #[test]
    fn written_object_has_its_revision() {
        let store = Store::default();
        let events = store.commit(vec![put("a", Expect::Absent)]).expect("a is free");
        assert_eq!(events[0].new.value()["metadata"]["resourceVersion"], "1");
    }
}
