//! The controllers of a control plane without nodes: each a step over one committed event. They run before the request
//! that caused the event is answered, so a client never has to wait for them.

mod bootstrap;
mod client;
mod definitions;
mod garbage_collector;
mod namespace;
mod root_ca;
mod service_account;

use std::sync::Arc;

pub use bootstrap::BuildError;
pub(crate) use bootstrap::{bootstrap, load};
use garbage_collector::GarbageCollector;

use crate::state::State;

/// The controllers of one cluster.
#[derive(Debug)]
pub(crate) struct Controllers {
    pub(crate) state: Arc<State>,
    /// Held while events are handled, one after the other. (Not tokio's lock: under tokio's budget it may make a task
    /// wait although nobody holds it, and a cluster is built without waiting.)
    garbage_collector: futures::lock::Mutex<GarbageCollector>,
}

impl Controllers {
    pub(crate) fn new(state: Arc<State>) -> Arc<Self> {
        Arc::new(Self { state, garbage_collector: futures::lock::Mutex::default() })
    }

    /// Handles every event that was committed, and those that this commits itself, until there is none.
    pub(crate) async fn settle(self: &Arc<Self>) {
        if self.state.is_settled() {
            return;
        }
        let mut garbage_collector = self.garbage_collector.lock().await;
        while let Some(event) = self.state.next_event() {
            definitions::step(self, &event).await;
            service_account::step(&self.state, &event).await;
            root_ca::step(&self.state, &event).await;
            garbage_collector.step(&self.state, &event).await;
            namespace::step(&self.state, &event).await;
        }
    }
}
