//! Selections of objects: an API, selectors, and the view of the objects that a caller wants.

use std::collections::BTreeMap;

use kube::api::{ListParams, WatchParams};
use kube::{Api, Resource, ResourceExt as _};
use serde_json::Value;

/// Objects by namespace and name.
pub(crate) type Objects<K> = BTreeMap<(String, String), K>;

/// A watched selection of objects, and what a matcher sees of it.
pub(crate) struct Selection<K, V> {
    pub(crate) label: String,
    pub(crate) api: Api<K>,
    pub(crate) labels: Option<String>,
    pub(crate) fields: Option<String>,
    /// The value for matchers; `None` while the object is absent.
    pub(crate) value: fn(&Objects<K>) -> Option<V>,
    /// The value whose changes are recorded.
    pub(crate) snapshot: fn(&Objects<K>) -> Option<Value>,
}

impl<K, V> Selection<K, V> {
    pub(crate) fn list_params(&self) -> ListParams {
        ListParams {
            label_selector: self.labels.clone(),
            field_selector: self.fields.clone(),
            ..ListParams::default()
        }
    }

    pub(crate) fn watch_params(&self) -> WatchParams {
        WatchParams {
            label_selector: self.labels.clone(),
            field_selector: self.fields.clone(),
            ..WatchParams::default()
        }
    }
}

/// The key of an object in [`Objects`].
pub(crate) fn key<K: Resource>(object: &K) -> (String, String) {
    (object.namespace().unwrap_or_default(), object.name_any())
}
