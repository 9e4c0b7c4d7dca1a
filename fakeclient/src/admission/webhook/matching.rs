//! Rules and selectors that decide which writes a webhook or policy meets.

use serde_json::Value;

use crate::admission::attributes::{Attributes, Operation};
use crate::object::selector::label::LabelSelector;
use crate::object::view::fields::FieldAccess;

const GROUP: &str = "admissionregistration.k8s.io";

/// True for kinds that no webhook and no policy meets: their own configurations.
pub(crate) fn is_exempt(attributes: &Attributes<'_>) -> bool {
    attributes.resource.group == GROUP
}

/// Name of an operation in rules and reviews.
pub(crate) fn operation(attributes: &Attributes<'_>) -> &'static str {
    match attributes.operation {
        Operation::Create => "CREATE",
        Operation::Update => "UPDATE",
        Operation::Delete => "DELETE",
    }
}

/// True if a rule matches the operation and the resource. Other versions of the resource match, unless `matchPolicy` is
/// `Exact`.
pub(crate) fn rule_matches(rule: &Value, matching: &Value, attributes: &Attributes<'_>) -> bool {
    let resource = attributes.resource;
    let lists = |key: &str, value: &str| rule.list(key).iter().any(|item| item == "*" || item == value);
    let scope = match rule.text("scope") {
        "Namespaced" => resource.namespaced && resource.plural != "namespaces",
        "Cluster" => !resource.namespaced,
        _ => true,
    };
    let names = rule.list("resourceNames");
    scope
        && lists("operations", operation(attributes))
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
pub(crate) fn selectors_match(matching: &Value, attributes: &Attributes<'_>, object: &Value) -> bool {
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

/// The relation of a webhook to a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    No,
    Yes,
    /// A rule names another version of the resource, and `matchPolicy` is `Equivalent`: the server converts the object.
    Equivalent,
}

/// Compares a webhook's rules and selectors with a write.
pub(crate) fn webhook_match(webhook: &Value, attributes: &Attributes<'_>, object: &Value) -> Match {
    let mut rules =
        webhook.list("rules").iter().filter(|rule| rule_matches(rule, webhook, attributes)).peekable();
    if rules.peek().is_none() || !selectors_match(webhook, attributes, object) {
        return Match::No;
    }
    let version = attributes.resource.version.as_str();
    let names_version =
        |rule: &Value| rule.list("apiVersions").iter().any(|item| item == "*" || item == version);
    if rules.any(names_version) { Match::Yes } else { Match::Equivalent }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::admission::plugin::Plugin;
    use crate::admission::plugins::fixture::{StoredObjects, create, pod};
    use crate::error::ApiError;

    fn webhook(extra: Value) -> Value {
        let mut webhook = json!({"name": "w.ex.com", "rules": [{"operations": ["CREATE"], "apiGroups": [""],
            "apiVersions": ["v1"], "resources": ["pods"]}]});
        if let Value::Object(extra) = extra {
            webhook.as_object_mut().expect("a webhook has fields").extend(extra);
        }
        webhook
    }

    /// A plugin that refuses with the match's name.
    #[derive(Debug)]
    struct Matching(Value);

    impl Plugin for Matching {
        fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), ApiError> {
            Err(ApiError::bad_request(format!("{:?}", webhook_match(&self.0, attributes, object))))
        }
    }

    fn matched(resource: &str, webhook: Value) -> String {
        let namespace = json!({"metadata": {"name": "default", "labels": {"team": "a"}}});
        let stored = StoredObjects::default().with("namespaces", namespace);
        create(&Matching(webhook), resource, pod(json!({})), &stored).expect_err("the match").message
    }

    #[test]
    fn webhook_matches_by_its_rules() {
        assert_eq!(matched("pods", webhook(json!({}))), "Yes");
        assert_eq!(matched("configmaps", webhook(json!({}))), "No");
        let other =
            json!([{"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["v2"], "resources": ["*"]}]);
        assert_eq!(matched("pods", webhook(json!({"matchPolicy": "Exact", "rules": other}))), "No");
        assert_eq!(matched("pods", webhook(json!({"rules": other}))), "Equivalent");
    }

    #[test]
    fn webhook_matches_by_its_selectors() {
        let by_team = |team: &str| webhook(json!({"namespaceSelector": {"matchLabels": {"team": team}}}));
        assert_eq!(matched("pods", by_team("a")), "Yes");
        assert_eq!(matched("pods", by_team("b")), "No");
        assert_eq!(matched("pods", webhook(json!({"objectSelector": {"matchLabels": {"x": "y"}}}))), "No");
    }
}
