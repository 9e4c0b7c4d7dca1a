//! Mutable fields of a Pod.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;

use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::kinds::pod_spec::containers::untrimmed_image;
use crate::kinds::pod_spec::scheduling;
use crate::object::view::fields::{FieldAccess, copy, items_mut, object_mut, remove, set};

/// The mutable fields, as the error message lists them.
const MUTABLE_FIELDS: &str = "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,\
                          `spec.tolerations` (only additions to existing tolerations),\
                          `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// Errors of changes to immutable fields.
pub(super) fn check(spec: &Value, old: &Value) -> Vec<FieldError> {
    let path = Path::new("spec");
    let mut errors = Vec::new();
    for list in ["containers", "initContainers"] {
        let at = path.child(list);
        let containers = spec.list(list);
        if containers.len() != old.list(list).len() {
            errors.push(FieldError::forbidden(&at, "pod updates may not add or remove containers"));
            return errors;
        }
        for (index, container) in containers.iter().enumerate() {
            let (at, image) = (at.index(index).child("image"), container.text("image"));
            if image.is_empty() {
                errors.push(FieldError::required(&at, ""));
            }
            errors.extend(untrimmed_image(&at, image));
        }
    }
    match deadline_error(&path, spec, old) {
        Some((error, true)) => {
            errors.push(error);
            return errors;
        }
        Some((error, false)) => errors.push(error),
        None => {}
    }
    errors.extend(tolerations(&path.child("tolerations"), spec, old));
    errors.extend(gates(&path.child("schedulingGates"), spec, old));
    errors.extend(other_changes(&path, spec, old));
    errors
}

/// The error of a removed or increased deadline. The flag is true if the server then stops the validation.
fn deadline_error(path: &Path, spec: &Value, old: &Value) -> Option<(FieldError, bool)> {
    let key = "activeDeadlineSeconds";
    let at = path.child(key);
    match (spec.number(key), old.number(key)) {
        (Some(new), _) if !(0..=i64::from(i32::MAX)).contains(&new) => {
            let why = "must be between 0 and 2147483647, inclusive";
            Some((FieldError::invalid(at, new.into(), why), true))
        }
        (Some(new), Some(old)) if old < new => {
            let why = "must be less than or equal to previous value";
            Some((FieldError::invalid(at, new.into(), why), true))
        }
        (None, Some(_)) => {
            let why = "must not update from a positive integer to nil value";
            Some((FieldError::invalid(at, Value::Null, why), false))
        }
        _ => None,
    }
}

fn tolerations(path: &Path, spec: &Value, old: &Value) -> Vec<FieldError> {
    let without_time = |toleration: &Value| {
        let mut toleration = toleration.clone();
        crate::object::view::fields::remove(&mut toleration, "tolerationSeconds");
        toleration
    };
    let new: Vec<Value> = spec.list("tolerations").iter().map(without_time).collect();
    if old.list("tolerations").iter().any(|toleration| !new.contains(&without_time(toleration))) {
        let why = "existing toleration can not be modified except its tolerationSeconds";
        return vec![FieldError::forbidden(path, why)];
    }
    scheduling::tolerations(path, spec.list("tolerations"))
}

fn gates(path: &Path, spec: &Value, old: &Value) -> Vec<FieldError> {
    let known = old.list("schedulingGates");
    let mut errors = Vec::new();
    for (index, gate) in spec.list("schedulingGates").iter().enumerate() {
        if !known.contains(gate) {
            let name = gate.text("name");
            let why = format!("only deletion is allowed, but found new scheduling gate '{name}'");
            errors.push(FieldError::forbidden(path.index(index).child("name"), why));
        }
    }
    errors
}

/// The error of any other change. It lists the changed fields, where the server prints a diff of Go structs.
fn other_changes(path: &Path, spec: &Value, old: &Value) -> Vec<FieldError> {
    let mut frozen = spec.clone();
    for list in ["containers", "initContainers"] {
        let images: Vec<Value> = old.list(list).iter().map(|container| container["image"].clone()).collect();
        for (container, image) in items_mut(&mut frozen, list).zip(images) {
            set(container, "image", image);
        }
    }
    for key in ["activeDeadlineSeconds", "schedulingGates", "tolerations"] {
        copy(old, &mut frozen, key);
    }
    let grace = "terminationGracePeriodSeconds";
    if old.number(grace).is_some_and(|seconds| seconds < 0) && frozen.number(grace) == Some(1) {
        copy(old, &mut frozen, grace);
    }
    let mut errors = Vec::new();
    if !old.list("schedulingGates").is_empty() {
        errors.extend(gated_selector(&path.child("nodeSelector"), &frozen, old));
        copy(old, &mut frozen, "nodeSelector");
        errors.extend(gated_affinity(&path.child("affinity").child("nodeAffinity"), &frozen, old));
        keep_node_affinity(&mut frozen, old);
    }
    if frozen != *old {
        let mut changes = String::new();
        list_changes("", old, &frozen, &mut changes);
        let why = format!("pod updates may not change fields other than {MUTABLE_FIELDS}\n{changes}");
        errors.push(FieldError::forbidden(path, why));
    }
    errors
}

/// Lists each removed (`-`) and added (`+`) value with its path.
fn list_changes(path: &str, old: &Value, new: &Value, changes: &mut String) {
    if old == new {
        return;
    }
    if let (Some(before), Some(after)) = (old.as_object(), new.as_object()) {
        let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let dot = if path.is_empty() { "" } else { "." };
        for key in keys {
            list_changes(&format!("{path}{dot}{key}"), &old[key.as_str()], &new[key.as_str()], changes);
        }
    } else if let (Some(before), Some(after)) = (old.as_array(), new.as_array()) {
        for at in 0..before.len().max(after.len()) {
            list_changes(&format!("{path}[{at}]"), &old[at], &new[at], changes);
        }
    } else {
        for (sign, value) in [('-', old), ('+', new)].into_iter().filter(|(_, value)| !value.is_null()) {
            writeln!(changes, "{sign}{path}: {value}").expect("a String takes every write");
        }
    }
}

