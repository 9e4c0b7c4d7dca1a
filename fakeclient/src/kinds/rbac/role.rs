//! Role and `ClusterRole`: rules for resources or for non-resource URLs.

use serde_json::Value;

use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::kinds::rules::labels;
use crate::object::names::NameRule;
use crate::object::view::fields::FieldAccess;
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

/// `roles.rbac.authorization.k8s.io`, `clusterroles.rbac.authorization.k8s.io`
#[derive(Debug)]
pub(crate) struct Role {
    /// True for a Role, whose rules must not contain non-resource URLs.
    pub(crate) namespaced: bool,
}

impl Strategy for Role {
    fn name_rule(&self) -> NameRule {
        NameRule::PathSegment
    }
}

impl CreateStrategy for Role {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        self.validate(object)
    }
}

impl UpdateStrategy for Role {
    fn creates_on_update(&self) -> bool {
        true
    }

    fn validate_update(&self, object: &Value, _old: &Value) -> Vec<FieldError> {
        self.validate(object)
    }
}

impl StatusStrategy for Role {}
impl DeleteStrategy for Role {}

impl Role {
    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let path = Path::new("rules");
        let rules = object.list("rules");
        let mut errors = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            errors.extend(self.rule(&path.index(index), rule));
        }
        if object.has("aggregationRule") {
            errors.extend(aggregation(&object["aggregationRule"]));
        }
        // The server's generated validation runs after the hand-written one.
        for (index, rule) in rules.iter().enumerate() {
            if rule.list("verbs").is_empty() {
                errors.push(FieldError::required(path.index(index).child("verbs"), ""));
            }
        }
        errors
    }

    fn rule(&self, path: &Path, rule: &Value) -> Vec<FieldError> {
        let (groups, resources) = (rule.list("apiGroups"), rule.list("resources"));
        let names = rule.list("resourceNames");
        let mut errors = Vec::new();
        if !rule.list("nonResourceURLs").is_empty() {
            let mut say = |why: &str| {
                let at = path.child("nonResourceURLs");
                errors.push(FieldError::invalid(at, rule["nonResourceURLs"].clone(), why));
            };
            if self.namespaced {
                say("namespaced rules cannot apply to non-resource URLs");
            }
            if !groups.is_empty() || !resources.is_empty() || !names.is_empty() {
                say("rules cannot apply to both regular resources and non-resource URLs");
            }
            return errors;
        }
        if groups.is_empty() {
            let why = "resource rules must supply at least one api group";
            errors.push(FieldError::required(path.child("apiGroups"), why));
        }
        if resources.is_empty() {
            let why = "resource rules must supply at least one resource";
            errors.push(FieldError::required(path.child("resources"), why));
        }
        errors
    }
}

fn aggregation(rule: &Value) -> Vec<FieldError> {
    let path = Path::new("aggregationRule.clusterRoleSelectors");
    let selectors = rule.list("clusterRoleSelectors");
    if selectors.is_empty() {
        let why = "at least one clusterRoleSelector required if aggregationRule is non-nil";
        return vec![FieldError::required(path, why)];
    }
    let one = |(index, selector)| {
        let at = path.index(index);
        let mut errors = labels::selector(&at, selector);
        if !errors.is_empty() {
            // The server prints the failed conversion's result.
            errors.push(FieldError::invalid(at, Value::Null, "invalid label selector."));
        }
        errors
    };
    selectors.iter().enumerate().flat_map(one).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rule_has_resources_or_non_resource_urls() {
        let rules = json!([{}, {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "nonResourceURLs": ["/x"]},
            {"verbs": ["get"], "resources": ["pods"]}]);
        let texts = |namespaced: bool| {
            let errors = Role { namespaced }.validate_create(&json!({"rules": rules}));
            errors.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            texts(true),
            [
                "rules[0].apiGroups: Required value: resource rules must supply at least one api group",
                "rules[0].resources: Required value: resource rules must supply at least one resource",
                "rules[1].nonResourceURLs: Invalid value: [\"/x\"]: namespaced rules cannot apply to non-resource URLs",
                "rules[1].nonResourceURLs: Invalid value: [\"/x\"]: rules cannot apply to both regular resources and non-resource URLs",
                "rules[2].apiGroups: Required value: resource rules must supply at least one api group",
                "rules[0].verbs: Required value",
            ]
        );
        assert!(!texts(false).iter().any(|text| text.contains("namespaced rules")));
    }
}
