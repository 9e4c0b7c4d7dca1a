//! Validation of the schema of one version: root, structure, defaults and nodes.

use serde_json::Value;

use super::{defaults, go_print, openapi, structural};
use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::object::view::fields::FieldAccess;

/// Keywords that the root schema may contain with a status subresource.
const ROOT_KEYWORDS_WITH_STATUS: [&str; 22] = [
    "Description",
    "Type",
    "Format",
    "Title",
    "Maximum",
    "ExclusiveMaximum",
    "Minimum",
    "ExclusiveMinimum",
    "MaxLength",
    "MinLength",
    "Pattern",
    "MaxItems",
    "MinItems",
    "UniqueItems",
    "MultipleOf",
    "Required",
    "Items",
    "Properties",
    "ExternalDocs",
    "Example",
    "XPreserveUnknownFields",
    "XValidations",
];

/// `path` is the path of the parent of `openAPIV3Schema`; `status` is true with a status subresource.
pub(super) fn check(schema: &Value, status: bool, path: &Path) -> Vec<FieldError> {
    let at = path.child("openAPIV3Schema");
    let mut errors = Vec::new();
    if status {
        errors.extend(root_keyword_error(schema, &at));
    }
    if schema.flag("nullable") == Some(true) {
        errors.push(FieldError::forbidden(at.child("nullable"), "nullable cannot be true at the root"));
    }
    let unsupported = structural::unsupported(schema);
    let mut sound = false;
    if unsupported.is_none() {
        let found = structural::check(schema, &at);
        let found = if found.is_empty() { defaults::check(schema, &at) } else { found };
        sound = found.is_empty();
        errors.extend(found);
    }
    errors.extend(openapi::check(schema, &at, sound));
    if let Some(why) = unsupported.filter(|_| errors.is_empty()) {
        errors.push(FieldError::invalid(at, "".into(), why));
    }
    errors
}

fn root_keyword_error(schema: &Value, at: &Path) -> Option<FieldError> {
    for (name, _) in go_print::set_fields(schema) {
        if name == "Type" && schema.text("type") != "object" {
            let why = "only \"object\" is allowed as the type at the root of the schema if the status subresource is \
                enabled";
            return Some(FieldError::invalid(at.child("type"), schema["type"].clone(), why));
        }
        if !ROOT_KEYWORDS_WITH_STATUS.contains(&name) {
            let why = format!(
                "only [{}] fields are allowed at the root of the schema if the status subresource is enabled",
                ROOT_KEYWORDS_WITH_STATUS.join(" ")
            );
            return Some(FieldError::invalid(at, Value::Null, why).shown_as(go_print::schema(schema)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check_texts(schema: &Value, status: bool, expected: &[&str]) {
        let errors = check(schema, status, &Path::new("v"));
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn root_is_a_non_nullable_object() {
        check_texts(
            &json!({"type": "string"}),
            false,
            &["v.openAPIV3Schema.type: Invalid value: \"string\": must be object at the root"],
        );
        check_texts(
            &json!({"type": "object", "nullable": true}),
            false,
            &["v.openAPIV3Schema.nullable: Forbidden: nullable cannot be true at the root"],
        );
    }

    #[test]
    fn status_subresource_restricts_root_keywords() {
        let schema = json!({"type": "object", "minProperties": 1});
        check_texts(&schema, false, &[]);
        let errors = check(&schema, true, &Path::new("v"));
        let text = errors[0].to_string();
        assert!(text.starts_with(
            r#"v.openAPIV3Schema: Invalid value: {"ID":"","Schema":"","Ref":null,"Description":"","Type":"object","#
        ));
        assert!(text.contains(r#""MinProperties":1,"Required":null"#));
        assert!(text.ends_with(
            "XPreserveUnknownFields XValidations] fields are allowed at the root of the schema if the status \
             subresource is enabled"
        ));
    }

    #[test]
    fn unsupported_root_keyword_is_rejected() {
        let schema = json!({"type": "object", "$schema": "x"});
        let why = "v.openAPIV3Schema: Invalid value: \"\": OpenAPIV3Schema 'schema' is not supported";
        check_texts(&schema, false, &[why]);
    }
}
