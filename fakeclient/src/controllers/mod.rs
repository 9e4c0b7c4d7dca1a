//! What happens after a commit: the controllers of a control plane without nodes, each a step over one event. They
//! run before the request that caused the event is answered, so a client never has to wait for them.

mod bootstrap;
mod definitions;
mod garbage_collector;
pub(crate) mod hands;
mod namespace;
mod root_ca;
mod service_account;

use std::sync::Arc;

pub(crate) use bootstrap::{bootstrap, load};
use garbage_collector::GarbageCollector;

use crate::cluster::Core;
use crate::store::Event;

/// The controllers with what they remember.
#[derive(Debug, Default)]
pub(crate) struct Controllers {
    garbage_collector: GarbageCollector,
}

impl Controllers {
    /// Reacts to one event; what is written in reaction comes as events of its own.
    pub(crate) fn step(&mut self, core: &Arc<Core>, event: &Arc<Event>) {
        definitions::step(core, event);
        service_account::step(core, event);
        root_ca::step(core, event);
        self.garbage_collector.step(core, event);
        namespace::step(core, event);
    }
}
