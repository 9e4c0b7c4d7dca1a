//! Admission webhooks and policies: not modelled. A write that one of them matches answers 501.

use std::future::ready;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;

use crate::admission::attributes::{Attributes, Operation};
use crate::admission::plugin::{Plugin, RemotePlugin};
use crate::error::ApiError;
use crate::object::selector::label::LabelSelector;
use crate::object::view::fields::FieldAccess;

const GROUP: &str = "admissionregistration.k8s.io";

/// Mutating policies in CEL.
#[derive(Debug)]
pub(crate) struct MutatingAdmissionPolicy;

/// Mutating webhooks.
#[derive(Debug)]
pub(crate) struct MutatingAdmissionWebhook;

/// Validating policies in CEL.
#[derive(Debug)]
pub(crate) struct ValidatingAdmissionPolicy;

/// Validating webhooks.
#[derive(Debug)]
pub(crate) struct ValidatingAdmissionWebhook;

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

impl RemotePlugin for MutatingAdmissionWebhook {
    fn admit<'a>(
        &'a self,
        attributes: &'a Attributes<'_>,
        object: &'a mut Value,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        ready(webhooks(attributes, object, "mutatingwebhookconfigurations.admissionregistration.k8s.io"))
            .boxed()
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

impl RemotePlugin for ValidatingAdmissionWebhook {
    fn validate<'a>(
        &'a self,
        attributes: &'a Attributes<'_>,
        object: &'a Value,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        ready(webhooks(attributes, object, "validatingwebhookconfigurations.admissionregistration.k8s.io"))
            .boxed()
    }
}

fn webhooks(attributes: &Attributes<'_>, object: &Value, kind: &str) -> Result<(), ApiError> {
    if attributes.resource.group == GROUP {
        return Ok(());
    }
    for configuration in attributes.store_view.list(kind, None) {
        for webhook in configuration.list("webhooks") {
            if webhook.list("rules").iter().any(|rule| rule_matches(rule, webhook, attributes))
                && selectors_match(webhook, attributes, object)
            {
                let what = format!("calling webhooks (this request would go to {:?})", webhook.text("name"));
                return Err(ApiError::not_modelled(&what));
            }
        }
    }
    Ok(())
}

/// 501 if a policy with a binding matches the write.
fn policies(attributes: &Attributes<'_>, object: &Value, kind: &str, bindings: &str) -> Result<(), ApiError> {
    if attributes.resource.group == GROUP {
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

/// True if a rule matches the operation and the resource. Other versions of the resource match, unless `matchPolicy` is
/// `Exact`.
fn rule_matches(rule: &Value, matching: &Value, attributes: &Attributes<'_>) -> bool {
    let resource = attributes.resource;
    let lists = |key: &str, value: &str| rule.list(key).iter().any(|item| item == "*" || item == value);
    let operation = match attributes.operation {
        Operation::Create => "CREATE",
        Operation::Update => "UPDATE",
        Operation::Delete => "DELETE",
    };
    let scope = match rule.text("scope") {
        "Namespaced" => resource.namespaced && resource.plural != "namespaces",
        "Cluster" => !resource.namespaced,
        _ => true,
    };
    let names = rule.list("resourceNames");
    scope
        && lists("operations", operation)
        && lists("apiGroups", &resource.group)
        && (lists("apiVersions", &resource.version) || matching.text("matchPolicy") != "Exact")
        && rule
            .list("resources")
            .iter()
            .any(|item| is_resource(item.as_str().unwrap_or_default(), attributes))
        && (names.is_empty() || names.iter().any(|name| name == attributes.name))
}

fn is_resource(pattern: &str, attributes: &Attributes<'_>) -> bool {
    let (resource, subresource) = pattern.split_once('/').unwrap_or((pattern, ""));
    let same = |pattern: &str, value: &str| pattern == "*" || pattern == value;
    same(resource, &attributes.resource.plural) && same(subresource, attributes.subresource)
}

/// True if the namespace selector and the object selector match.
fn selectors_match(matching: &Value, attributes: &Attributes<'_>, object: &Value) -> bool {
    let fits = |key: &str, labels: &Value| {
        !matching.has(key) || LabelSelector::object_selects(&matching[key], labels)
    };
    let labels = |object: &Value| object["metadata"]["labels"].clone();
    let namespace = if attributes.resource.plural == "namespaces" && attributes.resource.group.is_empty() {
        Some(labels(object))
    } else if attributes.namespace.is_empty() {
        None
    } else {
        attributes.store_view.get("namespaces", "", attributes.namespace).map(labels)
    };
    let old = attributes.old.is_some_and(|old| fits("objectSelector", &labels(old)));
    namespace.is_none_or(|labels| fits("namespaceSelector", &labels))
        && (old || fits("objectSelector", &labels(object)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{StoredObjects, create, pod};
    use super::*;

    fn webhook(extra: Value) -> StoredObjects {
        let mut webhook = json!({"name": "w.ex.com", "rules": [{"operations": ["CREATE"], "apiGroups": [""],
            "apiVersions": ["v1"], "resources": ["pods"]}]});
        if let Value::Object(extra) = extra {
            webhook.as_object_mut().expect("a webhook has fields").extend(extra);
        }
        let configuration = json!({"metadata": {"name": "c"}, "webhooks": [webhook]});
        let namespace = json!({"metadata": {"name": "default", "labels": {"team": "a"}}});
        StoredObjects::default()
            .with("validatingwebhookconfigurations.admissionregistration.k8s.io", configuration)
            .with("namespaces", namespace)
    }

    /// Validating webhooks as a synchronous plugin.
    #[derive(Debug)]
    struct ValidatingWebhookOnly;

    impl Plugin for ValidatingWebhookOnly {
        fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), ApiError> {
            webhooks(attributes, object, "validatingwebhookconfigurations.admissionregistration.k8s.io")
        }
    }

    fn code(resource: &str, stored: &StoredObjects) -> Option<u16> {
        create(&ValidatingWebhookOnly, resource, pod(json!({})), stored).err().map(|error| error.code)
    }

    #[test]
    fn request_that_a_webhook_matches_is_rejected() {
        assert_eq!(code("pods", &webhook(json!({}))), Some(501));
        assert_eq!(code("configmaps", &webhook(json!({}))), None);
        let exact = json!({"matchPolicy": "Exact", "rules": [{"operations": ["*"], "apiGroups": ["*"],
            "apiVersions": ["v2"], "resources": ["*"]}]});
        assert_eq!(code("pods", &webhook(exact)), None);
    }

    #[test]
    fn webhook_matches_by_its_selectors() {
        let by_team = |team: &str| webhook(json!({"namespaceSelector": {"matchLabels": {"team": team}}}));
        assert_eq!(code("pods", &by_team("a")), Some(501));
        assert_eq!(code("pods", &by_team("b")), None);
        assert_eq!(code("pods", &webhook(json!({"objectSelector": {"matchLabels": {"x": "y"}}}))), None);
    }

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
