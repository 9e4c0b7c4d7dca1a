//! One served resource as data: what discovery says of it, its schema and its rules.
//!
//! Built-ins (generated data plus the hand-written table) and custom resources (from their CRD) give the same type;
//! nothing above the registry can tell them apart.

use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::object::apply::field_set::FieldSet;
use crate::object::decode::body::ObjectType;
use crate::object::schema::shape::Shape;
use crate::object::selector::field::SelectableFields;
use crate::object::table::printer::Column;
use crate::registry::strategy::Strategy;

/// When a write bumps `metadata.generation`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Generation {
    /// Never: the kind has none (`ConfigMap`, Secret, Node …).
    #[default]
    Never,
    /// When `spec` changes (most built-ins with a status).
    Spec,
    /// When anything but metadata and, if there is a status subresource, status changes (custom resources).
    AllButMetadata,
    /// 1 from the start, and no write bumps it (`PriorityClass`).
    Once,
    /// When `spec` or an annotation changes (Deployment, which hands its annotations on).
    SpecAndAnnotations,
    /// When anything but metadata changes, or a label does (`EndpointSlice`).
    ContentAndLabels,
    /// When `spec` changes, but a new object has none (`CSIDriver`).
    SpecAfterCreate,
}

impl Generation {
    /// Whether a new object has generation 1.
    pub(crate) fn starts_at_one(self) -> bool {
        !matches!(self, Self::Never | Self::SpecAfterCreate)
    }
}

/// What objects of a resource are stored as. Two served resources with the same key see the same objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Storage {
    /// `pods`, `deployments.apps`; `events` for both `v1` and `events.k8s.io/v1`.
    pub key: String,
    /// Group of the form that is stored.
    pub group: String,
    /// Version of the form that is stored.
    pub version: String,
}

/// One subresource of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subresource {
    /// `status`, `scale`, `eviction`, `binding`, `token`, `log` …
    pub name: String,
    /// Verbs that discovery lists, such as `get`, `patch`, `update`.
    pub verbs: Vec<String>,
    /// Group, version and kind of what it takes and gives.
    pub group: String,
    /// See `group`.
    pub version: String,
    /// See `group`.
    pub kind: String,
}

/// Where a custom resource's scale subresource finds its numbers (JSON paths such as `.spec.replicas`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ScalePaths {
    /// Desired replicas.
    pub spec_replicas: String,
    /// Observed replicas.
    pub status_replicas: String,
    /// Serialised label selector, if any.
    pub label_selector: Option<String>,
}

/// One resource in one served version.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    /// API group; empty for the core group.
    pub group: String,
    /// Served version.
    pub version: String,
    /// Plural, as in the path.
    pub plural: String,
    /// Singular name.
    pub singular: String,
    /// Kind of one object.
    pub kind: String,
    /// Kind of a list.
    pub list_kind: String,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// `kubectl`'s abbreviations.
    pub short_names: Vec<String>,
    /// Groups such as `all`.
    pub categories: Vec<String>,
    /// Verbs that discovery lists.
    pub verbs: Vec<String>,
    /// Subresources that discovery lists.
    pub subresources: Vec<Subresource>,
    /// Schema.
    pub shape: Shape,
    /// What the objects are stored as.
    pub storage: Storage,
    /// What discovery says to tell clients that two resources share storage; empty where nothing is stored.
    pub storage_version_hash: String,
    /// Fields a field selector may name.
    pub selectable: SelectableFields,
    /// Fields that a write to a place never changes: for the object itself (empty) and for each subresource.
    pub reset: Vec<(String, FieldSet)>,
    /// Generation rule.
    pub generation: Generation,
    /// A status in the body of a create or of a main-resource update is dropped.
    pub status_isolated: bool,
    /// Printer columns.
    pub columns: Vec<Column>,
    /// Scale paths, where there is a scale subresource.
    pub scale: Option<ScalePaths>,
    /// A delete answers with the object (pods, services …) instead of a Status.
    pub delete_gives_object: bool,
    /// The warning to each request for a deprecated resource or version.
    pub deprecation: Option<String>,
    /// A custom resource's `openAPIV3Schema` as its definition writes it, for the `OpenAPI` documents.
    pub document: Option<Arc<Value>>,
    /// An object with nothing in it, made when it is first needed.
    pub empty: OnceLock<Value>,
    /// What Rust code this kind needs beside its data.
    pub strategy: Arc<dyn Strategy>,
}

impl Resource {
    /// `group/version`, or `v1` alone in the core group.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The type of the resource's objects, for decoding.
    pub(crate) fn object_type(&self) -> ObjectType<'_> {
        ObjectType { group: &self.group, version: &self.version, kind: &self.kind, shape: &self.shape }
    }

    /// `deployments.apps`; the part of a storage key that does not depend on the version.
    pub(crate) fn group_resource(&self) -> String {
        crate::error::qualified(&self.group, &self.plural)
    }

    /// Whether this version is the one that is stored.
    pub(crate) fn is_storage_version(&self) -> bool {
        self.storage.version == self.version && self.storage.group == self.group
    }

    /// Whether the kind is built in.
    pub(crate) fn is_builtin(&self) -> bool {
        matches!(self.shape, Shape::Builtin { .. })
    }

    /// Name of the component that describes a built-in kind; custom resources have none.
    pub(crate) fn component(&self) -> Option<&str> {
        match &self.shape {
            Shape::Builtin { component } => Some(component),
            Shape::Custom { .. } => None,
        }
    }

    /// Whether strategic merge patches are taken: they need the merge keys of a Go type.
    pub(crate) fn takes_strategic_merge_patch(&self) -> bool {
        self.is_builtin()
    }

    /// Whether the items of a list leave out `apiVersion` and `kind`, which the list's own type says.
    pub(crate) fn list_items_omit_type(&self) -> bool {
        self.is_builtin()
    }

    /// Whether a list without a next page has an empty `metadata.continue`.
    pub(crate) fn lists_print_empty_continue(&self) -> bool {
        !self.is_builtin()
    }

    /// Whether nothing of it is ever stored (access reviews, token reviews …).
    pub(crate) fn is_virtual(&self) -> bool {
        self.storage_version_hash.is_empty() && self.is_builtin()
    }

    /// Fields that a write to the object (empty) or to a subresource never changes.
    pub(crate) fn reset_fields(&self, subresource: &str) -> Option<&FieldSet> {
        self.reset.iter().find(|(place, _)| place == subresource).map(|(_, fields)| fields)
    }

    /// The subresource of that name, if there is one.
    pub(crate) fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|s| s.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::selector::field::SelectableField;

    #[test]
    fn a_label_that_cannot_be_selected_is_refused_in_the_words_of_its_kind() {
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
            shape: Shape::Builtin { component: "io.k8s.api.batch.v1.Job".into() },
            storage: Storage::default(),
            storage_version_hash: String::new(),
            selectable: SelectableFields {
                fields: vec![SelectableField::at("metadata.name")],
                refusal: "field label \"{}\" not supported for Job".into(),
            },
            reset: Vec::new(),
            generation: Generation::Spec,
            status_isolated: true,
            columns: Vec::new(),
            scale: None,
            delete_gives_object: false,
            deprecation: None,
            empty: OnceLock::new(),
            document: None,
            strategy: Arc::new(crate::registry::strategy::Generic),
        };
        assert_eq!(resource.selectable.get("metadata.name").unwrap().paths, ["metadata.name"]);
        assert_eq!(
            resource.selectable.get("spec.nope").unwrap_err(),
            "field label \"spec.nope\" not supported for Job"
        );
    }
}
