//! Validation of `metadata`, with the messages of apimachinery's `api/validation` (kube-apiserver 1.37).

use serde_json::Value;

use super::owner;
use super::view::metadata;
use crate::error::field::{FieldError, invalid_each};
use crate::object::names::NameRule;
use crate::object::names::{dns_label_errors, label_key_errors, label_value_errors, name_errors};

const ANNOTATIONS_MAX: usize = 256 * 1024;
const STANDARD_FINALIZERS: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];

/// Properties of the kind that affect the validation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MetaRules {
    /// The rule of the name.
    pub(crate) name: NameRule,
    /// True if the kind is namespaced.
    pub(crate) namespaced: bool,
    /// True for custom resources and definitions: any finalizer is valid, and each pass of an update reports its errors
    /// again.
    pub(crate) custom: bool,
}

impl MetaRules {
    /// Errors of a new object's metadata. A generated name must be set.
    pub(crate) fn create_errors(self, object: &Value) -> Vec<FieldError> {
        let mut errors = self.common_errors(object, self.name);
        errors.extend(self.standard_finalizer_errors(object));
        errors
    }

    /// Errors of an update.
    pub(crate) fn update_errors(self, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = self.common_errors(object, NameRule::PathSegment);
        let change = change_errors(object, old);
        errors.extend(change.iter().cloned());
        if self.custom {
            errors.extend(change);
            return errors;
        }
        errors.extend(self.standard_finalizer_errors(object));
        let mut once: Vec<FieldError> = Vec::with_capacity(errors.len());
        for error in errors {
            if !once.contains(&error) {
                once.push(error);
            }
        }
        once
    }

    fn common_errors(self, object: &Value, rule: NameRule) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let prefix = metadata::text(object, "generateName");
        if !prefix.is_empty() {
            errors.extend(invalid_each("metadata.generateName", prefix, name_errors(rule, prefix, true)));
        }
        let name = metadata::name(object);
        if name.is_empty() {
            errors.push(FieldError::required("metadata.name", "name or generateName is required"));
        } else {
            errors.extend(invalid_each("metadata.name", name, name_errors(rule, name, false)));
        }
        let namespace = metadata::namespace(object);
        match (self.namespaced, namespace.is_empty()) {
            (true, true) => errors.push(FieldError::required("metadata.namespace", "")),
            (true, false) => {
                errors.extend(invalid_each("metadata.namespace", namespace, dns_label_errors(namespace)));
            }
            (false, false) => {
                errors.push(FieldError::forbidden("metadata.namespace", "not allowed on this type"));
            }
            (false, true) => {}
        }
        errors.extend(generation_errors(object));
        errors.extend(shared_errors(object));
        errors.extend(finalizer_errors(object));
        errors
    }

    fn standard_finalizer_errors(self, object: &Value) -> Vec<FieldError> {
        let detail = "name is neither a standard finalizer name nor is it fully qualified";
        metadata::finalizers(object)
            .into_iter()
            .enumerate()
            .filter(|(_, name)| !self.custom && !name.contains('/') && !STANDARD_FINALIZERS.contains(name))
            .map(|(index, name)| {
                FieldError::invalid(format!("metadata.finalizers[{index}]"), name.into(), detail)
            })
            .collect()
    }
}

/// Errors of labels, annotations and owners: validated once on create and twice on update.
fn shared_errors(object: &Value) -> Vec<FieldError> {
    let mut errors = label_errors(object);
    errors.extend(annotation_errors(object));
    errors.extend(owner::errors(object));
    errors
}

fn label_errors(object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (key, value) in metadata::labels(object).into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        errors.extend(invalid_each("metadata.labels", key, label_key_errors(key)));
        errors.extend(invalid_each("metadata.labels", value, label_value_errors(value)));
    }
    errors
}

fn annotation_errors(object: &Value) -> Vec<FieldError> {
    let path = "metadata.annotations";
    let mut errors = Vec::new();
    let mut size = 0;
    for (key, value) in metadata::annotations(object).into_iter().flatten() {
        size += key.len() + value.as_str().map_or(0, str::len);
        errors.extend(invalid_each(path, key, label_key_errors(&key.to_lowercase())));
    }
    if size > ANNOTATIONS_MAX {
        errors.push(FieldError::too_long(path, ANNOTATIONS_MAX));
    }
    errors
}

fn finalizer_errors(object: &Value) -> Vec<FieldError> {
    let path = "metadata.finalizers";
    let mut errors = Vec::new();
    for name in metadata::finalizers(object) {
        errors.extend(invalid_each(path, name, label_key_errors(name)));
    }
    let has = |wanted: &str| metadata::finalizers(object).contains(&wanted);
    if has("orphan") && has("foregroundDeletion") {
        let all: Value = metadata::finalizers(object).into();
        let detail = "finalizer orphan and foregroundDeletion cannot be both set";
        errors.push(FieldError::invalid(path, all, detail));
    }
    errors
}

fn generation_errors(object: &Value) -> Option<FieldError> {
    let generation = metadata::generation(object);
    let detail = "must be greater than or equal to 0";
    (generation < 0).then(|| FieldError::invalid("metadata.generation", generation.into(), detail))
}

