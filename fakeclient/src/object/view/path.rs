//! Reading JSON objects by paths of fields.

use serde_json::Value;

/// Text at a path of fields; empty if it is not there.
pub(crate) fn text<'v>(object: &'v Value, path: &[&str]) -> &'v str {
    at(object, path).and_then(Value::as_str).unwrap_or_default()
}

/// Text at a path, or what stands for none.
pub(crate) fn text_or<'v>(object: &'v Value, path: &[&str], none: &'v str) -> &'v str {
    let found = text(object, path);
    if found.is_empty() { none } else { found }
}

/// Number at a path; 0 if it is not there.
pub(crate) fn number(object: &Value, path: &[&str]) -> i64 {
    at(object, path).and_then(Value::as_i64).unwrap_or_default()
}

/// Items of the list at a path.
pub(crate) fn list<'v>(object: &'v Value, path: &[&str]) -> &'v [Value] {
    at(object, path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Value at a path of fields.
pub(crate) fn at<'v>(object: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(object, |value, key| value.get(key))
}

/// Whether a list of conditions has that one with status True.
pub(crate) fn is_true(conditions: &[Value], kind: &str) -> bool {
    conditions.iter().any(|c| text(c, &["type"]) == kind && text(c, &["status"]) == "True")
}
