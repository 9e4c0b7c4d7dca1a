//! Initial objects of a cluster: those of kube-apiserver's bootstrap, and those of the builder.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::garbage_collector::GarbageCollector;
use super::{Controllers, client};
use crate::error::ApiError;
use crate::kinds::scheduling::SYSTEM;
use crate::object::decode::yaml;
use crate::state::ClusterState;
use crate::store::Store;

/// Creates the namespaces, the Service and the priority classes that kube-apiserver creates (Kubernetes 1.37:
/// `pkg/controlplane`, `pkg/registry/scheduling`).
pub(crate) async fn bootstrap(controllers: &Arc<Controllers>) {
    let origin = (controllers.state.ids.state(), controllers.state.clock.seconds());
    let known = LAST_BOOTSTRAP.lock().expect("the lock is held for a copy only").clone();
    if let Some(known) = known.filter(|known| known.origin == origin) {
        controllers.state.store.become_fork_of(&known.store);
        controllers.state.ids.resume(known.ids);
        *controllers.garbage_collector.lock().await = known.garbage_collector.clone();
        return;
    }
    create_system_objects(controllers).await;
    let made = BootstrapSnapshot {
        store: controllers.state.store.fork(),
        ids: controllers.state.ids.state(),
        garbage_collector: controllers.garbage_collector.lock().await.clone(),
        origin,
    };
    *LAST_BOOTSTRAP.lock().expect("the lock is held for a copy only") = Some(Arc::new(made));
}

/// A cluster after its bootstrap. It depends only on the seed and on the second of the clock.
struct BootstrapSnapshot {
    origin: (u64, String),
    store: Store,
    ids: u64,
    garbage_collector: GarbageCollector,
}

/// The last bootstrap of this process: tests create many clusters with one seed within one second.
static LAST_BOOTSTRAP: Mutex<Option<Arc<BootstrapSnapshot>>> = Mutex::new(None);

async fn create_system_objects(controllers: &Arc<Controllers>) {
    let state = &controllers.state;
    let registry = state.registry();
    let namespaces = registry.resource("", "v1", "namespaces").expect("namespaces are built in");
    for name in ["kube-system", "kube-public", "kube-node-lease", "default"] {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        client::create(state, client::API_SERVER, Arc::clone(&namespaces), object)
            .await
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
    client::create(state, client::API_SERVER, services, kubernetes)
        .await
        .expect("the API server's own Service is valid");
    let priorities = registry.resource("scheduling.k8s.io", "v1", "priorityclasses");
    let priorities = priorities.expect("priority classes are built in");
    for (name, value, description) in SYSTEM {
        let object = json!({
            "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name},
            "value": value, "description": description,
        });
        client::create(state, client::API_SERVER, Arc::clone(&priorities), object)
            .await
            .expect("a system priority is valid");
    }
    controllers.run_until_idle().await;
}

/// Creates the objects of a multi-document YAML text, in order.
pub(crate) async fn load(controllers: &Arc<Controllers>, text: &str) -> Result<(), BuildError> {
    let documents = yaml::documents(text).map_err(BuildError::Yaml)?;
    for (at, document) in documents.into_iter().enumerate() {
        create(&controllers.state, at + 1, document).await?;
        controllers.run_until_idle().await;
    }
    Ok(())
}

async fn create(state: &Arc<ClusterState>, index: usize, mut object: Value) -> Result<(), BuildError> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let Some(resource) = state.registry().kind(group, version, &kind) else {
        return Err(BuildError::UnknownKind { index, kind, api_version });
    };
    if resource.namespaced && object["metadata"]["namespace"].is_null() {
        object["metadata"]["namespace"] = "default".into();
    }
    // No field manager and no user agent.
    client::create(state, "", resource, object).await.map_err(|error| BuildError::Refused { index, error })
}

/// Failure to create an initial object.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Invalid YAML.
    #[error("failed to read the objects: {0}")]
    Yaml(String),
    /// No resource is served for the kind.
    #[error(
        "failed to create object {index}: nothing serves kind {kind:?} of {api_version:?}; is its CRD before it?"
    )]
    UnknownKind {
        /// Number of the document, from 1.
        index: usize,
        /// Kind in the document.
        kind: String,
        /// API version in the document.
        api_version: String,
    },
    /// The API rejected the object.
    #[error("failed to create object {index}: {error}")]
    Refused {
        /// Number of the document, from 1.
        index: usize,
        /// The API's error.
        error: ApiError,
    },
}
