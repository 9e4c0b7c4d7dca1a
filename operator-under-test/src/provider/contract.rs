//! The contract between the Machine reconciler and a provider of instances.

use std::time::Duration;

use futures::{future::BoxFuture, stream::BoxStream};
use thiserror::Error;

use crate::api_error::ApiError;

/// The identity of a Machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineRef {
    /// The Machine's namespace.
    pub namespace: String,
    /// The Machine's name.
    pub name: String,
    /// The Machine's uid, which tells it from a later Machine of the same name.
    pub uid: String,
}

/// The instance that a Machine needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceRequest {
    /// The Machine that the instance is for.
    pub machine: MachineRef,
    /// The release to run.
    pub version: String,
}

/// The instance of a Machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The provider's id, which is the same for the life of the instance.
    pub id: String,
    /// The release that the instance runs or boots with.
    pub version: String,
    /// The phase of the instance.
    pub phase: InstancePhase,
}

/// The phase of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstancePhase {
    /// The instance boots and will run after this duration.
    Booting(Duration),
    /// The instance runs its version.
    Running,
}

/// The state of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseStatus {
    /// The provider has nothing left of the Machine.
    Complete,
    /// The provider still deletes the instance; the next call is due after this duration.
    InProgress(Duration),
}

/// The Machines whose instance may have changed, as a stream that does not end.
pub type ChangeStream = BoxStream<'static, MachineRef>;

/// A provider of instances.
///
/// All calls must be idempotent, also across a crash of the operator. The state of a provider lives outside the process.
pub trait Provider: Send + Sync + 'static {
    /// Ensures that the Machine has exactly one instance with the requested version.
    ///
    /// Called on each reconcile of a Machine that is not being deleted. Must not wait for the instance to boot.
    fn ensure<'a>(&'a self, request: &'a InstanceRequest) -> BoxFuture<'a, Result<Instance, ProviderError>>;

    /// Ensures that the Machine has no instance.
    ///
    /// Called until it returns [`ReleaseStatus::Complete`]; then the finalizer is removed. A Machine that never had an
    /// instance is complete at once.
    fn release<'a>(&'a self, machine: &'a MachineRef) -> BoxFuture<'a, Result<ReleaseStatus, ProviderError>>;

    /// Watches for changes of instances, in `namespace` or in all.
    ///
    /// A hint that triggers reconciles early; correctness must not depend on it.
    fn changes(&self, namespace: Option<&str>) -> ChangeStream;
}

/// A failure of a provider.
#[derive(Debug, Error)]
pub enum ProviderError {
    /// A request to the API that stores the provider's state failed.
    #[error("{action} instance {id}: {error}")]
    Api {
        /// The action, as a participle.
        action: &'static str,
        /// The instance's id.
        id: String,
        /// The error of the request.
        error: ApiError,
    },
    /// The instance is being deleted by somebody else; it can be created again once it is gone.
    #[error("waiting for instance {id}: somebody else is deleting it")]
    Terminating {
        /// The instance's id.
        id: String,
    },
}
