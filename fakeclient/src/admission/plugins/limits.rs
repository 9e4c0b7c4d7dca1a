//! `LimitRanger` and `ResourceQuota`: not modelled beyond the case in which they have nothing to say.

use serde_json::Value;

use crate::admission::attributes::{Attributes, Operation};
use crate::admission::plugin::Plugin;
use crate::error::ApiError;
use crate::registry::builtin::rules::read::Read;

/// Completes and checks Pods and claims by the `LimitRanges` of their namespace.
#[derive(Debug)]
pub(crate) struct LimitRanger;

impl Plugin for LimitRanger {
    fn name(&self) -> &'static str {
        "LimitRanger"
    }

    fn admit(&self, attributes: &Attributes<'_>, _object: &mut Value) -> Result<(), ApiError> {
        let concerned = match attributes.operation {
            Operation::Create => attributes.is("", "pods") || attributes.is("", "persistentvolumeclaims"),
            Operation::Update => attributes.is("", "persistentvolumeclaims"),
            Operation::Delete => false,
        };
        let ranges = || attributes.peers.list("limitranges", Some(attributes.namespace));
        if concerned && ranges().any(|range| !range["spec"].list("limits").is_empty()) {
            return Err(ApiError::not_modelled("a LimitRange that applies to this request"));
        }
        Ok(())
    }
}

/// Counts what a namespace uses. A quota limits nothing before its controller has filled in `status.hard`.
#[derive(Debug)]
pub(crate) struct ResourceQuota;

impl Plugin for ResourceQuota {
    fn name(&self) -> &'static str {
        "ResourceQuota"
    }

    fn validate(&self, attributes: &Attributes<'_>, _object: &Value) -> Result<(), ApiError> {
        let outside = attributes.operation == Operation::Delete
            || attributes.namespace.is_empty()
            || !attributes.subresource.is_empty();
        if outside {
            return Ok(());
        }
        let mut quotas = attributes.peers.list("resourcequotas", Some(attributes.namespace));
        if quotas.any(|quota| quota["status"].entries("hard").any(|(name, _)| counts(name, attributes))) {
            return Err(ApiError::not_modelled("a ResourceQuota that applies to this request"));
        }
        Ok(())
    }
}

/// Whether a quota's resource is about what is written.
fn counts(name: &str, attributes: &Attributes<'_>) -> bool {
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

    use super::super::bench::{Stored, create, pod};
    use super::*;

    #[test]
    fn a_limit_range_is_refused_rather_than_passed_over() {
        let range = json!({"metadata": {"namespace": "default", "name": "l"}, "spec": {"limits": [{"type": "Container"}]}});
        let stored = Stored::default().with("limitranges", range);
        let error = create(&LimitRanger, "pods", pod(json!({})), &stored).expect_err("a limit applies");
        assert_eq!(error.code, 501);
        assert!(create(&LimitRanger, "configmaps", json!({}), &stored).is_ok());
        assert!(create(&LimitRanger, "pods", pod(json!({})), &Stored::default()).is_ok());
    }

    #[test]
    fn a_quota_counts_only_once_its_controller_has_seen_it() {
        let quota = |field: &str| {
            let mut quota = json!({"metadata": {"namespace": "default", "name": "q"}});
            quota[field] = json!({"hard": {"pods": "1", "count/deployments.apps": "2"}});
            Stored::default().with("resourcequotas", quota)
        };
        assert!(create(&ResourceQuota, "pods", pod(json!({})), &quota("spec")).is_ok());
        let answer = |resource: &str| create(&ResourceQuota, resource, json!({}), &quota("status"));
        assert_eq!(answer("pods").expect_err("counted").code, 501);
        assert_eq!(answer("deployments.apps").expect_err("counted").code, 501);
        assert!(answer("configmaps").is_ok());
    }
}
