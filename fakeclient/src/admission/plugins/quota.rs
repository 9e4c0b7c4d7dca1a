//! `ResourceQuota`: not modelled. A write that a quota counts answers 501.

use serde_json::Value;

use crate::admission::attributes::{Attributes, Operation};
use crate::admission::plugin::Plugin;
use crate::error::ApiError;
use crate::object::view::fields::FieldAccess;

/// The plugin of this module. A quota has no effect before its controller has set `status.hard`.
#[derive(Debug)]
pub(crate) struct ResourceQuota;

impl Plugin for ResourceQuota {
    fn validate(&self, attributes: &Attributes<'_>, _object: &Value) -> Result<(), ApiError> {
        let outside = attributes.operation == Operation::Delete
            || attributes.namespace.is_empty()
            || !attributes.subresource.is_empty();
        if outside {
            return Ok(());
        }
        let mut quotas = attributes.store_view.list("resourcequotas", Some(attributes.namespace));
        if quotas
            .any(|quota| quota["status"].entries("hard").any(|(name, _)| counts_resource(name, attributes)))
        {
            return Err(ApiError::not_modelled("a ResourceQuota that applies to this request"));
        }
        Ok(())
    }
}

/// True if a quota's resource name counts the resource of the write.
fn counts_resource(name: &str, attributes: &Attributes<'_>) -> bool {
    let resource = attributes.resource;
    if let Some(counted) = name.strip_prefix("count/") {
        return counted == resource.group_resource();
    }
    if !resource.group.is_empty() {
        return false;
    }
    match resource.plural.as_str() {
        "pods" => {
            let other = ["services", "configmaps", "secrets", "replicationcontrollers", "resourcequotas"];
            !other.iter().any(|prefix| name.starts_with(prefix)) && !is_storage(name)
        }
        "persistentvolumeclaims" => is_storage(name),
        plural => name == plural || name.split_once('.').is_some_and(|(first, _)| first == plural),
    }
}

fn is_storage(name: &str) -> bool {
    name == "requests.storage"
        || name == "persistentvolumeclaims"
        || name.contains(".storageclass.storage.k8s.io/")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{StoredObjects, create, pod};
    use super::*;

    #[test]
    fn quota_without_status_is_ignored() {
        let quota = |field: &str| {
            let mut quota = json!({"metadata": {"namespace": "default", "name": "q"}});
            quota[field] = json!({"hard": {"pods": "1", "count/deployments.apps": "2"}});
            StoredObjects::default().with("resourcequotas", quota)
        };
        assert!(create(&ResourceQuota, "pods", pod(json!({})), &quota("spec")).is_ok());
        let answer = |resource: &str| create(&ResourceQuota, resource, json!({}), &quota("status"));
        assert_eq!(answer("pods").expect_err("counted").code, 501);
        assert_eq!(answer("deployments.apps").expect_err("counted").code, 501);
        assert!(answer("configmaps").is_ok());
    }
}
