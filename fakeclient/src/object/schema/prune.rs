//! Pruning of custom resources: fields that a structural schema does not specify, and `null` in non-nullable fields,
//! are dropped.
//!
//! kube-apiserver 1.37 prunes every custom resource that it decodes or converts. `fieldValidation` reports the dropped
//! paths as `unknown field "spec.foo"`. Unknown fields of metadata are dropped elsewhere.

use std::fmt::Write;

use serde_json::Value;

use super::structural::{AdditionalProperties, Structural};
use crate::error::field::FieldError;

const TYPE_AND_META: [&str; 3] = ["apiVersion", "kind", "metadata"];

impl Structural {
    /// Drops unspecified fields of a resource. Returns their paths, sorted.
    pub(crate) fn prune(&self, object: &mut Value) -> Vec<String> {
        let mut walk = Pruner { dropped: Vec::new(), path: String::new() };
        walk.object_of(object, self, true);
        walk.dropped.sort();
        walk.dropped
    }

    /// Decodes a resource: drops unspecified fields and nulls, and decodes embedded resources. Returns the dropped
    /// paths in the server's order.
    pub(crate) fn admit(&self, object: &mut Value) -> Result<Vec<String>, FieldError> {
        let mut dropped = self.prune(object);
        self.drop_nulls(object);
        dropped.extend(self.coerce_embedded(object, "", false)?);
        Ok(dropped)
    }

    /// The same for the result of a server-side apply, but keeps `null`, which is left to the validation.
    pub(crate) fn decode_applied(&self, object: &mut Value) -> Result<(), FieldError> {
        self.prune(object);
        self.coerce_embedded(object, "", false).map(drop)
    }

    /// Drops unspecified fields of a value within a resource, such as a default.
    pub(crate) fn prune_value(&self, value: &mut Value) {
        Pruner { dropped: Vec::new(), path: String::new() }.value(value, Some(self));
    }

    /// Drops `null` from fields that are not nullable and have no default (which replaces it later).
    pub(crate) fn drop_nulls(&self, object: &mut Value) {
        drop_nulls(object, Some(self));
    }

    /// Schema of a field, from `properties` or `additionalProperties`.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        self.properties.get(name).or(match &self.additional {
            AdditionalProperties::Schema(schema) => Some(schema),
            _ => None,
        })
    }
}

struct Pruner {
    dropped: Vec<String>,
    path: String,
}

impl Pruner {
    fn value(&mut self, value: &mut Value, schema: Option<&Structural>) {
        match schema {
            Some(schema) => self.object_of(value, schema, schema.embedded_resource),
            None => self.prune_unspecified(value),
        }
    }

    fn object_of(&mut self, value: &mut Value, schema: &Structural, embedded: bool) {
        if schema.preserve_unknown {
            return self.preserved(value, schema, embedded);
        }
        match value {
            Value::Object(map) => {
                let names: Vec<String> = map.keys().cloned().collect();
                for name in names {
                    let is_meta = TYPE_AND_META.contains(&name.as_str());
                    if embedded && is_meta {
                        continue;
                    }
                    if is_specified(&name, schema) {
                        let child = map.get_mut(&name).expect("the name was just read from the map");
                        self.below(&name, |walk| walk.value(child, schema.field(&name)));
                    } else {
                        if !is_meta || !self.path.is_empty() {
                            self.record(&name);
                        }
                        map.remove(&name);
                    }
                }
            }
            Value::Array(items) => self.items(items, schema.items.as_deref()),
            _ => {}
        }
    }

    /// Within `x-kubernetes-preserve-unknown-fields`, only the values of specified fields are pruned.
    fn preserved(&mut self, value: &mut Value, schema: &Structural, embedded: bool) {
        match value {
            Value::Object(map) => {
                for (name, child) in map.iter_mut() {
                    let is_meta = TYPE_AND_META.contains(&name.as_str());
                    if !(embedded && is_meta) && is_specified(name, schema) {
                        self.below(name, |walk| walk.value(child, schema.field(name)));
                    }
                }
            }
            Value::Array(items) => {
                let Some(item_schema) = schema.items.as_deref() else { return };
                for (index, item) in items.iter_mut().enumerate() {
                    self.at(index, |walk| walk.preserved(item, item_schema, item_schema.embedded_resource));
                }
            }
            _ => {}
        }
    }

