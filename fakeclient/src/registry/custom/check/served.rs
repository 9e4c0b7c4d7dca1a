//! Validation of subresources, printer columns and selectable fields of a version.

use serde_json::Value;

use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::object::schema::field_path;
use crate::object::schema::structural::{Structural, Type};
use crate::object::view::fields::FieldAccess;

const COLUMN_TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: [&str; 8] =
    ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
const MOST_SELECTABLE: usize = 8;

pub(super) fn check_subresources(subresources: &Value, path: &Path) -> Vec<FieldError> {
    let scale = &subresources["scale"];
    if !scale.is_object() {
        return Vec::new();
    }
    let mut errors = Vec::new();
    for (key, below) in [("specReplicasPath", ".spec"), ("statusReplicasPath", ".status")] {
        let (value, at) = (scale.text(key), path.child("scale").child(key));
        if value.is_empty() {
            errors.push(FieldError::required(at, ""));
        } else if !value.starts_with('.') {
            errors.push(complex_path(value, &at));
        } else if !value.starts_with(&format!("{below}.")) {
            let why = format!("should be a json path under {below}");
            errors.push(FieldError::invalid(at, value.into(), why));
        }
    }
    let (value, at) = (scale.text("labelSelectorPath"), path.child("scale.labelSelectorPath"));
    if !value.is_empty() && !value.starts_with('.') {
        errors.push(complex_path(value, &at));
    } else if !value.is_empty() && !value.starts_with(".spec.") && !value.starts_with(".status.") {
        let why = "should be a json path under either .spec or .status";
        errors.push(FieldError::invalid(at, value.into(), why));
    }
    errors
}

fn complex_path(value: &str, path: &Path) -> FieldError {
    FieldError::invalid(path, value.into(), "must be a simple json path starting with .")
}

pub(super) fn check_columns(columns: &[Value], path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, column) in columns.iter().enumerate() {
        let at = path.index(index);
        if column.text("name").is_empty() {
            errors.push(FieldError::required(at.child("name"), ""));
        }
        let kind = column.text("type");
        let kinds = format!("must be one of {}", COLUMN_TYPES.join(","));
        if kind.is_empty() {
            errors.push(FieldError::required(at.child("type"), kinds));
        } else if !COLUMN_TYPES.contains(&kind) {
            errors.push(FieldError::invalid(at.child("type"), kind.into(), kinds));
        }
        let format = column.text("format");
        if !format.is_empty() && !COLUMN_FORMATS.contains(&format) {
            let why = format!("must be one of {}", COLUMN_FORMATS.join(","));
            errors.push(FieldError::invalid(at.child("format"), format.into(), why));
        }
        let json_path = column.text("jsonPath");
        if json_path.is_empty() {
            errors.push(FieldError::required(at.child("JSONPath"), ""));
        } else if !json_path.starts_with('.') {
            errors.push(complex_path(json_path, &at.child("JSONPath")));
        }
    }
    errors
}

pub(super) fn check_selectable(fields: &[Value], schema: &Value, path: &Path) -> Vec<FieldError> {
    let structural = Structural::parse(schema);
    let mut errors = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let (at, json_path) = (path.index(index).child("jsonPath"), field.text("jsonPath"));
        if json_path.is_empty() {
            errors.push(FieldError::required(at, ""));
            continue;
        }
        let found = match field_path::resolve(json_path, &structural, field_path::BracketNotation::Refused) {
            Ok(found) => found,
            Err(why) => {
                let why = format!("is an invalid path: {why}");
                errors.push(FieldError::invalid(at, json_path.into(), why));
                continue;
            }
        };
        if found.path == "metadata" || found.path.starts_with("metadata.") {
            let why = "must not point to fields in metadata";
            errors.push(FieldError::invalid(&at, json_path.into(), why));
        }
        if !matches!(found.schema.kind, Some(Type::String | Type::Boolean | Type::Integer)) {
            let why = "must point to a field of type string, boolean or integer. Enum string fields and strings with \
                formats are allowed.";
            errors.push(FieldError::invalid(&at, json_path.into(), why));
        }
        if seen.contains(&found.path) {
            errors.push(FieldError::duplicate(&at, json_path.into()));
        } else {
            seen.push(found.path);
        }
    }
    if seen.len() > MOST_SELECTABLE {
        errors.push(FieldError::too_many(path, seen.len(), MOST_SELECTABLE));
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::field::texts;
    use serde_json::json;

    #[test]
    fn scale_paths_are_below_spec_and_status() {
        let subresources = json!({"scale": {"specReplicasPath": "spec.x", "statusReplicasPath": ".spec.y"}});
        assert_eq!(
            texts(&check_subresources(&subresources, &Path::new("spec.subresources"))),
            [
                "spec.subresources.scale.specReplicasPath: Invalid value: \"spec.x\": must be a simple json path \
                 starting with .",
                "spec.subresources.scale.statusReplicasPath: Invalid value: \".spec.y\": should be a json path under \
                 .status",
            ]
        );
    }

    #[test]
    fn columns_require_name_type_and_path() {
        let columns = json!([{"name": "", "type": "foo", "jsonPath": "x"},
            {"name": "a", "type": "string", "jsonPath": ".x", "format": "zz"}]);
        assert_eq!(
            texts(&check_columns(columns.as_array().unwrap(), &Path::new("c"))),
            [
                "c[0].name: Required value",
                "c[0].type: Invalid value: \"foo\": must be one of boolean,date,integer,number,string",
                "c[0].JSONPath: Invalid value: \"x\": must be a simple json path starting with .",
                "c[1].format: Invalid value: \"zz\": must be one of \
                 byte,date,date-time,double,float,int32,int64,password",
            ]
        );
    }

    #[test]
    fn selectable_fields_are_scalars_of_the_schema() {
        let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
            "a": {"type": "string"}, "o": {"type": "object"}}}}});
        let fields = json!([{"jsonPath": ".spec.a"}, {"jsonPath": ".spec.o"}, {"jsonPath": ".spec.b"},
            {"jsonPath": ".spec.a"}, {"jsonPath": "x"}]);
        assert_eq!(
            texts(&check_selectable(fields.as_array().unwrap(), &schema, &Path::new("s"))),
            [
                "s[1].jsonPath: Invalid value: \".spec.o\": must point to a field of type string, boolean or integer. \
                 Enum string fields and strings with formats are allowed.",
                "s[2].jsonPath: Invalid value: \".spec.b\": is an invalid path: does not refer to a valid field",
                "s[3].jsonPath: Duplicate value: \".spec.a\"",
                "s[4].jsonPath: Invalid value: \"x\": is an invalid path: expected [ or . but got: x",
            ]
        );
    }
}
