//! Validation of strings: length in code points, pattern, format. The first failure of length and pattern is reported,
//! and a wrong format in addition.

use super::node::SchemaNode;
use super::outcome::{ErrorKind, ValidationResult, in_body};
use crate::error::field::go_quoted;

pub(super) fn check(node: &SchemaNode, text: &str, path: &str) -> ValidationResult {
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    if let Some(max) = node.max_length.filter(|max| length > *max) {
        let message = format!("{} should be at most {max} chars long", in_body(path));
        return ValidationResult::failed(ErrorKind::TooLong(max), path, text.into(), message);
    }
    if let Some(min) = node.min_length.filter(|min| length < *min) {
        let message = format!("{} should be at least {min} chars long", in_body(path));
        return ValidationResult::failed(ErrorKind::Other, path, text.into(), message);
    }
    let Some(pattern) = &node.pattern else { return ValidationResult::default() };
    let shown = match &pattern.compiled {
        Ok(regex) if regex.is_match(text) => return ValidationResult::default(),
        Ok(_) => pattern.source.clone(),
        Err(error) => format!("{}, but pattern is invalid: {error}", pattern.source),
    };
    ValidationResult::failed(
        ErrorKind::Other,
        path,
        text.into(),
        format!("{} should match '{shown}'", in_body(path)),
    )
}

/// `None` if the schema has no string format.
pub(super) fn check_format(node: &SchemaNode, text: &str, path: &str) -> Option<ValidationResult> {
    let (name, format) = (node.format_name.as_ref()?, node.format?);
    if format.accepts(text) {
        return Some(ValidationResult::default());
    }
    let message = format!("{} must be of type {name}: {}", in_body(path), go_quoted(text));
    Some(ValidationResult::failed(ErrorKind::Type, path, text.into(), message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(property: &Value, value: &str, expected: &[&str]) {
        let schema = json!({"type": "object", "properties": {"x": property}});
        let errors = SchemaNode::parse(&schema).validate(&json!({"x": value}), "");
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn length_counts_code_points() {
        let schema = json!({"type": "string", "minLength": 3, "maxLength": 5, "pattern": "^[a-zä]+$"});
        check(&schema, "ab", &[r#"x: Invalid value: "ab": x in body should be at least 3 chars long"#]);
        check(&schema, "abcdef", &["x: Too long: may not be more than 5 bytes"]);
        check(&schema, "äääää", &[]);
        check(&schema, "AB1", &[r#"x: Invalid value: "AB1": x in body should match '^[a-zä]+$'"#]);
    }

    #[test]
    fn wrong_format_is_a_type_error() {
        let wrong = r#"x: Invalid value: "v": x in body must be of type uuid: "v""#;
        check(&json!({"type": "string", "format": "uuid"}), "v", &[wrong]);
        check(&json!({"type": "string", "format": "nobody-knows"}), "v", &[]);
    }
}
