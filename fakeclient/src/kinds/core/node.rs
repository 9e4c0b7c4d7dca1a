//! Node: keeps the status of a create, because a kubelet registers its node with it (kube-apiserver 1.37).

use serde_json::{Value, json};

use crate::object::view::fields::{FieldAccess, set};
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

/// `nodes`
#[derive(Debug)]
pub(crate) struct Node;

impl Strategy for Node {
    /// `podCIDR` is the first of `podCIDRs`; `allocatable` defaults to `capacity`.
    fn apply_defaults(&self, object: &mut Value) {
        if let Some(spec) = object.get_mut("spec") {
            let range = spec.text("podCIDR").to_owned();
            if !range.is_empty() && spec.list("podCIDRs").is_empty() {
                set(spec, "podCIDRs", json!([range]));
            }
        }
        if let Some(status) = object.get_mut("status")
            && !status.has("allocatable")
            && status.has("capacity")
        {
            let capacity = status["capacity"].clone();
            set(status, "allocatable", capacity);
        }
    }
}

impl CreateStrategy for Node {
    fn keeps_status_on_create(&self) -> bool {
        true
    }
}

impl UpdateStrategy for Node {}
impl StatusStrategy for Node {}
impl DeleteStrategy for Node {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allocatable_defaults_to_capacity() {
        let mut node = json!({"spec": {"podCIDR": "10.9.0.0/24"}, "status": {"capacity": {"cpu": "2"}}});
        Node.apply_defaults(&mut node);
        assert_eq!(node["spec"]["podCIDRs"], json!(["10.9.0.0/24"]));
        assert_eq!(node["status"]["allocatable"], json!({"cpu": "2"}));
    }
}
