//! One reconciler per kind, and what they share.

mod cluster;
mod machine;

mod apply;
mod backoff;
mod children;
mod error;

pub(crate) use backoff::{ObjectBackoff, WatchBackoff};
pub use cluster::CLUSTER_MANAGER;
pub(crate) use cluster::ClusterReconciler;
pub(crate) use error::ReconcileError;
pub(crate) use machine::MachineReconciler;
pub use machine::{MACHINE_MANAGER, RELEASE_FINALIZER};
