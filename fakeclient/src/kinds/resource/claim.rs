//! `ResourceClaim` and `ResourceClaimTemplate`: the default count of exact requests.

use serde_json::Value;

use crate::object::view::fields::{FieldAccess, items_mut, object_mut, set};
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

/// `resourceclaims.resource.k8s.io` and `resourceclaimtemplates.resource.k8s.io`
#[derive(Debug)]
pub(crate) struct ResourceClaim {
    /// True for a template, whose claim spec is nested one level deeper.
    pub(crate) template: bool,
}

impl Strategy for ResourceClaim {
    fn apply_defaults(&self, object: &mut Value) {
        let mut spec = object_mut(object, "spec");
        if self.template {
            spec = object_mut(spec, "spec");
        }
        let Some(devices) = spec.get_mut("devices") else { return };
        for request in items_mut(devices, "requests") {
            if let Some(exactly) = request.get_mut("exactly") {
                set_default_count(exactly);
            }
            items_mut(request, "firstAvailable").for_each(set_default_count);
        }
    }
}

impl CreateStrategy for ResourceClaim {}
impl UpdateStrategy for ResourceClaim {}
impl StatusStrategy for ResourceClaim {}
impl DeleteStrategy for ResourceClaim {}

fn set_default_count(request: &mut Value) {
    if request.text("allocationMode") == "ExactCount" && request.number("count").unwrap_or(0) == 0 {
        set(request, "count", 1);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn exact_count_defaults_to_one() {
        let mut object = json!({"spec": {"devices": {"requests": [
            {"exactly": {"allocationMode": "ExactCount"}},
            {"firstAvailable": [{"allocationMode": "All"}, {"allocationMode": "ExactCount", "count": 2}]},
        ]}}});
        ResourceClaim { template: false }.apply_defaults(&mut object);
        let requests = &object["spec"]["devices"]["requests"];
        assert_eq!(requests[0]["exactly"]["count"], 1);
        assert_eq!(requests[1]["firstAvailable"][0].get("count"), None);
        assert_eq!(requests[1]["firstAvailable"][1]["count"], 2);
    }
}
