//! `metadata.managedFields`: managers and the fields that they own.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde::ser::Serialize;
use serde_json::{Map, Value, json};
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
    text: OnceLock<Box<str>>,
}

impl From<FieldSet> for OwnedFields {
    fn from(set: FieldSet) -> Self {
        Self { set, text: OnceLock::new() }
    }
}

impl OwnedFields {
    /// The text of `fieldsV1`: compact JSON.
    pub(crate) fn text(&self) -> &str {
        self.text.get_or_init(|| fields_v1::text(&self.set).into())
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

    /// Parses the entries of a decoded object. Fields that equal those of an entry of `live` are shared with it.
    pub(crate) fn read(entries: &[Value], live: &Self) -> Result<Self, String> {
        let mut read: Vec<ManagedFieldsEntry> = Vec::with_capacity(entries.len());
        for (index, entry) in entries.iter().enumerate() {
            let entry = read_entry(index, entry, live)?;
            // Of two entries with the same manager, the last is used.
            read.retain(|other| !other.manager.is(&entry.manager));
            read.push(entry);
        }
        Ok(Self(read.into()))
    }

    /// Removes the entries from a decoded object. `live` contains the stored entries.
    pub(crate) fn take(object: &mut Value, live: &Self) -> RequestManagedFields {
        let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
        match metadata.and_then(|metadata| metadata.remove("managedFields")) {
            Some(Value::Array(entries)) => match entries.as_slice() {
                [] => RequestManagedFields::Reset,
                [only] if only.as_object().is_some_and(serde_json::Map::is_empty) => {
                    RequestManagedFields::Reset
                }
                entries => match Self::read(entries, live) {
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

fn read_entry(index: usize, entry: &Value, live: &ManagedFields) -> Result<ManagedFieldsEntry, String> {
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
        None => Arc::default(),
        Some(Value::String(text)) => match live.0.iter().find(|entry| entry.fields.text() == text) {
            Some(entry) => Arc::clone(&entry.fields),
            None => Arc::new(fields_v1::parse(text)?.into()),
        },
        Some(fields) => Arc::new(fields_v1::read(fields)?.into()),
    };
    Ok(ManagedFieldsEntry {
        manager: Manager {
            name: text("manager").into(),
            operation,
            api_version: text("apiVersion").into(),
            subresource: text("subresource").into(),
        },
        time: entry.get("time").and_then(Value::as_str).map(SmolStr::new),
        fields,
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

/// Serialises an object with its managed fields as compact JSON. `untyped` omits `kind` and `apiVersion`, as in typed
/// lists.
pub(crate) fn write_whole(object: &Value, managed_fields: &ManagedFields, untyped: bool) -> Vec<u8> {
    let mut text = Vec::with_capacity(1024);
    let Some(fields) = object.as_object() else {
        write_value(object, &mut text);
        return text;
    };
    text.push(b'{');
    for (key, value) in fields {
        if untyped && matches!(key.as_str(), "kind" | "apiVersion") {
            continue;
        }
        write_key(key, &mut text);
        match value.as_object() {
            Some(metadata) if key == "metadata" && !managed_fields.is_empty() => {
                write_metadata(metadata, managed_fields, &mut text);
            }
            _ => write_value(value, &mut text),
        }
    }
    text.push(b'}');
    text
}

/// Keys are in alphabetical order, as in all printed objects.
fn write_metadata(metadata: &Map<String, Value>, managed_fields: &ManagedFields, text: &mut Vec<u8>) {
    const NAME: &str = "managedFields";
    text.push(b'{');
    let mut rest = metadata.iter().peekable();
    while let Some((key, value)) = rest.next_if(|(key, _)| key.as_str() < NAME) {
        write_key(key, text);
        write_value(value, text);
    }
    write_key(NAME, text);
    text.push(b'[');
    for (at, entry) in managed_fields.0.iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        entry.write(text);
    }
    text.push(b']');
    for (key, value) in rest {
        write_key(key, text);
        write_value(value, text);
    }
    text.push(b'}');
}

/// A key and its colon, after a comma unless it is the first of its map.
fn write_key(key: &str, text: &mut Vec<u8>) {
    if text.last() != Some(&b'{') {
        text.push(b',');
    }
    write_value(key, text);
    text.push(b':');
}

fn write_value<T: Serialize + ?Sized>(value: &T, text: &mut Vec<u8>) {
    serde_json::to_writer(text, value).expect("a JSON value can be written to memory");
}

impl ManagedFieldsEntry {
    fn write(&self, text: &mut Vec<u8>) {
        let manager = &self.manager;
        text.push(b'{');
        let mut field = |key: &str, value: &str| {
            if !value.is_empty() {
                write_key(key, text);
                text.extend_from_slice(value.as_bytes());
            }
        };
        let json =
            |value: &str| if value.is_empty() { String::new() } else { Value::from(value).to_string() };
        field("apiVersion", &json(&manager.api_version));
        field("fieldsType", "\"FieldsV1\"");
        field("fieldsV1", self.fields.text());
        field("manager", &json(&manager.name));
        field("operation", &json(manager.operation.name()));
        field("subresource", &json(&manager.subresource));
        field("time", &json(self.time.as_deref().unwrap_or_default()));
        text.push(b'}');
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
        let read = ManagedFields::read(&entries, &ManagedFields::default()).unwrap();
        let sorted = ManagedFields::sorted(read.entries().to_vec());
        let names: Vec<&str> = sorted.entries().iter().map(|entry| entry.manager.name.as_str()).collect();
        assert_eq!(names, ["c", "z", "a", "b"]);
    }

    #[test]
    fn object_is_serialised_with_its_managed_fields() {
        let mut object = json!({"kind": "K", "metadata": {"labels": {}, "name": "x", "managedFields": [entry("m", "Apply", "t")]}});
        let whole = object.clone();
        let RequestManagedFields::Entries(managed_fields) =
            ManagedFields::take(&mut object, &ManagedFields::default())
        else {
            panic!("one entry")
        };
        let text = |untyped| String::from_utf8(write_whole(&object, &managed_fields, untyped)).unwrap();
        assert_eq!(text(false), whole.to_string());
        assert!(!text(true).contains("\"kind\""));
        managed_fields.put(&mut object);
        assert_eq!(object, whole);
    }

    #[test]
    fn malformed_entries_are_ignored() {
        let sent = |entries: Value| {
            ManagedFields::take(
                &mut json!({"metadata": {"managedFields": entries}}),
                &ManagedFields::default(),
            )
        };
        assert!(matches!(sent(json!([])), RequestManagedFields::Reset));
        assert!(matches!(sent(json!([{}])), RequestManagedFields::Reset));
        assert!(matches!(sent(json!([{"manager": "a"}])), RequestManagedFields::Nothing));
        let mut broken = entry("a", "Update", "t");
        broken["fieldsV1"] = json!({"nonsense": {}});
        assert!(matches!(sent(json!([broken])), RequestManagedFields::Nothing));
        assert!(matches!(sent(json!([entry("a", "Update", "t")])), RequestManagedFields::Entries(_)));
    }
}
