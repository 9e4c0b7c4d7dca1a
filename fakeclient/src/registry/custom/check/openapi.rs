//! Validation of all nodes of a schema: unsupported keywords, list and map types, and CEL rules.
//!
//! Rules are compiled only in a structural schema, as others would cause misleading errors.

use serde_json::Value;

use super::rules;
use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::object::schema::structural::Type;
use crate::object::view::fields::FieldAccess;

/// Context of a node, from its ancestors.
#[derive(Clone, Debug, Default)]
pub(super) struct NodeContext {
    /// The reason why a default is forbidden here.
    no_defaults: Option<String>,
    /// True within `apiVersion`, `kind` or `metadata` of a resource.
    in_meta: bool,
    /// Path of the nearest list whose items cannot be correlated between two versions of an object.
    pub(super) uncorrelatable: Option<Path>,
    /// True if the schema is structural and the node is outside of `allOf` and the like, so that rules compile.
    pub(super) compiles: bool,
}

/// Errors of the schema, and those of its rules, which are reported last.
#[derive(Debug, Default)]
pub(super) struct SchemaErrors {
    pub(super) schema: Vec<FieldError>,
    pub(super) rules: Vec<FieldError>,
}

pub(super) fn check(schema: &Value, path: &Path, sound: bool) -> Vec<FieldError> {
    let mut errors = SchemaErrors::default();
    let around = NodeContext { compiles: sound, ..NodeContext::default() };
    node(schema, path, &around, true, &mut errors);
    let mut all = errors.schema;
    all.extend(errors.rules);
    all
}

fn node(schema: &Value, path: &Path, around: &NodeContext, is_root: bool, errors: &mut SchemaErrors) {
    if !schema.is_object() {
        return;
    }
    let before = errors.schema.len();
    keywords(schema, path, around, &mut errors.schema);
    if schema.flag("uniqueItems") == Some(true) {
        let why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        errors.schema.push(FieldError::forbidden(path.child("uniqueItems"), why));
    }
    fields(schema, path, around, is_root, errors);
    let nested = NodeContext { compiles: false, ..around.clone() };
    node(&schema["not"], &path.child("not"), &nested, false, errors);
    for key in ["allOf", "oneOf", "anyOf"] {
        for (index, inner) in schema.list(key).iter().enumerate() {
            node(inner, &path.child(key).index(index), &nested, false, errors);
        }
    }
    for (name, inner) in schema.entries("definitions") {
        node(inner, &path.child("definitions").key(name), &nested, false, errors);
    }
    items(schema, path, around, errors);
    if schema.flag("x-kubernetes-preserve-unknown-fields") == Some(false) {
        let at = path.child("x-kubernetes-preserve-unknown-fields");
        errors.schema.push(FieldError::invalid(at, false.into(), "must be true or undefined"));
    }
    map_type(schema, path, &mut errors.schema);
    list_type(schema, path, &mut errors.schema);
    list_map(schema, path, &mut errors.schema);
    list_items(schema, path, &mut errors.schema);
    rules::check_form(schema, path, &mut errors.schema);
    if around.compiles && errors.schema.len() == before {
        rules::check_expressions(schema, path, around, is_root, &mut errors.rules);
    }
}

fn keywords(schema: &Value, path: &Path, around: &NodeContext, errors: &mut Vec<FieldError>) {
    let kind = schema.text("type");
    if !kind.is_empty() && Type::parse(kind).is_none() {
        let kinds = ["array", "boolean", "integer", "number", "object", "string"];
        errors.push(FieldError::not_supported(path.child("type"), kind.into(), &kinds));
    }
    if let Some(why) = around.no_defaults.as_ref().filter(|_| schema.has("default")) {
        errors.push(FieldError::forbidden(path.child("default"), format!("must not be set {why}")));
    }
    for key in ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"] {
        if schema.has(key) && schema[key] != "" {
            errors.push(FieldError::forbidden(path.child(key), format!("{key} is not supported")));
        }
    }
    if kind == "null" {
        let why = "type cannot be set to null, use nullable as an alternative";
        errors.push(FieldError::forbidden(path.child("type"), why));
    }
    if !schema.list("items").is_empty() {
        let why = "items must be a schema object and not an array";
        errors.push(FieldError::forbidden(path.child("items"), why));
    }
    if around.in_meta && schema.flag("x-kubernetes-embedded-resource") == Some(true) {
        let why = "must not be used inside of resource meta";
        errors.push(FieldError::forbidden(path.child("x-kubernetes-embedded-resource"), why));
    }
}

