//! Targets of expectations: one object, which may be absent, or a selection of objects of a kind.

use std::fmt::Debug;

use kube::core::DynamicObject;
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::context::{Cx, Kind};
use crate::display::{object_label, to_json};
use crate::expect::Target;
use crate::watch::Selection;

/// Something that [`Cx::eventually`] and [`Cx::consistently`] can look at: `&object`, an [`Object`], a
/// [`Collection`], a [`Probe`](crate::Probe).
pub trait Observable {
    /// The value for matchers.
    type Value: Serialize + 'static;

    /// Says what to watch, for a spec.
    fn observe(self, cx: &Cx) -> Target<Self::Value>;
}

/// One object by name, which need not be there.
#[derive(Clone)]
pub struct Object<K> {
    api: Api<K>,
    label: String,
    name: String,
}

impl<K: Resource> Object<K> {
    pub(crate) fn new(api: Api<K>, kind: &str, name: &str) -> Self {
        let label = object_label(kind, api.namespace(), name);
        Self { api, label, name: name.to_owned() }
    }
}

impl Object<DynamicObject> {
    /// An object of a kind that is known at run time only, seen through `api`. The kind's name is for
    /// messages.
    pub fn dynamic(api: Api<DynamicObject>, kind: &str, name: &str) -> Self {
        Self::new(api, kind, name)
    }
}

impl<K> Observable for Object<K>
where
    K: Resource + Clone + Debug + Serialize + DeserializeOwned + 'static,
{
    type Value = K;

    fn observe(self, _cx: &Cx) -> Target<K> {
        self.into()
    }
}

impl<K> Object<K>
where
    K: Resource + Clone + Debug + Serialize + DeserializeOwned + 'static,
{
    pub(crate) fn selection(self) -> Selection<K, K> {
        Selection {
            label: self.label,
            api: self.api,
            labels: None,
            fields: Some(format!("metadata.name={}", self.name)),
            value: |objects| objects.values().next().cloned(),
            snapshot: |objects| objects.values().next().map(to_json),
        }
    }
}

impl<K: Kind> Observable for &K {
    type Value = K;

    fn observe(self, cx: &Cx) -> Target<K> {
        let name = self
            .meta()
            .name
            .as_deref()
            .expect("an object is looked for by its name, and this one has none yet");
        Object::new(cx.api_of(self), &K::kind(&()), name).observe(cx)
    }
}

/// All objects of a kind that are selected. Matchers see them in the order of their names.
#[derive(Clone)]
pub struct Collection<K> {
    api: Api<K>,
    plural: String,
    labels: Option<String>,
    fields: Option<String>,
}

impl<K: Resource> Collection<K> {
    pub(crate) fn new(api: Api<K>, plural: &str) -> Self {
        Self { api, plural: plural.to_owned(), labels: None, fields: None }
    }

    /// Only objects with these labels: `fleet.seatrial.dev/cluster=demo,!spare`.
    #[must_use]
    pub fn labels(mut self, selector: &str) -> Self {
        self.labels = Some(selector.to_owned());
        self
    }

    /// Only objects with these fields: `spec.nodeName=node-1`. The API server knows few of them for each
    /// kind.
    #[must_use]
    pub fn fields(mut self, selector: &str) -> Self {
        self.fields = Some(selector.to_owned());
        self
    }

    fn label(&self) -> String {
        let mut label = self.plural.clone();
        if let Some(namespace) = self.api.namespace() {
            label = format!("{label} in {namespace}");
        }
        for selector in self.labels.iter().chain(&self.fields) {
            label = format!("{label} with {selector}");
        }
        label
    }
}

impl<K> Observable for Collection<K>
where
    K: Resource + Clone + Debug + Serialize + DeserializeOwned + 'static,
{
    type Value = Vec<K>;

    fn observe(self, _cx: &Cx) -> Target<Vec<K>> {
        self.into()
    }
}

impl<K> Collection<K>
where
    K: Resource + Clone + Debug + Serialize + DeserializeOwned + 'static,
{
    pub(crate) fn selection(self) -> Selection<K, Vec<K>> {
        Selection {
            label: self.label(),
            api: self.api,
            labels: self.labels,
            fields: self.fields,
            value: |objects| Some(objects.values().cloned().collect()),
            snapshot: |objects| {
                Some(Value::Object(
                    objects.iter().map(|((_, name), object)| (name.clone(), to_json(object))).collect(),
                ))
            },
        }
    }
}
