//! Between the version that is stored and the one that is served.

use std::borrow::Cow;

use serde_json::Value;

use super::resource::Resource;
use crate::error::ApiError;

/// A stored object as `resource` serves it.
pub(crate) fn served<'v>(resource: &Resource, stored: &'v Value) -> Result<Cow<'v, Value>, ApiError> {
    if resource.is_storage_version() {
        return Ok(Cow::Borrowed(stored));
    }
    let mut value = stored.clone();
    value["apiVersion"] = resource.api_version().into();
    Ok(Cow::Owned(value))
}

/// An object of `resource` as it is stored.
pub(crate) fn stored(resource: &Resource, mut object: Value) -> Result<Value, ApiError> {
    if !resource.is_storage_version() {
        let (group, version) = (&resource.storage.group, &resource.storage.version);
        object["apiVersion"] =
            if group.is_empty() { version.clone() } else { format!("{group}/{version}") }.into();
    }
    Ok(object)
}
