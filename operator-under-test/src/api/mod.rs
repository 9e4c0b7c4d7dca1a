//! What can be asked of the operator: its kinds, their limits and their status.

mod cluster;
mod condition;
mod definitions;
mod machine;
mod version;

pub use cluster::{Cluster, ClusterSpec, ClusterStatus, MachineCounts};
pub(crate) use condition::says;
pub use condition::{Observation, Truth, conditions, is_true};
pub use definitions::crds;
pub use machine::{CLUSTER_LABEL, Machine, MachineSpec, MachineStatus};
