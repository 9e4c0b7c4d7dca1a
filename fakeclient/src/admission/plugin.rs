//! The traits of admission plugins.

use futures::future::BoxFuture;
use serde_json::Value;

use crate::error::ApiError;

use super::attributes::Attributes;
use super::webhook::reinvocation::Reinvocation;

/// An admission plugin that runs in this process. It reads stored objects through the attributes and has no state.
pub(crate) trait Plugin: Send + Sync + std::fmt::Debug {
    /// The mutating step. Called before the strategy, with the object as the client sent it, decoded and defaulted.
    fn admit(&self, _attributes: &Attributes<'_>, _object: &mut Value) -> Result<(), ApiError> {
        Ok(())
    }

    /// The validating step. Called with the complete and valid object.
    fn validate(&self, _attributes: &Attributes<'_>, _object: &Value) -> Result<(), ApiError> {
        Ok(())
    }
}

/// An admission plugin that calls a server outside the cluster: a webhook. Its steps have the order of [`Plugin`]'s.
pub(crate) trait RemotePlugin: Send + Sync + std::fmt::Debug {
    /// The mutating step.
    fn admit<'a>(
        &'a self,
        _attributes: &'a Attributes<'_>,
        _object: &'a mut Value,
        _rounds: &'a mut Reinvocation,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async { Ok(()) })
    }

    /// The validating step.
    fn validate<'a>(
        &'a self,
        _attributes: &'a Attributes<'_>,
        _object: &'a Value,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async { Ok(()) })
    }
}
