//! The controllers of a control plane without nodes. Each handles one committed event at a time. They run before the
//! response to the write, so a client observes their result immediately.

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

use crate::state::ClusterState;

/// The controllers of one cluster.
#[derive(Debug)]
pub(crate) struct Controllers {
    pub(crate) state: Arc<ClusterState>,
    /// Serialises the handling of events. (Not tokio's mutex: tokio's cooperative budget can make it return pending
    /// although it is free, and a cluster is built without awaiting.)
    garbage_collector: futures::lock::Mutex<GarbageCollector>,
}

impl Controllers {
    pub(crate) fn new(state: Arc<ClusterState>) -> Arc<Self> {
        Arc::new(Self { state, garbage_collector: futures::lock::Mutex::default() })
    }

    /// Handles all queued events, including those that this causes, until the queue is empty.
    pub(crate) async fn run_until_idle(self: &Arc<Self>) {
        if self.state.is_idle() {
            return;
        }
        let mut garbage_collector = match self.garbage_collector.try_lock() {
            Some(locked) => locked,
            // A webhook that is called while events are handled may send requests: waiting for the handler of events
            // would wait for the webhook. The handler takes their events, too.
            None if self.state.webhooks.is_calling() => return,
            None => self.garbage_collector.lock().await,
        };
        while let Some(event) = self.state.next_event() {
            definitions::step(self, &event).await;
            service_account::step(&self.state, &event).await;
            root_ca::step(&self.state, &event).await;
            garbage_collector.step(&self.state, &event).await;
            namespace::step(&self.state, &event).await;
        }
    }
}
