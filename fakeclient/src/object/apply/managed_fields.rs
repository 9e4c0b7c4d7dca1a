//! `metadata.managedFields`: managers and the fields that they own.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use smol_str::SmolStr;

use super::field_set::FieldSet;
use super::fields_v1;
use crate::error::field::go_quoted;

/// The operation of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    /// Server-side apply.
    Apply,
    /// Any other write.
    Update,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// Identity of an entry. For an apply, it does not include the version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manager {
    pub(crate) name: SmolStr,
    pub(crate) operation: Operation,
    /// Version of the paths; for an apply, it may change with each write.
    pub(crate) api_version: SmolStr,
    /// Empty for the main resource.
    pub(crate) subresource: SmolStr,
}

impl Manager {
    /// True if both are the same manager.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.name == other.name
            && self.operation == other.operation
            && self.subresource == other.subresource
            && (self.operation == Operation::Apply || self.api_version == other.api_version)
    }

    /// The identity as JSON, by which kube-apiserver orders managers that are otherwise equal.
    pub(super) fn identity(&self) -> String {
        let text = |text: &str| Value::from(text).to_string();
        let mut parts = vec![
            format!("\"manager\":{}", text(&self.name)),
            format!("\"operation\":{}", text(self.operation.name())),
        ];
        if self.operation == Operation::Update && !self.api_version.is_empty() {
            parts.push(format!("\"apiVersion\":{}", text(&self.api_version)));
        }
        if !self.subresource.is_empty() {
            parts.push(format!("\"subresource\":{}", text(&self.subresource)));
        }
        format!("{{{}}}", parts.join(","))
    }
}

/// The manager in conflict messages: `"kubectl" with subresource "status" using apps/v1`.
impl std::fmt::Display for Manager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&go_quoted(&self.name))?;
        if !self.subresource.is_empty() {
            write!(f, " with subresource {}", go_quoted(&self.subresource))?;
        }
        if self.operation == Operation::Update {
            write!(f, " using {}", self.api_version)?;
        }
        Ok(())
    }
}

/// Fields of an entry, with their cached serialised form, which objects and revisions share.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnedFields {
    set: FieldSet,
    text: OnceLock<Box<RawValue>>,
}

impl From<FieldSet> for OwnedFields {
    fn from(set: FieldSet) -> Self {
        Self { set, text: OnceLock::new() }
    }
}

impl Deref for OwnedFields {
    type Target = FieldSet;

    fn deref(&self) -> &FieldSet {
        &self.set
    }
}

impl PartialEq for OwnedFields {
    fn eq(&self, other: &Self) -> bool {
        self.set == other.set
    }
}

impl Eq for OwnedFields {}

impl Serialize for OwnedFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.text.get_or_init(|| {
            serde_json::value::to_raw_value(&self.set).expect("a field set has texts for keys")
        });
        text.serialize(serializer)
    }
}

/// An entry: a manager and its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ManagedFieldsEntry {
    pub(crate) manager: Manager,
    /// RFC 3339, whole seconds, UTC; `None` if the write changed only the ownership.
    pub(crate) time: Option<SmolStr>,
    pub(crate) fields: Arc<OwnedFields>,
}

impl ManagedFieldsEntry {
    fn order(&self) -> (Operation, &str, &str, &str, &str) {
        let manager = &self.manager;
        let time = self.time.as_deref().unwrap_or_default();
        (manager.operation, time, &manager.name, &manager.api_version, &manager.subresource)
    }
}

/// All entries of an object, in the server's order. Clones share them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ManagedFields(Arc<[ManagedFieldsEntry]>);

/// Managed fields in the body of a write.
#[derive(Clone, Debug, Default)]
pub(crate) enum RequestManagedFields {
    /// None, or malformed ones: those of the stored object are kept.
    #[default]
    Nothing,
    /// `[]` or `[{}]`: removes all entries.
    Reset,
    /// Replaces the stored entries.
    Entries(ManagedFields),
}

impl ManagedFields {
    /// Sorts entries.
    pub(super) fn sorted(mut entries: Vec<ManagedFieldsEntry>) -> Self {
        entries.sort_by(|one, other| one.order().cmp(&other.order()));
        Self(entries.into())
    }

