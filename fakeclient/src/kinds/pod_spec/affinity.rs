//! `affinity`: node affinity, Pod affinity and Pod anti-affinity.

use serde_json::{Value, json};

use crate::error::field::{FieldError, invalid_each};
use crate::error::path::Path;
use crate::kinds::rules::labels;
use crate::kinds::rules::names::{dns_label, dns_subdomain, label_value, qualified_name};
use crate::object::view::fields::{FieldAccess, items_mut, object_mut, set};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// Errors of `affinity`.
pub(super) fn check(path: &Path, affinity: &Value) -> Vec<FieldError> {
    let mut errors = nodes(&path.child("nodeAffinity"), &affinity["nodeAffinity"]);
    for key in ["podAffinity", "podAntiAffinity"] {
        let (at, pods) = (path.child(key), &affinity[key]);
        for (index, required) in pods.list(REQUIRED).iter().enumerate() {
            errors.extend(term(&at.child(REQUIRED).index(index), required));
        }
        for (index, preferred) in pods.list(PREFERRED).iter().enumerate() {
            let at = at.child(PREFERRED).index(index);
            errors.extend(weight(&at, preferred));
            errors.extend(term(&at.child("podAffinityTerm"), &preferred["podAffinityTerm"]));
        }
    }
    errors
}

fn nodes(path: &Path, affinity: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if affinity.has(REQUIRED) {
        let at = path.child(REQUIRED).child("nodeSelectorTerms");
        let terms = affinity[REQUIRED].list("nodeSelectorTerms");
        if terms.is_empty() {
            errors.push(FieldError::required(&at, "must have at least one node selector term"));
        }
        for (index, term) in terms.iter().enumerate() {
            errors.extend(node_term(&at.index(index), term, true));
        }
    }
    for (index, preferred) in affinity.list(PREFERRED).iter().enumerate() {
        let at = path.child(PREFERRED).index(index);
        errors.extend(weight(&at, preferred));
        errors.extend(node_term(&at.child("preference"), &preferred["preference"], false));
    }
    errors
}

fn weight(path: &Path, preferred: &Value) -> Option<FieldError> {
    let weight = preferred.number("weight").unwrap_or_default();
    let why = "must be in the range 1-100";
    (!(1..=100).contains(&weight)).then(|| FieldError::invalid(path.child("weight"), weight.into(), why))
}

/// Errors of a node selector term. With `strict`, label values are validated, too.
fn node_term(path: &Path, term: &Value, strict: bool) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (index, expression) in term.list("matchExpressions").iter().enumerate() {
        errors.extend(node_label(&path.child("matchExpressions").index(index), expression, strict));
    }
    for (index, expression) in term.list("matchFields").iter().enumerate() {
        errors.extend(node_field(&path.child("matchFields").index(index), expression));
    }
    errors
}

fn node_label(path: &Path, expression: &Value, strict: bool) -> Vec<FieldError> {
    let (key, operator) = (expression.text("key"), expression.text("operator"));
    let (at, values) = (path.child("values"), expression.list("values"));
    let mut errors = Vec::new();
    match operator {
        "In" | "NotIn" if values.is_empty() => {
            let why = "must be specified when `operator` is 'In' or 'NotIn'";
            errors.push(FieldError::required(&at, why));
        }
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            let why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            errors.push(FieldError::forbidden(&at, why));
        }
        "Gt" | "Lt" if values.len() != 1 => {
            let why = "must be specified single value when `operator` is 'Lt' or 'Gt'";
            errors.push(FieldError::required(&at, why));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
        other => errors.push(unknown_operator(path, other)),
    }
    errors.extend(invalid_each(&path.child("key"), key, qualified_name(key)));
    for (index, value) in values.iter().enumerate().filter(|_| strict) {
        let value = value.as_str().unwrap_or_default();
        errors.extend(invalid_each(&at.index(index), value, label_value(value)));
    }
    errors
}

/// Errors of a `matchFields` expression. `metadata.name` is the only supported field.
fn node_field(path: &Path, expression: &Value) -> Vec<FieldError> {
    let (key, values) = (expression.text("key"), expression.list("values"));
    let at = path.child("values");
    let mut errors = Vec::new();
    match expression.text("operator") {
        "In" | "NotIn" if values.len() != 1 => {
            let why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
            errors.push(FieldError::required(&at, why));
        }
        "In" | "NotIn" => {}
        other => errors.push(unknown_operator(path, other)),
    }
    if key != "metadata.name" {
        let why = "not a valid field selector key";
        errors.push(FieldError::invalid(path.child("key"), key.into(), why));
        return errors;
    }
    for (index, value) in values.iter().enumerate() {
        let value = value.as_str().unwrap_or_default();
        errors.extend(invalid_each(&at.index(index), value, dns_subdomain(value)));
    }
    errors
}

