//! The namespace controller: deletion of the content of terminating namespaces.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::client;
use crate::object::view::metadata;
use crate::state::ClusterState;
use crate::store::{Event, Key};
use crate::verbs::options::{DeleteOptions, Propagation};
use crate::verbs::update::Part;

pub(super) async fn step(state: &Arc<ClusterState>, event: &Event) {
    let name = match &*event.key.resource {
        "namespaces" if !event.deleted => event.key.name.to_string(),
        "namespaces" => return,
        _ if event.deleted && !event.key.namespace.is_empty() => event.key.namespace.to_string(),
        _ => return,
    };
    let snapshot = state.store.snapshot();
    let Some(namespace) = snapshot.get(&Key::new("namespaces", "", &name)) else { return };
    if metadata::is_deleting(namespace.value()) && has_kubernetes_finalizer(namespace.value()) {
        delete_content(state, &name, event).await;
    }
}

/// True if `spec.finalizers` contains this controller's finalizer.
fn has_kubernetes_finalizer(namespace: &Value) -> bool {
    let finalizers = namespace["spec"]["finalizers"].as_array();
    finalizers.is_some_and(|all| all.iter().any(|f| f == "kubernetes"))
}

/// Deletes the remaining objects. Removes the finalizer once there is none.
async fn delete_content(state: &Arc<ClusterState>, namespace: &str, event: &Event) {
    let registry = state.registry();
    let mut left = false;
    let mut seen = std::collections::BTreeSet::new();
    for resource in registry.resources().filter(|resource| resource.namespaced && !resource.is_virtual()) {
        if !seen.insert(resource.storage.key.clone()) {
            continue;
        }
        let snapshot = state.store.snapshot();
        for (key, object) in snapshot.range(&resource.storage.key, Some(namespace), None) {
            left = true;
            // An object with a deletionTimestamp waits for its finalizers, and is not deleted again.
            if metadata::is_deleting(object.value()) {
                continue;
            }
            let options =
                DeleteOptions { propagation: Some(Propagation::Background), ..DeleteOptions::default() };
            let resource = registry.stored_as(&resource.storage.key).into_iter().next();
            let Some(resource) = resource else { continue };
            let result = client::delete(state, resource, namespace, &key.name, &options).await;
            client::log_failure("namespace", &format!("deleting {}/{}", key.resource, key.name), result);
        }
    }
    debug_assert!(!event.key.name.is_empty(), "every event is about an object");
    if left && !is_empty(state, namespace) {
        publish_conditions(state, namespace).await;
        return;
    }
    let resource = registry.resource("", "v1", "namespaces").expect("namespaces are built in");
    let result = client::edit(
        state,
        client::CONTROLLER_MANAGER,
        resource,
        ("", namespace),
        Part::Finalize,
        |object| {
            let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return };
            let rest: Vec<Value> = spec["finalizers"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|f| *f != "kubernetes")
                .cloned()
                .collect();
            if rest.is_empty() {
                spec.remove("finalizers");
            } else {
                spec.insert("finalizers".into(), rest.into());
            }
        },
    )
    .await;
    client::log_failure("namespace", &format!("finalizing {namespace}"), result);
}

/// Publishes the remaining resources and finalizers as conditions of the namespace.
async fn publish_conditions(state: &Arc<ClusterState>, namespace: &str) {
    let snapshot = state.store.snapshot();
    let registry = state.registry();
    let mut resources = BTreeMap::new();
    let mut finalizers: BTreeMap<String, usize> = BTreeMap::new();
    for resource in registry.resources().filter(|resource| resource.namespaced) {
        let left: Vec<_> = snapshot.range(&resource.storage.key, Some(namespace), None).collect();
        if left.is_empty() {
            continue;
        }
        resources.insert(
            resource.storage.key.clone(),
            (resource.plural.clone(), resource.group.clone(), left.len()),
        );
        if resource.is_storage_version() {
            for finalizer in left.iter().flat_map(|(_, object)| metadata::finalizers(object.value())) {
                *finalizers.entry(finalizer.to_owned()).or_default() += 1;
            }
        }
    }
    let resources: Vec<String> = resources
        .into_values()
        .map(|(plural, group, count)| format!("{plural}.{group} has {count} resource instances"))
        .collect();
    let finalizers: Vec<String> =
        finalizers.into_iter().map(|(name, count)| format!("{name} in {count} resource instances")).collect();
    let now = state.clock.seconds();
    let resource = registry.resource("", "v1", "namespaces").expect("namespaces are built in");
    let result =
        client::edit(state, client::CONTROLLER_MANAGER, resource, ("", namespace), Part::Status, |object| {
            let conditions = conditions(&object["status"]["conditions"], &resources, &finalizers, &now);
            object["status"]["conditions"] = conditions;
        })
        .await;
    client::log_failure("namespace", &format!("publishing the conditions of {namespace}"), result);
}

/// The five conditions of a terminating namespace (kube-controller-manager 1.37, `pkg/controller/namespace`).
fn conditions(old: &Value, resources: &[String], finalizers: &[String], now: &str) -> Value {
    let remaining = format!("Some resources are remaining: {}", resources.join(", "));
    let held = format!("Some content in the namespace has finalizers remaining: {}", finalizers.join(", "));
    let discovered = "All resources successfully discovered";
    let parsed = "All legacy kube types successfully parsed";
    let deleted = "All content successfully deleted, may be waiting on finalization";
    let free = "All content-preserving finalizers finished";
    let mut rows = vec![
        ("NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered", discovered),
        ("NamespaceDeletionGroupVersionParsingFailure", "False", "ParsedGroupVersions", parsed),
        ("NamespaceDeletionContentFailure", "False", "ContentDeleted", deleted),
        ("NamespaceContentRemaining", "True", "SomeResourcesRemain", remaining.as_str()),
    ];
    rows.push(if finalizers.is_empty() {
        ("NamespaceFinalizersRemaining", "False", "ContentHasNoFinalizers", free)
    } else {
        ("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", held.as_str())
    });
    let known = old.as_array().map_or(&[][..], Vec::as_slice);
    let row = |(kind, status, reason, message): (&str, &str, &str, &str)| {
        let before =
            known.iter().find(|condition| condition["type"] == kind && condition["status"] == status);
        let since = before.map_or_else(|| now.into(), |condition| condition["lastTransitionTime"].clone());
        json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since})
    };
    rows.into_iter().map(row).collect()
}

fn is_empty(state: &Arc<ClusterState>, namespace: &str) -> bool {
    let snapshot = state.store.snapshot();
    let registry = state.registry();
    let mut resources = registry.resources().filter(|resource| resource.namespaced);
    resources.all(|resource| snapshot.range(&resource.storage.key, Some(namespace), None).next().is_none())
}