    pub(crate) fn entries(&self) -> &[ManagedFieldsEntry] {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries, unique by manager: of two with the same manager, which an update of a Scale leaves, the last is
    /// used.
    pub(super) fn by_manager(&self) -> Vec<ManagedFieldsEntry> {
        let mut entries: Vec<ManagedFieldsEntry> = Vec::with_capacity(self.0.len());
        for entry in self.0.iter() {
            entries.retain(|other| !other.manager.is(&entry.manager));
            entries.push(entry.clone());
        }
        entries
    }

    /// Parses the entries of a decoded object.
    pub(crate) fn read(entries: &[Value]) -> Result<Self, String> {
        let mut read: Vec<ManagedFieldsEntry> = Vec::with_capacity(entries.len());
        for (index, entry) in entries.iter().enumerate() {
            let entry = read_entry(index, entry)?;
            // Of two entries with the same manager, the last is used.
            read.retain(|other| !other.manager.is(&entry.manager));
            read.push(entry);
        }
        Ok(Self(read.into()))
    }

    /// Removes the entries from a decoded object.
    pub(crate) fn take(object: &mut Value) -> RequestManagedFields {
        let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
        match metadata.and_then(|metadata| metadata.remove("managedFields")) {
            Some(Value::Array(entries)) => match entries.as_slice() {
                [] => RequestManagedFields::Reset,
                [only] if only.as_object().is_some_and(serde_json::Map::is_empty) => {
                    RequestManagedFields::Reset
                }
                entries => match Self::read(entries) {
                    Ok(read) if !read.is_empty() => RequestManagedFields::Entries(read),
                    _ => RequestManagedFields::Nothing,
                },
            },
            _ => RequestManagedFields::Nothing,
        }
    }

    /// Sets the entries of an object.
    pub(crate) fn put(&self, object: &mut Value) {
        if !self.is_empty() {
            crate::object::view::metadata::of_mut(object).insert("managedFields".to_owned(), self.to_value());
        }
    }

    /// The entries as JSON.
    pub(crate) fn to_value(&self) -> Value {
        self.0.iter().map(ManagedFieldsEntry::to_value).collect()
    }

    /// True if both have the same entries in the same order, regardless of times.
    pub(crate) fn same_but_times(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self
                .0
                .iter()
                .zip(other.0.iter())
                .all(|(one, other)| one.manager == other.manager && one.fields == other.fields)
    }
}

fn read_entry(index: usize, entry: &Value) -> Result<ManagedFieldsEntry, String> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
    let operation = match text("operation") {
        "Apply" => Operation::Apply,
        "Update" => Operation::Update,
        _ => return Err("operation must be `Apply` or `Update`".to_owned()),
    };
    if text("apiVersion").is_empty() {
        return Err("apiVersion must not be empty".to_owned());
    }
    match text("fieldsType") {
        "FieldsV1" => {}
        "" => return Err(format!("missing fieldsType in managed fields entry {index}")),
        other => {
            return Err(format!("invalid fieldsType {} in managed fields entry {index}", go_quoted(other)));
        }
    }
    let fields = match entry.get("fieldsV1") {
        None => FieldSet::default(),
        Some(fields) => fields_v1::read(fields)?,
    };
    Ok(ManagedFieldsEntry {
        manager: Manager {
            name: text("manager").into(),
            operation,
            api_version: text("apiVersion").into(),
            subresource: text("subresource").into(),
        },
        time: entry.get("time").and_then(Value::as_str).map(SmolStr::new),
        fields: Arc::new(fields.into()),
    })
}

impl ManagedFieldsEntry {
    fn to_value(&self) -> Value {
        let mut value = json!({
            "apiVersion": self.manager.api_version.as_str(), "fieldsType": "FieldsV1",
            "operation": self.manager.operation.name(),
        });
        value["fieldsV1"] = serde_json::to_value(&self.fields.set).expect("a field set has texts for keys");
        if !self.manager.name.is_empty() {
            value["manager"] = self.manager.name.as_str().into();
        }
        if !self.manager.subresource.is_empty() {
            value["subresource"] = self.manager.subresource.as_str().into();
        }
        if let Some(time) = &self.time {
            value["time"] = time.as_str().into();
        }
        value
    }
}