fn fields(schema: &Value, path: &Path, around: &NodeContext, is_root: bool, errors: &mut SchemaErrors) {
    let additional = &schema["additionalProperties"];
    let has_fields = schema.entries("properties").next().is_some();
    let at = path.child("additionalProperties");
    if schema.has("additionalProperties") && has_fields && *additional != Value::Bool(true) {
        let why = "additionalProperties and properties are mutual exclusive";
        errors.schema.push(FieldError::forbidden(&at, why));
    }
    let mut inner = around.clone();
    if around.in_meta {
        inner.no_defaults = Some("inside additionalProperties applying to object metadata".to_owned());
    }
    node(additional, &at, &inner, false, errors);
    let is_resource = is_root || schema.flag("x-kubernetes-embedded-resource") == Some(true);
    for (name, field) in schema.entries("properties") {
        let mut inner = around.clone();
        if is_resource && matches!(name, "metadata" | "kind" | "apiVersion") {
            inner.in_meta = true;
            if is_root {
                inner.no_defaults = Some(format!("in top-level {name}"));
            }
        }
        node(field, &path.child("properties").key(name), &inner, false, errors);
    }
}

fn items(schema: &Value, path: &Path, around: &NodeContext, errors: &mut SchemaErrors) {
    let mut inner = around.clone();
    if schema.text("x-kubernetes-list-type") != "map" {
        inner.uncorrelatable.get_or_insert_with(|| path.clone());
    }
    node(&schema["items"], &path.child("items"), &inner, false, errors);
    for (index, item) in schema.list("items").iter().enumerate() {
        node(item, &path.child("items").index(index), &inner, false, errors);
    }
}

/// The error of a keyword that requires another type.
fn required_type(schema: &Value, path: &Path, why: String, errors: &mut Vec<FieldError>) {
    let kind = schema.text("type");
    let at = path.child("type");
    errors.push(if kind.is_empty() {
        FieldError::required(at, why)
    } else {
        FieldError::invalid(at, kind.into(), why)
    });
}

fn map_type(schema: &Value, path: &Path, errors: &mut Vec<FieldError>) {
    let key = "x-kubernetes-map-type";
    if !schema.has(key) {
        return;
    }
    if schema.text("type") != "object" {
        required_type(schema, path, format!("must be object if {key} is specified"), errors);
    }
    if !matches!(schema.text(key), "atomic" | "granular") {
        let known = ["atomic", "granular"];
        errors.push(FieldError::not_supported(path.child(key), schema[key].clone(), &known));
    }
}

fn list_type(schema: &Value, path: &Path, errors: &mut Vec<FieldError>) {
    let key = "x-kubernetes-list-type";
    let (given, list) = (schema.has(key), schema.text(key));
    let item = &schema["items"];
    let why = "must be atomic as item of a list with x-kubernetes-list-type=set";
    if given && schema.text("type") != "array" {
        required_type(schema, path, format!("must be array if {key} is specified"), errors);
    } else if list == "set" && item.text("type") == "array" && item.has(key) && item.text(key) != "atomic" {
        errors.push(FieldError::invalid(path.child("items").child(key), item[key].clone(), why));
    } else if list == "set" && item.text("type") == "object" && item.text("x-kubernetes-map-type") != "atomic"
    {
        let at = path.child("items").child("x-kubernetes-map-type");
        errors.push(FieldError::invalid(at, item[key].clone(), why));
    }
    if given && !matches!(list, "atomic" | "set" | "map") {
        let known = ["atomic", "set", "map"];
        errors.push(FieldError::not_supported(path.child(key), schema[key].clone(), &known));
    }
}

