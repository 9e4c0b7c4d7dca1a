//! Why a reconcile did not finish.

use thiserror::Error;

use crate::{answer::Answer, provider::ProviderError};

/// Why a reconcile did not finish. It is tried again after the object's back-off.
#[derive(Debug, Error)]
pub(crate) enum ReconcileError {
    /// The API refused or could not be reached.
    #[error("{action}: {answer}")]
    Api {
        /// What was being done, as a participle with its object.
        action: &'static str,
        /// What the API said.
        answer: Answer,
    },
    /// The provider could not do what it was asked.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The server sent an object without something that every stored object has.
    #[error("reading an object from the server: it has no {field}")]
    Incomplete {
        /// What is missing.
        field: &'static str,
    },
}

impl ReconcileError {
    /// An error of the API while doing `action`.
    pub(crate) fn api(action: &'static str) -> impl FnOnce(kube::Error) -> Self {
        move |error| Self::Api { action, answer: error.into() }
    }

    /// Whether somebody else wrote first: nothing is wrong, what was read is only old.
    pub(crate) fn is_conflict(&self) -> bool {
        match self {
            Self::Api { answer, .. } | Self::Provider(ProviderError::Api { answer, .. }) => {
                answer.is_conflict()
            }
            Self::Provider(ProviderError::GoingAway { .. }) | Self::Incomplete { .. } => false,
        }
    }
}
