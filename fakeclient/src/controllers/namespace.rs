//! The namespace controller: empties a namespace that is being deleted, then lets it go.

use std::sync::Arc;

use serde_json::Value;

use super::hands;
use crate::cluster::Core;
use crate::endpoint::options::{DeleteOptions, Propagation};
use crate::handler::update::Part;
use crate::object::meta;
use crate::store::{Event, Key};

const USER: &str = "system:serviceaccount:kube-system:namespace-controller";

pub(super) fn step(core: &Arc<Core>, event: &Event) {
    let name = match &*event.key.resource {
        "namespaces" if !event.deleted => event.key.name.to_string(),
        "namespaces" => return,
        _ if event.deleted && !event.key.namespace.is_empty() => event.key.namespace.to_string(),
        _ => return,
    };
    let snapshot = core.store.snapshot();
    let Some(namespace) = snapshot.get(&Key::new("namespaces", "", &name)) else { return };
    if meta::is_deleting(namespace.value()) && held(namespace.value()) {
        empty(core, &name, event);
    }
}

/// Whether this controller's finalizer is still there.
fn held(namespace: &Value) -> bool {
    let finalizers = namespace["spec"]["finalizers"].as_array();
    finalizers.is_some_and(|all| all.iter().any(|f| f == "kubernetes"))
}

/// Deletes what is left, and lets the namespace go once nothing is.
fn empty(core: &Arc<Core>, namespace: &str, event: &Event) {
    let registry = core.registry();
    let mut left = false;
    let mut seen = std::collections::BTreeSet::new();
    for resource in registry.resources().filter(|resource| resource.namespaced && !resource.is_virtual()) {
        if !seen.insert(resource.storage.key.clone()) {
            continue;
        }
        let snapshot = core.store.snapshot();
        for (key, object) in snapshot.range(&resource.storage.key, Some(namespace), None) {
            left = true;
            // Whoever is marked already waits for its finalizers: only the first look asks for the deletion.
            if meta::is_deleting(object.value()) {
                continue;
            }
            let options =
                DeleteOptions { propagation: Some(Propagation::Background), ..DeleteOptions::default() };
            let resource = registry.stored_as(&resource.storage.key).into_iter().next();
            let Some(resource) = resource else { continue };
            let result = hands::delete(core, USER, resource, namespace, &key.name, &options);
            hands::report("namespace", &format!("deleting {}/{}", key.resource, key.name), result);
        }
    }
    debug_assert!(!event.key.name.is_empty(), "every event is about an object");
    if left && !is_empty(core, namespace) {
        return;
    }
    let resource = registry.resource("", "v1", "namespaces").expect("namespaces are built in");
    let result = hands::edit(core, USER, resource, ("", namespace), Part::Finalize, |object| {
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
    });
    hands::report("namespace", &format!("finalizing {namespace}"), result);
}

fn is_empty(core: &Arc<Core>, namespace: &str) -> bool {
    let snapshot = core.store.snapshot();
    let registry = core.registry();
    let mut resources = registry.resources().filter(|resource| resource.namespaced);
    resources.all(|resource| snapshot.range(&resource.storage.key, Some(namespace), None).next().is_none())
}
