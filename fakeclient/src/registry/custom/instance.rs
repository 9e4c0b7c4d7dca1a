//! Strategy of custom resources: validation by schema, scale, embedded resources, list types and CEL rules.
//!
//! It contains all validation by schema, so that no other module depends on a resource being custom. Decoding prunes
//! and applies defaults, by `Structural`.

use std::sync::Arc;

use serde_json::Value;

use crate::error::field::{FieldError, FieldErrorKind};
use crate::object::cel::validator::Validator;
use crate::object::go_format::printed;
use crate::object::names::label_key_errors;
use crate::object::schema::correlate::Correlated;
use crate::object::schema::structural::Structural;
use crate::object::schema::validate::SchemaNode;
use crate::object::view::fields::FieldAccess;
use crate::registry::custom::convert::ConversionWebhook;
use crate::registry::resource::ScalePaths;
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

/// Strategy of one version of a custom resource.
#[derive(Debug)]
pub(crate) struct CustomResource {
    schema: Arc<Structural>,
    whole: SchemaNode,
    /// The schema of `status`, if there is one and a status subresource.
    status: Option<SchemaNode>,
    scale: Option<ScalePaths>,
    rules: Option<Validator>,
    /// The webhook that converts between versions.
    webhook: Option<ConversionWebhook>,
}

impl CustomResource {
    /// The strategy of a version with the given schema. `has_status` is true with a status subresource.
    pub(crate) fn new(
        raw: &Value,
        schema: Arc<Structural>,
        scale: Option<ScalePaths>,
        has_status: bool,
    ) -> Self {
        let status = raw.pointer("/properties/status").filter(|_| has_status).map(SchemaNode::parse);
        let rules = Validator::compile(&schema, true);
        Self { schema, whole: SchemaNode::parse(raw), status, scale, rules, webhook: None }
    }

    /// Sets the webhook that converts between versions.
    pub(crate) fn converted_by(mut self, webhook: Option<ConversionWebhook>) -> Self {
        self.webhook = webhook;
        self
    }

    fn scale_spec(&self, object: &Value) -> Option<FieldError> {
        replicas(object, &self.scale.as_ref()?.spec_replicas)
    }

    fn scale_status(&self, object: &Value) -> Vec<FieldError> {
        let Some(scale) = &self.scale else { return Vec::new() };
        let selector = scale.label_selector.as_ref().and_then(|path| {
            let broken = |why| FieldError::invalid(path, "".into(), why);
            match nested(object, path) {
                Err(why) => Some(broken(why)),
                Ok(Some(value)) if !value.is_string() => Some(broken(accessor_error(path, value, "string"))),
                Ok(_) => None,
            }
        });
        replicas(object, &scale.status_replicas).into_iter().chain(selector).collect()
    }

    /// Adds the errors of CEL rules, unless schema errors block them.
    fn check_rules(&self, object: &Value, old: Option<&Value>, errors: &mut Vec<FieldError>) {
        let Some(rules) = &self.rules else { return };
        if blocks_rules(errors) {
            let why = "some validation rules were not checked because the object was invalid; correct the existing \
                errors to complete validation";
            errors.push(FieldError::invalid("<nil>", Value::Null, why));
        } else {
            errors.extend(rules.validate(&self.schema, object, old));
        }
    }

    fn lists(&self, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
        if old.is_some_and(|old| !self.schema.validate_lists(old).is_empty()) {
            return Vec::new();
        }
        self.schema.validate_lists(object)
    }
}

impl Strategy for CustomResource {
    fn conversion_webhook(&self) -> Option<&ConversionWebhook> {
        self.webhook.as_ref()
    }

    fn has_apiextensions_validation(&self) -> bool {
        true
    }

    fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        let before = old.map(|old| old["metadata"].list("finalizers")).unwrap_or_default();
        let added = object["metadata"].list("finalizers").iter().filter(|name| !before.contains(name));
        let mut finalizers: Vec<&str> = added.filter_map(Value::as_str).collect();
        finalizers.sort_unstable();
        finalizers.dedup();
        finalizers.into_iter().flat_map(finalizer_warnings).collect()
    }
}

impl CreateStrategy for CustomResource {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let mut errors = self.whole.validate(object, "");
        errors.extend(self.scale_spec(object));
        errors.extend(self.scale_status(object));
        errors.extend(self.schema.validate_embedded(object, "", false));
        errors.extend(self.lists(object, None));
        self.check_rules(object, None, &mut errors);
        errors
    }
}

impl UpdateStrategy for CustomResource {
    fn unconditional_update(&self) -> bool {
        false
    }

    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let pair = Correlated { new: object, old, schema: &self.schema };
        let mut errors = self.whole.validate_update(pair, "");
        errors.extend(self.scale_spec(object));
        errors.extend(self.scale_status(object));
        errors.extend(self.schema.validate_embedded(object, "", false));
        errors.extend(self.lists(object, Some(old)));
        self.check_rules(object, Some(old), &mut errors);
        errors
    }
}

impl StatusStrategy for CustomResource {
    fn validate_status_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if let (Some(node), Some(status)) = (&self.status, object.get("status")) {
            let pair = Correlated { new: object, old, schema: &self.schema }.key("status");
            errors = match pair {
                Some(pair) => node.validate_update(pair, "status"),
                None => node.validate(status, "status"),
            };
        }
        errors.extend(self.scale_status(object));
        errors.extend(self.lists(object, Some(old)));
        self.check_rules(object, Some(old), &mut errors);
        errors
    }
}

impl DeleteStrategy for CustomResource {}

