//! `LimitRange`: limits that default to each other.

use serde_json::Value;

use crate::object::view::fields::{FieldAccess, items_mut, object_mut, set};
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

/// `limitranges`
#[derive(Debug)]
pub(crate) struct LimitRange;

impl Strategy for LimitRange {
    fn apply_defaults(&self, object: &mut Value) {
        for limit in items_mut(object_mut(object, "spec"), "limits") {
            if limit.text("type") == "Container" {
                for (from, to) in
                    [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")]
                {
                    set_default_quantities(limit, from, to);
                }
            }
        }
    }
}

impl UpdateStrategy for LimitRange {
    fn creates_on_update(&self) -> bool {
        true
    }
}

impl CreateStrategy for LimitRange {}
impl StatusStrategy for LimitRange {}
impl DeleteStrategy for LimitRange {}

/// Copies the quantities of resources that `to` does not contain from `from`.
fn set_default_quantities(limit: &mut Value, from: &str, to: &str) {
    let given: Vec<(String, Value)> = limit.entries(from).map(|(k, v)| (k.to_owned(), v.clone())).collect();
    for (resource, amount) in given {
        let amounts = object_mut(limit, to);
        if !amounts.has(&resource) {
            set(amounts, &resource, amount);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn default_is_max_and_default_request_is_default_or_min() {
        let mut range = json!({"spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}, "min": {"memory": "1Mi"}}]}});
        LimitRange.apply_defaults(&mut range);
        let limit = &range["spec"]["limits"][0];
        assert_eq!(limit["default"], json!({"cpu": "1"}));
        assert_eq!(limit["defaultRequest"], json!({"cpu": "1", "memory": "1Mi"}));
    }
}
