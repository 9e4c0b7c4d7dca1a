//! Node: the one kind that takes a status from the client that creates it, because kubelets register themselves with
//! what they have (kube-apiserver 1.37).

use crate::registry::strategy::Strategy;

/// `nodes`
#[derive(Debug)]
pub(crate) struct Node;

impl Strategy for Node {
    fn keeps_status_on_create(&self) -> bool {
        true
    }
}
