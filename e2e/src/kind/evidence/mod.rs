//! Evidence of a cluster's nodes, in the folders of `kind export logs`.
//!
//! `parts` says what a node is asked for and how its answers are read, `collector` asks all nodes of a cluster.

mod parts;

mod collector;

pub(crate) use collector::NodeEvidence;
