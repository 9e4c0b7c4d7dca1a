//! Defaulting of custom resources: absent fields, and non-nullable fields that are `null`, get the schema's `default`.
//!
//! kube-apiserver 1.37 applies defaults to requests and to objects read from storage. A default needs an existing
//! parent, which may be a default itself.

use serde_json::Value;

use super::structural::{AdditionalProperties, Structural};

impl Structural {
    /// Applies defaults, outermost first.
    pub(crate) fn apply_defaults(&self, value: &mut Value) {
        match value {
            Value::Object(map) => {
                for (name, schema) in &self.properties {
                    let Some(default) = &schema.default else { continue };
                    let absent = map.get(name).is_none_or(|v| v.is_null() && !schema.nullable);
                    if absent {
                        map.insert(name.clone(), default.clone());
                    }
                }
                for (name, child) in map.iter_mut() {
                    if let Some(schema) = self.properties.get(name) {
                        schema.apply_defaults(child);
                    } else if let AdditionalProperties::Schema(schema) = &self.additional {
                        schema.replace_null(child);
                        schema.apply_defaults(child);
                    }
                }
            }
            Value::Array(items) => {
                let Some(schema) = &self.items else { return };
                for item in items {
                    schema.replace_null(item);
                    schema.apply_defaults(item);
                }
            }
            _ => {}
        }
    }

    fn replace_null(&self, value: &mut Value) {
        if value.is_null() && !self.nullable {
            *value = self.default.clone().unwrap_or(Value::Null);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(schema: &Value, object: Value, defaulted: &Value) {
        let mut object = object;
        Structural::parse(schema).apply_defaults(&mut object);
        assert_eq!(&object, defaulted);
    }

    #[test]
    fn default_requires_its_parent() {
        let schema = json!({"type": "object", "properties": {
            "a": {"type": "object", "properties": {"x": {"type": "integer", "default": 1}}},
            "b": {"type": "object", "default": {}, "properties": {"x": {"type": "integer", "default": 2}}}}});
        check(&schema, json!({}), &json!({"b": {"x": 2}}));
        check(&schema, json!({"a": {}, "b": {"x": 5}}), &json!({"a": {"x": 1}, "b": {"x": 5}}));
    }

    #[test]
    fn items_and_map_values_get_defaults() {
        let item = json!({"type": "object", "properties": {"p": {"type": "string", "default": "TCP"}}});
        let schema = json!({"type": "object", "properties": {
            "list": {"type": "array", "items": item}, "map": {"type": "object", "additionalProperties": item}}});
        check(
            &schema,
            json!({"list": [{}, {"p": "UDP"}], "map": {"k": {}}}),
            &json!({"list": [{"p": "TCP"}, {"p": "UDP"}], "map": {"k": {"p": "TCP"}}}),
        );
    }

    #[test]
    fn null_is_replaced_unless_nullable() {
        let schema = json!({"type": "object", "properties": {
            "a": {"type": "string", "default": "x"},
            "b": {"type": "string", "default": "x", "nullable": true}}});
        check(&schema, json!({"a": null, "b": null}), &json!({"a": "x", "b": null}));
    }
}
