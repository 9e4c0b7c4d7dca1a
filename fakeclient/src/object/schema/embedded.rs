//! `x-kubernetes-embedded-resource`: objects within another object, whose type and metadata are decoded and validated
//! as at the top level.

use serde_json::{Map, Value};

use super::structural::{AdditionalProperties, Structural};
use crate::error::field::FieldError;
use crate::object::names::{dns1035_label_errors, label_key_errors, label_value_errors, path_segment_errors};
use crate::object::patch::outcome::go_type;

impl Structural {
    /// Rejects embedded types and metadata that cannot be decoded, and drops unknown fields of embedded metadata.
    /// Returns the dropped paths, sorted. `is_resource` is true if the value itself is a resource.
    pub(crate) fn coerce_embedded(
        &self,
        value: &mut Value,
        path: &str,
        is_resource: bool,
    ) -> Result<Vec<String>, FieldError> {
        let mut dropped = Vec::new();
        self.coerce(value, path, is_resource || self.embedded_resource, &mut dropped)?;
        dropped.sort();
        Ok(dropped)
    }

    fn coerce(
        &self,
        value: &mut Value,
        path: &str,
        embedded: bool,
        dropped: &mut Vec<String>,
    ) -> Result<(), FieldError> {
        match value {
            Value::Object(map) => {
                if embedded {
                    coerce_resource(map, path, dropped)?;
                }
                for (name, child) in map.iter_mut() {
                    if let Some(schema) = self.properties.get(name) {
                        schema.coerce(child, &below(path, name), schema.embedded_resource, dropped)?;
                    } else if let AdditionalProperties::Schema(schema) = &self.additional {
                        schema.coerce(
                            child,
                            &format!("{path}[{name}]"),
                            schema.embedded_resource,
                            dropped,
                        )?;
                    }
                }
            }
            Value::Array(items) => {
                let Some(schema) = &self.items else { return Ok(()) };
                for (index, item) in items.iter_mut().enumerate() {
                    schema.coerce(item, &format!("{path}[{index}]"), schema.embedded_resource, dropped)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Errors of embedded types and metadata.
    pub(crate) fn validate_embedded(&self, value: &Value, path: &str, is_resource: bool) -> Vec<FieldError> {
        let mut errors = Vec::new();
        self.embedded_in(value, path, is_resource || self.embedded_resource, &mut errors);
        errors
    }

    fn embedded_in(&self, value: &Value, path: &str, embedded: bool, errors: &mut Vec<FieldError>) {
        match value {
            Value::Object(map) => {
                if embedded {
                    check_resource(map, path, errors);
                }
                for (name, child) in map {
                    if let Some(schema) = self.properties.get(name) {
                        schema.embedded_in(child, &below(path, name), schema.embedded_resource, errors);
                    } else if let AdditionalProperties::Schema(schema) = &self.additional {
                        let at = format!("{path}[{name}]");
                        schema.embedded_in(child, &at, schema.embedded_resource, errors);
                    }
                }
            }
            Value::Array(items) => {
                let Some(schema) = &self.items else { return };
                for (index, item) in items.iter().enumerate() {
                    schema.embedded_in(item, &format!("{path}[{index}]"), schema.embedded_resource, errors);
                }
            }
            _ => {}
        }
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn coerce_resource(
    map: &mut Map<String, Value>,
    path: &str,
    dropped: &mut Vec<String>,
) -> Result<(), FieldError> {
    for name in ["apiVersion", "kind"] {
        if let Some(value) = map.get(name).filter(|v| !v.is_string()) {
            return Err(FieldError::invalid(below(path, name), value.clone(), "must be a string"));
        }
    }
    let Some(metadata) = map.get_mut("metadata") else { return Ok(()) };
    let at = below(path, "metadata");
    if let Err(why) = check_decodable(metadata) {
        return Err(FieldError::invalid(at, metadata.clone(), why));
    }
    if let Value::Object(fields) = metadata {
        let unknown: Vec<String> = fields.keys().filter(|k| field_type(k).is_none()).cloned().collect();
        for name in unknown {
            fields.remove(&name);
            dropped.push(format!("{at}.{name}"));
        }
        fields.retain(|_, value| !is_zero(value));
    }
    Ok(())
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Number(number) => number.as_i64() == Some(0),
        Value::Bool(_) => false,
    }
}

/// The type of a field of `metav1.ObjectMeta`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FieldType {
    Text,
    Number,
    Texts,
    TextMap,
    Objects,
}

fn field_type(field: &str) -> Option<FieldType> {
    Some(match field {
        "name" | "generateName" | "namespace" | "selfLink" | "uid" | "resourceVersion"
        | "creationTimestamp" | "deletionTimestamp" => FieldType::Text,
        "generation" | "deletionGracePeriodSeconds" => FieldType::Number,
        "labels" | "annotations" => FieldType::TextMap,
        "finalizers" => FieldType::Texts,
        "ownerReferences" | "managedFields" => FieldType::Objects,
        _ => return None,
    })
}

/// An error if Go cannot decode the value as `ObjectMeta`, with its message.
fn check_decodable(metadata: &Value) -> Result<(), String> {
    let Value::Object(fields) = metadata else {
        if metadata.is_null() {
            return Ok(());
        }
        return Err(format!(
            "json: cannot unmarshal {} into Go value of type v1.ObjectMeta",
            go_type(metadata)
        ));
    };
    for (name, value) in fields {
        let Some(form) = field_type(name) else { continue };
        let wrong = |value: &Value, kind: &str| {
            let found = go_type(value);
            Err(format!(
                "json: cannot unmarshal {found} into Go struct field ObjectMeta.{name} of type {kind}"
            ))
        };
        match (form, value) {
            (_, Value::Null)
            | (FieldType::Text, Value::String(_))
            | (FieldType::Objects, Value::Array(_))
            | (FieldType::Number, Value::Number(_)) => {}
            (FieldType::Text, other) => {
                return wrong(other, if name == "uid" { "types.UID" } else { "string" });
            }
            (FieldType::Number, other) => return wrong(other, "int64"),
            (FieldType::Texts, Value::Array(items)) => {
                if let Some(item) = items.iter().find(|item| !item.is_string() && !item.is_null()) {
                    return wrong(item, "string");
                }
            }
            (FieldType::Texts, other) => return wrong(other, "[]string"),
            (FieldType::TextMap, Value::Object(map)) => {
                if let Some(item) = map.values().find(|item| !item.is_string() && !item.is_null()) {
                    return wrong(item, "string");
                }
            }
            (FieldType::TextMap, other) => return wrong(other, "map[string]string"),
            (FieldType::Objects, other) => return wrong(other, "[]v1.OwnerReference"),
        }
    }
    Ok(())
}

fn check_resource(map: &Map<String, Value>, path: &str, errors: &mut Vec<FieldError>) {
    for name in ["apiVersion", "kind"] {
        if !map.contains_key(name) {
            errors.push(FieldError::required(below(path, name), ""));
        }
    }
    if let Some(version) = map.get("apiVersion").and_then(Value::as_str) {
        let at = below(path, "apiVersion");
        if version.is_empty() {
            errors.push(FieldError::invalid(at, version.into(), "must not be empty"));
        } else if version.matches('/').count() > 1 {
            let why = format!("unexpected GroupVersion string: {version}");
            errors.push(FieldError::invalid(at, version.into(), why));
        }
    }
    if let Some(kind) = map.get("kind").and_then(Value::as_str) {
        let broken = dns1035_label_errors(&kind.to_lowercase());
        if kind.is_empty() {
            errors.push(FieldError::invalid(below(path, "kind"), kind.into(), "must not be empty"));
        } else if !broken.is_empty() {
            let why = format!("may have mixed case, but should otherwise match: {}", broken.join(","));
            errors.push(FieldError::invalid(below(path, "kind"), kind.into(), why));
        }
    }
    if let Some(metadata) = map.get("metadata") {
        check_metadata(metadata, &below(path, "metadata"), errors);
    }
}

/// Names are validated as path segments, because the embedded kind is unknown.
fn check_metadata(metadata: &Value, path: &str, errors: &mut Vec<FieldError>) {
    for (field, prefix) in [("generateName", true), ("name", false)] {
        let Some(name) = metadata.get(field).and_then(Value::as_str) else { continue };
        for why in path_segment_errors(name, prefix) {
            errors.push(FieldError::invalid(below(path, field), name.into(), why));
        }
    }
    let entries = |field: &str| metadata.get(field).and_then(Value::as_object).into_iter().flatten();
    for (key, value) in entries("labels") {
        let at = below(path, "labels");
        for why in label_key_errors(key) {
            errors.push(FieldError::invalid(&at, key.as_str().into(), why));
        }
        for why in label_value_errors(value.as_str().unwrap_or_default()) {
            errors.push(FieldError::invalid(&at, value.clone(), why));
        }
    }
    for (key, _) in entries("annotations") {
        for why in label_key_errors(&key.to_lowercase()) {
            errors.push(FieldError::invalid(below(path, "annotations"), key.as_str().into(), why));
        }
    }
    let finalizers = metadata.get("finalizers").and_then(Value::as_array).into_iter().flatten();
    for (index, finalizer) in finalizers.enumerate() {
        let name = finalizer.as_str().unwrap_or_default();
        for why in label_key_errors(name) {
            errors.push(FieldError::invalid(format!("{path}.finalizers[{index}]"), name.into(), why));
        }
    }
    if let Some(generation) = metadata.get("generation").and_then(Value::as_i64).filter(|g| *g < 0) {
        let why = "must be greater than or equal to 0";
        errors.push(FieldError::invalid(below(path, "generation"), generation.into(), why));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Structural {
        Structural::parse(&json!({"type": "object", "properties": {"emb": {"type": "object",
            "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true}}}))
    }

    #[track_caller]
    fn check(embedded: &Value, expected: &[&str]) {
        let errors = schema().validate_embedded(&json!({"emb": embedded}), "", false);
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn embedded_resource_requires_its_type() {
        check(&json!({}), &["emb.apiVersion: Required value", "emb.kind: Required value"]);
        check(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "Any Name"}}), &[]);
        check(
            &json!({"apiVersion": "a/b/c", "kind": ""}),
            &[
                "emb.apiVersion: Invalid value: \"a/b/c\": unexpected GroupVersion string: a/b/c",
                "emb.kind: Invalid value: \"\": must not be empty",
            ],
        );
        check(
            &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": {"a b": "c"}}}),
            &[
                "emb.metadata.labels: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', \
               '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or \
               '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
            ],
        );
    }

    #[test]
    fn undecodable_metadata_is_rejected_before_validation() {
        let refused = |embedded: Value| {
            schema().coerce_embedded(&mut json!({"emb": embedded}), "", false).unwrap_err().to_string()
        };
        assert_eq!(
            refused(json!({"apiVersion": 1, "kind": ""})),
            "emb.apiVersion: Invalid value: 1: must be a string"
        );
        assert_eq!(
            refused(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": 5}})),
            "emb.metadata: Invalid value: {\"name\":5}: json: cannot unmarshal number into Go struct field \
             ObjectMeta.name of type string"
        );
    }

    #[test]
    fn unknown_metadata_fields_are_dropped_and_reported() {
        let mut object =
            json!({"emb": {"apiVersion": "v1", "kind": "Pod", "metadata": {"bogus": 1, "name": "x"}}});
        assert_eq!(schema().coerce_embedded(&mut object, "", false).unwrap(), ["emb.metadata.bogus"]);
        assert_eq!(object["emb"]["metadata"], json!({"name": "x"}));
    }
}
