//! Entries of `metadata.managedFields`, and the list of all owners.

use std::fmt;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use serde::Serialize;
use serde_json::Value;

use super::path::text;
use super::set::FieldSet;

/// A field of an object and a manager that owns it. A field that several managers own has several.
///
/// Its text is `.spec.replicas: my-operator (Update, 2026-01-01T00:00:00Z)`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldOwner {
    /// The field's path in the form of Kubernetes' conflict messages:
    /// `.spec.template.spec.containers[name="main"].image`.
    pub path: String,
    /// The manager's name. A write without one has the begin of its HTTP header `User-Agent`, or else `unknown`: kube's
    /// client sends no such header.
    pub manager: String,
    /// `Apply` for server-side apply, `Update` for every other write.
    pub operation: String,
    /// The subresource that was written, such as `status`; none for the object itself.
    pub subresource: Option<String>,
    /// When the manager's set of fields, or a value in it, was last changed. It is not the time of this field alone.
    pub time: Option<Timestamp>,
}

/// One entry: a manager with the fields that it owns by one operation on one subresource.
#[derive(Clone, Debug)]
pub(crate) struct ManagerEntry {
    pub(crate) manager: String,
    pub(crate) operation: String,
    pub(crate) subresource: Option<String>,
    pub(crate) time: Option<Timestamp>,
    pub(crate) fields: FieldSet,
}

/// Owners of an object's fields, by path and manager. The object may be typed, a `DynamicObject` or JSON.
///
/// The list is empty for an object without `metadata.managedFields`. Fields that nobody owns, such as `metadata.uid`
/// and defaults, are not in it.
///
/// ```
/// use seatrial_e2e::managers;
/// use serde_json::json;
///
/// let object = json!({"metadata": {"name": "demo", "managedFields": [{
///     "manager": "my-operator", "operation": "Update", "apiVersion": "v1", "subresource": "status",
///     "fieldsType": "FieldsV1", "fieldsV1": {"f:status": {"f:phase": {}}},
/// }]}});
/// let owners = managers(&object);
/// assert_eq!(owners[0].to_string(), ".status.phase: my-operator (Update, /status)");
/// ```
///
/// Panics if the object cannot be written as JSON.
pub fn managers(object: &impl Serialize) -> Vec<FieldOwner> {
    let object = serde_json::to_value(object).expect("an object of the API can be written as JSON");
    let mut owners: Vec<FieldOwner> = entries(&object).iter().flat_map(ManagerEntry::owners).collect();
    owners.sort_by(|one, other| (&one.path, &one.manager).cmp(&(&other.path, &other.manager)));
    owners
}

/// The entries of an object; those that cannot be read are left out.
pub(crate) fn entries(object: &Value) -> Vec<ManagerEntry> {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    entries.into_iter().flatten().filter_map(ManagerEntry::read).collect()
}

impl ManagerEntry {
    fn read(entry: &Value) -> Option<Self> {
        let entry: ManagedFieldsEntry = serde_json::from_value(entry.clone()).ok()?;
        Some(Self {
            manager: entry.manager.unwrap_or_default(),
            operation: entry.operation.unwrap_or_default(),
            subresource: entry.subresource.filter(|subresource| !subresource.is_empty()),
            time: entry.time.map(|time| time.0),
            fields: entry.fields_v1.map(|fields| FieldSet::parse(&fields.0)).unwrap_or_default(),
        })
    }

    fn owners(&self) -> Vec<FieldOwner> {
        let owner = |path: Vec<_>| FieldOwner {
            path: text(&path),
            manager: self.manager.clone(),
            operation: self.operation.clone(),
            subresource: self.subresource.clone(),
            time: self.time,
        };
        self.fields.paths().into_iter().map(owner).collect()
    }

    /// `my-operator, Update, /status`.
    pub(crate) fn who(&self) -> String {
        who(&self.manager, &self.operation, self.subresource.as_deref())
    }
}

fn who(manager: &str, operation: &str, subresource: Option<&str>) -> String {
    let subresource = subresource.map(|name| format!(", /{name}")).unwrap_or_default();
    format!("{manager}, {operation}{subresource}")
}

impl FieldOwner {
    /// `my-operator, Update, /status`.
    pub(crate) fn who(&self) -> String {
        who(&self.manager, &self.operation, self.subresource.as_deref())
    }
}

impl fmt::Display for FieldOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({}", self.path, self.manager, self.operation)?;
        if let Some(subresource) = &self.subresource {
            write!(f, ", /{subresource}")?;
        }
        if let Some(time) = self.time {
            write!(f, ", {time}")?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use serde_json::json;

    use super::*;

    fn entry(manager: &str, operation: &str, fields: &Value) -> Value {
        json!({"manager": manager, "operation": operation, "apiVersion": "v1", "time": "2026-01-01T00:00:00Z",
            "fieldsType": "FieldsV1", "fieldsV1": fields})
    }

    #[test]
    fn owners_are_listed_by_path_and_manager_for_typed_objects_and_json() {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "managedFields": [
            entry("pilot", "Update", &json!({"f:data": {".": {}, "f:depth": {}}})),
            entry("crew", "Apply", &json!({"f:data": {"f:depth": {}}})),
        ]}});
        let expected = [
            ".data: pilot (Update, 2026-01-01T00:00:00Z)",
            ".data.depth: crew (Apply, 2026-01-01T00:00:00Z)",
            ".data.depth: pilot (Update, 2026-01-01T00:00:00Z)",
        ];
        let told = |owners: Vec<FieldOwner>| owners.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(told(managers(&object)), expected);
        let typed: ConfigMap = serde_json::from_value(object).unwrap();
        assert_eq!(told(managers(&typed)), expected);
    }

    #[test]
    fn an_object_without_managed_fields_has_no_owners_and_neither_has_an_empty_or_broken_entry() {
        assert_eq!(managers(&json!({"metadata": {"name": "a"}})), []);
        let entries = json!(["broken", {"manager": "a"}, entry("b", "Update", &json!({}))]);
        assert_eq!(managers(&json!({"metadata": {"managedFields": entries}})), []);
    }
}
