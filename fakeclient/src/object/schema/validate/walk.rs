//! Validation of a value: type, combinations, string, format, number, list, enumeration and fields, in this order.
//!
//! On update, errors of unchanged values are ignored (`CRDValidationRatcheting`, KEP-4008). Unique list items are
//! validated in `list_types`, CEL rules in `cel`.

use serde_json::{Map, Value};

use super::node::SchemaNode;
use super::outcome::{ErrorKind, ValidationResult, in_body};
use super::{combine, numbers, strings};
use crate::error::field::{FieldError, go_quoted};
use crate::object::schema::correlate::Correlated;
use crate::object::schema::structural::Type;

impl SchemaNode {
    /// Errors of a value, with paths below `base` (empty for a whole resource, `status` for a status).
    pub(crate) fn validate(&self, value: &Value, base: &str) -> Vec<FieldError> {
        self.check(value, "").into_field_errors(base)
    }

    /// Errors of an update, without those of unchanged values.
    pub(crate) fn validate_update(&self, pair: Correlated<'_>, base: &str) -> Vec<FieldError> {
        self.check_pair(pair, "").into_field_errors(base)
    }

    /// Validates without an old value.
    pub(super) fn check(&self, value: &Value, path: &str) -> ValidationResult {
        self.check_with(value, path, None)
    }

    fn check_pair(&self, pair: Correlated<'_>, path: &str) -> ValidationResult {
        let mut outcome = self.check_with(pair.new, path, Some(pair));
        if !outcome.is_valid() && pair.equal() {
            outcome.errors.clear();
        }
        outcome
    }

    fn check_with(&self, value: &Value, path: &str, pair: Option<Correlated<'_>>) -> ValidationResult {
        let mut outcome = ValidationResult::default();
        if self.has_type_check() {
            outcome.merge(self.check_type(value, path));
            outcome.matches += usize::from(!value.is_null());
        }
        if value.is_null() {
            outcome.merge(self.check_enum(value, path));
            return outcome;
        }
        outcome.merge(combine::check(self, value, path));
        outcome.matches += 1;
        match value {
            Value::String(text) => {
                outcome.merge(strings::check(self, text, path));
                outcome.matches += 1;
                if let Some(found) = strings::check_format(self, text, path) {
                    outcome.merge(found);
                    outcome.matches += 1;
                }
            }
            Value::Number(number) => {
                outcome.merge(numbers::check(self, number, path));
                outcome.matches += 1;
            }
            Value::Array(items) => {
                outcome.merge(self.check_items(items, path, pair));
                outcome.matches += 1;
            }
            _ => {}
        }
        outcome.merge(self.check_enum(value, path));
        outcome.matches += 1;
        if let Value::Object(map) = value {
            outcome.merge(self.check_fields(map, path, pair));
            outcome.matches += 1;
        }
        outcome.matches += 1;
        outcome
    }

    fn has_type_check(&self) -> bool {
        !self.types.is_empty() || self.format_name.is_some()
    }

    fn check_type(&self, value: &Value, path: &str) -> ValidationResult {
        let passed = ValidationResult { matches: 1, ..ValidationResult::default() };
        let (name, native_format) = match value {
            Value::Null if self.types.is_empty() || self.nullable => return passed,
            Value::Null => return self.wrong_type(path, "null"),
            Value::Bool(_) => (Type::Boolean, ""),
            Value::String(_) => (Type::String, ""),
            Value::Array(_) => (Type::Array, ""),
            Value::Object(_) => (Type::Object, ""),
            Value::Number(number) if number.as_i64().is_some() => (Type::Integer, "int64"),
            Value::Number(_) => (Type::Number, "float64"),
        };
        let whole = value.as_f64().is_some_and(numbers::is_whole);
        let fits = self.types.contains(&name)
            || (name == Type::Number && whole && self.types.contains(&Type::Integer))
            || (name == Type::Integer && self.types.contains(&Type::Number));
        let listable = matches!(value, Value::String(_) | Value::Array(_));
        let numeric = self.types.iter().any(|t| matches!(t, Type::Number | Type::Integer));
        match &self.format_name {
            Some(format) if !listable && !fits && format != native_format => {
                let text =
                    format!("{} must be of type {format}: {}", in_body(path), go_quoted(native_format));
                ValidationResult::failed(ErrorKind::Type, path, native_format.into(), text)
            }
            // A string with a format accepts lists: kube-openapi does not check their type.
            Some(_) if listable && !numeric => passed,
            _ if !fits => self.wrong_type(path, name.name()),
            _ => passed,
        }
    }

