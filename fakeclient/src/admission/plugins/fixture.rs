//! Test fixture of the plugins: a write to any resource, and the stored objects.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};

use crate::admission::attributes::{Attributes, Operation};
use crate::admission::plugin::Plugin;
use crate::error::ApiError;
use crate::error::warnings::Warnings;
use crate::object::schema::resource_schema::ResourceSchema;
use crate::object::selector::field::SelectableFields;
use crate::registry::resource::{Generation, Resource, Storage};
use crate::registry::strategy::{GenericStrategy, StoreView};

/// Stored objects by group and resource, as a [`StoreView`] for tests.
#[derive(Default)]
pub(crate) struct StoredObjects(BTreeMap<String, Vec<Value>>);

impl StoredObjects {
    /// Adds an object.
    pub(crate) fn with(mut self, group_resource: &str, object: Value) -> Self {
        self.0.entry(group_resource.to_owned()).or_default().push(object);
        self
    }
}

impl StoreView for StoredObjects {
    fn get(&self, group_resource: &str, namespace: &str, name: &str) -> Option<&Value> {
        let namespace = (!namespace.is_empty()).then_some(namespace);
        self.list(group_resource, namespace).find(|object| object["metadata"]["name"] == name)
    }

    fn list<'a>(
        &'a self,
        group_resource: &str,
        namespace: Option<&str>,
    ) -> Box<dyn Iterator<Item = &'a Value> + 'a> {
        let namespace = namespace.map(str::to_owned);
        let all = self.0.get(group_resource).map(Vec::as_slice).unwrap_or_default();
        Box::new(all.iter().filter(move |object| {
            namespace.as_ref().is_none_or(|namespace| object["metadata"]["namespace"] == **namespace)
        }))
    }

    fn uid(&self) -> String {
        "00000000-0000-4000-8000-000000000000".to_owned()
    }

    fn pick(&self, _bound: u64) -> u64 {
        0
    }

    fn user(&self) -> &'static str {
        "admin"
    }

    fn now(&self) -> String {
        "2026-01-01T00:00:00Z".to_owned()
    }
}

/// A resource with the given names. The core group is given without a dot.
pub(crate) fn resource(group_resource: &str, namespaced: bool) -> Resource {
    let (plural, group) = group_resource.split_once('.').unwrap_or((group_resource, ""));
    Resource {
        group: group.to_owned(),
        version: "v1".to_owned(),
        plural: plural.to_owned(),
        singular: String::new(),
        kind: plural.to_owned(),
        list_kind: String::new(),
        namespaced,
        short_names: Vec::new(),
        categories: Vec::new(),
        verbs: Vec::new(),
        subresources: Vec::new(),
        schema: ResourceSchema::Builtin { component: String::new() },
        storage: Storage {
            key: group_resource.to_owned(),
            group: group.to_owned(),
            version: "v1".to_owned(),
        },
        storage_version_hash: String::new(),
        selectable: SelectableFields::default(),
        reset: Vec::new(),
        generation: Generation::Never,
        has_status_subresource: false,
        columns: Vec::new(),
        scale: None,
        delete_gives_object: false,
        deprecation: None,
        empty: OnceLock::new(),
        document: None,
        strategy: Arc::new(GenericStrategy),
    }
}

/// Runs both steps of a plugin on a write to the namespace `default`. Returns the admitted object.
pub(crate) fn run(
    plugin: &dyn Plugin,
    operation: Operation,
    resource: &Resource,
    object: Value,
    old: Option<&Value>,
    stored: &StoredObjects,
) -> Result<Value, ApiError> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let attributes = Attributes {
        operation,
        resource,
        subresource: "",
        namespace: if resource.namespaced { "default" } else { "" },
        name: &name,
        old,
        store_view: stored,
        webhooks: None,
        warnings: &Warnings::default(),
    };
    let mut object = object;
    plugin.admit(&attributes, &mut object)?;
    plugin.validate(&attributes, &object)?;
    Ok(object)
}

/// Runs a plugin on a create.
pub(crate) fn create(
    plugin: &dyn Plugin,
    group_resource: &str,
    object: Value,
    stored: &StoredObjects,
) -> Result<Value, ApiError> {
    let namespaced = ![
        "nodes",
        "namespaces",
        "persistentvolumes",
        "priorityclasses.scheduling.k8s.io",
        "certificatesigningrequests.certificates.k8s.io",
    ]
    .contains(&group_resource);
    run(plugin, Operation::Create, &resource(group_resource, namespaced), object, None, stored)
}

/// A Pod with one container and additional fields in its spec.
pub(crate) fn pod(extra: Value) -> Value {
    let mut pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "x"}]}});
    if let Value::Object(extra) = extra {
        pod["spec"].as_object_mut().expect("a spec has fields").extend(extra);
    }
    pod
}
