//! The contract of one admission plugin.

use futures::future::BoxFuture;
use serde_json::Value;

use crate::error::ApiError;

use super::attributes::Attributes;

/// A rule that looks at writes before (`admit`) or after (`validate`) they are completed. It reads what is stored
/// through the attributes and has no state of its own.
pub(crate) trait Plugin: Send + Sync + std::fmt::Debug {
    /// May change the object. Called before the strategy and the defaults; the object is the client's.
    fn admit(&self, _attributes: &Attributes<'_>, _object: &mut Value) -> Result<(), ApiError> {
        Ok(())
    }

    /// May refuse the object, which is complete and valid by now.
    fn validate(&self, _attributes: &Attributes<'_>, _object: &Value) -> Result<(), ApiError> {
        Ok(())
    }
}

/// A plugin that asks somebody outside: a webhook's server. Its methods are called as those of [`Plugin`].
pub(crate) trait RemotePlugin: Send + Sync + std::fmt::Debug {
    /// May change the object.
    fn admit<'a>(
        &'a self,
        _attributes: &'a Attributes<'_>,
        _object: &'a mut Value,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async { Ok(()) })
    }

    /// May refuse the object.
    fn validate<'a>(
        &'a self,
        _attributes: &'a Attributes<'_>,
        _object: &'a Value,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        Box::pin(async { Ok(()) })
    }
}
