//! Conversion between the storage version and the served versions, as in kube-apiserver 1.37.
//!
//! A read object gets the defaults of the storage version. Strategy `None` then changes `apiVersion` and drops fields
//! that the served version's schema does not specify. A written object is pruned by the storage version's schema. A
//! conversion webhook answers 501.

use std::borrow::Cow;

use serde_json::Value;

use crate::error::ApiError;
use crate::object::schema::resource_schema::ResourceSchema;
use crate::registry::resource::Resource;

/// A stored object in the version of `resource`. `storage` is the storage version, if it is served.
pub(crate) fn served<'v>(
    resource: &Resource,
    storage: Option<&Resource>,
    stored: &'v Value,
) -> Result<Cow<'v, Value>, ApiError> {
    let ResourceSchema::Custom { schema } = &resource.schema else {
        if resource.is_storage_version() {
            return Ok(Cow::Borrowed(stored));
        }
        resource.strategy.check_convertible()?;
        let mut value = stored.clone();
        value["apiVersion"] = resource.api_version().into();
        if !resource.strategy.convert_to_served(&mut value)? {
            return Err(not_modelled(resource));
        }
        return Ok(Cow::Owned(value));
    };
    let mut value = stored.clone();
    let own = resource.is_storage_version().then_some(resource);
    if let Some(ResourceSchema::Custom { schema }) = own.or(storage).map(|stored_as| &stored_as.schema) {
        schema.apply_defaults(&mut value);
    }
    if own.is_some() {
        return Ok(if value == *stored { Cow::Borrowed(stored) } else { Cow::Owned(value) });
    }
    resource.strategy.check_convertible()?;
    value["apiVersion"] = resource.api_version().into();
    schema.prune(&mut value);
    schema.drop_nulls(&mut value);
    Ok(Cow::Owned(value))
}

/// An object of `resource` in the storage version.
pub(crate) fn stored(
    resource: &Resource,
    storage: Option<&Resource>,
    mut object: Value,
) -> Result<Value, ApiError> {
    if let ResourceSchema::Custom { schema } = &resource.schema {
        // Null is dropped from fields that are not nullable.
        schema.drop_nulls(&mut object);
    }
    if resource.is_storage_version() {
        return Ok(object);
    }
    resource.strategy.check_convertible()?;
    let (group, version) = (&resource.storage.group, &resource.storage.version);
    object["apiVersion"] =
        if group.is_empty() { version.clone() } else { format!("{group}/{version}") }.into();
    if let Some(ResourceSchema::Custom { schema }) = storage.map(|stored_as| &stored_as.schema) {
        schema.prune(&mut object);
        return Ok(object);
    }
    if resource.is_builtin() && !resource.strategy.convert_to_stored(&mut object)? {
        return Err(not_modelled(resource));
    }
    Ok(object)
}

fn not_modelled(resource: &Resource) -> ApiError {
    ApiError::not_modelled(&format!("{} in {}", resource.kind, resource.api_version()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::custom::resources::resources;
    use serde_json::json;

    fn second_version(strategy: &str) -> Resource {
        let field = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
            "b": {"type": "string", "default": "x"}}}}});
        let definition = json!({"spec": {"group": "t.example.com", "names": {"plural": "things", "kind": "Thing"},
            "conversion": {"strategy": strategy},
            "versions": [{"name": "v1", "storage": true},
                {"name": "v2", "served": true, "schema": {"openAPIV3Schema": field}}]}});
        resources(&definition).remove(0)
    }

    #[test]
    fn conversion_without_webhook_sets_version_and_prunes() {
        let object = json!({"apiVersion": "t.example.com/v1", "kind": "Thing", "spec": {"a": 1}});
        let served = served(&second_version("None"), None, &object).unwrap();
        assert_eq!(*served, json!({"apiVersion": "t.example.com/v2", "kind": "Thing", "spec": {}}));
    }

    #[test]
    fn conversion_webhook_is_not_modelled() {
        let object = json!({"apiVersion": "t.example.com/v1", "kind": "Thing"});
        let error = served(&second_version("Webhook"), None, &object).unwrap_err();
        assert_eq!(error.code, 501);
        assert!(error.message.contains("conversion webhooks"));
    }
}