    fn wrong_type(&self, path: &str, found: &str) -> ValidationResult {
        let wanted: Vec<&str> = self.types.iter().map(|t| t.name()).collect();
        let text = format!("{} must be of type {}: {}", in_body(path), wanted.join(","), go_quoted(found));
        ValidationResult::failed(ErrorKind::Type, path, found.into(), text)
    }

    fn check_enum(&self, value: &Value, path: &str) -> ValidationResult {
        if self.allowed.is_empty() || self.allowed.iter().any(|a| numbers::same(value, a)) {
            return ValidationResult::default();
        }
        let shown: Vec<String> = self.allowed.iter().map(ToString::to_string).collect();
        let text = format!("{} should be one of [{}]", in_body(path), shown.join(" "));
        ValidationResult::failed(ErrorKind::Enum(self.allowed.clone()), path, value.clone(), text)
    }

    fn check_items(&self, items: &[Value], path: &str, pair: Option<Correlated<'_>>) -> ValidationResult {
        let mut outcome = ValidationResult::default();
        if let Some(schema) = &self.items {
            for (index, item) in items.iter().enumerate() {
                let below = format!("{path}[{index}]");
                outcome.merge(match pair.and_then(|p| p.index(index)) {
                    Some(pair) => schema.check_pair(pair, &below),
                    None => schema.check(item, &below),
                });
            }
        }
        let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
        if let Some(min) = self.min_items.filter(|min| count < *min) {
            let text = format!("{} should have at least {min} items", in_body(path));
            outcome.add(ErrorKind::Other, path, count.into(), text);
        }
        if let Some(max) = self.max_items.filter(|max| count > *max) {
            let text = format!("{} should have at most {max} items", in_body(path));
            outcome.add(ErrorKind::TooMany(items.len(), max), path, count.into(), text);
        }
        if self.unique_items && items.iter().enumerate().any(|(i, item)| items[..i].contains(item)) {
            let text = format!("{} shouldn't contain duplicates", in_body(path));
            outcome.add(ErrorKind::Other, path, "".into(), text);
        }
        outcome.matches += 1;
        outcome
    }

    fn check_fields(
        &self,
        map: &Map<String, Value>,
        path: &str,
        pair: Option<Correlated<'_>>,
    ) -> ValidationResult {
        let mut outcome = ValidationResult::default();
        self.check_field_count(map.len(), path, &mut outcome);
        for (name, value) in map.iter().filter(|(name, _)| !self.properties.contains_key(*name)) {
            if self.forbids_additional {
                let text = format!("{path}.{name} in body is a forbidden property");
                outcome.add(ErrorKind::Other, path, name.as_str().into(), text);
            } else if let Some(schema) = &self.additional {
                outcome.merge(schema.check_field(name, value, &format!("{path}.{name}"), path, pair));
            }
        }
        for (name, schema) in &self.properties {
            if let Some(value) = map.get(name) {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                outcome.merge(schema.check_field(name, value, &below, path, pair));
            }
        }
        for name in self.required.iter().filter(|name| !map.contains_key(*name)) {
            let below = format!("{path}.{name}");
            outcome.add(ErrorKind::Required, &below, Value::Null, format!("{below} in body is required"));
        }
        outcome
    }

    fn check_field(
        &self,
        name: &str,
        value: &Value,
        below: &str,
        parent: &str,
        pair: Option<Correlated<'_>>,
    ) -> ValidationResult {
        // Old and new object have the same version, so these fields never ratchet.
        let is_type_meta = parent.is_empty() && (name == "kind" || name == "apiVersion");
        match pair.filter(|_| !is_type_meta).and_then(|p| p.key(name)) {
            Some(pair) => self.check_pair(pair, below),
            None => self.check(value, below),
        }
    }

