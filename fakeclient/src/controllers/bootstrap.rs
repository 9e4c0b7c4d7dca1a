//! What is there before the first request, and objects that a test brings along.

use std::sync::Arc;

use serde_json::{Value, json};

use super::hands;
use crate::cluster::{BuildError, Core};
use crate::endpoint::body;
use crate::kinds::scheduling::SYSTEM;

/// The namespaces, the Service and the priorities that kube-apiserver makes for itself (Kubernetes 1.37: `pkg/controlplane`,
/// `pkg/registry/scheduling`).
pub(crate) fn bootstrap(core: &Arc<Core>) {
    let registry = core.registry();
    let namespaces = registry.resource("", "v1", "namespaces").expect("namespaces are built in");
    for name in ["kube-system", "kube-public", "kube-node-lease", "default"] {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        hands::create(core, hands::API_SERVER, Arc::clone(&namespaces), object)
            .expect("a system namespace is valid");
    }
    let services = registry.resource("", "v1", "services").expect("services are built in");
    let kubernetes = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {
            "name": "kubernetes", "namespace": "default",
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {
            "clusterIP": "10.0.0.1", "type": "ClusterIP", "sessionAffinity": "None",
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}],
        },
    });
    hands::create(core, hands::API_SERVER, services, kubernetes)
        .expect("the API server's own Service is valid");
    let priorities = registry.resource("scheduling.k8s.io", "v1", "priorityclasses");
    let priorities = priorities.expect("priority classes are built in");
    for (name, value, description) in SYSTEM {
        let object = json!({
            "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name},
            "value": value, "description": description,
        });
        hands::create(core, hands::API_SERVER, Arc::clone(&priorities), object)
            .expect("a system priority is valid");
    }
    core.settle();
}

/// Creates the objects of a multi-document YAML text, in order.
pub(crate) fn load(core: &Arc<Core>, yaml: &str) -> Result<(), BuildError> {
    let documents = body::documents(yaml).map_err(BuildError::Yaml)?;
    for (at, document) in documents.into_iter().enumerate() {
        create(core, at + 1, document)?;
        core.settle();
    }
    Ok(())
}

fn create(core: &Arc<Core>, index: usize, mut object: Value) -> Result<(), BuildError> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let Some(resource) = core.registry().kind(group, version, &kind) else {
        return Err(BuildError::UnknownKind { index, kind, api_version });
    };
    if resource.namespaced && object["metadata"]["namespace"].is_null() {
        object["metadata"]["namespace"] = "default".into();
    }
    // As a client that says nothing of itself.
    hands::create(core, "", resource, object).map_err(|error| BuildError::Refused { index, error })
}
