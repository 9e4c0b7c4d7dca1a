//! `metadata.ownerReferences`: access, deduplication and validation (kube-apiserver 1.37). The existence of an owner is
//! not checked here.

use serde_json::{Map, Value};

use super::view::metadata;
use crate::error::field::FieldError;

/// An owner reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnerReference<'v> {
    /// `group/version` or `v1`.
    pub(crate) api_version: &'v str,
    /// Kind of the owner.
    pub(crate) kind: &'v str,
    /// Name of the owner.
    pub(crate) name: &'v str,
    /// UID of the owner.
    pub(crate) uid: &'v str,
    /// True if the owner is the managing controller.
    pub(crate) controller: bool,
    /// True if foreground deletion of the owner waits for this object (`blockOwnerDeletion`).
    pub(crate) blocks: bool,
}

/// The owner references of an object.
pub(crate) fn owners(object: &Value) -> impl Iterator<Item = OwnerReference<'_>> {
    let list = object.get("metadata").and_then(|m| m.get("ownerReferences")).and_then(Value::as_array);
    list.into_iter().flatten().map(owner)
}

fn owner(entry: &Value) -> OwnerReference<'_> {
    let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default();
    let flag = |field: &str| entry.get(field).and_then(Value::as_bool).unwrap_or_default();
    OwnerReference {
        api_version: text("apiVersion"),
        kind: text("kind"),
        name: text("name"),
        uid: text("uid"),
        controller: flag("controller"),
        blocks: flag("blockOwnerDeletion"),
    }
}

/// Removes repeated owner references. Returns the text of a `Warning` header, if any. Called after admission, also on
/// update and patch.
pub(crate) fn remove_repeated(object: &mut Value) -> Option<String> {
    owners(object).nth(1)?;
    let list = metadata::of_mut(object).get_mut("ownerReferences")?.as_array_mut()?;
    let mut kept: Vec<Value> = Vec::with_capacity(list.len());
    let mut repeated = Vec::new();
    for entry in list.drain(..) {
        if kept.contains(&entry) {
            repeated.push(owner(&entry).uid.to_owned());
        } else {
            kept.push(entry);
        }
    }
    *list = kept;
    (!repeated.is_empty()).then(|| {
        format!(
            ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and \
             may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {}",
            repeated.join(", ")
        )
    })
}

/// Errors of the owner references.
pub(crate) fn errors(object: &Value) -> Vec<FieldError> {
    let path = "metadata.ownerReferences";
    let list = object.get("metadata").and_then(|m| m.get("ownerReferences")).and_then(Value::as_array);
    let mut errors = Vec::new();
    let mut controller: Option<OwnerReference<'_>> = None;
    for (index, entry) in list.into_iter().flatten().enumerate() {
        let owner = owner(entry);
        errors.extend(owner_errors(owner, entry, &format!("{path}[{index}]")));
        match controller {
            Some(first) if owner.controller => {
                let detail = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {}/{} and {}/{}",
                    first.kind, first.name, owner.kind, owner.name
                );
                let shown = list.into_iter().flatten().map(in_go_order).collect::<Vec<_>>().join(",");
                errors.push(FieldError::invalid(path, raw(&format!("[{shown}]")), detail));
            }
            None if owner.controller => controller = Some(owner),
            _ => {}
        }
    }
    errors
}

fn owner_errors(owner: OwnerReference<'_>, entry: &Value, path: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let required = |field: &str| FieldError::required(format!("{path}.{field}"), "must not be empty");
    if owner.api_version.is_empty() {
        errors.push(required("apiVersion"));
    } else if owner.api_version.matches('/').count() > 1 || owner.api_version.ends_with('/') {
        let field = format!("{path}.apiVersion");
        let rule = "must be <group>/<version> or <version>";
        errors.push(FieldError::invalid(field, owner.api_version.into(), rule));
    }
    for (field, value) in [("kind", owner.kind), ("name", owner.name), ("uid", owner.uid)] {
        if value.is_empty() {
            errors.push(required(field));
        }
    }
    if owner.api_version == "v1" && owner.kind == "Event" {
        let detail = "/v1, Kind=Event is disallowed from being an owner";
        errors.push(FieldError::invalid(path, raw(&in_go_order(entry)), detail));
    }
    errors
}

/// The reference as Go prints the struct: fields in the order of their declaration.
fn in_go_order(entry: &Value) -> String {
    let mut parts = Vec::new();
    for field in ["apiVersion", "kind", "name", "uid"] {
        parts.push(format!("\"{field}\":{}", entry.get(field).unwrap_or(&Value::String(String::new()))));
    }
    for field in ["controller", "blockOwnerDeletion"] {
        parts.extend(entry.get(field).filter(|v| !v.is_null()).map(|v| format!("\"{field}\":{v}")));
    }
    format!("{{{}}}", parts.join(","))
}

/// A value that error messages print verbatim.
fn raw(text: &str) -> Value {
    Value::Object(Map::from_iter([(FieldError::VERBATIM.to_owned(), text.into())]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn texts(owners: Value) -> Vec<String> {
        let mut object = json!({"metadata": {}});
        object["metadata"]["ownerReferences"] = owners;
        errors(&object).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn owner_reference_requires_all_fields() {
        assert_eq!(
            texts(json!([{}])),
            [
                "metadata.ownerReferences[0].apiVersion: Required value: must not be empty",
                "metadata.ownerReferences[0].kind: Required value: must not be empty",
                "metadata.ownerReferences[0].name: Required value: must not be empty",
                "metadata.ownerReferences[0].uid: Required value: must not be empty",
            ]
        );
        assert_eq!(
            texts(json!([{"apiVersion": "a/b/c", "kind": "ConfigMap", "name": "a", "uid": "1"}])),
            [
                "metadata.ownerReferences[0].apiVersion: Invalid value: \"a/b/c\": must be <group>/<version> or <version>"
            ]
        );
    }

    #[test]
    fn second_controller_is_rejected() {
        assert_eq!(
            texts(json!([
                {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "1", "controller": true},
                {"apiVersion": "v1", "kind": "Secret", "name": "b", "uid": "2", "controller": true},
            ])),
            [
                "metadata.ownerReferences: Invalid value: [{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"name\":\"a\",\"uid\":\"1\",\"controller\":true},{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"name\":\"b\",\"uid\":\"2\",\"controller\":true}]: Only one reference can have Controller set to true. Found \"true\" in references for ConfigMap/a and Secret/b"
            ]
        );
    }

    #[test]
    fn event_cannot_be_an_owner() {
        assert_eq!(
            texts(json!([{"apiVersion": "v1", "kind": "Event", "name": "a", "uid": "1"}])),
            [
                "metadata.ownerReferences[0]: Invalid value: {\"apiVersion\":\"v1\",\"kind\":\"Event\",\"name\":\"a\",\"uid\":\"1\"}: /v1, Kind=Event is disallowed from being an owner"
            ]
        );
    }

    #[test]
    fn repeated_owner_is_dropped_with_a_warning() {
        let one = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "1"});
        let mut object = json!({"metadata": {"ownerReferences": [one, one]}});
        let warning = remove_repeated(&mut object).unwrap();
        assert!(warning.ends_with("please fix your requests; duplicate UID(s) observed: 1"), "{warning}");
        assert_eq!(owners(&object).count(), 1);
        assert_eq!(remove_repeated(&mut object), None);
    }
}
