//! `PriorityClass`: the value's range, and immutable fields.

use serde_json::Value;

use crate::error::field::FieldError;
use crate::object::view::fields::FieldAccess;
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

/// The system priority classes: name, value, description. A Pod may refer to them even if they are not stored.
pub(crate) const SYSTEM: [(&str, i64, &str); 2] = [
    (
        "system-node-critical",
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
    (
        "system-cluster-critical",
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
];

/// Maximum value of a user-defined class.
const MAX_USER_PRIORITY: i64 = 1_000_000_000;

/// `priorityclasses.scheduling.k8s.io`
#[derive(Debug)]
pub(crate) struct PriorityClass;

impl CreateStrategy for PriorityClass {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let name = object["metadata"].text("name");
        let value = object.number("value").unwrap_or_default();
        let mut errors = Vec::new();
        let known = SYSTEM.iter().any(|(system, ..)| *system == name);
        if name.starts_with("system-") && !known {
            let why = format!(
                "priority class names with 'system-' prefix are reserved for system use only. error: {name} is not a \
                 known system priority class"
            );
            errors.push(FieldError::forbidden("metadata.name", why));
        } else if !known && value > MAX_USER_PRIORITY {
            let why = format!("maximum allowed value of a user defined priority is {MAX_USER_PRIORITY}");
            errors.push(FieldError::forbidden("value", why));
        }
        let (policy, policies) = (object.text("preemptionPolicy"), ["PreemptLowerPriority", "Never"]);
        if !policy.is_empty() && !policies.contains(&policy) {
            errors.push(FieldError::not_supported("preemptionPolicy", policy.into(), &policies));
        }
        errors
    }
}

impl UpdateStrategy for PriorityClass {
    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if object.number("value") != old.number("value") {
            errors.push(FieldError::forbidden("value", "may not be changed in an update."));
        }
        let policy = &object["preemptionPolicy"];
        if *policy != old["preemptionPolicy"] {
            errors.push(FieldError::invalid("preemptionPolicy", policy.clone(), "field is immutable"));
        }
        errors
    }
}

impl Strategy for PriorityClass {}
impl StatusStrategy for PriorityClass {}
impl DeleteStrategy for PriorityClass {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::field::texts;

    #[test]
    fn system_values_and_names_are_reserved() {
        let class = |name: &str, value: i64| json!({"metadata": {"name": name}, "value": value});
        assert_eq!(
            texts(&PriorityClass.validate_create(&class("system-x", 1))),
            [
                "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-x is not a known system priority class"
            ]
        );
        assert_eq!(
            texts(&PriorityClass.validate_create(&class("xx", MAX_USER_PRIORITY + 1))),
            ["value: Forbidden: maximum allowed value of a user defined priority is 1000000000"]
        );
        assert!(PriorityClass.validate_create(&class("system-node-critical", 2_000_001_000)).is_empty());
        assert_eq!(
            texts(&PriorityClass.validate_update(&class("xx", 2), &class("xx", 1))),
            ["value: Forbidden: may not be changed in an update."]
        );
    }
}
