//! Managed fields of the `scale` subresource: ownership of the object's replicas, mapped to the Scale's path.

use std::sync::Arc;

use super::field_set::FieldSet;
use super::managed_fields::{ManagedFields, ManagedFieldsEntry};
use super::path_element::PathElement;

/// `apiVersion` of a Scale.
pub(crate) const API_VERSION: &str = "autoscaling/v1";

/// Path of the replicas in objects of one `apiVersion`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Replicas {
    /// The version is unknown: its entries are removed.
    Unknown,
    /// The version has no replicas.
    None,
    /// The path of the replicas.
    At(Vec<PathElement>),
}

impl Replicas {
    /// Parses a path such as `.spec.replicas`.
    pub(crate) fn at(path: &str) -> Self {
        Self::At(path.split('.').filter(|part| !part.is_empty()).map(PathElement::field).collect())
    }
}

fn in_scale() -> FieldSet {
    FieldSet::of_fields(&[&["spec", "replicas"]])
}

fn of_path(path: &[PathElement]) -> FieldSet {
    let mut set = FieldSet::default();
    set.insert(path);
    set
}

/// The entries of a Scale: those of managers that own the replicas.
pub(crate) fn to_scale(managed: &ManagedFields, replicas: impl Fn(&str) -> Replicas) -> ManagedFields {
    let mut entries: Vec<ManagedFieldsEntry> = Vec::new();
    for entry in managed.by_manager() {
        let Replicas::At(path) = replicas(&entry.manager.api_version) else { continue };
        if entry.fields.has(&path) {
            let mut entry = ManagedFieldsEntry { fields: Arc::new(in_scale().into()), ..entry };
            entry.manager.api_version = API_VERSION.into();
            entries.push(entry);
        }
    }
    ManagedFields::sorted(entries)
}

/// The entries of an object after a write to its Scale. `scale` contains the Scale's entries after the write.
///
/// Update managers have another identity in a Scale because of its version: they lose the replicas to an own entry
/// without a time, as in Kubernetes 1.37.
pub(crate) fn from_scale(
    managed: &ManagedFields,
    scale: &ManagedFields,
    api_version: &str,
    replicas: impl Fn(&str) -> Replicas,
) -> ManagedFields {
    let mut scaled: Vec<ManagedFieldsEntry> = scale.entries().to_vec();
    let mut entries = Vec::new();
    for entry in managed.by_manager() {
        let path = match replicas(&entry.manager.api_version) {
            Replicas::Unknown => continue,
            Replicas::At(path) if entry.fields.has(&path) => path,
            Replicas::None | Replicas::At(_) => {
                entries.push(entry);
                continue;
            }
        };
        if let Some(at) = scaled.iter().position(|scaled| scaled.manager.is(&entry.manager)) {
            scaled.remove(at);
            entries.push(entry);
            continue;
        }
        let fields = entry.fields.difference(&of_path(&path));
        if !fields.is_empty() {
            entries.push(ManagedFieldsEntry { fields: Arc::new(fields.into()), ..entry });
        }
    }
    let Replicas::At(path) = replicas(api_version) else { return ManagedFields::sorted(entries) };
    for mut entry in scaled {
        if !entry.fields.has(&[PathElement::field("spec"), PathElement::field("replicas")]) {
            continue;
        }
        let known = managed.entries().iter().find(|known| known.manager.is(&entry.manager));
        entry.time = known.and_then(|known| known.time.clone());
        entry.manager.api_version = api_version.into();
        entry.fields = Arc::new(of_path(&path).into());
        entries.push(entry);
    }
    ManagedFields::sorted(entries)
}
