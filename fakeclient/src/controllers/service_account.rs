//! The service account controller: every namespace has a `ServiceAccount` named `default`.

use std::sync::Arc;

use serde_json::json;

use super::hands;
use crate::cluster::Core;
use crate::object::meta;
use crate::store::{Event, Key};

const NAME: &str = "default";

pub(super) fn step(core: &Arc<Core>, event: &Event) {
    let namespace = match &*event.key.resource {
        "namespaces" if !event.deleted => event.key.name.to_string(),
        "serviceaccounts" if event.deleted && &*event.key.name == NAME => event.key.namespace.to_string(),
        _ => return,
    };
    ensure(core, &namespace);
}

fn ensure(core: &Arc<Core>, namespace: &str) {
    let snapshot = core.store.snapshot();
    let Some(found) = snapshot.get(&Key::new("namespaces", "", namespace)) else { return };
    if meta::is_deleting(found.value())
        || snapshot.get(&Key::new("serviceaccounts", namespace, NAME)).is_some()
    {
        return;
    }
    let resource =
        core.registry().resource("", "v1", "serviceaccounts").expect("service accounts are built in");
    let object = json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME, "namespace": namespace},
    });
    hands::report(
        "serviceaccount",
        namespace,
        hands::create(core, hands::CONTROLLER_MANAGER, resource, object),
    );
}
