//! Apply configurations of a status.

use kube::core::NamespaceResourceScope;
use kube::{Resource, ResourceExt};
use serde::Serialize;
use serde_json::{Value, json};

/// What is applied to the `status` subresource of `object`: this status, and nothing else.
pub(super) fn status_of<K>(object: &K, status: &impl Serialize) -> Value
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    json!({
        "apiVersion": K::api_version(&()), "kind": K::kind(&()),
        "metadata": {"name": object.name_any()},
        "status": status,
    })
}
