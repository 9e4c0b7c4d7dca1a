//! Faults of nodes, of their network, and of Pods' processes.
//!
//! A spec gets a `faulty_node`, which undoes every fault at the spec's end. `partition` takes a node off the network,
//! `link` makes its network bad, `process` kills a Pod's process.

mod partition;

mod faulty_node;

mod process;

mod link;

#[cfg(test)]
mod undone;

pub use faulty_node::FaultyNode;
pub use link::{Bandwidth, PacketLoss};
pub(super) use process::kill_process;

use super::error::KindError;
use super::node::Node;

/// Takes all rules of ours from a running node's network.
pub(super) async fn mend_link(node: &Node) -> Result<(), KindError> {
    partition::heal(node).await?;
    link::reset(node).await
}
