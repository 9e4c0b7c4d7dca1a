//! The reconcilers, one for each kind.

mod cluster;
mod machine;

mod apply;
mod backoff;
mod error;
mod plan;

pub(crate) use backoff::{ObjectBackoff, WatchBackoff};
pub use cluster::CLUSTER_FIELD_MANAGER;
pub(crate) use cluster::ClusterReconciler;
pub(crate) use error::ReconcileError;
pub(crate) use machine::MachineReconciler;
pub use machine::{MACHINE_FIELD_MANAGER, RELEASE_FINALIZER};
