//! The service account controller: the `ServiceAccount` `default` in every namespace.

use std::sync::Arc;

use serde_json::json;

use super::client;
use crate::object::view::metadata;
use crate::state::ClusterState;
use crate::store::{Event, Key};

const NAME: &str = "default";

pub(super) async fn step(state: &Arc<ClusterState>, event: &Event) {
    let namespace = match &*event.key.resource {
        "namespaces" if !event.deleted => event.key.name.to_string(),
        "serviceaccounts" if event.deleted && &*event.key.name == NAME => event.key.namespace.to_string(),
        _ => return,
    };
    ensure(state, &namespace).await;
}

async fn ensure(state: &Arc<ClusterState>, namespace: &str) {
    let snapshot = state.store.snapshot();
    let Some(found) = snapshot.get(&Key::new("namespaces", "", namespace)) else { return };
    if metadata::is_deleting(found.value())
        || snapshot.get(&Key::new("serviceaccounts", namespace, NAME)).is_some()
    {
        return;
    }
    let resource =
        state.registry().resource("", "v1", "serviceaccounts").expect("service accounts are built in");
    let object = json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME, "namespace": namespace},
    });
    client::log_failure(
        "serviceaccount",
        namespace,
        client::create(state, client::CONTROLLER_MANAGER, resource, object).await,
    );
}
