//! `DefaultTolerationSeconds`: tolerations of `not-ready` and `unreachable` nodes for 300 seconds.

use serde_json::{Value, json};

use crate::admission::attributes::{Attributes, Operation};
use crate::admission::plugin::Plugin;
use crate::error::ApiError;
use crate::object::view::fields::{FieldAccess, object_mut, set};

/// The plugin of this module.
#[derive(Debug)]
pub(crate) struct DefaultTolerationSeconds;

impl Plugin for DefaultTolerationSeconds {
    fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), ApiError> {
        if attributes.operation == Operation::Delete || !attributes.is("", "pods") {
            return Ok(());
        }
        let spec = object_mut(object, "spec");
        let given = spec.list("tolerations").to_vec();
        let mut all = given.clone();
        for taint in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
            let bears = |toleration: &Value| {
                ["", taint].contains(&toleration.text("key"))
                    && ["", "NoExecute"].contains(&toleration.text("effect"))
            };
            if !given.iter().any(bears) {
                all.push(json!({"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}));
            }
        }
        if all.len() > given.len() {
            set(spec, "tolerations", all);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{StoredObjects, create, pod};
    use super::*;

    #[track_caller]
    fn check(tolerations: Value, added: &[&str]) {
        let given = tolerations.as_array().map_or(0, Vec::len);
        let object = pod(Value::from_iter([("tolerations", tolerations)]));
        let pod =
            create(&DefaultTolerationSeconds, "pods", object, &StoredObjects::default()).expect("a Pod");
        let all = pod["spec"].list("tolerations");
        let keys: Vec<_> = all[given..].iter().map(|toleration| toleration.text("key")).collect();
        assert_eq!(keys, added);
        assert!(all[given..].iter().all(|toleration| toleration["tolerationSeconds"] == 300));
    }

    #[test]
    fn absent_tolerations_are_added_with_300_seconds() {
        let (ready, reachable) = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable");
        check(json!([]), &[ready, reachable]);
        check(json!([{"operator": "Exists"}]), &[]);
        check(json!([{"key": ready, "operator": "Exists"}]), &[reachable]);
        check(json!([{"key": ready, "operator": "Exists", "effect": "NoSchedule"}]), &[ready, reachable]);
    }
}
