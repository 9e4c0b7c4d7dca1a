//! Log of events by resource and revision, since the last compaction.

use std::ops::Bound;
use std::sync::Arc;

use rpds::RedBlackTreeMapSync;

use super::key::{Key, Revision};
use super::object::Object;

/// Maximum number of events.
const MAX_EVENTS: usize = 100_000;

/// An event: one committed write.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Key of the object.
    pub(crate) key: Key,
    /// The object before the write; `None` for a create.
    pub(crate) old: Option<Arc<Object>>,
    /// The object after the write. For a deletion, the last state with the revision of the deletion.
    pub(crate) new: Arc<Object>,
    /// True for a deletion.
    pub(crate) deleted: bool,
}

impl Event {
    pub(crate) fn revision(&self) -> Revision {
        self.new.revision()
    }
}

/// The log. Clones share all data.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    by_resource: RedBlackTreeMapSync<(Arc<str>, Revision), Arc<Event>>,
    order: RedBlackTreeMapSync<Revision, Arc<str>>,
    compacted: Revision,
}

impl Log {
    pub(super) fn push(&mut self, event: Arc<Event>) {
        let (resource, revision) = (event.key.resource.clone(), event.revision());
        self.order.insert_mut(revision, resource.clone());
        self.by_resource.insert_mut((resource, revision), event);
        if self.order.size() > MAX_EVENTS {
            self.forget_oldest();
        }
    }

    /// Removes the events up to and including `revision`.
    pub(super) fn compact(&mut self, revision: Revision) {
        while self.order.first().is_some_and(|(oldest, _)| *oldest <= revision) {
            self.forget_oldest();
        }
        self.compacted = self.compacted.max(revision);
    }

    fn forget_oldest(&mut self) {
        if let Some((revision, resource)) = self.order.first().map(|(r, n)| (*r, n.clone())) {
            self.order.remove_mut(&revision);
            self.by_resource.remove_mut(&(resource, revision));
            self.compacted = revision;
        }
    }

    /// The revision up to which events are compacted.
    pub(super) fn compacted(&self) -> Revision {
        self.compacted
    }

    /// The events of a resource after `revision`, oldest first.
    pub(super) fn after(&self, resource: &Arc<str>, revision: Revision) -> impl Iterator<Item = &Arc<Event>> {
        let from = (resource.clone(), revision);
        let resource = resource.clone();
        self.by_resource
            .range((Bound::Excluded(from), Bound::Unbounded))
            .take_while(move |((of, _), _)| *of == resource)
            .map(|(_, event)| event)
    }
}
