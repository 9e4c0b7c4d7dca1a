//! Admission policies in CEL: not modelled. A write that a bound policy matches answers 501.

use serde_json::Value;

use crate::admission::attributes::Attributes;
use crate::admission::plugin::Plugin;
use crate::admission::webhook::matching::{is_exempt, rule_matches, selectors_match};
use crate::error::ApiError;
use crate::object::view::fields::FieldAccess;

/// Mutating policies in CEL.
#[derive(Debug)]
pub(crate) struct MutatingAdmissionPolicy;

/// Validating policies in CEL.
#[derive(Debug)]
pub(crate) struct ValidatingAdmissionPolicy;

impl Plugin for MutatingAdmissionPolicy {
    fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), ApiError> {
        policies(
            attributes,
            object,
            "mutatingadmissionpolicies.admissionregistration.k8s.io",
            "mutatingadmissionpolicybindings.admissionregistration.k8s.io",
        )
    }
}

impl Plugin for ValidatingAdmissionPolicy {
    fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), ApiError> {
        policies(
            attributes,
            object,
            "validatingadmissionpolicies.admissionregistration.k8s.io",
            "validatingadmissionpolicybindings.admissionregistration.k8s.io",
        )
    }
}

/// 501 if a policy with a binding matches the write.
fn policies(attributes: &Attributes<'_>, object: &Value, kind: &str, bindings: &str) -> Result<(), ApiError> {
    if is_exempt(attributes) {
        return Ok(());
    }
    for policy in attributes.store_view.list(kind, None) {
        let name = policy["metadata"].text("name");
        let matching = &policy["spec"]["matchConstraints"];
        let any =
            |rules: &str| matching.list(rules).iter().any(|rule| rule_matches(rule, matching, attributes));
        if !any("resourceRules")
            || any("excludeResourceRules")
            || !selectors_match(matching, attributes, object)
        {
            continue;
        }
        let mut bound = attributes.store_view.list(bindings, None);
        if bound.any(|binding| binding["spec"].text("policyName") == name) {
            let what = format!("admission policies (this request would meet {name:?})");
            return Err(ApiError::not_modelled(&what));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{StoredObjects, create, pod};
    use super::*;

    #[test]
    fn policy_without_binding_is_ignored() {
        let rules =
            json!([{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["*"], "resources": ["*"]}]);
        let policy =
            json!({"metadata": {"name": "p"}, "spec": {"matchConstraints": {"resourceRules": rules}}});
        let stored = || {
            StoredObjects::default()
                .with("validatingadmissionpolicies.admissionregistration.k8s.io", policy.clone())
        };
        let binding = json!({"metadata": {"name": "b"}, "spec": {"policyName": "p"}});
        let bound = stored().with("validatingadmissionpolicybindings.admissionregistration.k8s.io", binding);
        let answer =
            |stored: &StoredObjects| create(&ValidatingAdmissionPolicy, "pods", pod(json!({})), stored);
        assert!(answer(&stored()).is_ok());
        assert_eq!(answer(&bound).expect_err("refused").code, 501);
    }
}
