//! `NetworkPolicy`: whose directions follow from its rules where it names none.

use serde_json::{Value, json};

use crate::object::view::fields::{Read, object_mut, set};
use crate::registry::strategy::Strategy;

/// `networkpolicies.networking.k8s.io`
#[derive(Debug)]
pub(crate) struct NetworkPolicy;

impl Strategy for NetworkPolicy {
    fn default(&self, object: &mut Value) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_outwards_make_a_policy_of_both_directions() {
        let types = |spec: Value| {
            let mut object = json!({"spec": spec});
            NetworkPolicy.default(&mut object);
            object["spec"]["policyTypes"].clone()
        };
        assert_eq!(types(json!({})), json!(["Ingress"]));
        assert_eq!(types(json!({"egress": [{}]})), json!(["Ingress", "Egress"]));
        assert_eq!(types(json!({"policyTypes": ["Egress"]})), json!(["Egress"]));
    }
}