fn list_map(schema: &Value, path: &Path, errors: &mut Vec<FieldError>) {
    let (type_key, keys_key) = ("x-kubernetes-list-type", "x-kubernetes-list-map-keys");
    let (list, keys, item) = (schema.text(type_key), schema.list(keys_key), &schema["items"]);
    if !keys.is_empty() && list != "map" {
        let why = "must be map if x-kubernetes-list-map-keys is non-empty";
        errors.push(if schema.has(type_key) {
            FieldError::invalid(path.child(type_key), list.into(), why)
        } else {
            FieldError::required(path.child(type_key), why)
        });
    }
    if list != "map" {
        return;
    }
    if keys.is_empty() {
        let why = "must not be empty if x-kubernetes-list-type is map";
        errors.push(FieldError::required(path.child(keys_key), why));
    }
    if !schema.has("items") {
        let why = "must have a schema if x-kubernetes-list-type is map";
        errors.push(FieldError::required(path.child("items"), why));
    } else if item.is_object() && item.text("type") != "object" {
        let why = "must be object if parent array's x-kubernetes-list-type is map";
        errors.push(FieldError::invalid(path.child("items").child("type"), item.text("type").into(), why));
    }
    if item.text("type") != "object" {
        return;
    }
    for (index, key) in keys.iter().enumerate() {
        let name = key.as_str().unwrap_or_default();
        if !item["properties"].has(name) {
            let why = "entries must all be names of item properties";
            errors.push(FieldError::invalid(path.child(keys_key), keys.into(), why));
        } else if matches!(item["properties"][name].text("type"), "array" | "object") {
            let at = path.child("items").child("properties").key(name).child("type");
            let why = "must be a scalar type if parent array's x-kubernetes-list-type is map";
            errors.push(FieldError::invalid(at, item["type"].clone(), why));
        }
        if keys[..index].contains(key) {
            let why = "must not contain duplicate entries";
            errors.push(FieldError::invalid(path.child(keys_key), keys.into(), why));
        }
    }
}

/// Errors of the items of sets and maps, which must not be nullable, and of the map's keys.
fn list_items(schema: &Value, path: &Path, errors: &mut Vec<FieldError>) {
    let (list, item) = (schema.text("x-kubernetes-list-type"), &schema["items"]);
    if !item.is_object() || !matches!(list, "set" | "map") {
        return;
    }
    let at = path.child("items");
    if item.flag("nullable") == Some(true) {
        let why = format!("cannot be nullable when x-kubernetes-list-type is {list}");
        errors.push(FieldError::forbidden(at.child("nullable"), why));
    }
    if list != "map" {
        return;
    }
    for key in schema.list("x-kubernetes-list-map-keys") {
        let name = key.as_str().unwrap_or_default();
        let Some(field) = item["properties"].get(name) else { continue };
        let at = at.child("properties").key(name);
        if !item.list("required").contains(key) && !field.has("default") {
            let why = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required \
                property";
            errors.push(FieldError::required(at.child("default"), why));
        }
        if field.flag("nullable") == Some(true) {
            let why = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
            errors.push(FieldError::forbidden(at.child("nullable"), why));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check_texts(property: &Value, expected: &[&str]) {
        let schema = json!({"type": "object", "properties": {"x": property}});
        let errors = check(&schema, &Path::new("s"), false);
        let texts: Vec<String> =
            errors.iter().map(|e| e.to_string().replace("s.properties[x].", "")).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn unsupported_keywords_are_rejected() {
        check_texts(&json!({"$ref": "#/x"}), &["$ref: Forbidden: $ref is not supported"]);
        let kinds = "\"array\", \"boolean\", \"integer\", \"number\", \"object\", \"string\"";
        check_texts(
            &json!({"type": "foo"}),
            &[&format!("type: Unsupported value: \"foo\": supported values: {kinds}")],
        );
        check_texts(
            &json!({"type": "array", "items": [{"type": "string"}]}),
            &["items: Forbidden: items must be a schema object and not an array"],
        );
        check_texts(
            &json!({"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "string"}}),
            &["additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive"],
        );
    }

    #[test]
    fn list_map_keys_are_required_or_defaulted() {
        let item = json!({"type": "object", "properties": {"k": {"type": "string"}}});
        check_texts(
            &json!({"type": "array", "x-kubernetes-list-type": "map", "items": item}),
            &[
                "x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map",
            ],
        );
        check_texts(
            &json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k", "z"],
                "items": item}),
            &[
                "x-kubernetes-list-map-keys: Invalid value: [\"k\",\"z\"]: entries must all be names of item \
                 properties",
                "items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it \
                 must have a default or be a required property",
            ],
        );
    }

    #[test]
    fn items_of_a_set_must_be_atomic() {
        check_texts(
            &json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "object"}}),
            &["items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with \
               x-kubernetes-list-type=set"],
        );
        check_texts(
            &json!({"type": "string", "x-kubernetes-list-type": "set"}),
            &["type: Invalid value: \"string\": must be array if x-kubernetes-list-type is specified"],
        );
    }

    #[test]
    fn top_level_metadata_has_no_defaults() {
        let schema = json!({"type": "object", "properties": {"kind": {"type": "string", "default": "K"}}});
        let errors = check(&schema, &Path::new("s"), false);
        assert_eq!(
            errors[0].to_string(),
            "s.properties[kind].default: Forbidden: must not be set in top-level kind"
        );
    }
}