/// True if the errors prevent the evaluation of CEL rules.
fn blocks_rules(errors: &[FieldError]) -> bool {
    errors.iter().any(|error| {
        matches!(
            error.kind,
            FieldErrorKind::NotSupported
                | FieldErrorKind::Required
                | FieldErrorKind::TooLong
                | FieldErrorKind::TooMany
                | FieldErrorKind::TypeInvalid
        )
    })
}

/// The value at a path of field names; an error if a parent is no object.
fn nested<'a>(object: &'a Value, path: &str) -> Result<Option<&'a Value>, String> {
    let names: Vec<&str> = path.trim_start_matches('.').split('.').collect();
    let mut value = object;
    for (depth, name) in names.iter().enumerate() {
        match value {
            Value::Null => return Ok(None),
            Value::Object(map) => match map.get(*name) {
                Some(child) => value = child,
                None => return Ok(None),
            },
            other => return Err(accessor_error(&names[..=depth].join("."), other, "map[string]interface{}")),
        }
    }
    Ok(Some(value))
}

/// apimachinery's message for a value of an unexpected type.
fn accessor_error(path: &str, value: &Value, wanted: &str) -> String {
    let (shown, found) = match value {
        Value::Null => ("<nil>".to_owned(), "<nil>"),
        Value::Bool(flag) => (flag.to_string(), "bool"),
        Value::Number(number) if number.is_f64() => (number.to_string(), "float64"),
        Value::Number(number) => (number.to_string(), "int64"),
        Value::String(text) => (text.clone(), "string"),
        Value::Array(_) => (printed(value), "[]interface {}"),
        Value::Object(_) => (printed(value), "map[string]interface {}"),
    };
    format!(
        ".{} accessor error: {shown} is of the type {found}, expected {wanted}",
        path.trim_start_matches('.')
    )
}

fn replicas(object: &Value, path: &str) -> Option<FieldError> {
    let invalid = |value: i64, why: String| Some(FieldError::invalid(path, value.into(), why));
    let value = match nested(object, path) {
        Err(why) => return invalid(0, why),
        Ok(None) => return None,
        Ok(Some(value)) => value,
    };
    match value.as_i64() {
        None => invalid(0, accessor_error(path, value, "int64")),
        Some(count) if count < 0 => invalid(count, "should be a non-negative integer".to_owned()),
        Some(count) if count > i64::from(i32::MAX) => {
            invalid(count, format!("should be less than or equal to {}", i32::MAX))
        }
        Some(_) => None,
    }
}

fn finalizer_warnings(name: &str) -> Vec<String> {
    let say = |text: &str| format!("metadata.finalizers: {name:?}: {text}");
    let mut warnings: Vec<String> = label_key_errors(name).iter().map(|e| say(e)).collect();
    let standard = matches!(name, "orphan" | "foregroundDeletion" | "kubernetes");
    if !name.contains('/') && !standard {
        let path = if name.contains('.') { " including a path (/)" } else { "" };
        let why = format!(
            "prefer a domain-qualified finalizer name{path} to avoid accidental conflicts with other finalizer writers"
        );
        warnings.push(say(&why));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::field::texts;
    use serde_json::json;

    fn instance() -> CustomResource {
        let raw = json!({"type": "object", "properties": {
            "spec": {"type": "object", "properties": {"replicas": {"type": "integer"},
                "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}}},
            "status": {"type": "object", "properties": {"replicas": {"type": "integer"}}}}});
        let scale = ScalePaths {
            spec_replicas: ".spec.replicas".into(),
            status_replicas: ".status.replicas".into(),
            label_selector: None,
        };
        CustomResource::new(&raw, Arc::new(Structural::parse(&raw)), Some(scale), true)
    }

    #[test]
    fn replicas_are_validated() {
        let errors = instance().validate_create(&json!({"spec": {"replicas": -1}}));
        assert_eq!(texts(&errors), [".spec.replicas: Invalid value: -1: should be a non-negative integer"]);
        assert_eq!(instance().validate_create(&json!({"spec": {}})), []);
    }

    #[test]
    fn status_update_validates_the_status_only() {
        let old = json!({"spec": {"replicas": "old"}});
        let new = json!({"spec": {"replicas": "old"}, "status": {"replicas": "x"}});
        let errors = instance().validate_status_update(&new, &old);
        assert_eq!(
            texts(&errors)[0],
            "status.replicas: Invalid value: \"string\": replicas in body must be of type integer: \"string\""
        );
    }

    #[test]
    fn existing_duplicate_items_are_ratcheted() {
        let old = json!({"spec": {"set": ["a", "a"]}});
        let new = json!({"spec": {"set": ["a", "a", "b"]}});
        assert_eq!(instance().validate_update(&new, &old), []);
        assert_eq!(texts(&instance().validate_create(&new)), ["spec.set[1]: Duplicate value: \"a\""]);
    }

    #[test]
    fn finalizer_without_domain_causes_a_warning() {
        let object = json!({"metadata": {"finalizers": ["foo", "a.b", "a.b/c"]}});
        assert_eq!(
            instance().warnings(&object, None),
            [
                "metadata.finalizers: \"a.b\": prefer a domain-qualified finalizer name including a path (/) to avoid \
                 accidental conflicts with other finalizer writers",
                "metadata.finalizers: \"foo\": prefer a domain-qualified finalizer name to avoid accidental conflicts \
                 with other finalizer writers",
            ]
        );
        assert!(
            instance().warnings(&object, Some(&object)).is_empty(),
            "what was there before is not warned of"
        );
    }
}