fn unknown_operator(path: &Path, operator: &str) -> FieldError {
    FieldError::invalid(path.child("operator"), operator.into(), "not a valid selector operator")
}

fn term(path: &Path, term: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for key in ["labelSelector", "namespaceSelector"] {
        errors.extend(labels::selector(&path.child(key), &term[key]));
    }
    for namespace in term.list("namespaces") {
        let name = namespace.as_str().unwrap_or_default();
        errors.extend(invalid_each(&path.child("namespace"), name, dns_label(name)));
    }
    errors.extend(label_keys(path, term));
    let key = term.text("topologyKey");
    if key.is_empty() {
        errors.push(FieldError::required(path.child("topologyKey"), "can not be empty"));
    }
    errors.extend(invalid_each(&path.child("topologyKey"), key, qualified_name(key)));
    errors
}

/// Errors of `matchLabelKeys` and `mismatchLabelKeys`, after [`merge_label_keys`].
pub(super) fn label_keys(path: &Path, term: &Value) -> Vec<FieldError> {
    let selector = &term["labelSelector"];
    let (wanted, unwanted) = (term.list("matchLabelKeys"), term.list("mismatchLabelKeys"));
    let mut errors = Vec::new();
    for (name, keys) in [("matchLabelKeys", wanted), ("mismatchLabelKeys", unwanted)] {
        let at = path.child(name);
        if !keys.is_empty() && !term.has("labelSelector") {
            let why = "must not be specified when labelSelector is not set";
            errors.push(FieldError::forbidden(&at, why));
            continue;
        }
        for (index, key) in keys.iter().enumerate() {
            let key = key.as_str().unwrap_or_default();
            errors.extend(invalid_each(&at.index(index), key, qualified_name(key)));
        }
    }
    // The selector contains one expression per merged key, so any further one is the client's.
    let mut seen: Vec<&str> = selector.entries("matchLabels").map(|(key, _)| key).collect();
    for expression in selector.list("matchExpressions") {
        let key = expression.text("key");
        let place = wanted.iter().rposition(|wanted| wanted == key);
        if let Some(index) = place.filter(|_| seen.contains(&key)) {
            let why = "exists in both matchLabelKeys and labelSelector";
            errors.push(FieldError::invalid(path.index(index), key.into(), why));
        }
        seen.push(key);
    }
    for (index, key) in wanted.iter().enumerate().filter(|(_, key)| unwanted.contains(key)) {
        let why = "exists in both matchLabelKeys and mismatchLabelKeys";
        errors.push(FieldError::invalid(path.child("matchLabelKeys").index(index), key.clone(), why));
    }
    errors
}

/// Adds the expressions for `matchLabelKeys` and `mismatchLabelKeys` to the selectors of a new Pod (KEP-3633, KEP-3243;
/// kube-apiserver 1.37).
pub(crate) fn merge_label_keys(pod: &mut Value) {
    if !pod["spec"].has("topologySpreadConstraints") && !pod["spec"].has("affinity") {
        return;
    }
    let labels = pod["metadata"]["labels"].clone();
    let Some(spec) = pod.get_mut("spec") else { return };
    for constraint in items_mut(spec, "topologySpreadConstraints") {
        merge(constraint, &labels, &[("matchLabelKeys", "In")]);
    }
    let Some(affinity) = spec.get_mut("affinity") else { return };
    let both = [("matchLabelKeys", "In"), ("mismatchLabelKeys", "NotIn")];
    for key in ["podAffinity", "podAntiAffinity"] {
        let Some(pods) = affinity.get_mut(key) else { continue };
        for preferred in items_mut(pods, PREFERRED) {
            merge(object_mut(preferred, "podAffinityTerm"), &labels, &both);
        }
        for required in items_mut(pods, REQUIRED) {
            merge(required, &labels, &both);
        }
    }
}

fn merge(term: &mut Value, labels: &Value, lists: &[(&str, &str)]) {
    if !term.has("labelSelector") {
        return;
    }
    let mut expressions = Vec::new();
    for (list, operator) in lists {
        for key in term.list(list).iter().filter_map(Value::as_str) {
            if let Some(value) = labels.get(key) {
                expressions.push(json!({"key": key, "operator": operator, "values": [value]}));
            }
        }
    }
    if !expressions.is_empty() {
        let selector = object_mut(term, "labelSelector");
        let all = [selector.list("matchExpressions"), &expressions].concat();
        set(selector, "matchExpressions", all);
    }
}

