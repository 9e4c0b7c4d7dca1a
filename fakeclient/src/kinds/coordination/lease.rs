//! Lease: positive durations. The fields of coordinated leader election are dropped, since it is off by default.

use serde_json::Value;

use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::object::view::fields::{FieldAccess, object_mut, remove};
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

/// `leases.coordination.k8s.io`
#[derive(Debug)]
pub(crate) struct Lease;

impl CreateStrategy for Lease {
    fn prepare_create(&self, object: &mut Value) {
        drop_disabled(object);
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        validate(&object["spec"])
    }
}

impl UpdateStrategy for Lease {
    fn creates_on_update(&self) -> bool {
        true
    }

    fn unconditional_update(&self) -> bool {
        false
    }

    fn prepare_update(&self, object: &mut Value, _old: &Value) {
        drop_disabled(object);
    }

    fn validate_update(&self, object: &Value, _old: &Value) -> Vec<FieldError> {
        validate(&object["spec"])
    }
}

impl Strategy for Lease {}
impl StatusStrategy for Lease {}
impl DeleteStrategy for Lease {}

/// Drops the fields of the feature gate `CoordinatedLeaderElection`, which is off in Kubernetes 1.37.
fn drop_disabled(object: &mut Value) {
    if object.has("spec") {
        let spec = object_mut(object, "spec");
        remove(spec, "strategy");
        remove(spec, "preferredHolder");
    }
}

fn validate(spec: &Value) -> Vec<FieldError> {
    let path = Path::new("spec");
    let mut errors = Vec::new();
    if let Some(duration) = spec.number("leaseDurationSeconds").filter(|seconds| *seconds <= 0) {
        let at = path.child("leaseDurationSeconds");
        errors.push(FieldError::invalid(at, duration.into(), "must be greater than 0"));
    }
    if let Some(transitions) = spec.number("leaseTransitions").filter(|count| *count < 0) {
        let at = path.child("leaseTransitions");
        errors.push(FieldError::invalid(at, transitions.into(), "must be greater than or equal to 0"));
    }
    errors
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn non_positive_lease_duration_is_rejected() {
        let lease = json!({"spec": {"leaseDurationSeconds": 0, "leaseTransitions": -1}});
        let texts: Vec<_> = Lease.validate_create(&lease).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
                "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
            ]
        );
    }

    #[test]
    fn fields_of_coordinated_leader_election_are_dropped() {
        let mut lease =
            json!({"spec": {"leaseDurationSeconds": 1, "strategy": "x", "preferredHolder": "me"}});
        Lease.prepare_create(&mut lease);
        assert_eq!(lease, json!({"spec": {"leaseDurationSeconds": 1}}));
    }
}