fn change_errors(object: &Value, old: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if metadata::is_deleting(old) {
        let mut added: Vec<_> = metadata::finalizers(object)
            .into_iter()
            .filter(|name| !metadata::finalizers(old).contains(name))
            .collect();
        added.sort_unstable();
        added.dedup();
        if !added.is_empty() {
            let shown: Vec<_> = added.iter().map(|name| format!("{name:?}")).collect();
            let detail = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                shown.join(", ")
            );
            errors.push(FieldError::forbidden("metadata.finalizers", detail));
        }
    }
    for field in
        ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"]
    {
        let of = |object: &Value| {
            let value = object.get("metadata").and_then(|m| m.get(field)).cloned();
            value.filter(|v| v != "").unwrap_or(Value::Null)
        };
        let (new, old) = (of(object), of(old));
        if new != old {
            errors.push(FieldError::invalid(format!("metadata.{field}"), new, "field is immutable"));
        }
    }
    errors.extend(shared_errors(object));
    errors
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const BUILTIN: MetaRules = MetaRules { name: NameRule::DnsSubdomain, namespaced: true, custom: false };
    const CUSTOM: MetaRules = MetaRules { custom: true, ..BUILTIN };

    fn with(mut metadata: Value) -> Value {
        let defaults = [("name", json!("x")), ("namespace", json!("default"))];
        for (key, value) in defaults {
            if metadata.get(key).is_none() {
                metadata[key] = value;
            }
        }
        json!({"metadata": metadata})
    }

    #[track_caller]
    fn on_create(rules: MetaRules, metadata: Value) -> Vec<String> {
        rules.create_errors(&with(metadata)).iter().map(ToString::to_string).collect()
    }

    #[rstest]
    #[case(json!({"name": ""}), "metadata.name: Required value: name or generateName is required")]
    #[case(json!({"generation": -1}), "metadata.generation: Invalid value: -1: must be greater than or equal to 0")]
    #[case(json!({"annotations": {"a": "z".repeat(262_144)}}), "metadata.annotations: Too long: may not be more than 262144 bytes")]
    #[case(json!({"labels": {"a": "y".repeat(64)}}), &format!("metadata.labels: Invalid value: \"{}\": must be no more than 63 bytes", "y".repeat(64)))]
    #[case(json!({"name": "x".repeat(254)}), &format!("metadata.name: Invalid value: \"{}\": must be no more than 253 characters", "x".repeat(254)))]
    #[case(json!({"finalizers": ["foo"]}), "metadata.finalizers[0]: Invalid value: \"foo\": name is neither a standard finalizer name nor is it fully qualified")]
    #[case(json!({"finalizers": ["orphan", "foregroundDeletion"]}), "metadata.finalizers: Invalid value: [\"orphan\",\"foregroundDeletion\"]: finalizer orphan and foregroundDeletion cannot be both set")]
    fn invalid_object_has_the_messages_of_kube_apiserver(#[case] metadata: Value, #[case] expected: &str) {
        assert_eq!(on_create(BUILTIN, metadata), [expected]);
    }

    #[test]
    fn annotation_domain_allows_capitals() {
        assert!(on_create(BUILTIN, json!({"annotations": {"A.B/c": "d"}})).is_empty());
    }

    #[test]
    fn custom_resource_allows_finalizer_without_domain() {
        assert!(on_create(CUSTOM, json!({"finalizers": ["foo"]})).is_empty());
    }

    #[test]
    fn custom_resource_errors_are_repeated_per_pass() {
        let count =
            |rules: MetaRules, metadata: Value| rules.update_errors(&with(metadata), &with(json!({}))).len();
        assert_eq!(count(CUSTOM, json!({"labels": {"-a": "b"}})), 3);
        assert_eq!(count(CUSTOM, json!({"deletionGracePeriodSeconds": 5})), 2);
        assert_eq!(count(BUILTIN, json!({"labels": {"-a": "b"}})), 1);
        assert_eq!(count(BUILTIN, json!({"uid": "1"})), 1);
    }

    #[test]
    fn finalizer_cannot_be_added_after_deletion() {
        let old = with(json!({"deletionTimestamp": "2026-11-22T18:12:00Z", "finalizers": ["a.b/c"]}));
        let new = with(
            json!({"deletionTimestamp": "2026-11-22T18:12:00Z", "finalizers": ["a.b/c", "x.y/z", "new"]}),
        );
        let texts: Vec<_> = BUILTIN.update_errors(&new, &old).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{\"new\", \"x.y/z\"}",
                "metadata.finalizers[2]: Invalid value: \"new\": name is neither a standard finalizer name nor is it fully qualified",
            ]
        );
    }

    #[test]
    fn immutable_field_error_shows_the_new_value() {
        let texts: Vec<_> = BUILTIN
            .update_errors(&with(json!({"uid": "1"})), &with(json!({"uid": "2"})))
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(texts, ["metadata.uid: Invalid value: \"1\": field is immutable"]);
    }
}