    /// A value without a schema: all fields of its objects are dropped.
    fn prune_unspecified(&mut self, value: &mut Value) {
        match value {
            Value::Object(map) => {
                for name in map.keys() {
                    self.record(name);
                }
                map.clear();
            }
            Value::Array(items) => self.items(items, None),
            _ => {}
        }
    }

    fn items(&mut self, items: &mut [Value], schema: Option<&Structural>) {
        for (index, item) in items.iter_mut().enumerate() {
            self.at(index, |walk| walk.value(item, schema));
        }
    }

    fn record(&mut self, name: &str) {
        let dot = if self.path.is_empty() { "" } else { "." };
        self.dropped.push(format!("{}{dot}{name}", self.path));
    }

    fn below(&mut self, name: &str, visit: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        visit(self);
        self.path.truncate(length);
    }

    fn at(&mut self, index: usize, visit: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        _ = write!(self.path, "[{index}]");
        visit(self);
        self.path.truncate(length);
    }
}

fn drop_nulls(value: &mut Value, schema: Option<&Structural>) {
    match value {
        Value::Object(map) => {
            map.retain(|name, child| {
                let child_schema = schema.and_then(|s| s.field(name));
                let dropped =
                    child.is_null() && child_schema.is_some_and(|s| !s.nullable && s.default.is_none());
                if !dropped {
                    drop_nulls(child, child_schema);
                }
                !dropped
            });
        }
        Value::Array(items) => {
            let item_schema = schema.and_then(|s| s.items.as_deref());
            for item in items {
                drop_nulls(item, item_schema);
            }
        }
        _ => {}
    }
}

fn is_specified(name: &str, schema: &Structural) -> bool {
    schema.properties.contains_key(name)
        || matches!(schema.additional, AdditionalProperties::Schema(_) | AdditionalProperties::Allowed(true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(schema: &Value, object: Value, left: &Value, dropped: &[&str]) {
        let schema = Structural::parse(schema);
        let mut object = object;
        assert_eq!(schema.prune(&mut object), dropped);
        assert_eq!(&object, left);
    }

    #[test]
    fn unspecified_fields_are_dropped_and_reported() {
        let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
            "list": {"type": "array", "items": {"type": "object", "properties": {"k": {"type": "string"}}}},
            "bare": {"type": "object"},
        }}}});
        let object = json!({"apiVersion": "a/v1", "kind": "K", "metadata": {"name": "x"}, "extra": {"a": 1},
            "spec": {"list": [{"k": "a", "z": 1}], "bare": {"y": 1}, "foo": 1}});
        let left = json!({"apiVersion": "a/v1", "kind": "K", "metadata": {"name": "x"},
            "spec": {"list": [{"k": "a"}], "bare": {}}});
        check(&schema, object, &left, &["extra", "spec.bare.y", "spec.foo", "spec.list[0].z"]);
    }

    #[test]
    fn preserved_objects_keep_unknown_fields_and_prune_specified_ones() {
        let schema = json!({"type": "object", "properties": {"spec": {"type": "object",
            "x-kubernetes-preserve-unknown-fields": true,
            "properties": {"known": {"type": "object", "properties": {"a": {"type": "string"}}}}}}});
        let object = json!({"spec": {"any": {"b": 1}, "known": {"a": "x", "b": 1}}});
        check(&schema, object, &json!({"spec": {"any": {"b": 1}, "known": {"a": "x"}}}), &["spec.known.b"]);
    }

    #[test]
    fn embedded_resource_keeps_its_type_and_metadata() {
        let schema = json!({"type": "object", "properties": {"template": {"type": "object",
            "x-kubernetes-embedded-resource": true,
            "properties": {"spec": {"type": "object"}}}}});
        let object =
            json!({"template": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "other": 1}});
        let left = json!({"template": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}});
        check(&schema, object, &left, &["template.other"]);
    }

    #[test]
    fn null_remains_only_if_nullable_or_defaulted() {
        let schema = Structural::parse(&json!({"type": "object", "properties": {
            "plain": {"type": "string"}, "nullable": {"type": "string", "nullable": true},
            "defaulted": {"type": "string", "default": "x"},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}));
        let mut object = json!({"plain": null, "nullable": null, "defaulted": null, "free": {"a": null}});
        schema.drop_nulls(&mut object);
        assert_eq!(object, json!({"nullable": null, "defaulted": null, "free": {"a": null}}));
    }
}