/// Paths of absent label selectors, which match no Pod.
pub(super) fn absent_selectors(path: &Path, affinity: &Value) -> Vec<Path> {
    let mut found = Vec::new();
    for key in ["podAffinity", "podAntiAffinity"] {
        let (at, pods) = (path.child(key), &affinity[key]);
        for (index, required) in pods.list(REQUIRED).iter().enumerate() {
            if !required.has("labelSelector") {
                found.push(at.child(REQUIRED).index(index).child("labelSelector"));
            }
        }
        for (index, preferred) in pods.list(PREFERRED).iter().enumerate() {
            if !preferred["podAffinityTerm"].has("labelSelector") {
                let at = at.child(PREFERRED).index(index);
                found.push(at.child("podAffinityTerm").child("labelSelector"));
            }
        }
    }
    found
}

/// The expressions for node labels, each with its path and whether it is only preferred.
pub(super) fn node_expressions<'s>(path: &Path, affinity: &'s Value) -> Vec<(Path, &'s Value, bool)> {
    let (path, nodes) = (path.child("nodeAffinity"), &affinity["nodeAffinity"]);
    let required = nodes[REQUIRED].list("nodeSelectorTerms").iter().enumerate();
    let required = required
        .map(|(index, term)| (path.child(REQUIRED).child("nodeSelectorTerms").index(index), term, false));
    let preferred = nodes.list(PREFERRED).iter().enumerate();
    let preferred = preferred.map(|(index, preferred)| {
        (path.child(PREFERRED).index(index).child("preference"), &preferred["preference"], true)
    });
    required
        .chain(preferred)
        .flat_map(|(at, term, wish)| {
            let expressions = term.list("matchExpressions").iter().enumerate();
            expressions
                .map(move |(index, expression)| (at.child("matchExpressions").index(index), expression, wish))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a case reads better without a reference at each `json!`"
    )]
    fn texts(affinity: Value, expected: &[&str]) {
        let errors = check(&Path::new("a"), &affinity);
        assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn node_terms_match_labels_and_the_name() {
        let right = json!({"matchExpressions": [{"key": "cpus", "operator": "Gt", "values": ["4"]}],
            "matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]});
        texts(json!({"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [right]}}}), &[]);
        let empty = "a.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: \
                     must have at least one node selector term";
        texts(json!({"nodeAffinity": {REQUIRED: {}}}), &[empty]);
        let wrong = json!({"weight": 101, "preference": {
            "matchExpressions": [{"key": "cpus", "operator": "Lt"}],
            "matchFields": [{"key": "spec.podCIDR", "operator": "Exists"}]}});
        let at = "a.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0]";
        texts(
            json!({"nodeAffinity": {PREFERRED: [wrong]}}),
            &[
                &format!("{at}.weight: Invalid value: 101: must be in the range 1-100"),
                &format!(
                    "{at}.preference.matchExpressions[0].values: Required value: must be specified single value when \
                     `operator` is 'Lt' or 'Gt'"
                ),
                &format!(
                    "{at}.preference.matchFields[0].operator: Invalid value: \"Exists\": not a valid selector operator"
                ),
                &format!(
                    "{at}.preference.matchFields[0].key: Invalid value: \"spec.podCIDR\": not a valid field selector key"
                ),
            ],
        );
    }

    #[test]
    fn key_in_selector_and_label_keys_is_rejected() {
        let mut pod = json!({"metadata": {"labels": {"v": "1"}}, "spec": {"affinity": {"podAffinity": {REQUIRED: [
            {"topologyKey": "zone", "matchLabelKeys": ["v"], "mismatchLabelKeys": ["w"], "labelSelector": {}},
            {"topologyKey": "zone", "matchLabelKeys": ["v"], "labelSelector": {"matchLabels": {"v": "2"}}},
        ]}}}});
        merge_label_keys(&mut pod);
        let affinity = &pod["spec"]["affinity"];
        let merged = json!([{"key": "v", "operator": "In", "values": ["1"]}]);
        let selector = &affinity["podAffinity"][REQUIRED][0]["labelSelector"];
        assert_eq!(selector["matchExpressions"], merged, "the Pod has no label w");
        texts(
            affinity.clone(),
            &[
                "a.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[1][0]: Invalid value: \"v\": exists in both \
               matchLabelKeys and labelSelector",
            ],
        );
    }
}
