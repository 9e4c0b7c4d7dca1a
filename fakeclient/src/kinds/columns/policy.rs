//! Cells of `PodDisruptionBudget`, `PriorityClass` and webhook configurations, as kube-apiserver 1.37 prints them.

use jiff::Timestamp;
use serde_json::Value;

use crate::object::table::age;
use crate::object::view::metadata;
use crate::object::view::path::{at, list, number, text};

/// Name, min available, max unavailable, allowed disruptions, age.
pub(super) fn disruption_budget(object: &Value, now: Timestamp) -> Vec<Value> {
    let bound = |field: &str| match at(object, &["spec", field]) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => "N/A".to_owned(),
    };
    vec![
        metadata::name(object).into(),
        bound("minAvailable").into(),
        bound("maxUnavailable").into(),
        number(object, &["status", "disruptionsAllowed"]).into(),
        age::of(object, now).into(),
    ]
}

/// Name, value, global default, age, preemption policy.
pub(super) fn priority_class(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        metadata::name(object).into(),
        number(object, &["value"]).into(),
        at(object, &["globalDefault"]).and_then(Value::as_bool).unwrap_or_default().into(),
        age::of(object, now).into(),
        text(object, &["preemptionPolicy"]).into(),
    ]
}

/// Name, webhooks, age.
pub(super) fn webhooks(object: &Value, now: Timestamp) -> Vec<Value> {
    let count = list(object, &["webhooks"]).len();
    vec![metadata::name(object).into(), count.into(), age::of(object, now).into()]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn budget_cells_contain_the_set_limit() {
        let object = json!({
            "metadata": {"name": "b", "creationTimestamp": "2026-11-22T18:19:09Z"},
            "spec": {"maxUnavailable": "20%"},
        });
        let now = "2026-11-22T18:36:21Z".parse().unwrap();
        let cells = [json!("b"), json!("N/A"), json!("20%"), json!(0), json!("17m")];
        assert_eq!(disruption_budget(&object, now), cells);
    }
}
