//! Conversion of built-in kinds between the storage version and the served versions, by their strategies. What a
//! strategy does not convert answers 501.

use std::borrow::Cow;

use serde_json::Value;

use crate::error::ApiError;
use crate::registry::resource::Resource;

/// A stored object in the version of `resource`.
pub(crate) fn served<'v>(resource: &Resource, stored: &'v Value) -> Result<Cow<'v, Value>, ApiError> {
    if resource.is_storage_version() {
        return Ok(Cow::Borrowed(stored));
    }
    let mut value = stored.clone();
    value["apiVersion"] = resource.api_version().into();
    if resource.strategy.convert_to_served(&mut value)? {
        Ok(Cow::Owned(value))
    } else {
        Err(not_modelled(resource))
    }
}

/// An object of `resource` in the storage version.
pub(crate) fn stored(resource: &Resource, mut object: Value) -> Result<Value, ApiError> {
    if resource.is_storage_version() {
        return Ok(object);
    }
    let (group, version) = (&resource.storage.group, &resource.storage.version);
    object["apiVersion"] =
        if group.is_empty() { version.clone() } else { format!("{group}/{version}") }.into();
    if resource.strategy.convert_to_stored(&mut object)? { Ok(object) } else { Err(not_modelled(resource)) }
}

fn not_modelled(resource: &Resource) -> ApiError {
    ApiError::not_modelled(&format!("{} in {}", resource.kind, resource.api_version()))
}
