//! Structural schemas (KEP-1002): every field has a type outside of `allOf`, `anyOf`, `oneOf` and `not`, which contain
//! only constraints on such fields.

use serde_json::{Value, json};

use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::object::go_regex;
use crate::object::view::fields::FieldAccess;

#[derive(Clone, Copy, PartialEq, Eq)]
enum SchemaLevel {
    Root,
    Item,
    Field,
}

/// All errors, sorted by message.
pub(super) fn check(schema: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    node(schema, SchemaLevel::Root, path, &mut errors);
    combinations(schema, |nested, at| check_specified(nested, Some(schema), path, &at, &mut errors), path);
    errors.sort_by_cached_key(ToString::to_string);
    errors
}

/// The server's message for an unsupported keyword that prevents a structural schema.
pub(super) fn unsupported(schema: &Value) -> Option<&'static str> {
    if !schema.is_object() {
        return None;
    }
    let own = [
        ("id", "OpenAPIV3Schema 'id' is not supported"),
        ("$schema", "OpenAPIV3Schema 'schema' is not supported"),
        ("$ref", "OpenAPIV3Schema '$ref' is not supported"),
        ("patternProperties", "OpenAPIV3Schema 'patternProperties' is not supported"),
        ("dependencies", "OpenAPIV3Schema 'dependencies' is not supported"),
        ("additionalItems", "OpenAPIV3Schema 'additionalItems' is not supported"),
        ("definitions", "OpenAPIV3Schema 'definitions' is not supported"),
    ];
    if let Some((_, why)) = own.iter().find(|(key, _)| schema.has(key) && schema[*key] != "") {
        return Some(why);
    }
    if schema["items"].is_array() {
        return Some("OpenAPIV3Schema 'items' must be a schema, but is an array");
    }
    if schema.flag("x-kubernetes-preserve-unknown-fields") == Some(false) {
        return Some("internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined");
    }
    let single = ["not", "items", "additionalProperties"].into_iter().map(|key| &schema[key]);
    let lists = ["allOf", "anyOf", "oneOf"].into_iter().flat_map(|key| schema.list(key));
    let fields = schema.entries("properties").map(|(_, field)| field);
    single.chain(lists).chain(fields).find_map(unsupported)
}

fn node(schema: &Value, level: SchemaLevel, path: &Path, errors: &mut Vec<FieldError>) {
    let kind = schema.text("type");
    let embedded = schema.flag("x-kubernetes-embedded-resource") == Some(true);
    let preserves = schema.flag("x-kubernetes-preserve-unknown-fields") == Some(true);
    let int_or_string = schema.flag("x-kubernetes-int-or-string") == Some(true);
    children(schema, level, path, errors);
    if int_or_string && preserves {
        let why = "must be false if x-kubernetes-int-or-string is true";
        errors.push(FieldError::invalid(
            path.child("x-kubernetes-preserve-unknown-fields"),
            true.into(),
            why,
        ));
    }
    if int_or_string && embedded {
        let why = "must be false if x-kubernetes-int-or-string is true";
        errors.push(FieldError::invalid(path.child("x-kubernetes-embedded-resource"), true.into(), why));
    }
    let either = json!([{"type": "integer"}, {"type": "string"}]);
    let skip_any_of = schema["anyOf"] == either;
    let skip_first = schema["allOf"].get(0).is_some_and(|first| first["anyOf"] == either);
    constraints(schema, skip_any_of, skip_first, path, errors);
    let at_type = path.child("type");
    if embedded && kind != "object" {
        let why = "must be object if x-kubernetes-embedded-resource is true";
        errors.push(if kind.is_empty() {
            FieldError::required(&at_type, why)
        } else {
            FieldError::invalid(&at_type, kind.into(), why)
        });
    } else if kind.is_empty() && !int_or_string && !preserves {
        let why = match level {
            SchemaLevel::Root => "must not be empty at the root",
            SchemaLevel::Item => "must not be empty for specified array items",
            SchemaLevel::Field => "must not be empty for specified object fields",
        };
        errors.push(FieldError::required(&at_type, why));
    }
    if embedded && schema.has("additionalProperties") {
        let why = "must not be used if x-kubernetes-embedded-resource is set";
        errors.push(FieldError::forbidden(path.child("additionalProperties"), why));
    }
    if level == SchemaLevel::Root && !kind.is_empty() && kind != "object" {
        errors.push(FieldError::invalid(&at_type, kind.into(), "must be object at the root"));
    }
    resource_fields(schema, level, embedded, path, errors);
    if embedded && !preserves && schema.entries("properties").next().is_none() {
        let why = "must not be empty if x-kubernetes-embedded-resource is true without \
            x-kubernetes-preserve-unknown-fields";
        errors.push(FieldError::required(path.child("properties"), why));
    }
}

