//! Matcher of `status.conditions`, in the form of `metav1.Condition` and of older kinds.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::display::to_json;
use crate::expect::{Matcher, Mismatch};
use crate::managed_fields::FieldCursor;

/// Made by [`have_condition`].
pub struct HaveCondition {
    kind: String,
    status: String,
    reason: Option<String>,
    up_to_date: bool,
}

/// The object has a condition of a type with a status: `have_condition("Ready", "True")`.
pub fn have_condition(kind: &str, status: &str) -> HaveCondition {
    HaveCondition { kind: kind.into(), status: status.into(), reason: None, up_to_date: false }
}

impl HaveCondition {
    /// The condition also has this reason.
    #[must_use]
    pub fn with_reason(mut self, reason: &str) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// The condition is about the object as it is now: its `observedGeneration` is the object's
    /// `metadata.generation`.
    #[must_use]
    pub fn up_to_date(mut self) -> Self {
        self.up_to_date = true;
        self
    }

    fn wanted(&self, generation: &Value) -> Map<String, Value> {
        let mut wanted =
            Map::from_iter([("type".into(), json!(self.kind)), ("status".into(), json!(self.status))]);
        if let Some(reason) = &self.reason {
            wanted.insert("reason".into(), json!(reason));
        }
        if self.up_to_date {
            wanted.insert("observedGeneration".into(), generation.clone());
        }
        wanted
    }
}

impl<T: Serialize> Matcher<T> for HaveCondition {
    fn expected(&self) -> String {
        let reason = self.reason.as_ref().map(|reason| format!(" with reason {reason}")).unwrap_or_default();
        let current = if self.up_to_date { ", up to date" } else { "" };
        format!("have condition {}={}{reason}{current}", self.kind, self.status)
    }

    fn check(&self, actual: Option<&T>) -> Result<(), Mismatch> {
        let Some(actual) = actual else { return Err(Mismatch::absent()) };
        let object = to_json(actual);
        let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
        let Some(conditions) = conditions.filter(|conditions| !conditions.is_empty()) else {
            return Err(Mismatch::new("it has no conditions"));
        };
        let of_type = |(_, condition): &(usize, &Value)| {
            condition.get("type").and_then(Value::as_str) == Some(&self.kind)
        };
        let Some((index, condition)) = conditions.iter().enumerate().find(of_type) else {
            let types: Vec<_> =
                conditions.iter().filter_map(|c| c.get("type").and_then(Value::as_str)).collect();
            return Err(Mismatch::new(format!(
                "it has no condition {}, only {}",
                self.kind,
                types.join(", ")
            )));
        };
        let wanted = self.wanted(object.pointer("/metadata/generation").unwrap_or(&Value::Null));
        if wanted.iter().all(|(key, value)| condition.get(key) == Some(value)) {
            return Ok(());
        }
        let seen: Map<_, _> =
            wanted.keys().filter_map(|key| Some((key.clone(), condition.get(key)?.clone()))).collect();
        let place =
            FieldCursor::default().at(&object).field("status").field("conditions").item(index, condition);
        let why = format!("{}{}", describe(&self.kind, condition), place.field("status").last_written());
        Err(Mismatch::new(why).with_difference(&wanted, &seen))
    }
}

/// `condition Ready is False (Creating: 1 of 3 machines)`.
fn describe(kind: &str, condition: &Value) -> String {
    let text = |key: &str| condition.get(key).and_then(Value::as_str).unwrap_or_default();
    let why = [text("reason"), text("message")];
    let why: Vec<_> = why.iter().filter(|part| !part.is_empty()).copied().collect();
    let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join(": ")) };
    format!("condition {kind} is {}{why}", text("status"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object() -> Value {
        json!({
            "metadata": {"generation": 3},
            "status": {"conditions": [
                {"type": "Ready", "status": "False", "reason": "Creating", "message": "1 of 3", "observedGeneration": 2},
            ]},
        })
    }

    #[test]
    fn a_condition_with_the_status_matches_whatever_else_it_has() {
        assert_eq!(have_condition("Ready", "False").check(Some(&object())), Ok(()));
    }

    #[test]
    fn a_condition_with_another_status_is_reported_with_its_reason_and_message() {
        let mismatch = have_condition("Ready", "True").check(Some(&object())).unwrap_err();
        assert_eq!(mismatch.why(), "condition Ready is False (Creating: 1 of 3)");
        assert_eq!(mismatch.difference(), Some("-status: \"True\"\n+status: \"False\"\n type: Ready"));
    }

    #[test]
    fn a_condition_is_reported_with_the_manager_that_wrote_it() {
        let fields =
            json!({"f:status": {"f:conditions": {r#"k:{"type":"Ready"}"#: {"f:status": {}, "f:type": {}}}}});
        let mut object = object();
        object["metadata"]["managedFields"] =
            json!([{"manager": "bosun", "operation": "Apply", "subresource": "status", "fieldsV1": fields}]);
        let mismatch = have_condition("Ready", "True").check(Some(&object)).unwrap_err();
        let told = "condition Ready is False (Creating: 1 of 3) (last written by bosun, Apply, /status)";
        assert_eq!(mismatch.why(), told);
    }

    #[test]
    fn a_reason_can_be_asked_for() {
        assert_eq!(have_condition("Ready", "False").with_reason("Creating").check(Some(&object())), Ok(()));
        assert!(have_condition("Ready", "False").with_reason("Failed").check(Some(&object())).is_err());
    }

    #[test]
    fn a_condition_about_an_older_generation_is_not_up_to_date() {
        assert!(have_condition("Ready", "False").up_to_date().check(Some(&object())).is_err());
    }

    #[test]
    fn an_object_without_the_condition_or_without_any_says_which() {
        let missing = have_condition("Synced", "True").check(Some(&object())).unwrap_err();
        assert_eq!(missing.why(), "it has no condition Synced, only Ready");
        let none = have_condition("Ready", "True").check(Some(&json!({}))).unwrap_err();
        assert_eq!(none.why(), "it has no conditions");
    }
}
