//! The store itself: compare-and-swap over the tree, one atomic commit per request.

use std::sync::{Arc, Mutex, MutexGuard};

use super::hub::{Follow, Hub};
use super::key::{Key, Revision};
use super::log::{Event, Log};
use super::object::{Content, Object};
use super::tree::Snapshot;

/// What a writer believes to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// Nothing.
    Absent,
    /// The object as of this revision.
    At(Revision),
}

/// What a write does.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Stores this object.
    Put(Content),
    /// Removes the object; the content is its last state, which watchers see with the deletion's revision.
    Delete(Content),
}

/// One key's part of a commit.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub(crate) key: Key,
    pub(crate) expect: Expect,
    pub(crate) change: Change,
}

/// Why nothing of a commit was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CommitError {
    /// Expected to be absent, and is not.
    Exists(Key),
    /// Not as it was expected to be: changed, or gone.
    Changed(Key),
}

/// The store. A snapshot of it is cheap and never changes.
#[derive(Debug, Default)]
pub(crate) struct Store {
    state: Mutex<State>,
    hub: Hub,
}

#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) tree: Snapshot,
    pub(super) log: Log,
}

impl Store {
    /// The current state.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.lock().tree.clone()
    }

    /// Writes all or nothing. Each write gets a revision of its own, in order; the written objects come back in
    /// that order, each beside what it replaced.
    pub(crate) fn commit(&self, writes: Vec<Write>) -> Result<Vec<Arc<Event>>, CommitError> {
        let events = {
            let mut state = self.lock();
            for write in &writes {
                check(&state.tree, write)?;
            }
            writes.into_iter().map(|write| state.apply(write)).collect::<Vec<_>>()
        };
        self.hub.wake(&events);
        Ok(events)
    }

    /// A store of its own with the same objects and history. Costs nothing, whatever is stored.
    pub(crate) fn fork(&self) -> Self {
        Self { state: Mutex::new(self.lock().clone()), hub: Hub::default() }
    }

    /// Becomes a fork of another store, in the place of what was stored. Nobody follows yet.
    pub(crate) fn become_fork_of(&self, other: &Self) {
        let state = other.lock().clone();
        *self.lock() = state;
    }

    /// Forgets the history up to and including `revision`: a watch from before it is told so.
    pub(crate) fn compact(&self, revision: Revision) {
        self.lock().log.compact(revision);
    }

    /// Follows a resource from after `revision`.
    pub(crate) fn follow(self: &Arc<Self>, resource: &str, revision: Revision) -> Follow {
        Follow::new(Arc::clone(self), resource.into(), revision)
    }

    pub(super) fn hub(&self) -> &Hub {
        &self.hub
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
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

impl State {
    fn apply(&mut self, write: Write) -> Arc<Event> {
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
    fn a_commit_with_one_failed_expectation_writes_nothing() {
        let store = Store::default();
        store.commit(vec![put("a", Expect::Absent)]).expect("a is free");
        let error =
            store.commit(vec![put("b", Expect::Absent), put("a", Expect::Absent)]).expect_err("a is taken");
        assert_eq!(error, CommitError::Exists(Key::new("pods", "default", "a")));
        assert_eq!(store.snapshot().range("pods", None, None).count(), 1, "b must not have been written");
        assert_eq!(store.snapshot().revision(), Revision(1));
    }

    #[test]
    fn a_write_based_on_an_old_revision_is_refused() {
        let store = Store::default();
        let first = store.commit(vec![put("a", Expect::Absent)]).expect("a is free")[0].revision();
        store.commit(vec![put("a", Expect::At(first))]).expect("nobody wrote in between");
        store.commit(vec![put("a", Expect::At(first))]).expect_err("somebody did");
    }

    #[test]
    fn a_written_object_carries_its_revision() {
        let store = Store::default();
        let events = store.commit(vec![put("a", Expect::Absent)]).expect("a is free");
        assert_eq!(events[0].new.value()["metadata"]["resourceVersion"], "1");
    }
}
