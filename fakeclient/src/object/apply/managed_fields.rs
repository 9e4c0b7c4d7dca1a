//! `metadata.managedFields`: who manages which fields of an object.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde::ser::Serialize;
use serde_json::{Map, Value, json};
use smol_str::SmolStr;

use super::field_set::FieldSet;
use super::fields_v1;
use crate::error::field::go_quoted;

/// How a manager came by its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    /// By server-side apply.
    Apply,
    /// By any other write.
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

/// What tells one entry from another. Entries of applies are told apart without their version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manager {
    pub(crate) name: SmolStr,
    pub(crate) operation: Operation,
    /// Version of the paths; of an apply it may change from one write to the next.
    pub(crate) api_version: SmolStr,
    /// Empty for the object itself.
    pub(crate) subresource: SmolStr,
}

impl Manager {
    /// Whether both are the same manager.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.name == other.name
            && self.operation == other.operation
            && self.subresource == other.subresource
            && (self.operation == Operation::Apply || self.api_version == other.api_version)
    }

    /// By what kube-apiserver orders managers where it has no other order: their identity as JSON.
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

/// As conflicts name a manager: `"kubectl" with subresource "status" using apps/v1`.
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

/// The fields of an entry, with their text, which is made once for all objects and revisions that share them.
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

/// One entry: a manager and its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) manager: Manager,
    /// RFC 3339 in whole seconds, UTC; nothing where a write changed nothing but owners.
    pub(crate) time: Option<SmolStr>,
    pub(crate) fields: Arc<OwnedFields>,
}

impl Entry {
    fn order(&self) -> (Operation, &str, &str, &str, &str) {
        let manager = &self.manager;
        let time = self.time.as_deref().unwrap_or_default();
        (manager.operation, time, &manager.name, &manager.api_version, &manager.subresource)
    }
}

/// All entries of an object, in the order in which the server prints them. Cloning shares them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ManagedFields(Arc<[Entry]>);

/// What the body of a write says about managed fields.
#[derive(Clone, Debug, Default)]
pub(crate) enum Sent {
    /// Nothing, or nothing that can be read: those of the stored object stay.
    #[default]
    Nothing,
    /// `[]` or `[{}]`: all managers are to be forgotten.
    Reset,
    /// These take the place of the stored ones.
    Entries(ManagedFields),
}

impl ManagedFields {
    /// Entries in any order.
    pub(super) fn sorted(mut entries: Vec<Entry>) -> Self {
        entries.sort_by(|one, other| one.order().cmp(&other.order()));
        Self(entries.into())
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries, one for each manager: of two for one, which a write of a Scale leaves, the last counts.
    pub(super) fn by_manager(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::with_capacity(self.0.len());
        for entry in self.0.iter() {
            entries.retain(|other| !other.manager.is(&entry.manager));
            entries.push(entry.clone());
        }
        entries
    }

    /// The entries of a decoded object, or why they cannot be read. Fields that are those of an entry of `live` are shared
    /// with it.
    pub(crate) fn read(entries: &[Value], live: &Self) -> Result<Self, String> {
        let mut read: Vec<Entry> = Vec::with_capacity(entries.len());
        for (index, entry) in entries.iter().enumerate() {
            let entry = read_entry(index, entry, live)?;
            // The last of two entries for one manager counts.
            read.retain(|other| !other.manager.is(&entry.manager));
            read.push(entry);
        }
        Ok(Self(read.into()))
    }

    /// Takes the entries out of a decoded object; `live` is what is stored.
    pub(crate) fn take(object: &mut Value, live: &Self) -> Sent {
        let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
        match metadata.and_then(|metadata| metadata.remove("managedFields")) {
            Some(Value::Array(entries)) => match entries.as_slice() {
                [] => Sent::Reset,
                [only] if only.as_object().is_some_and(serde_json::Map::is_empty) => Sent::Reset,
                entries => match Self::read(entries, live) {
                    Ok(read) if !read.is_empty() => Sent::Entries(read),
                    _ => Sent::Nothing,
                },
            },
            _ => Sent::Nothing,
        }
    }

    /// Puts the entries into an object.
    pub(crate) fn put(&self, object: &mut Value) {
        if !self.is_empty() {
            crate::object::view::metadata::of_mut(object).insert("managedFields".to_owned(), self.to_value());
        }
    }

    /// The entries as JSON.
    pub(crate) fn to_value(&self) -> Value {
        self.0.iter().map(Entry::to_value).collect()
    }

    /// Whether both have the same entries in the same order, whatever their times.
    pub(crate) fn same_but_times(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self
                .0
                .iter()
                .zip(other.0.iter())
                .all(|(one, other)| one.manager == other.manager && one.fields == other.fields)
    }
}

fn read_entry(index: usize, entry: &Value, live: &ManagedFields) -> Result<Entry, String> {
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
    Ok(Entry {
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

impl Entry {
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

/// Writes the whole object as compact JSON, with its managed fields in their place. `untyped` leaves out `kind` and
/// `apiVersion`, as lists of a typed kind do.
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

/// Keys stand in the order of the alphabet, as in all objects.
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

impl Entry {
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
    fn an_object_is_printed_with_its_managed_fields_in_their_place() {
        let mut object = json!({"kind": "K", "metadata": {"labels": {}, "name": "x", "managedFields": [entry("m", "Apply", "t")]}});
        let whole = object.clone();
        let Sent::Entries(managed_fields) = ManagedFields::take(&mut object, &ManagedFields::default())
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
    fn what_cannot_be_read_counts_as_nothing() {
        let sent = |entries: Value| {
            ManagedFields::take(
                &mut json!({"metadata": {"managedFields": entries}}),
                &ManagedFields::default(),
            )
        };
        assert!(matches!(sent(json!([])), Sent::Reset));
        assert!(matches!(sent(json!([{}])), Sent::Reset));
        assert!(matches!(sent(json!([{"manager": "a"}])), Sent::Nothing));
        let mut broken = entry("a", "Update", "t");
        broken["fieldsV1"] = json!({"nonsense": {}});
        assert!(matches!(sent(json!([broken])), Sent::Nothing));
        assert!(matches!(sent(json!([entry("a", "Update", "t")])), Sent::Entries(_)));
    }
}
