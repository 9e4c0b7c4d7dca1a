//! What the nodes of a cluster know of a failure, in the folders in which `kind export logs` puts it.
//!
//! `parts` says what a node is asked for and how its answers are read, `collector` asks all nodes of a cluster.

mod parts;

mod collector;

pub(crate) use collector::NodeEvidence;
