//! Between the version that is stored and the one that is served.
//!
//! A custom resource with strategy `None` changes `apiVersion` and then loses and gains what the schema it comes to
//! says, as kube-apiserver 1.37 does on every read and write across versions. A conversion webhook is not modelled and
//! says so.

use std::borrow::Cow;

use serde_json::Value;

use super::conversion_builtin;
use super::resource::{Resource, Shape};
use crate::error::ApiError;

/// A stored object as `resource` serves it.
pub(crate) fn served<'v>(resource: &Resource, stored: &'v Value) -> Result<Cow<'v, Value>, ApiError> {
    if resource.is_storage_version() {
        return Ok(Cow::Borrowed(stored));
    }
    resource.strategy.converts()?;
    let mut value = stored.clone();
    value["apiVersion"] = resource.api_version().into();
    match &resource.shape {
        Shape::Custom { schema } => {
            schema.prune(&mut value);
            schema.drop_nulls(&mut value);
            schema.apply_defaults(&mut value);
        }
        Shape::Builtin { .. } => conversion_builtin::served(resource, &mut value)?,
    }
    Ok(Cow::Owned(value))
}

/// An object of `resource` as it is stored.
pub(crate) fn stored(resource: &Resource, mut object: Value) -> Result<Value, ApiError> {
    if !resource.is_storage_version() {
        resource.strategy.converts()?;
        let (group, version) = (&resource.storage.group, &resource.storage.version);
        object["apiVersion"] =
            if group.is_empty() { version.clone() } else { format!("{group}/{version}") }.into();
        conversion_builtin::stored(resource, &mut object)?;
    }
    Ok(object)
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
    fn without_a_webhook_the_version_changes_and_the_schema_applies() {
        let object = json!({"apiVersion": "t.example.com/v1", "kind": "Thing", "spec": {"a": 1}});
        let served = served(&second_version("None"), &object).unwrap();
        assert_eq!(*served, json!({"apiVersion": "t.example.com/v2", "kind": "Thing", "spec": {"b": "x"}}));
    }

    #[test]
    fn a_webhook_is_not_modelled() {
        let object = json!({"apiVersion": "t.example.com/v1", "kind": "Thing"});
        let error = served(&second_version("Webhook"), &object).unwrap_err();
        assert_eq!(error.code, 501);
        assert!(error.message.contains("conversion webhooks"));
    }
}
