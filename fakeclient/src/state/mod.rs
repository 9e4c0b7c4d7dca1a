//! Shared state of a cluster: store, registry, admission, clock, ids, faults and request log.

pub(crate) mod conversion;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use crate::admission::chain::Chain;
use crate::instruments::clock::Clock;
use crate::instruments::faults::Faults;
use crate::instruments::ids::Ids;
use crate::instruments::request_log::RequestLog;
use crate::registry::lookup::Registry;
use crate::registry::webhook::WebhookCaller;
use crate::store::{CommitError, Event, Store, Write};

/// Shared state of one cluster.
#[derive(Debug)]
pub(crate) struct ClusterState {
    pub(crate) store: Arc<Store>,
    pub(crate) ids: Ids,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) request_log: RequestLog,
    pub(crate) admission: Chain,
    pub(crate) webhooks: Arc<dyn WebhookCaller>,
    registry: Mutex<Registry>,
    unseen: Mutex<VecDeque<Arc<Event>>>,
}

impl ClusterState {
    /// An empty cluster that serves the built-in kinds.
    pub(crate) fn new(seed: u64, clock: Clock, webhooks: Arc<dyn WebhookCaller>) -> Self {
        Self {
            store: Arc::new(Store::default()),
            ids: Ids::new(seed),
            clock,
            faults: Faults::default(),
            request_log: RequestLog::default(),
            admission: Chain::default(),
            webhooks,
            registry: Mutex::new(crate::kinds::registry()),
            unseen: Mutex::new(VecDeque::new()),
        }
    }

    /// The currently served resources.
    pub(crate) fn registry(&self) -> Registry {
        self.registry.lock().expect("the registry's lock is held for a copy only").clone()
    }

    /// Changes the served resources.
    pub(crate) fn serve(&self, change: impl FnOnce(&mut Registry)) {
        change(&mut self.registry.lock().expect("the registry's lock is held for a change only"));
    }

    /// Commits writes, and queues their events for the controllers.
    pub(crate) fn commit(&self, writes: Vec<Write>) -> Result<Vec<Arc<Event>>, CommitError> {
        let events = self.store.commit(writes)?;
        let mut unseen = self.unseen.lock().expect("the queue's lock is held for a push only");
        unseen.extend(events.iter().cloned());
        Ok(events)
    }

    /// Queues an event for the controllers again.
    pub(crate) fn queue(&self, event: Arc<Event>) {
        self.unseen.lock().expect("the queue's lock is held for a push only").push_back(event);
    }

    /// Removes the oldest queued event.
    pub(crate) fn next_event(&self) -> Option<Arc<Event>> {
        self.unseen.lock().expect("the queue's lock is held for a pop only").pop_front()
    }

    /// True if no event is queued.
    pub(crate) fn is_idle(&self) -> bool {
        self.unseen.lock().expect("the queue's lock is held for a look only").is_empty()
    }
}
