//! One reconciler per kind, and what they share.

mod cluster;
mod machine;

mod backoff;
mod children;
mod error;

pub(crate) use backoff::{ObjectBackoff, WatchBackoff};
pub(crate) use cluster::ClusterReconciler;
pub(crate) use error::ReconcileError;
pub(crate) use machine::MachineReconciler;
pub use machine::RELEASE_FINALIZER;
