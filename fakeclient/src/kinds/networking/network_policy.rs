//! `NetworkPolicy`: policy types that default to the directions of its rules.

use serde_json::{Value, json};

use crate::object::view::fields::{FieldAccess, object_mut, set};
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

/// `networkpolicies.networking.k8s.io`
#[derive(Debug)]
pub(crate) struct NetworkPolicy;

impl Strategy for NetworkPolicy {
    fn apply_defaults(&self, object: &mut Value) {
        let spec = object_mut(object, "spec");
        if spec.list("policyTypes").is_empty() {
            let outwards = !spec.list("egress").is_empty();
            set(
                spec,
                "policyTypes",
                if outwards { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) },
            );
        }
    }
}

impl CreateStrategy for NetworkPolicy {}
impl UpdateStrategy for NetworkPolicy {}
impl StatusStrategy for NetworkPolicy {}
impl DeleteStrategy for NetworkPolicy {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_types_default_to_ingress_and_egress_with_egress_rules() {
        let types = |spec: Value| {
            let mut object = json!({"spec": spec});
            NetworkPolicy.apply_defaults(&mut object);
            object["spec"]["policyTypes"].clone()
        };
        assert_eq!(types(json!({})), json!(["Ingress"]));
        assert_eq!(types(json!({"egress": [{}]})), json!(["Ingress", "Egress"]));
        assert_eq!(types(json!({"policyTypes": ["Egress"]})), json!(["Egress"]));
    }
}