fn children(schema: &Value, level: SchemaLevel, path: &Path, errors: &mut Vec<FieldError>) {
    if schema.text("type") == "array" && !schema.has("items") {
        errors.push(FieldError::required(path.child("items"), "must be specified"));
    }
    if schema["items"].is_object() {
        node(&schema["items"], SchemaLevel::Item, &path.child("items"), errors);
    }
    for (name, field) in schema.entries("properties") {
        node(field, SchemaLevel::Field, &path.child("properties").key(name), errors);
    }
    if schema.has("additionalProperties") {
        let at = path.child("additionalProperties");
        if level == SchemaLevel::Root {
            errors.push(FieldError::forbidden(&at, "must not be used at the root"));
        }
        if schema["additionalProperties"].is_object() {
            node(&schema["additionalProperties"], SchemaLevel::Field, &at, errors);
        }
    }
}

/// Errors of `apiVersion`, `kind` and `metadata` in a resource, at the root or embedded.
fn resource_fields(
    schema: &Value,
    level: SchemaLevel,
    embedded: bool,
    path: &Path,
    errors: &mut Vec<FieldError>,
) {
    let properties = &schema["properties"];
    if level == SchemaLevel::Root || embedded {
        for (name, wanted) in [("kind", "string"), ("apiVersion", "string"), ("metadata", "object")] {
            let kind = properties[name].text("type");
            if properties.has(name) && kind != wanted {
                let at = path.child("properties").key(name).child("type");
                errors.push(FieldError::invalid(at, kind.into(), format!("must be {wanted}")));
            }
        }
    }
    if level != SchemaLevel::Root || !properties.has("metadata") {
        return;
    }
    let metadata = &properties["metadata"];
    let fields: Vec<&str> = metadata.entries("properties").map(|(name, _)| name).collect();
    let only_names = fields.iter().all(|name| matches!(*name, "name" | "generateName"));
    let others = metadata.as_object().into_iter().flatten().any(|(key, value)| {
        let zero = value.is_null() || *value == json!(false) || *value == json!("") || *value == json!([]);
        !matches!(key.as_str(), "type" | "default" | "properties") && !zero
    });
    if !only_names || others {
        let why = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        errors.push(FieldError::forbidden(path.child("properties").key("metadata"), why));
    }
}

/// Calls `see` with each schema in a combination and its path.
fn combinations<'a>(schema: &'a Value, mut see: impl FnMut(&'a Value, Path), path: &Path) {
    if schema.has("not") {
        see(&schema["not"], path.child("not"));
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        for (index, nested) in schema.list(key).iter().enumerate() {
            see(nested, path.child(key).index(index));
        }
    }
}

fn constraints(
    schema: &Value,
    skip_any_of: bool,
    skip_first: bool,
    path: &Path,
    errors: &mut Vec<FieldError>,
) {
    for (key, skip) in [("anyOf", skip_any_of), ("allOf", false), ("oneOf", false)] {
        for (index, inner) in schema.list(key).iter().enumerate().filter(|_| !skip) {
            let first = key == "allOf" && skip_first && index == 0;
            check_value_validation(inner, first, &path.child(key).index(index), errors);
        }
    }
    if schema.has("not") {
        check_value_validation(&schema["not"], false, &path.child("not"), errors);
    }
    let pattern = schema.text("pattern");
    if let Err(why) = go_regex::check(pattern) {
        let why = format!("must be a valid regular expression, but isn't: {why}");
        errors.push(FieldError::invalid(path.child("pattern"), pattern.into(), why));
    }
}

