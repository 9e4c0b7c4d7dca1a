//! Server-side apply of the `status` subresource.

use kube::core::NamespaceResourceScope;
use kube::{Resource, ResourceExt};
use serde::Serialize;
use serde_json::{Value, json};

/// The apply configuration that sets the status of `object` and nothing else.
pub(super) fn status_configuration<K>(object: &K, status: &impl Serialize) -> Value
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    json!({
        "apiVersion": K::api_version(&()), "kind": K::kind(&()),
        "metadata": {"name": object.name_any()},
        "status": status,
    })
}
