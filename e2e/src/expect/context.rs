//! Expectations of a spec's context: `cx.eventually`, `cx.consistently` and `cx.expect`.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Event;
use kube::ResourceExt as _;
use serde::Serialize;

use crate::context::{Cx, Kind};
use crate::expect::{Collection, Consistently, Eventually, Expect, Object, Observable, Probe};
use crate::failure::SpecResult;

/// Expectations.
impl Cx {
    /// An object of the spec's namespace that need not be there, for [`eventually`](Self::eventually).
    pub fn object<K: Kind>(&self, name: &str) -> Object<K> {
        Object::new(self.api(), &K::kind(&()), name)
    }

    /// All objects of a kind in the spec's namespace, for [`eventually`](Self::eventually).
    pub fn all<K: Kind>(&self) -> Collection<K> {
        Collection::new(self.api(), &K::plural(&()))
    }

    /// Waits, by watch, until an object or a collection is as it should be.
    ///
    /// The target is `&object`, `cx.object::<Kind>("name")` or `cx.all::<Kind>()`.
    #[track_caller]
    pub fn eventually<T: Observable>(&self, target: T) -> Eventually<T::Value> {
        Eventually::new(target.observe(self), Arc::clone(&self.attempt_log))
    }

    /// A value without a watch, for [`eventually`](Self::eventually) and
    /// [`consistently`](Self::consistently): it
    /// is asked again and again.
    ///
    /// `cx.probe("the queue's length", async || metric("workqueue_depth").await)`
    pub fn probe<F, V>(&self, name: &str, ask: F) -> Probe<F>
    where
        F: AsyncFn() -> SpecResult<V> + 'static,
        V: Serialize + 'static,
    {
        Probe::new(name, ask)
    }

    /// The Events about an object, for matchers such as [`have_event`](crate::matchers::have_event).
    pub fn events_of<K: Kind>(&self, object: &K) -> Collection<Event> {
        let meta = object.meta();
        // Events about cluster-scoped objects are kept in namespace `default`.
        let cluster_scoped = self.api_of(object).namespace().is_none();
        let namespace = meta.namespace.as_deref().unwrap_or(&self.namespace);
        let namespace = if cluster_scoped { "default" } else { namespace };
        let mut about =
            format!("involvedObject.kind={},involvedObject.name={}", K::kind(&()), object.name_any());
        if let Some(uid) = &meta.uid {
            about = format!("{about},involvedObject.uid={uid}");
        }
        Collection::new(self.api_in(namespace), "events").fields(&about)
    }

    /// Watches an object or a collection for a while, in which it must be as it should be all the time.
    #[track_caller]
    pub fn consistently<T: Observable>(&self, target: T) -> Consistently<T::Value> {
        Consistently::new(target.observe(self), Arc::clone(&self.attempt_log))
    }

    /// Checks a value.
    #[track_caller]
    pub fn expect<T: std::fmt::Debug>(&self, value: T) -> Expect<T> {
        Expect::new(value, Arc::clone(&self.attempt_log))
    }
}
