//! The error of a reconcile.

use thiserror::Error;

use crate::{api_error::ApiError, provider::ProviderError};

/// The error of a reconcile, which is retried with the object's back-off.
#[derive(Debug, Error)]
pub(crate) enum ReconcileError {
    /// A request to the API server failed.
    #[error("{action}: {error}")]
    Api {
        /// The action, as a participle with its object.
        action: &'static str,
        /// The error of the request.
        error: ApiError,
    },
    /// The provider failed.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// An object from the server lacks a field that each stored object has.
    #[error("reading an object from the server: it has no {field}")]
    MissingField {
        /// The missing field.
        field: &'static str,
    },
}

impl ReconcileError {
    /// Wraps an error of the API in the course of `action`.
    pub(crate) fn api(action: &'static str) -> impl FnOnce(kube::Error) -> Self {
        move |error| Self::Api { action, error: error.into() }
    }

    /// True if the object was stale: nothing is wrong, and a retry reads a newer one.
    pub(crate) fn is_conflict(&self) -> bool {
        match self {
            Self::Api { error, .. } | Self::Provider(ProviderError::Api { error, .. }) => error.is_conflict(),
            Self::Provider(ProviderError::Terminating { .. }) | Self::MissingField { .. } => false,
        }
    }
}
