//! `RuntimeClass`: overhead, node selector and tolerations of a Pod from its runtime class.

use serde_json::Value;

use crate::admission::attributes::{Attributes, Operation};
use crate::admission::plugin::Plugin;
use crate::error::ApiError;
use crate::object::view::fields::{FieldAccess, object_mut, set};

/// The plugin of this module.
#[derive(Debug)]
pub(crate) struct RuntimeClass;

impl Plugin for RuntimeClass {
    fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), ApiError> {
        if attributes.operation != Operation::Create || !attributes.is("", "pods") {
            return Ok(());
        }
        let Some(class) = class_of(attributes, object)? else { return Ok(()) };
        if class["overhead"].has("podFixed") {
            let fixed = &class["overhead"]["podFixed"];
            let given = &object["spec"]["overhead"];
            if given.as_object().is_some_and(|map| !map.is_empty()) && given != fixed {
                let why = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";
                return Err(attributes.forbidden(object, why));
            }
            set(object_mut(object, "spec"), "overhead", fixed.clone());
        }
        add_scheduling(attributes, object, &class["scheduling"])
    }

    fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), ApiError> {
        if attributes.operation != Operation::Create || !attributes.is("", "pods") {
            return Ok(());
        }
        let class = class_of(attributes, object)?;
        let fixed = class.map_or(&Value::Null, |class| &class["overhead"]["podFixed"]);
        let given = &object["spec"]["overhead"];
        let why = match (fixed.is_null(), given.is_null()) {
            (true, false) => {
                "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
            }
            (false, _) if given != fixed => {
                "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
            }
            _ => return Ok(()),
        };
        Err(attributes.forbidden(object, why))
    }
}

fn class_of<'a>(attributes: &Attributes<'a>, object: &Value) -> Result<Option<&'a Value>, ApiError> {
    let Some(name) = object["spec"]["runtimeClassName"].as_str() else { return Ok(None) };
    if let Some(class) = attributes.store_view.get("runtimeclasses.node.k8s.io", "", name) {
        Ok(Some(class))
    } else {
        let why = format!("pod rejected: RuntimeClass {name:?} not found");
        Err(attributes.forbidden(object, &why))
    }
}

/// Adds the node selector and tolerations of the class to the Pod.
fn add_scheduling(
    attributes: &Attributes<'_>,
    object: &mut Value,
    scheduling: &Value,
) -> Result<(), ApiError> {
    for (key, value) in scheduling.entries("nodeSelector") {
        let given = &object["spec"]["nodeSelector"][key];
        if !given.is_null() && given != value {
            let (value, given) = (value.as_str().unwrap_or_default(), given.as_str().unwrap_or_default());
            let why = format!(
                "conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; pod.spec.nodeSelector[{key}] = {given}"
            );
            return Err(attributes.forbidden(object, &why));
        }
        set(object_mut(object_mut(object, "spec"), "nodeSelector"), key, value.clone());
    }
    let added = scheduling.list("tolerations");
    if !added.is_empty() {
        let spec = object_mut(object, "spec");
        let mut all = spec.list("tolerations").to_vec();
        all.extend(added.iter().filter(|toleration| !spec.list("tolerations").contains(toleration)).cloned());
        set(spec, "tolerations", all);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{StoredObjects, create, pod};
    use super::*;

    #[test]
    fn class_sets_overhead_and_scheduling() {
        let class = json!({"metadata": {"name": "slow"}, "overhead": {"podFixed": {"cpu": "1"}},
            "scheduling": {"nodeSelector": {"vm": "yes"}, "tolerations": [{"key": "vm"}]}});
        let stored = StoredObjects::default().with("runtimeclasses.node.k8s.io", class);
        let object = pod(json!({"runtimeClassName": "slow"}));
        let spec = create(&RuntimeClass, "pods", object, &stored).expect("a Pod")["spec"].clone();
        assert_eq!(spec["overhead"], json!({"cpu": "1"}));
        assert_eq!(spec["nodeSelector"], json!({"vm": "yes"}));
        assert_eq!(spec["tolerations"], json!([{"key": "vm"}]));
    }

    #[test]
    fn overhead_without_class_and_absent_class_are_rejected() {
        let says = |extra: Value| {
            create(&RuntimeClass, "pods", pod(extra), &StoredObjects::default()).expect_err("refused").message
        };
        assert_eq!(
            says(json!({"runtimeClassName": "nope"})),
            "pods \"p\" is forbidden: pod rejected: RuntimeClass \"nope\" not found"
        );
        assert_eq!(
            says(json!({"overhead": {"cpu": "1"}})),
            "pods \"p\" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
        );
    }
}
