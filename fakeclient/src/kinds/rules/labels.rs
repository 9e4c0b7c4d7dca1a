//! Labels and label selectors within a spec. Labels of `metadata` are validated with the metadata.

use serde_json::Value;

use crate::error::field::{FieldError, invalid_each};

use super::names::{label_value, qualified_name};
use crate::error::path::Path;
use crate::object::view::fields::FieldAccess;

/// Errors of a label map, all reported at the map.
pub(crate) fn map(path: &Path, labels: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (key, value) in labels.as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        errors.extend(invalid_each(path, key, qualified_name(key)));
        errors.extend(invalid_each(path, value, label_value(value)));
    }
    errors
}

/// Errors of a `LabelSelector`.
pub(crate) fn selector(path: &Path, selector: &Value) -> Vec<FieldError> {
    let mut errors = map(&path.child("matchLabels"), &selector["matchLabels"]);
    for (index, expression) in selector.list("matchExpressions").iter().enumerate() {
        errors.extend(requirement(&path.child("matchExpressions").index(index), expression));
    }
    errors
}

fn requirement(path: &Path, requirement: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let values = requirement.list("values");
    let at_values = path.child("values");
    match requirement.text("operator") {
        "In" | "NotIn" if values.is_empty() => {
            errors.push(FieldError::required(
                &at_values,
                "must be specified when `operator` is 'In' or 'NotIn'",
            ));
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            errors.push(FieldError::forbidden(&at_values, why));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        other => {
            let at = path.child("operator");
            errors.push(FieldError::invalid(at, other.into(), "not a valid selector operator"));
        }
    }
    let key = requirement.text("key");
    errors.extend(invalid_each(&path.child("key"), key, qualified_name(key)));
    for (index, value) in values.iter().enumerate() {
        let value = value.as_str().unwrap_or_default();
        errors.extend(invalid_each(&at_values.index(index), value, label_value(value)));
    }
    errors
}

/// True if a selector has no requirement, and so matches everything.
pub(crate) fn is_empty(selector: &Value) -> bool {
    selector.entries("matchLabels").next().is_none() && selector.list("matchExpressions").is_empty()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::field::texts;

    #[test]
    fn values_are_required_or_forbidden_by_the_operator() {
        let value = json!({"matchExpressions": [
            {"key": "a", "operator": "In"},
            {"key": "a", "operator": "Exists", "values": ["x"]},
            {"key": "a", "operator": "Near"},
        ]});
        assert_eq!(
            texts(&selector(&Path::new("spec.selector"), &value)),
            [
                "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
                "spec.selector.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
                "spec.selector.matchExpressions[2].operator: Invalid value: \"Near\": not a valid selector operator",
            ]
        );
    }

    #[test]
    fn selector_without_requirements_is_empty() {
        assert!(is_empty(&json!({})) && !is_empty(&json!({"matchLabels": {"app": "web"}})));
    }
}