/// The error of a node selector that is not only extended; a Pod with scheduling gates may narrow it.
fn gated_selector(path: &Path, spec: &Value, old: &Value) -> Option<FieldError> {
    let kept = old.entries("nodeSelector").all(|(key, value)| spec["nodeSelector"].get(key) == Some(value));
    let why = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
    (!kept).then(|| FieldError::invalid(path, spec["nodeSelector"].clone(), why))
}

/// Errors of node affinity that is not only narrowed, for a Pod with scheduling gates.
fn gated_affinity(path: &Path, spec: &Value, old: &Value) -> Vec<FieldError> {
    const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    let of = |spec: &Value| spec["affinity"]["nodeAffinity"][REQUIRED].list("nodeSelectorTerms").to_vec();
    let (new, old) = (of(spec), of(old));
    let at = path.child(REQUIRED).child("nodeSelectorTerms");
    if !old.is_empty() && old.len() != new.len() {
        let why = "no additions/deletions to non-empty NodeSelectorTerms list are allowed";
        let shown = new.iter().map(go_term).collect::<Vec<_>>().join(",");
        let shown = if new.is_empty() { "null".to_owned() } else { format!("[{shown}]") };
        return vec![FieldError::invalid(at, new.into(), why).shown_as(shown)];
    }
    let mutated = old.iter().zip(&new).enumerate().filter(|(_, (old, new))| !only_adds(new, old));
    let why = "only additions are allowed (no mutations or deletions)";
    mutated
        .map(|(index, (_, new))| {
            FieldError::invalid(at.index(index), new.clone(), why).shown_as(go_term(new))
        })
        .collect()
}

fn only_adds(new: &Value, old: &Value) -> bool {
    let lists = ["matchExpressions", "matchFields"];
    let empty = |term: &Value| lists.iter().all(|list| term.list(list).is_empty());
    (!empty(old) || empty(new)) && lists.iter().all(|list| new.list(list).starts_with(old.list(list)))
}

/// The Go struct as error messages print it.
fn go_term(term: &Value) -> String {
    let list = |key: &str| {
        let all = term.list(key).iter().map(|e| {
            let values = e.get("values").unwrap_or(&Value::Null);
            format!(r#"{{"Key":{},"Operator":{},"Values":{values}}}"#, e["key"], e["operator"])
        });
        let all: Vec<String> = all.collect();
        if all.is_empty() { "null".to_owned() } else { format!("[{}]", all.join(",")) }
    };
    format!(r#"{{"MatchExpressions":{},"MatchFields":{}}}"#, list("matchExpressions"), list("matchFields"))
}

/// Reverts changes to the required node affinity, so that the rest can be compared.
fn keep_node_affinity(frozen: &mut Value, old: &Value) {
    let (new, held) = (&frozen["affinity"], &old["affinity"]);
    if new["nodeAffinity"] == held["nodeAffinity"] {
        return;
    }
    let others = new.has("podAffinity") || new.has("podAntiAffinity");
    if !new.is_null() && held.is_null() && !others {
        return remove(frozen, "affinity");
    }
    copy(held, object_mut(frozen, "affinity"), "nodeAffinity");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::registry::strategy::Strategy;

    use super::super::Pod;
    use super::*;

    fn stored() -> Value {
        let mut pod = json!({"spec": {"containers": [{"name": "c", "image": "nginx"}], "priority": 0,
            "terminationGracePeriodSeconds": 5, "preemptionPolicy": "PreemptLowerPriority",
            "tolerations": [{"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}]}});
        Pod.apply_defaults(&mut pod);
        pod
    }

    #[track_caller]
    fn check_change(change: impl FnOnce(&mut Value), expected: &[&str]) {
        let mut new = stored();
        change(&mut new["spec"]);
        let texts: Vec<_> = check(&new["spec"], &stored()["spec"]).iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn images_tolerations_and_deadline_are_mutable() {
        check_change(|spec| spec["containers"][0]["image"] = json!("nginx:2"), &[]);
        check_change(|spec| spec["activeDeadlineSeconds"] = json!(100), &[]);
        check_change(|spec| spec["tolerations"][0]["tolerationSeconds"] = json!(5), &[]);
        check_change(
            |spec| spec["tolerations"] = json!([]),
            &[
                "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds",
            ],
        );
        check_change(
            |spec| spec["containers"].as_array_mut().expect("containers").push(json!({"name": "d"})),
            &["spec.containers: Forbidden: pod updates may not add or remove containers"],
        );
    }

    #[test]
    fn other_changes_are_rejected_and_listed() {
        check_change(
            |spec| {
                spec["containers"][0]["name"] = json!("z");
                spec["containers"][0]["env"] = json!([{"name": "A", "value": "b"}]);
                spec["nodeSelector"] = json!({"a": "b"});
            },
            &[&format!(
                "spec: Forbidden: pod updates may not change fields other than {MUTABLE_FIELDS}\n\
                 +containers[0].env: [{{\"name\":\"A\",\"value\":\"b\"}}]\n-containers[0].name: \"c\"\n\
                 +containers[0].name: \"z\"\n+nodeSelector: {{\"a\":\"b\"}}\n"
            )],
        );
    }
}
