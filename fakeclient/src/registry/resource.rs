//! A served resource as data: discovery, schema and rules.
//!
//! Built-in resources (from generated data and the table of rules) and custom ones (from their CRD) have the same type.

use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::object::apply::field_set::FieldSet;
use crate::object::decode::body::ObjectType;
use crate::object::schema::resource_schema::ResourceSchema;
use crate::object::selector::field::SelectableFields;
use crate::object::table::printer::Column;
use crate::registry::strategy::Strategy;

/// The rule by which a write bumps `metadata.generation`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Generation {
    /// Never: objects have no generation (`ConfigMap`, Secret, Node …).
    #[default]
    Never,
    /// On a change of `spec` (most built-in kinds with a status).
    Spec,
    /// On a change of any field but metadata and, with a status subresource, status (custom resources).
    AllButMetadata,
    /// Never: the generation is always 1 (`PriorityClass`).
    Once,
    /// On a change of `spec` or annotations (Deployment, whose annotations are copied to its `ReplicaSet`s).
    SpecAndAnnotations,
    /// On a change of any field but metadata, or of labels (`EndpointSlice`).
    ContentAndLabels,
    /// On a change of `spec`; a new object has no generation (`CSIDriver`).
    SpecAfterCreate,
}

impl Generation {
    /// True if a new object has generation 1.
    pub(crate) fn starts_at_one(self) -> bool {
        !matches!(self, Self::Never | Self::SpecAfterCreate)
    }
}

/// Storage of a resource. Two served resources with the same key have the same objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Storage {
    /// `pods`, `deployments.apps`; `events` for both `v1` and `events.k8s.io/v1`.
    pub key: String,
    /// Group of the storage version.
    pub group: String,
    /// Storage version.
    pub version: String,
}

/// A subresource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subresource {
    /// `status`, `scale`, `eviction`, `binding`, `token`, `log` …
    pub name: String,
    /// Verbs in discovery, such as `get`, `patch`, `update`.
    pub verbs: Vec<String>,
    /// Group of the request and response kind.
    pub group: String,
    /// Version of the request and response kind.
    pub version: String,
    /// Request and response kind.
    pub kind: String,
}

/// Paths of the scale subresource, such as `.spec.replicas`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ScalePaths {
    /// Path of the desired replicas.
    pub spec_replicas: String,
    /// Path of the observed replicas.
    pub status_replicas: String,
    /// Path of the serialised label selector, if any.
    pub label_selector: Option<String>,
}

/// A resource in one served version.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    /// API group; empty for the core group.
    pub group: String,
    /// Served version.
    pub version: String,
    /// Plural name, as in the path.
    pub plural: String,
    /// Singular name.
    pub singular: String,
    /// Kind of the objects.
    pub kind: String,
    /// Kind of the list.
    pub list_kind: String,
    /// True if objects are namespaced.
    pub namespaced: bool,
    /// Short names, for kubectl.
    pub short_names: Vec<String>,
    /// Categories such as `all`.
    pub categories: Vec<String>,
    /// Verbs in discovery.
    pub verbs: Vec<String>,
    /// Subresources in discovery.
    pub subresources: Vec<Subresource>,
    /// Schema of the objects.
    pub schema: ResourceSchema,
    /// Storage of the objects.
    pub storage: Storage,
    /// Hash in discovery by which clients recognise shared storage; empty if nothing is stored.
    pub storage_version_hash: String,
    /// Supported field labels of field selectors.
    pub selectable: SelectableFields,
    /// Fields that a write resets: of the main resource (empty name), and of each subresource.
    pub reset: Vec<(String, FieldSet)>,
    /// Rule for `metadata.generation`.
    pub generation: Generation,
    /// True if a create or an update of the main resource drops the status in its body.
    pub has_status_subresource: bool,
    /// Printer columns.
    pub columns: Vec<Column>,
    /// Paths of the scale subresource, if there is one.
    pub scale: Option<ScalePaths>,
    /// True if a delete returns the object (Pods, Services …) instead of a Status.
    pub delete_gives_object: bool,
    /// The warning of a deprecated resource or version.
    pub deprecation: Option<String>,
    /// A custom resource's `openAPIV3Schema` as in its definition, for OpenAPI documents.
    pub document: Option<Arc<Value>>,
    /// The empty object, created at its first use.
    pub empty: OnceLock<Value>,
    /// Strategy of the kind.
    pub strategy: Arc<dyn Strategy>,
}

