//! `ReplicaSet`: selector, template and replicas, as in a Deployment.

use serde_json::Value;

use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::kinds::pod_spec::defaults::set_pod_spec_defaults;
use crate::kinds::pod_spec::disabled::drop_disabled;
use crate::kinds::rules::numbers::not_negative;
use crate::object::view::fields::{object_mut, set_default};
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

use super::workload::{
    at_most, counts, immutable_selector, name_and_template_warnings, selector, template_errors,
};

/// `replicasets.apps`
#[derive(Debug)]
pub(crate) struct ReplicaSet;

impl Strategy for ReplicaSet {
    fn drop_disabled_fields(&self, object: &mut Value) {
        drop_disabled(object, "/spec/template/spec");
    }

    fn apply_defaults(&self, object: &mut Value) {
        let spec = object_mut(object, "spec");
        set_default(spec, "replicas", 1);
        set_pod_spec_defaults(object_mut(object_mut(spec, "template"), "spec"));
    }

    fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        name_and_template_warnings(object, old)
    }
}

impl CreateStrategy for ReplicaSet {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        validate(&object["spec"])
    }
}

impl UpdateStrategy for ReplicaSet {
    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = validate(&object["spec"]);
        errors.extend(immutable_selector(object, old));
        errors
    }
}

impl StatusStrategy for ReplicaSet {
    fn validate_status_update(&self, object: &Value, _old: &Value) -> Vec<FieldError> {
        let status = &object["status"];
        let parts = ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"];
        let mut errors = counts(status, &["replicas"]);
        errors.extend(counts(status, &parts));
        errors.extend(counts(status, &["observedGeneration", "terminatingReplicas"]));
        for part in parts {
            errors.extend(at_most(status, part, "replicas", "status.replicas"));
        }
        errors.extend(at_most(status, "availableReplicas", "readyReplicas", "readyReplicas"));
        errors
    }
}

impl DeleteStrategy for ReplicaSet {}

fn validate(spec: &Value) -> Vec<FieldError> {
    let path = Path::new("spec");
    let mut errors: Vec<_> = not_negative(&path, spec, "replicas").into_iter().collect();
    errors.extend(not_negative(&path, spec, "minReadySeconds"));
    // The server's message says "deployment" here, too.
    errors.extend(selector(&path, spec, "deployment"));
    errors.extend(template_errors(&path, spec, "ReplicaSet"));
    errors
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selector_and_containers_are_required() {
        let mut object = json!({"metadata": {"name": "r"}});
        ReplicaSet.apply_defaults(&mut object);
        let texts: Vec<_> = ReplicaSet.validate_create(&object).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "spec.selector: Required value",
                "spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`",
                "spec.template.spec.containers: Required value",
            ]
        );
    }
}
