//! Access to JSON objects by paths of field names.

use serde_json::Value;

/// String at a path; empty if it is absent.
pub(crate) fn text<'v>(object: &'v Value, path: &[&str]) -> &'v str {
    at(object, path).and_then(Value::as_str).unwrap_or_default()
}

/// String at a path, or `none`.
pub(crate) fn text_or<'v>(object: &'v Value, path: &[&str], none: &'v str) -> &'v str {
    let found = text(object, path);
    if found.is_empty() { none } else { found }
}

/// Number at a path; 0 if it is absent.
pub(crate) fn number(object: &Value, path: &[&str]) -> i64 {
    at(object, path).and_then(Value::as_i64).unwrap_or_default()
}

/// Items of the list at a path; empty if it is absent.
pub(crate) fn list<'v>(object: &'v Value, path: &[&str]) -> &'v [Value] {
    at(object, path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Value at a path.
pub(crate) fn at<'v>(object: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(object, |value, key| value.get(key))
}

/// True if a list of conditions contains one of type `kind` with status True.
pub(crate) fn is_true(conditions: &[Value], kind: &str) -> bool {
    conditions.iter().any(|c| text(c, &["type"]) == kind && text(c, &["status"]) == "True")
}