impl Resource {
    /// `group/version`, or `v1` alone in the core group.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The type of the resource's objects, for decoding.
    pub(crate) fn object_type(&self) -> ObjectType<'_> {
        ObjectType { group: &self.group, version: &self.version, kind: &self.kind, schema: &self.schema }
    }

    /// Group and plural, such as `deployments.apps`: a storage key without version.
    pub(crate) fn group_resource(&self) -> String {
        crate::error::qualified(&self.group, &self.plural)
    }

    /// True if the object's `apiVersion` is that of this resource.
    pub(crate) fn has_version_of(&self, object: &Value) -> bool {
        let found = object.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
        match found.split_once('/') {
            Some((group, version)) => group == self.group && version == self.version,
            None => self.group.is_empty() && found == self.version,
        }
    }

    /// True if this is the storage version.
    pub(crate) fn is_storage_version(&self) -> bool {
        self.storage.version == self.version && self.storage.group == self.group
    }

    /// True if the kind is built in.
    pub(crate) fn is_builtin(&self) -> bool {
        matches!(self.schema, ResourceSchema::Builtin { .. })
    }

    /// OpenAPI component of a built-in kind; `None` for custom resources.
    pub(crate) fn component(&self) -> Option<&str> {
        match &self.schema {
            ResourceSchema::Builtin { component } => Some(component),
            ResourceSchema::Custom { .. } => None,
        }
    }

    /// True if strategic merge patches are supported, which need the merge keys of a Go type.
    pub(crate) fn supports_strategic_merge_patch(&self) -> bool {
        self.is_builtin()
    }

    /// True if list items omit `apiVersion` and `kind`, as in typed lists.
    pub(crate) fn list_items_omit_type(&self) -> bool {
        self.is_builtin()
    }

    /// True if a list without a next page has an empty `metadata.continue`.
    pub(crate) fn lists_print_empty_continue(&self) -> bool {
        !self.is_builtin()
    }

    /// True if objects are never stored (access reviews, token reviews …).
    pub(crate) fn is_virtual(&self) -> bool {
        self.storage_version_hash.is_empty() && self.is_builtin()
    }

    /// Fields that a write to the main resource (empty name) or a subresource resets.
    pub(crate) fn reset_fields(&self, subresource: &str) -> Option<&FieldSet> {
        self.reset.iter().find(|(place, _)| place == subresource).map(|(_, fields)| fields)
    }

    /// The subresource with a name.
    pub(crate) fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|s| s.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::selector::field::SelectableField;

    #[test]
    fn unsupported_label_has_the_message_of_its_kind() {
        let resource = Resource {
            group: "batch".into(),
            version: "v1".into(),
            plural: "jobs".into(),
            singular: "job".into(),
            kind: "Job".into(),
            list_kind: "JobList".into(),
            namespaced: true,
            short_names: Vec::new(),
            categories: Vec::new(),
            verbs: Vec::new(),
            subresources: Vec::new(),
            schema: ResourceSchema::Builtin { component: "io.k8s.api.batch.v1.Job".into() },
            storage: Storage::default(),
            storage_version_hash: String::new(),
            selectable: SelectableFields {
                fields: vec![SelectableField::at("metadata.name")],
                refusal: "field label \"{}\" not supported for Job".into(),
            },
            reset: Vec::new(),
            generation: Generation::Spec,
            has_status_subresource: true,
            columns: Vec::new(),
            scale: None,
            delete_gives_object: false,
            deprecation: None,
            empty: OnceLock::new(),
            document: None,
            strategy: Arc::new(crate::registry::strategy::GenericStrategy),
        };
        assert_eq!(resource.selectable.get("metadata.name").unwrap().paths, ["metadata.name"]);
        assert_eq!(
            resource.selectable.get("spec.nope").unwrap_err(),
            "field label \"spec.nope\" not supported for Job"
        );
    }
}