fn check_value_validation(schema: &Value, skip_any_of: bool, path: &Path, errors: &mut Vec<FieldError>) {
    constraints(schema, skip_any_of, false, path, errors);
    if schema["items"].is_object() {
        check_value_validation(&schema["items"], false, &path.child("items"), errors);
    }
    for (name, field) in schema.entries("properties") {
        check_value_validation(field, false, &path.child("properties").key(name), errors);
    }
    let additional = &schema["additionalProperties"];
    if additional.is_object() || *additional == json!(true) {
        errors.push(FieldError::forbidden(
            path.child("additionalProperties"),
            "must be undefined to be structural",
        ));
    }
    let forbidden = [
        ("type", "must be empty to be structural"),
        ("default", "must be undefined to be structural"),
        ("title", "must be empty to be structural"),
        ("description", "must be empty to be structural"),
        ("nullable", "must be false to be structural"),
        ("x-kubernetes-preserve-unknown-fields", "must be false to be structural"),
        ("x-kubernetes-embedded-resource", "must be false to be structural"),
        ("x-kubernetes-int-or-string", "must be false to be structural"),
        ("x-kubernetes-list-map-keys", "must be empty to be structural"),
        ("x-kubernetes-list-type", "must be undefined to be structural"),
        ("x-kubernetes-map-type", "must be undefined to be structural"),
        ("x-kubernetes-validations", "must be empty to be structural"),
    ];
    for (key, why) in forbidden {
        let value = &schema[key];
        let empty = value.is_null() || *value == json!("") || *value == json!(false) || *value == json!([]);
        if !empty {
            errors.push(FieldError::forbidden(path.child(key), why));
        }
    }
    if schema["properties"].has("metadata") {
        let why = "must not be specified in a nested context";
        errors.push(FieldError::forbidden(path.child("properties").key("metadata"), why));
    }
}

/// Errors of fields that a combination constrains but the surrounding schema does not specify.
fn check_specified(
    inner: &Value,
    outer: Option<&Value>,
    outer_path: &Path,
    inner_path: &Path,
    errors: &mut Vec<FieldError>,
) {
    let Some(outer) = outer.filter(|o| o.is_object()) else {
        let why = format!("because it is defined in {inner_path}");
        errors.push(FieldError::required(outer_path, why));
        return;
    };
    combinations(
        inner,
        |nested, at| check_specified(nested, Some(outer), outer_path, &at, errors),
        inner_path,
    );
    if inner["items"].is_object() {
        let at = inner_path.child("items");
        check_specified(&inner["items"], outer.get("items"), &outer_path.child("items"), &at, errors);
    }
    for (name, field) in inner.entries("properties") {
        let at = inner_path.child("properties").key(name);
        let outer_at = outer_path.child("properties").key(name);
        check_specified(field, outer["properties"].get(name), &outer_at, &at, errors);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_texts(property: &Value, expected: &[&str]) {
        let schema = json!({"type": "object", "properties": {"x": property}});
        let errors = check(&schema, &Path::new("s"));
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn every_field_requires_a_type() {
        check_texts(
            &json!({}),
            &["s.properties[x].type: Required value: must not be empty for specified object fields"],
        );
        check_texts(&json!({"type": "array"}), &["s.properties[x].items: Required value: must be specified"]);
        check_texts(&json!({"x-kubernetes-int-or-string": true}), &[]);
        let either =
            json!({"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]});
        check_texts(&either, &[]);
    }

    #[test]
    fn combinations_contain_constraints_only() {
        let schema =
            json!({"type": "object", "anyOf": [{"type": "object", "properties": {"a": {"minLength": 1}}}]});
        check_texts(&schema, &["s.properties[x].anyOf[0].type: Forbidden: must be empty to be structural"]);
        let whole = json!({"type": "object", "anyOf": [{"properties": {"a": {"minLength": 1}}}]});
        let errors = check(&whole, &Path::new("s"));
        assert_eq!(
            errors[0].to_string(),
            "s.properties[a]: Required value: because it is defined in s.anyOf[0].properties[a]"
        );
    }

    #[test]
    fn embedded_resources_require_a_schema() {
        let why = "s.properties[x].properties: Required value: must not be empty if x-kubernetes-embedded-resource is \
            true without x-kubernetes-preserve-unknown-fields";
        check_texts(&json!({"type": "object", "x-kubernetes-embedded-resource": true}), &[why]);
    }

    #[test]
    fn patterns_use_the_syntax_of_go() {
        let why = "s.properties[x].pattern: Invalid value: \"(\": must be a valid regular expression, but isn't: error \
            parsing regexp: missing closing ): `(`";
        check_texts(&json!({"type": "string", "pattern": "("}), &[why]);
    }

    #[test]
    fn metadata_schema_may_restrict_names_only() {
        let root = |metadata: Value| json!({"type": "object", "properties": {"metadata": metadata}});
        let named =
            root(json!({"type": "object", "properties": {"name": {"type": "string", "maxLength": 5}}}));
        assert_eq!(check(&named, &Path::new("s")), []);
        let labels = root(json!({"type": "object", "properties": {"labels": {"type": "object"}}}));
        assert_eq!(
            check(&labels, &Path::new("s"))[0].to_string(),
            "s.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but \
             metadata is implicitly specified"
        );
    }
}
