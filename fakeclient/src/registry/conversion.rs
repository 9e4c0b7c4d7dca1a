//! An object from one version of its resource to another.
//!
//! Strategy `None` changes `apiVersion` and then prunes by the schema it comes to, as kube-apiserver 1.37 does on every
//! read and write across versions. A conversion webhook is not modelled and says so.

use serde_json::Value;

use crate::error::ApiError;
use crate::registry::resource::{Resource, Shape};

/// How a definition converts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conversion {
    /// `None`: the fields stay as they are.
    None,
    /// `Webhook`
    Webhook,
}

impl Conversion {
    /// What a stored definition says.
    pub(crate) fn of(definition: &Value) -> Self {
        match definition.pointer("/spec/conversion/strategy").and_then(Value::as_str) {
            Some("Webhook") => Self::Webhook,
            _ => Self::None,
        }
    }

    /// Brings an object to the version of `target`, with that version's pruning and defaults.
    pub(crate) fn convert(self, object: &mut Value, target: &Resource) -> Result<(), ApiError> {
        let wanted = target.api_version();
        if object.get("apiVersion").and_then(Value::as_str) == Some(wanted.as_str()) {
            return Ok(());
        }
        if self == Self::Webhook {
            return Err(ApiError::not_modelled("conversion webhooks"));
        }
        if let Some(map) = object.as_object_mut() {
            map.insert("apiVersion".to_owned(), wanted.into());
        }
        if let Shape::Custom { schema } = &target.shape {
            schema.prune(object);
            schema.drop_nulls(object);
            schema.apply_defaults(object);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::custom::resources::resources;
    use serde_json::json;

    fn second_version() -> Resource {
        let field = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
            "b": {"type": "string", "default": "x"}}}}});
        let definition = json!({"spec": {"group": "t.example.com", "names": {"plural": "things", "kind": "Thing"},
            "versions": [{"name": "v2", "served": true, "schema": {"openAPIV3Schema": field}}]}});
        resources(&definition).remove(0)
    }

    #[test]
    fn without_a_webhook_the_version_changes_and_the_schema_applies() {
        let mut object = json!({"apiVersion": "t.example.com/v1", "kind": "Thing", "spec": {"a": 1}});
        Conversion::None.convert(&mut object, &second_version()).unwrap();
        assert_eq!(object, json!({"apiVersion": "t.example.com/v2", "kind": "Thing", "spec": {"b": "x"}}));
    }

    #[test]
    fn a_webhook_is_not_modelled() {
        let mut object = json!({"apiVersion": "t.example.com/v1", "kind": "Thing"});
        let error = Conversion::Webhook.convert(&mut object, &second_version()).unwrap_err();
        assert_eq!(error.code, 501);
        assert!(error.message.contains("conversion webhooks"));
    }
}
