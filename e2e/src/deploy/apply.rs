//! Server-side apply of an operator's bundle, object by object in the bundle's order.
//!
//! A definition is waited for until the server serves its kind, so that objects of that kind may follow; a binding,
//! until what it grants is in force. Kinds are looked up in the server's discovery: nobody here knows which there are.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use kube::api::{Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::discovery::{self, ApiCapabilities, Scope};
use kube::{Api, Client, ResourceExt as _};
use serde_json::Value;

use crate::deploy::rights::in_force;
use crate::display::object_label;
use crate::expect::matchers::have_condition;
use crate::expect::{Matcher as _, Object};
use crate::failure::{Failure, SpecResult};
use crate::managed_fields::FIELD_MANAGER;
use crate::watch::WatchUpdate;

/// Longest time that a definition may take to be established.
const ESTABLISHED_WITHIN: Duration = Duration::from_secs(30);

/// Applies `objects` in their order. An object that belongs into a namespace and names none goes into `namespace`.
///
/// Fields that somebody else manages are taken over: what is deployed is what the bundle says.
pub async fn apply(client: &Client, namespace: &str, objects: &[Value]) -> SpecResult {
    let mut kinds = BTreeMap::new();
    for object in objects {
        let object: DynamicObject = serde_json::from_value(object.clone())
            .map_err(|error| Failure::from(error).during("reading an object to apply"))?;
        let kind = kind_of(&object)?;
        let key = (kind.api_version(), kind.kind.clone());
        if !kinds.contains_key(&key) {
            kinds.insert(key.clone(), look_up(client, &kind).await?);
        }
        apply_one(client, namespace, object, &kinds[&key]).await?;
    }
    Ok(())
}

async fn apply_one(
    client: &Client,
    namespace: &str,
    mut object: DynamicObject,
    (resource, capabilities): &(ApiResource, ApiCapabilities),
) -> SpecResult {
    let name = object.name_any();
    let api: Api<DynamicObject> = match capabilities.scope {
        Scope::Cluster => Api::all_with(client.clone(), resource),
        Scope::Namespaced => {
            let namespace = object.metadata.namespace.get_or_insert_with(|| namespace.to_owned());
            Api::namespaced_with(client.clone(), namespace, resource)
        }
    };
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    api.patch(&name, &parameters, &Patch::Apply(&object)).await.map_err(|error| {
        let label = object_label(&resource.kind, object.metadata.namespace.as_deref(), &name);
        Failure::from(error).during(&format!("applying {label}"))
    })?;
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("apiextensions.k8s.io", "CustomResourceDefinition") => established(&api, &name).await,
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            in_force(client, &object).await
        }
        _ => Ok(()),
    }
}

fn kind_of(object: &DynamicObject) -> SpecResult<GroupVersionKind> {
    let unnamed = || Failure::nowhere("an object to apply has no apiVersion and kind, or no name");
    let types = object.types.as_ref().ok_or_else(unnamed)?;
    object.metadata.name.as_ref().ok_or_else(unnamed)?;
    Ok(GroupVersionKind::try_from(types)?)
}

async fn look_up(client: &Client, kind: &GroupVersionKind) -> SpecResult<(ApiResource, ApiCapabilities)> {
    discovery::pinned_kind(client, kind).await.map_err(|error| {
        let what = format!("looking up {} of {}", kind.kind, kind.api_version());
        Failure::from(error).during(&what)
    })
}

/// Waits until a definition is established.
pub(crate) async fn established(api: &Api<DynamicObject>, name: &str) -> SpecResult {
    let ready = have_condition("Established", "True");
    let mut last = "it was not seen".to_owned();
    let definition = Object::new(api.clone(), "CustomResourceDefinition", name).selection();
    let waiting = definition.follow(|update| {
        match update {
            WatchUpdate::Current(objects) => match ready.check((definition.value)(objects).as_ref()) {
                Ok(()) => return ControlFlow::Break(()),
                Err(mismatch) => last = mismatch.describe(),
            },
            WatchUpdate::Error(error) => last = error,
            WatchUpdate::Gap => {}
        }
        ControlFlow::Continue(())
    });
    let waited = tokio::time::timeout(ESTABLISHED_WITHIN, waiting).await;
    waited
        .map_err(|_| Failure::nowhere(format!("CustomResourceDefinition {name} is not established: {last}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn an_object_that_cannot_be_named_is_refused_before_anybody_is_asked() {
        let cluster = seatrial_fakeclient::FakeCluster::builder().build().unwrap();
        for object in
            [json!({"metadata": {"name": "a"}}), json!({"apiVersion": "v1", "kind": "Pod", "metadata": {}})]
        {
            let failure = apply(&cluster.client(), "demo", &[object]).await.unwrap_err();
            assert!(failure.message().starts_with("an object to apply has no"), "{failure}");
        }
    }

    #[tokio::test]
    async fn a_kind_that_the_server_does_not_serve_is_named() {
        let cluster = seatrial_fakeclient::FakeCluster::builder().build().unwrap();
        let ship = json!({"apiVersion": "sea.example.com/v1", "kind": "Ship", "metadata": {"name": "a"}});
        let failure = apply(&cluster.client(), "demo", &[ship]).await.unwrap_err();
        assert!(failure.message().starts_with("looking up Ship of sea.example.com/v1: "), "{failure}");
    }
}
