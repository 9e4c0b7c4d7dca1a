//! `ReplicationController`: labels and selector from its template; its Pods stay when it goes.

use serde_json::Value;

use crate::kinds::pod_spec::complete::complete;
use crate::object::view::fields::{Read, object_mut, set};
use crate::registry::strategy::Strategy;

/// `replicationcontrollers`
#[derive(Debug)]
pub(crate) struct ReplicationController;

impl Strategy for ReplicationController {
    fn default(&self, object: &mut Value) {
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
        complete(object_mut(object_mut(object_mut(object, "spec"), "template"), "spec"));
    }

    fn orphans(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_templates_labels_become_selector_and_labels_where_none_are_given() {
        let mut object = json!({"spec": {"template": {"metadata": {"labels": {"a": "b"}}}}});
        ReplicationController.default(&mut object);
        assert_eq!(object["spec"]["selector"], json!({"a": "b"}));
        assert_eq!(object["metadata"]["labels"], json!({"a": "b"}));
    }
}
