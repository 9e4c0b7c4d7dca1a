//! `TaintNodesByCondition`: the `not-ready` taint of new Nodes.

use serde_json::{Value, json};

use crate::admission::attributes::{Attributes, Operation};
use crate::admission::plugin::Plugin;
use crate::error::ApiError;
use crate::object::view::fields::{FieldAccess, object_mut, set};

const NOT_READY: &str = "node.kubernetes.io/not-ready";

/// The plugin of this module.
#[derive(Debug)]
pub(crate) struct TaintNodesByCondition;

impl Plugin for TaintNodesByCondition {
    fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), ApiError> {
        if attributes.operation != Operation::Create || !attributes.is("", "nodes") {
            return Ok(());
        }
        let spec = object_mut(object, "spec");
        let mut taints = spec.list("taints").to_vec();
        let known = taints.iter().any(|t| t.text("key") == NOT_READY && t.text("effect") == "NoSchedule");
        if !known {
            taints.push(json!({"key": NOT_READY, "effect": "NoSchedule"}));
            set(spec, "taints", taints);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{StoredObjects, create};
    use super::*;

    #[test]
    fn new_node_is_tainted() {
        let object = json!({"metadata": {"name": "n"}});
        let node =
            create(&TaintNodesByCondition, "nodes", object, &StoredObjects::default()).expect("a node");
        assert_eq!(node["spec"]["taints"], json!([{"key": NOT_READY, "effect": "NoSchedule"}]));
        let again = create(&TaintNodesByCondition, "nodes", node.clone(), &StoredObjects::default());
        assert_eq!(again, Ok(node));
    }
}
