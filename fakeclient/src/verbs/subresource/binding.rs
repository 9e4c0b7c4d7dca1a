//! Binding of a Pod to a node (`pods/NAME/binding`), as a scheduler does it.
//!
//! The write bypasses the update validation of Pods, as on kube-apiserver: the node of a Pod changes only here.

use crate::object::system_fields;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::error::field::{FieldError, aggregate};
use crate::kinds::rules::names::dns_subdomain;
use crate::object::view::fields::{FieldAccess, object_mut, remove, set};
use crate::object::view::metadata;
use crate::store::{Change, CommitError, Content, Expect, Key, Object, Write};
use crate::verbs::options::WriteOptions;
use crate::verbs::scope::RequestScope;

/// Labels that a Pod gets from its node (admission plugin `PodTopologyLabels`).
const TOPOLOGY: [&str; 2] = ["topology.kubernetes.io/region", "topology.kubernetes.io/zone"];

/// Binds the Pod of the scope.
pub(crate) fn bind(scope: &RequestScope, mut binding: Value, options: &WriteOptions) -> Result<(), ApiError> {
    system_fields::set_namespace(&mut binding, &scope.namespace)?;
    scope.check_namespace(&binding)?;
    if metadata::name(&binding) != scope.name {
        return Err(ApiError::bad_request("name in URL does not match name in Binding object"));
    }
    if let Some(why) = aggregate(&errors(&binding["target"])) {
        return Err(ApiError::new(500, "", why));
    }
    loop {
        let snapshot = scope.state.store.snapshot();
        let current = scope.stored(&snapshot)?;
        let mut pod = current.value().clone();
        preconditions(scope, &binding, &pod)?;
        let node = snapshot.get(&Key::new("nodes", "", binding["target"].text("name")));
        assign_node(scope, &binding, node.map(|node| node.value()), &mut pod)?;
        let content = Content { value: pod, managed_fields: current.managed_fields().clone() };
        if options.dry_run || store_pod(scope, &current, content) {
            return Ok(());
        }
    }
}

fn errors(target: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let (kind, name) = (target.text("kind"), target.text("name"));
    if !matches!(kind, "" | "Node") {
        errors.push(FieldError::not_supported("target.kind", kind.into(), &["Node", "<empty>"]));
    }
    if name.is_empty() {
        errors.push(FieldError::required("target.name", ""));
    } else if matches!(kind, "" | "Node") {
        let wrong = dns_subdomain(name).into_iter();
        errors.extend(wrong.map(|why| FieldError::invalid("target.name", name.into(), why)));
    }
    errors
}

/// Checks the uid and resourceVersion of the binding.
fn preconditions(scope: &RequestScope, binding: &Value, pod: &Value) -> Result<(), ApiError> {
    for (field, name) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
        let (wanted, stored) = (metadata::text(binding, field), metadata::text(pod, field));
        if !wanted.is_empty() && wanted != stored {
            let key = format!("/registry/pods/{}/{}", scope.namespace, scope.name);
            return Err(conflict(
                scope,
                &format!(
                    "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: \
                     Precondition failed: {name} in precondition: {wanted}, {name} in object meta: {stored}"
                ),
            ));
        }
    }
    Ok(())
}

fn conflict(scope: &RequestScope, why: &str) -> ApiError {
    ApiError::conflict("", "pods/binding", &scope.name, why)
}

/// Assigns the Pod to the node.
fn assign_node(
    scope: &RequestScope,
    binding: &Value,
    node: Option<&Value>,
    pod: &mut Value,
) -> Result<(), ApiError> {
    let name = scope.name.as_str();
    if metadata::is_deleting(pod) {
        return Err(conflict(scope, &format!("pod {name} is being deleted, cannot be assigned to a host")));
    }
    let taken = pod["spec"].text("nodeName");
    if !taken.is_empty() {
        return Err(conflict(scope, &format!("pod {name} is already assigned to node {taken:?}")));
    }
    if !pod["spec"].list("schedulingGates").is_empty() {
        return Err(conflict(scope, &format!("pod {name} has non-empty .spec.schedulingGates")));
    }
    set(object_mut(pod, "spec"), "nodeName", binding["target"].text("name"));
    remove(object_mut(pod, "status"), "nominatedNodeName");
    merge(pod, "annotations", binding["metadata"].entries("annotations"));
    merge(pod, "labels", binding["metadata"].entries("labels"));
    if let Some(node) = node.filter(|_| binding["target"].text("kind") == "Node") {
        let labels = node["metadata"].entries("labels");
        merge(pod, "labels", labels.filter(|(key, _)| TOPOLOGY.contains(key)));
    }
    condition(pod, &json!({"type": "PodScheduled", "status": "True"}), &scope.state.clock.seconds());
    Ok(())
}

fn merge<'a>(pod: &mut Value, field: &str, entries: impl Iterator<Item = (&'a str, &'a Value)>) {
    let mut entries = entries.peekable();
    if entries.peek().is_none() {
        return;
    }
    let map = object_mut(object_mut(pod, "metadata"), field);
    for (key, value) in entries {
        set(map, key, value.clone());
    }
}

/// Sets a condition of a Pod. `lastTransitionTime` changes only with the status.
pub(super) fn condition(pod: &mut Value, condition: &Value, now: &str) {
    let mut condition = condition.clone();
    set(&mut condition, "lastProbeTime", Value::Null);
    let status = object_mut(pod, "status");
    let mut all = status.list("conditions").to_vec();
    let at = all.iter().position(|other| other["type"] == condition["type"]);
    let kept = at.map(|at| &all[at]).filter(|old| old["status"] == condition["status"]);
    let time = kept.map_or_else(|| now.into(), |old| old["lastTransitionTime"].clone());
    set(&mut condition, "lastTransitionTime", time);
    match at {
        Some(at) => all[at] = condition,
        None => all.push(condition),
    }
    set(status, "conditions", all);
}

/// Stores the Pod. Returns false after a concurrent write.
fn store_pod(scope: &RequestScope, current: &Arc<Object>, pod: Content) -> bool {
    debug_assert!(metadata::get(&pod.value, "uid").is_some(), "what was stored has a uid");
    let write = Write { key: scope.key(), expect: Expect::At(current.revision()), change: Change::Put(pod) };
    match scope.state.commit(vec![write]) {
        Ok(_) => true,
        Err(CommitError::Changed(_) | CommitError::Exists(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transition_time_changes_with_the_condition_status() {
        let mut pod = json!({});
        let scheduled = |status: &str| json!({"type": "PodScheduled", "status": status});
        condition(&mut pod, &scheduled("False"), "2001-01-01T00:00:00Z");
        condition(&mut pod, &scheduled("False"), "2001-01-01T00:00:01Z");
        assert_eq!(pod["status"]["conditions"][0]["lastTransitionTime"], "2001-01-01T00:00:00Z");
        condition(&mut pod, &scheduled("True"), "2001-01-01T00:00:02Z");
        assert_eq!(pod["status"]["conditions"].as_array().map(Vec::len), Some(1));
        assert_eq!(pod["status"]["conditions"][0]["lastTransitionTime"], "2001-01-01T00:00:02Z");
    }

    #[test]
    fn binding_requires_a_node_name() {
        let text = |target: Value| aggregate(&errors(&target));
        assert_eq!(text(json!({"kind": "Node", "name": "a"})), None);
        assert_eq!(text(json!({})), Some("target.name: Required value".into()));
    }
}
