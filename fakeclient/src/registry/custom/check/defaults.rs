//! Validation of defaults, which must be valid and not be pruned by their schema.

use serde_json::Value;

use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::object::schema::structural::Structural;
use crate::object::schema::validate::SchemaNode;
use crate::object::view::fields::FieldAccess;

pub(super) fn check(schema: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    node(schema, path, true, false, &mut errors);
    errors
}

fn node(schema: &Value, path: &Path, is_root: bool, in_meta: bool, errors: &mut Vec<FieldError>) {
    if !schema.is_object() {
        return;
    }
    let embedded = is_root || schema.flag("x-kubernetes-embedded-resource") == Some(true);
    // Defaults within metadata are not validated: the type of metadata is fixed, and top-level defaults are forbidden.
    if schema.has("default") && !in_meta {
        check_default(schema, &path.child("default"), embedded, errors);
    }
    node(&schema["items"], &path.child("items"), false, in_meta, errors);
    for (name, field) in schema.entries("properties") {
        let meta = embedded && matches!(name, "metadata" | "apiVersion" | "kind");
        node(field, &path.child("properties").key(name), false, (in_meta && !embedded) || meta, errors);
    }
}

fn check_default(schema: &Value, at: &Path, embedded: bool, errors: &mut Vec<FieldError>) {
    let default = &schema["default"];
    let structural = Structural::parse(schema);
    let mut pruned = default.clone();
    structural.prune_value(&mut pruned);
    if pruned != *default {
        errors.push(FieldError::invalid(at, default.clone(), "must not have unknown fields"));
    }
    let base = at.to_string();
    let mut coerced = default.clone();
    if let Err(error) = structural.coerce_embedded(&mut coerced, &base, embedded) {
        errors.push(error);
        return;
    }
    let mut found = structural.validate_embedded(&coerced, &base, embedded);
    if found.is_empty() {
        found = SchemaNode::parse(schema).validate(default, &base);
    }
    errors.extend(found);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn invalid_default_is_rejected() {
        let schema = json!({"type": "object", "properties": {
            "a": {"type": "integer", "default": "x"},
            "b": {"type": "object", "default": {"zz": 1}, "properties": {"q": {"type": "string"}}},
            "c": {"type": "string", "default": "fine"}}});
        let texts: Vec<String> = check(&schema, &Path::new("s")).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "s.properties[a].default: Invalid value: \"string\":  in body must be of type integer: \"string\"",
                "s.properties[b].default: Invalid value: {\"zz\":1}: must not have unknown fields",
            ]
        );
    }
}
