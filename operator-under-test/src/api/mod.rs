//! The custom resources of the operator: schemas, validation rules and conditions.

mod cluster;
mod condition;
mod definitions;
mod machine;
mod version;

pub use cluster::{Cluster, ClusterSpec, ClusterStatus, MachineCounts};
pub(crate) use condition::contains_all;
pub use condition::{ConditionStatus, ObservedCondition, conditions, is_condition_true};
pub use definitions::crds;
pub use machine::{CLUSTER_LABEL, Machine, MachineSpec, MachineStatus};
