//! Cells of Event in both API groups, as kube-apiserver 1.37 prints them.

use jiff::Timestamp;
use serde_json::Value;

use crate::object::table::age;
use crate::object::view::metadata;
use crate::object::view::path::{at, number, text, text_or};

/// Last seen, type, reason, object, subobject, source, message, first seen, count, name.
pub(super) fn event(object: &Value, now: Timestamp) -> Vec<Value> {
    let field = |old: &str, new: &str| object.get(old).or_else(|| object.get(new));
    let regarding = field("involvedObject", "regarding").unwrap_or(&Value::Null);
    let times = |old: &str, new: &str| field(old, new).filter(|t| t.is_string());
    let first = match times("firstTimestamp", "deprecatedFirstTimestamp") {
        Some(time) => age::since(Some(time), now),
        None => age::since(object.get("eventTime"), now),
    };
    let mut last = match times("lastTimestamp", "deprecatedLastTimestamp") {
        Some(time) => age::since(Some(time), now),
        None => first.clone(),
    };
    let mut count = field("count", "deprecatedCount").and_then(Value::as_i64).unwrap_or_default().max(1);
    if let Some(series) = object.get("series").filter(|s| s.is_object()) {
        last = age::since(series.get("lastObservedTime"), now);
        count = number(series, &["count"]);
    }
    vec![
        last.into(),
        text(object, &["type"]).into(),
        text(object, &["reason"]).into(),
        target(regarding).into(),
        text(regarding, &["fieldPath"]).into(),
        source(object).into(),
        field("message", "note").and_then(Value::as_str).unwrap_or_default().trim().into(),
        first.into(),
        count.into(),
        metadata::name(object).into(),
    ]
}

fn target(regarding: &Value) -> String {
    let kind = text(regarding, &["kind"]).to_lowercase();
    match text(regarding, &["name"]) {
        "" => kind,
        name => format!("{kind}/{name}"),
    }
}

fn source(object: &Value) -> String {
    let source =
        at(object, &["source"]).or_else(|| at(object, &["deprecatedSource"])).unwrap_or(&Value::Null);
    let controller = text_or(object, &["reportingComponent"], text(object, &["reportingController"]));
    let component = text_or(source, &["component"], controller);
    let instance = text_or(source, &["host"], text(object, &["reportingInstance"]));
    if instance.is_empty() { component.to_owned() } else { format!("{component}, {instance}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn event_cells_contain_object_and_message() {
        let object = json!({
            "metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "p"}, "reason": "R", "message": " hi\n",
            "type": "Normal", "count": 2, "source": {"component": "k", "host": "h"},
            "lastTimestamp": "2026-11-22T18:00:00Z", "firstTimestamp": "2026-11-22T17:00:00Z",
        });
        let cells = event(&object, "2026-11-22T18:36:30Z".parse().unwrap());
        assert_eq!(
            cells,
            [
                json!("36m"),
                json!("Normal"),
                json!("R"),
                json!("pod/p"),
                json!(""),
                json!("k, h"),
                json!("hi"),
                json!("96m"),
                json!(2),
                json!("e"),
            ]
        );
    }
}
