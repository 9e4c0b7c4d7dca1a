//! Faults of the real world: what can happen to a node, to its network, and to a Pod's process.
//!
//! `hold` is what a spec has in its hand: it undoes every fault at the spec's end. `cut` takes a node off the network,
//! `slow` makes its network bad, `process` kills a Pod's process.

mod cut;

mod hold;

mod process;

mod slow;

#[cfg(test)]
mod undone;

pub use hold::FaultyNode;
pub(super) use process::kill_process;
pub use slow::{Loss, Pace};

use super::error::KindError;
use super::node::Node;

/// Takes all rules of ours from a running node's network.
pub(super) async fn mend_link(node: &Node) -> Result<(), KindError> {
    cut::heal(node).await?;
    slow::mend(node).await
}
