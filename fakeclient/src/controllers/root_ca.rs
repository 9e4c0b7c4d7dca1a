//! The root CA publisher: the `ConfigMap` `kube-root-ca.crt` in every namespace, restored after changes.

use std::sync::Arc;

use serde_json::{Value, json};

use super::client;
use crate::object::view::metadata;
use crate::state::ClusterState;
use crate::store::{Event, Key};
use crate::verbs::update::Part;

const NAME: &str = "kube-root-ca.crt";
/// Placeholder certificate. In-process clients use no TLS.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nc2VhdHJpYWw=\n-----END CERTIFICATE-----\n";
const DESCRIPTION: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal \
                           endpoints such as the internal service IP or kubernetes.default.svc. No other usage is \
                           guaranteed across distributions of Kubernetes clusters.";

pub(super) async fn step(state: &Arc<ClusterState>, event: &Event) {
    let namespace = match &*event.key.resource {
        "namespaces" if !event.deleted => event.key.name.to_string(),
        "configmaps" if &*event.key.name == NAME => event.key.namespace.to_string(),
        _ => return,
    };
    ensure(state, &namespace).await;
}

async fn ensure(state: &Arc<ClusterState>, namespace: &str) {
    let snapshot = state.store.snapshot();
    let Some(found) = snapshot.get(&Key::new("namespaces", "", namespace)) else { return };
    if metadata::is_deleting(found.value()) {
        return;
    }
    let resource = state.registry().resource("", "v1", "configmaps").expect("config maps are built in");
    let data = json!({"ca.crt": CERTIFICATE});
    let annotations = json!({"kubernetes.io/description": DESCRIPTION});
    let result = match snapshot.get(&Key::new("configmaps", namespace, NAME)) {
        Some(map) if map.value()["data"] == data && has_description(map.value()) => return,
        Some(_) => {
            client::edit(state, client::CONTROLLER_MANAGER, resource, (namespace, NAME), Part::Main, |map| {
                map["data"] = data.clone();
                metadata::set(map, "annotations", annotations.clone());
            })
            .await
        }
        None => {
            let object = json!({
                "apiVersion": "v1", "kind": "ConfigMap", "data": data,
                "metadata": {"name": NAME, "namespace": namespace, "annotations": annotations},
            });
            client::create(state, client::CONTROLLER_MANAGER, resource, object).await
        }
    };
    client::log_failure("root-ca-certificate-publisher", namespace, result);
}

fn has_description(map: &Value) -> bool {
    map["metadata"]["annotations"]["kubernetes.io/description"] == DESCRIPTION
}
