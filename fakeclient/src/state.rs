//! State that all parts of a cluster share: store, registry, admission, clock, identities, faults and journal.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::admission::chain::Chain;
use crate::error::ApiError;
use crate::instruments::clock::Clock;
use crate::instruments::faults::Faults;
use crate::instruments::ids::Ids;
use crate::instruments::journal::Journal;
use crate::registry::conversion;
use crate::registry::lookup::Registry;
use crate::registry::resource::Resource;
use crate::store::{CommitError, Event, Store, Write};

/// All parts of one cluster.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) store: Arc<Store>,
    pub(crate) ids: Ids,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    pub(crate) admission: Chain,
    registry: Mutex<Registry>,
    unseen: Mutex<VecDeque<Arc<Event>>>,
}

impl State {
    /// An empty cluster that serves the built-in kinds.
    pub(crate) fn new(seed: u64, clock: Clock) -> Self {
        Self {
            store: Arc::new(Store::default()),
            ids: Ids::new(seed),
            clock,
            faults: Faults::default(),
            journal: Journal::default(),
            admission: Chain::default(),
            registry: Mutex::new(crate::kinds::registry()),
            unseen: Mutex::new(VecDeque::new()),
        }
    }

    /// The resources that are served now.
    pub(crate) fn registry(&self) -> Registry {
        self.registry.lock().expect("the registry's lock is held for a copy only").clone()
    }

    /// Changes which resources are served.
    pub(crate) fn serve(&self, change: impl FnOnce(&mut Registry)) {
        change(&mut self.registry.lock().expect("the registry's lock is held for a change only"));
    }

    /// Commits, and queues the events for the controllers.
    pub(crate) fn commit(&self, writes: Vec<Write>) -> Result<Vec<Arc<Event>>, CommitError> {
        let events = self.store.commit(writes)?;
        let mut unseen = self.unseen.lock().expect("the queue's lock is held for a push only");
        unseen.extend(events.iter().cloned());
        Ok(events)
    }

    /// Queues an event for the controllers once more.
    pub(crate) fn queue(&self, event: Arc<Event>) {
        self.unseen.lock().expect("the queue's lock is held for a push only").push_back(event);
    }

    /// The oldest event that no controller has seen.
    pub(crate) fn next_event(&self) -> Option<Arc<Event>> {
        self.unseen.lock().expect("the queue's lock is held for a pop only").pop_front()
    }

    /// Whether the controllers have seen every event.
    pub(crate) fn is_settled(&self) -> bool {
        self.unseen.lock().expect("the queue's lock is held for a look only").is_empty()
    }

    /// A stored object in the version of `resource`. Waits where a webhook converts.
    #[expect(clippy::unused_async, reason = "conversion is a step that may wait: callers are ready for it")]
    pub(crate) async fn served<'v>(
        &self,
        resource: &Resource,
        stored: &'v Value,
    ) -> Result<Cow<'v, Value>, ApiError> {
        conversion::served(resource, self.stored_version(resource).as_deref(), stored)
    }

    /// An object of the version of `resource` in the form that is stored. Waits where a webhook converts.
    #[expect(clippy::unused_async, reason = "conversion is a step that may wait: callers are ready for it")]
    pub(crate) async fn stored(&self, resource: &Resource, object: Value) -> Result<Value, ApiError> {
        conversion::stored(resource, self.stored_version(resource).as_deref(), object)
    }

    /// The version that another version's objects are stored as, where that one is served.
    fn stored_version(&self, resource: &Resource) -> Option<Arc<Resource>> {
        if resource.is_builtin() || resource.is_storage_version() {
            return None;
        }
        self.registry().resource(&resource.group, &resource.storage.version, &resource.plural)
    }
}
