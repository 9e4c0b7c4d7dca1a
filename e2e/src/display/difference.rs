//! Values as YAML, differences of texts, and lists of changed fields.
//!
//! `metadata.managedFields` is shown nowhere, since it is long; what it says of a field that changed is told with
//! that field.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use similar::TextDiff;

use crate::managed_fields::{FieldCursor, without};

/// A value as JSON.
pub(crate) fn to_json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("a value that came from the API as JSON can be written as JSON")
}

/// A value as YAML, without managed fields.
pub(crate) fn yaml(value: &Value) -> String {
    serde_saphyr::to_string(&without(value)).expect("every JSON value can be written as YAML")
}

/// Unified difference of two texts, with some lines of context.
pub(crate) fn text_difference(expected: &str, actual: &str) -> String {
    let difference = TextDiff::from_lines(expected, actual);
    let text = difference.unified_diff().context_radius(2).to_string();
    let lines: Vec<_> =
        text.lines().filter(|line| !line.starts_with("@@") && !line.starts_with('\\')).collect();
    lines.join("\n")
}

/// A field in which two values differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldChange {
    /// `status.phase`.
    pub(crate) path: String,
    /// `"Pending" → "Ready"`.
    values: String,
    /// ` (by my-operator, Update, /status)`; empty where that is not known.
    by: String,
    /// The field's managers: `my-operator, Update, /status`.
    pub(crate) managers: Vec<String>,
}

/// `status.phase: "Pending" → "Ready" (by my-operator, Update, /status)`.
impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}{}", self.path, self.values, self.by)
    }
}

/// The fields in which two values differ, with their managers in the newer one; managed fields themselves are left
/// out.
pub(crate) fn changes(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare("", &FieldCursor::default(), before, after, &mut found);
    found
}

fn compare<'v>(
    path: &str,
    place: &FieldCursor<'v>,
    before: &'v Value,
    after: &'v Value,
    found: &mut Vec<FieldChange>,
) {
    if before == after {
        return;
    }
    let place = place.clone().at(after);
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let is_told = |key: &str| !(key == "managedFields" && path.ends_with("metadata"));
            for (key, value) in old.iter().filter(|(key, _)| is_told(key)) {
                let after = new.get(key).unwrap_or(&Value::Null);
                compare(&below(path, key), &place.field(key), value, after, found);
            }
            for (key, value) in new.iter().filter(|(key, _)| is_told(key) && !old.contains_key(*key)) {
                compare(&below(path, key), &place.field(key), &Value::Null, value, found);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                let path = format!("{path}[{}]", item_name(index, new));
                compare(&path, &place.item(index, new), old, new, found);
            }
        }
        (before, after) => {
            let values = format!("{} → {}", short(before), short(after));
            // Nobody is known to have removed a field.
            let place = if after.is_null() { FieldCursor::default() } else { place };
            let (by, managers) = (place.by(), place.managers());
            found.push(FieldChange { path: path.to_owned(), values, by, managers });
        }
    }
}

fn below(path: &str, key: &str) -> String {
    let key = if key.contains(['.', '/']) { format!("[{key:?}]") } else { key.to_owned() };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// Conditions, containers and ports are known by a field rather than by their place.
fn item_name(index: usize, item: &Value) -> String {
    let named = ["type", "name"].iter().find_map(|key| item.get(key).and_then(Value::as_str));
    named.map_or_else(|| index.to_string(), str::to_owned)
}

/// A value on one line, without managed fields, cut when it is long; nothing where there is none.
pub(crate) fn short(value: &Value) -> String {
    const LIMIT: usize = 120;
    if value.is_null() {
        return "(none)".into();
    }
    let text = without(value).to_string();
    match text.char_indices().nth(LIMIT) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

/// A duration in seconds: `30s`, `0.102s`.
pub(crate) fn seconds(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{}s", duration.as_secs())
    } else {
        format!("{:.3}s", duration.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changes(before: &Value, after: &Value) -> Vec<String> {
        super::changes(before, after).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_changed_field_is_reported_by_its_path() {
        let before = json!({"status": {"phase": "Pending"}, "spec": {"a": 1}});
        let after = json!({"status": {"phase": "Ready", "node": "n"}, "spec": {"a": 1}});
        assert_eq!(
            changes(&before, &after),
            [r#"status.phase: "Pending" → "Ready""#, r#"status.node: (none) → "n""#]
        );
    }

    #[test]
    fn a_condition_is_reported_by_its_type_and_not_by_its_place() {
        let before = json!({"conditions": [{"type": "Ready", "status": "False"}]});
        let after = json!({"conditions": [{"type": "Ready", "status": "True"}]});
        assert_eq!(changes(&before, &after), [r#"conditions[Ready].status: "False" → "True""#]);
    }

    #[test]
    fn a_key_with_dots_in_it_is_not_taken_for_a_path() {
        let after = json!({"labels": {"app.kubernetes.io/name": "x"}});
        assert_eq!(
            changes(&json!({"labels": {}}), &after),
            [r#"labels.["app.kubernetes.io/name"]: (none) → "x""#]
        );
    }

    #[test]
    fn long_values_are_cut_between_characters() {
        let text = short(&json!("é".repeat(500)));
        assert!(text.ends_with('…') && text.chars().count() == 121, "{text}");
    }

    #[test]
    fn a_changed_field_is_reported_with_its_manager_and_managed_fields_are_not_shown() {
        let object = |phase: &str, manager: &str| {
            let fields = json!({"f:status": {"f:phase": {}, "f:conditions": {r#"k:{"type":"Ready"}"#: {"f:status": {}}}}});
            let entry = json!({"manager": manager, "operation": "Update", "subresource": "status", "fieldsV1": fields});
            json!({
                "metadata": {"name": "a", "managedFields": [entry]},
                "status": {"phase": phase, "conditions": [{"type": "Ready", "status": phase}]},
            })
        };
        let (before, after) = (object("old", "mate"), object("new", "bosun"));
        assert_eq!(
            changes(&before, &after),
            [
                r#"status.conditions[Ready].status: "old" → "new" (by bosun, Update, /status)"#,
                r#"status.phase: "old" → "new" (by bosun, Update, /status)"#,
            ]
        );
        assert_eq!(changes(&json!({}), &json!({"a": after})).len(), 1);
        for text in [yaml(&after), short(&after), changes(&Value::Null, &after).concat()] {
            assert!(!text.contains("managedFields") && text.contains("metadata"), "{text}");
        }
    }

    #[test]
    fn durations_have_a_fraction_only_where_there_is_one() {
        assert_eq!(seconds(Duration::from_secs(90)), "90s");
        assert_eq!(seconds(Duration::from_millis(102)), "0.102s");
    }

    #[test]
    fn texts_are_compared_line_by_line() {
        assert_eq!(text_difference("a: 1\nb: 2\n", "a: 1\nb: 3\n"), " a: 1\n-b: 2\n+b: 3");
    }
}