/// Keys are in alphabetical order, as in all printed objects.
impl Serialize for ManagedFieldsEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let manager = &self.manager;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("apiVersion", manager.api_version.as_str())?;
        map.serialize_entry("fieldsType", "FieldsV1")?;
        map.serialize_entry("fieldsV1", &*self.fields)?;
        if !manager.name.is_empty() {
            map.serialize_entry("manager", manager.name.as_str())?;
        }
        map.serialize_entry("operation", manager.operation.name())?;
        if !manager.subresource.is_empty() {
            map.serialize_entry("subresource", manager.subresource.as_str())?;
        }
        if let Some(time) = &self.time {
            map.serialize_entry("time", time.as_str())?;
        }
        map.end()
    }
}

impl Serialize for ManagedFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter())
    }
}

/// An object with its managed fields as one JSON document.
pub(crate) struct ObjectWithManagedFields<'o> {
    pub(crate) object: &'o Value,
    pub(crate) managed_fields: &'o ManagedFields,
    /// True if `kind` and `apiVersion` are omitted, as in typed lists.
    pub(crate) untyped: bool,
}

impl Serialize for ObjectWithManagedFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(fields) = self.object.as_object() else { return self.object.serialize(serializer) };
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in fields {
            match key.as_str() {
                "kind" | "apiVersion" if self.untyped => {}
                "metadata" if !self.managed_fields.is_empty() => {
                    map.serialize_entry(
                        key,
                        &MetadataWithManagedFields { metadata: value, managed_fields: self.managed_fields },
                    )?;
                }
                _ => map.serialize_entry(key, value)?,
            }
        }
        map.end()
    }
}

/// Metadata with the managed fields.
struct MetadataWithManagedFields<'o> {
    metadata: &'o Value,
    managed_fields: &'o ManagedFields,
}

impl Serialize for MetadataWithManagedFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const NAME: &str = "managedFields";
        let mut map = serializer.serialize_map(None)?;
        let mut written = false;
        for (key, value) in self.metadata.as_object().into_iter().flatten() {
            if !written && key.as_str() > NAME {
                map.serialize_entry(NAME, self.managed_fields)?;
                written = true;
            }
            map.serialize_entry(key, value)?;
        }
        if !written {
            map.serialize_entry(NAME, self.managed_fields)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, operation: &str, time: &str) -> Value {
        json!({
            "manager": manager, "operation": operation, "apiVersion": "v1", "time": time, "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {"f:a": {}}},
        })
    }

    #[test]
    fn entries_are_ordered_by_operation_then_time_then_manager() {
        let entries = [
            entry("b", "Update", "2026-01-01T00:00:01Z"),
            entry("c", "Apply", "2026-01-01T00:00:09Z"),
            entry("a", "Update", "2026-01-01T00:00:01Z"),
            entry("z", "Update", "2026-01-01T00:00:00Z"),
        ];
        let read = ManagedFields::read(&entries).unwrap();
        let sorted = ManagedFields::sorted(read.entries().to_vec());
        let names: Vec<&str> = sorted.entries().iter().map(|entry| entry.manager.name.as_str()).collect();
        assert_eq!(names, ["c", "z", "a", "b"]);
    }

    #[test]
    fn object_is_serialised_with_its_managed_fields() {
        let mut object = json!({"kind": "K", "metadata": {"labels": {}, "name": "x", "managedFields": [entry("m", "Apply", "t")]}});
        let whole = object.clone();
        let RequestManagedFields::Entries(managed_fields) = ManagedFields::take(&mut object) else {
            panic!("one entry")
        };
        let text = |untyped| {
            serde_json::to_string(&ObjectWithManagedFields {
                object: &object,
                managed_fields: &managed_fields,
                untyped,
            })
            .unwrap()
        };
        assert_eq!(text(false), whole.to_string());
        assert!(!text(true).contains("\"kind\""));
        managed_fields.put(&mut object);
        assert_eq!(object, whole);
    }

    #[test]
    fn malformed_entries_are_ignored() {
        let sent = |entries: Value| ManagedFields::take(&mut json!({"metadata": {"managedFields": entries}}));
        assert!(matches!(sent(json!([])), RequestManagedFields::Reset));
        assert!(matches!(sent(json!([{}])), RequestManagedFields::Reset));
        assert!(matches!(sent(json!([{"manager": "a"}])), RequestManagedFields::Nothing));
        let mut broken = entry("a", "Update", "t");
        broken["fieldsV1"] = json!({"nonsense": {}});
        assert!(matches!(sent(json!([broken])), RequestManagedFields::Nothing));
        assert!(matches!(sent(json!([entry("a", "Update", "t")])), RequestManagedFields::Entries(_)));
    }
}