    fn check_field_count(&self, length: usize, path: &str, outcome: &mut ValidationResult) {
        let count = i64::try_from(length).unwrap_or(i64::MAX);
        if let Some(min) = self.min_properties.filter(|min| count < *min) {
            let text = format!("{} should have at least {min} properties", in_body(path));
            outcome.add(ErrorKind::Other, path, count.into(), text);
        }
        if let Some(max) = self.max_properties.filter(|max| count > *max) {
            let text = format!("{} should have at most {max} properties", in_body(path));
            outcome.add(ErrorKind::TooMany(length, max), path, count.into(), text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::field::texts;
    use crate::object::schema::structural::Structural;
    use serde_json::json;

    #[track_caller]
    fn check(property: &Value, value: &Value, expected: &[&str]) {
        let schema = json!({"type": "object", "properties": {"x": property}});
        let errors = SchemaNode::parse(&schema).validate(&json!({"x": value}), "spec");
        assert_eq!(texts(&errors), expected);
    }

    #[test]
    fn wrong_type_has_the_message_of_kube_apiserver() {
        let wrong = r#"spec.x: Invalid value: "string": x in body must be of type integer: "string""#;
        check(&json!({"type": "integer"}), &json!("a"), &[wrong]);
        let wrong =
            r#"spec.x: Invalid value: "boolean": x in body must be of type integer,string: "boolean""#;
        check(&json!({"x-kubernetes-int-or-string": true}), &json!(true), &[wrong]);
        check(&json!({"type": "number"}), &json!(3), &[]);
        check(&json!({"type": "integer"}), &json!(3.0), &[]);
    }

    #[test]
    fn fraction_in_integer_field_fails_the_range_check() {
        let wrong = r#"spec.x: Invalid value: "number": x in body must be of type integer: "number""#;
        let range = r#"spec: Invalid value: "": Checked value must be of type integer (default format) in x"#;
        check(&json!({"type": "integer"}), &json!(1.5), &[wrong, range]);
    }

    #[test]
    fn value_outside_of_an_enum_is_unsupported() {
        let wrong = r#"spec.x: Unsupported value: "c": supported values: "a", "b""#;
        check(&json!({"type": "string", "enum": ["a", "b"]}), &json!("c"), &[wrong]);
        let wrong = r#"spec.x: Unsupported value: 3: supported values: "1", "2""#;
        check(&json!({"type": "integer", "enum": [1, 2]}), &json!(3), &[wrong]);
    }

    #[test]
    fn lengths_of_lists_and_objects_are_limited() {
        let list = json!({"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "string"}});
        check(&list, &json!([]), &["spec.x: Invalid value: 0: x in body should have at least 1 items"]);
        check(&list, &json!(["a", "b", "c"]), &["spec.x: Too many: 3: must have at most 2 items"]);
        let map = json!({"type": "object", "minProperties": 1, "additionalProperties": {"type": "integer"}});
        check(&map, &json!({}), &["spec.x: Invalid value: 0: x in body should have at least 1 properties"]);
        let wrong = r#"spec.x.a: Invalid value: "string": x.a in body must be of type integer: "string""#;
        check(&map, &json!({"a": "b"}), &[wrong]);
    }

    #[test]
    fn number_for_formatted_string_is_reported_with_its_go_type() {
        let wrong = r#"spec.x: Invalid value: "int64": x in body must be of type date-time: "int64""#;
        check(&json!({"type": "string", "format": "date-time"}), &json!(5), &[wrong]);
        check(&json!({"type": "string", "format": "date-time"}), &json!(["a"]), &[]);
    }

    #[test]
    fn unchanged_values_are_not_validated_on_update() {
        let raw = json!({"type": "object", "required": ["c"], "properties": {
            "a": {"type": "string", "maxLength": 1}, "b": {"type": "string", "maxLength": 1}}});
        let (node, schema) = (SchemaNode::parse(&raw), Structural::parse(&raw));
        let (old, new) = (json!({"a": "long", "b": "x"}), json!({"a": "long", "b": "long"}));
        let pair = Correlated { new: &new, old: &old, schema: &schema };
        let errors = node.validate_update(pair, "");
        assert_eq!(texts(&errors), ["b: Too long: may not be more than 1 byte", "c: Required value"]);
    }
}
