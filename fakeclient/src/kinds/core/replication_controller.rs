//! `ReplicationController`: labels and selector from its template, and orphaned Pods by default.

use serde_json::Value;

use crate::kinds::pod_spec::defaults::set_pod_spec_defaults;
use crate::kinds::pod_spec::disabled::drop_disabled;
use crate::object::view::fields::{FieldAccess, object_mut, set};
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

/// `replicationcontrollers`
#[derive(Debug)]
pub(crate) struct ReplicationController;

impl Strategy for ReplicationController {
    fn drop_disabled_fields(&self, object: &mut Value) {
        drop_disabled(object, "/spec/template/spec");
    }

    fn apply_defaults(&self, object: &mut Value) {
        let labels = object["spec"]["template"]["metadata"]["labels"].clone();
        if labels.is_object() {
            let metadata = object_mut(object, "metadata");
            if metadata.entries("labels").next().is_none() {
                set(metadata, "labels", labels.clone());
            }
            let spec = object_mut(object, "spec");
            if spec.entries("selector").next().is_none() {
                set(spec, "selector", labels);
            }
        }
        set_pod_spec_defaults(object_mut(object_mut(object_mut(object, "spec"), "template"), "spec"));
    }
}

impl DeleteStrategy for ReplicationController {
    fn orphans_by_default(&self) -> bool {
        true
    }
}

impl CreateStrategy for ReplicationController {}
impl UpdateStrategy for ReplicationController {}
impl StatusStrategy for ReplicationController {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_and_selector_default_to_template_labels() {
        let mut object = json!({"spec": {"template": {"metadata": {"labels": {"a": "b"}}}}});
        ReplicationController.apply_defaults(&mut object);
        assert_eq!(object["spec"]["selector"], json!({"a": "b"}));
        assert_eq!(object["metadata"]["labels"], json!({"a": "b"}));
    }
}
