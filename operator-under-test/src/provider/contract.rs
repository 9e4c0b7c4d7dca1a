//! What the Machine reconciler may ask of a provider, and what it may rely on.
//!
//! Knows nothing of any particular provider, nor of Machine objects beyond who they are.

use std::time::Duration;

use futures::{future::BoxFuture, stream::BoxStream};
use thiserror::Error;

use crate::answer::Answer;

/// Which Machine an instance is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineRef {
    /// The Machine's namespace.
    pub namespace: String,
    /// The Machine's name.
    pub name: String,
    /// The Machine's uid: a later Machine of the same name is another one.
    pub uid: String,
}

/// What a Machine asks its provider for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceRequest {
    /// Who asks.
    pub machine: MachineRef,
    /// The release to run.
    pub version: String,
}

/// What the provider has for a Machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The provider's own name for it; stays the same as long as the instance lives.
    pub id: String,
    /// The release that it runs or is coming up with.
    pub version: String,
    /// How far it is.
    pub progress: Progress,
}

/// How far an instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It comes up; asking again before this much time has passed is of no use.
    Booting(Duration),
    /// It is up and runs its version.
    Running,
}

/// How far a release is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// Nothing of the Machine is left with the provider.
    Done,
    /// The provider is still taking it down; ask again after this much time.
    Underway(Duration),
}

/// Machines whose instance may have changed. It never ends by itself.
pub type Changes = BoxStream<'static, MachineRef>;

/// Where instances come from.
///
/// Every call may be repeated at any time, after any crash, and must then lead to the same end. What a
/// provider needs to remember it keeps outside this process.
pub trait Provider: Send + Sync + 'static {
    /// Sees to it that the Machine has exactly one instance with the version asked for, and says how far it
    /// is.
    ///
    /// Called on every reconcile of a Machine that is to live. Must not wait for the instance to come up.
    fn ensure<'a>(&'a self, request: &'a InstanceRequest) -> BoxFuture<'a, Result<Instance, ProviderError>>;

    /// Sees to it that the Machine has no instance.
    ///
    /// Called until it answers [`Release::Done`]; only then does the Machine go away. A Machine that never
    /// had an instance is done at once.
    fn release<'a>(&'a self, machine: &'a MachineRef) -> BoxFuture<'a, Result<Release, ProviderError>>;

    /// Says which Machines to look at again, in `namespace` or everywhere.
    ///
    /// A hint that saves polling: nothing may be wrong, only later, if it stays silent.
    fn changes(&self, namespace: Option<&str>) -> Changes;
}

/// Why a provider could not do what it was asked.
#[derive(Debug, Error)]
pub enum ProviderError {
    /// The API that holds the provider's state refused or could not be reached.
    #[error("{action} instance {id}: {answer}")]
    Api {
        /// What was being done, as a participle.
        action: &'static str,
        /// The instance concerned.
        id: String,
        /// What the API said.
        answer: Answer,
    },
    /// The instance is on its way out by somebody else's hand; a new one can be made when it is gone.
    #[error("waiting for instance {id}: somebody else is deleting it")]
    GoingAway {
        /// The instance concerned.
        id: String,
    },
}
