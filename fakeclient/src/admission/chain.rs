//! The plugins in the order in which the server asks them.

use serde_json::Value;

use super::attributes::{Attributes, Operation};
use crate::error::ApiError;

/// The default plugins of kube-apiserver, without ServiceAccount.
#[derive(Debug, Default)]
pub(crate) struct Chain;

impl Chain {
    /// Plugins that may change the object.
    pub(crate) fn admit(&self, attributes: &Attributes<'_>, _object: &mut Value) -> Result<(), ApiError> {
        if attributes.operation == Operation::Create && attributes.resource.namespaced {
            if attributes.peers.get("namespaces", "", attributes.namespace).is_none() {
                return Err(ApiError::not_found("", "namespaces", attributes.namespace));
            }
        }
        Ok(())
    }

    /// Plugins that may only refuse.
    pub(crate) fn validate(&self, _attributes: &Attributes<'_>, _object: &Value) -> Result<(), ApiError> {
        Ok(())
    }
}
