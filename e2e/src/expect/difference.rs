//! Values told to a person: as YAML, as a difference of two texts, as a list of changed fields.
//!
//! `metadata.managedFields` is left out everywhere: it is long, and nobody's expectation.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use similar::TextDiff;

/// A value as JSON, without managed fields.
pub(crate) fn to_json(value: &impl Serialize) -> Value {
    let mut json =
        serde_json::to_value(value).expect("a value that came from the API as JSON can be written as JSON");
    if let Some(metadata) = json.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    json
}

/// A value as YAML.
pub(crate) fn yaml(value: &Value) -> String {
    serde_saphyr::to_string(value).expect("every JSON value can be written as YAML")
}

/// What has to be taken away from, and added to, the one text to get the other, with some lines around.
pub(crate) fn text_difference(expected: &str, actual: &str) -> String {
    let difference = TextDiff::from_lines(expected, actual);
    let text = difference.unified_diff().context_radius(2).to_string();
    let lines: Vec<_> =
        text.lines().filter(|line| !line.starts_with("@@") && !line.starts_with('\\')).collect();
    lines.join("\n")
}

/// The fields in which two values differ: `status.phase: "Pending" → "Ready"`.
pub(crate) fn changes(before: &Value, after: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", before, after, &mut found);
    found
}

fn compare(path: &str, before: &Value, after: &Value, found: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old {
                compare(&below(path, key), value, new.get(key).unwrap_or(&Value::Null), found);
            }
            for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
                compare(&below(path, key), &Value::Null, value, found);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                compare(&format!("{path}[{}]", item_name(index, new)), old, new, found);
            }
        }
        (before, after) if before != after => {
            found.push(format!("{path}: {} → {}", short(before), short(after)));
        }
        _ => {}
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

/// A value on one line, cut when it is long; nothing where there is none.
pub(crate) fn short(value: &Value) -> String {
    const LIMIT: usize = 120;
    if value.is_null() {
        return "(none)".into();
    }
    let text = value.to_string();
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

    #[test]
    fn a_changed_field_is_told_by_its_path() {
        let before = json!({"status": {"phase": "Pending"}, "spec": {"a": 1}});
        let after = json!({"status": {"phase": "Ready", "node": "n"}, "spec": {"a": 1}});
        assert_eq!(
            changes(&before, &after),
            [r#"status.phase: "Pending" → "Ready""#, r#"status.node: (none) → "n""#]
        );
    }

    #[test]
    fn a_condition_is_told_by_its_type_and_not_by_its_place() {
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
    fn managed_fields_are_left_out() {
        assert_eq!(
            to_json(&json!({"metadata": {"name": "a", "managedFields": []}})),
            json!({"metadata": {"name": "a"}})
        );
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
